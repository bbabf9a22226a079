//! A bar: random histories of sign-offs, compared with a small model after every step. No release
//! starts without a valid quorum of distinct people, and the states agree.
//!
//! `TIDEGATE_BAR=full` runs 10,000 of them, as before an issue is resolved; `TIDEGATE_SEED` repeats
//! one run.

mod model;
mod stage;

use model::{Mode, Person};
use stage::{GROUPS, PEOPLE, Stage};

/// Chance that can be repeated (SplitMix64).
pub struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most as u64).unwrap()
    }
    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// How many histories: a few per cent of the full size on every run.
fn size() -> usize {
    match std::env::var("TIDEGATE_BAR").as_deref() {
        Ok("full") => 10_000,
        _ if cfg!(debug_assertions) => 200,
        _ => 600,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_random_history_starts_without_a_valid_quorum_and_the_states_agree() {
    let seed = std::env::var("TIDEGATE_SEED").ok().map_or_else(
        || u64::from_le_bytes(tidegate::random::Random.bytes()),
        |seed| seed.parse().expect("TIDEGATE_SEED is a number"),
    );
    println!("seed {seed}, {} histories", size());
    let mut stage = Stage::set(Dice(seed)).await;
    let mut started = 0;
    for history in 0..size() {
        stage.begin(history).await;
        let steps = 8 + stage.dice.below(18);
        for _ in 0..steps {
            step(&mut stage).await;
            stage.compare().await;
            if !stage.world.open(&stage.release) {
                break;
            }
        }
        started += usize::from(stage.release.started);
        stage.end().await;
    }
    println!("{started} of {} started", size());
    assert!(started > size() / 20, "histories that never come to a start show nothing");
}

async fn step(stage: &mut Stage) {
    let person: Person = stage.dice.below(PEOPLE);
    match stage.dice.below(28) {
        0..=8 => stage.sign(person).await,
        9 => stage.sign_stale(person).await,
        10 if stage.dice.one_in(3) => stage.reject(person).await,
        10..=12 => stage.start_by_hand().await,
        13..=15 => stage.start_by_clock().await,
        16..=18 => {
            let group = stage.dice.below(GROUPS);
            let by = stage.dice.of(&stage::ADMINISTRATORS);
            stage.regroup(by, group, person).await;
        }
        19 => stage.toggle(person).await,
        20 => stage.change_rules().await,
        21 => stage.move_window().await,
        22 if stage.dice.one_in(3) => stage.cancel_window().await,
        22 => stage.evidence().await,
        23 => stage.rename(person).await,
        24..=26 => {
            let minutes = stage.dice.of(&[1, 7, 30, 59, 60, 61, 120, 300]);
            stage.pass(minutes);
        }
        _ => stage.plan().await,
    }
    // Mostly the portal plans at once.
    if !stage.release.planned && !stage.dice.one_in(3) {
        stage.compare().await;
        stage.plan().await;
    }
}

fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::ByHand => "by_hand",
        Mode::AtOpening => "at_opening",
        Mode::WhenSigned => "when_signed",
    }
}
