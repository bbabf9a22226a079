//! The executor by itself: a plan, an epoch, and a journal that is a list. No portal and no store,
//! as an agent will use it.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate::clock::Clock;
use tidegate::cluster::connect::Connection;
use tidegate::cluster::execute::{self, Job, Journal, Signal, Stopped};
use tidegate::cluster::{kubeconfig, observe};
use tidegate::domain::address::AddressAllowance;
use tidegate::domain::deployment::{JournalEvent, Outcome, TargetState, Verdict};
use tidegate::domain::id::{DeploymentId, ReleaseNumber};
use tidegate::domain::image::ImageRef;
use tidegate::domain::time::Timestamp;
use tidegate::practice::Fault;
use tidegate::random::Random;
use tidegate::text;
use tokio::sync::watch;

use crate::connection::target;
use crate::support::ground::{Ground, History, Place};
use crate::support::images;

/// A journal in memory, which another worker may take away after so many lines.
#[derive(Default)]
struct Memory {
    lines: Mutex<Vec<(Timestamp, JournalEvent)>>,
    most: Option<usize>,
}

impl Journal for Memory {
    async fn keep(&self, event: JournalEvent) -> Result<(), Stopped> {
        let mut lines = self.lines.lock().unwrap();
        if self.most.is_some_and(|most| lines.len() >= most) {
            return Err(Stopped::Lost);
        }
        lines.push((Timestamp::from(chrono::Utc::now()), event));
        Ok(())
    }
}

impl Memory {
    fn lines(&self) -> Vec<(Timestamp, JournalEvent)> {
        self.lines.lock().unwrap().clone()
    }
}

/// A workload on a practice cluster, and a job for it.
struct Bench {
    place: Place,
    connection: Connection,
    history: History,
    job: Job,
    to: String,
}

impl Bench {
    async fn new(digest: &str) -> Self {
        Self::with(digest, |_| ()).await
    }

    async fn with(digest: &str, change: impl FnOnce(&mut Value)) -> Self {
        let ground = Ground::practice().await;
        let place = ground.place("shop").await;
        let before = format!("r.example/a@{}", images::good("before"));
        place.deploy("web", &before, change).await;
        let now = Timestamp::from(chrono::Utc::now());
        let upload = ground.kubeconfig();
        let credential = kubeconfig::read(upload.as_bytes(), None, AddressAllowance::LOCAL, now).unwrap();
        let connection = Connection::new(&credential, AddressAllowance::LOCAL).unwrap();
        let to = format!("r.example/a@{digest}");
        let image = ImageRef::find(&to).unwrap();
        let plan = observe::plan(&connection, &[target(&place.namespace)], &image).await.unwrap();
        let history = place.history("web").await;
        let job = Job {
            deployment: DeploymentId(7),
            release: ReleaseNumber(42),
            started: now,
            epoch: 1,
            plan,
            history: Vec::new(),
            deadline_seconds: Some(30),
            watch_seconds: 0,
            window_ends: None,
        };
        Self { place, connection, history, job, to }
    }

    async fn run(&self, job: &Job, journal: &Memory) -> Result<Outcome, Stopped> {
        let (_keep, signal) = watch::channel(Signal::Run);
        self.run_with(job, journal, signal).await
    }

    async fn run_with(&self, job: &Job, journal: &Memory, signal: watch::Receiver<Signal>) -> Result<Outcome, Stopped> {
        execute::execute(&self.connection, job, journal, &Clock::system(), Random, signal).await
    }

    /// The job of the next worker, who finds these lines.
    fn next(&self, epoch: i64, history: &[(Timestamp, JournalEvent)]) -> Job {
        Job { epoch, history: history.to_vec(), ..self.job.clone() }
    }
}

fn names(lines: &[(Timestamp, JournalEvent)]) -> Vec<String> {
    let name = |event: &JournalEvent| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned();
    let mut names: Vec<String> = lines.iter().map(|(_, event)| name(event)).collect();
    names.dedup();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_last_worker_managed_to_write_down_the_next_one_comes_to_the_same_end() {
    let bench = Bench::new(&images::good("after")).await;
    let journal = Memory::default();
    let outcome = bench.run(&bench.job, &journal).await.unwrap();
    assert_eq!(outcome.verdict, Verdict::Succeeded);
    let lines = journal.lines();
    let names = names(&lines);
    assert_eq!(names.first().map(String::as_str), Some("writing"));
    assert_eq!(names.last().map(String::as_str), Some("target_ended"));
    // The cluster holds the write; the journal holds less and less of it.
    for kept in (0..=lines.len()).rev() {
        let again = Memory::default();
        let job = bench.next(2, &lines[..kept]);
        assert_eq!(bench.run(&job, &again).await.unwrap(), outcome, "after {kept} of {} lines", lines.len());
        assert_eq!(bench.history.spec_changes().await, 1);
    }
    assert_eq!(bench.history.writes_of_ours(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_write_it_down_does_not_do_it() {
    let bench = Bench::new(&images::good("after")).await;
    let journal = Memory { most: Some(0), ..Memory::default() };
    assert_eq!(bench.run(&bench.job, &journal).await, Err(Stopped::Lost));
    assert_eq!(bench.history.writes_of_ours(), Some(0));
    // Announced and not done: the next one does it.
    let journal = Memory { most: Some(1), ..Memory::default() };
    assert_eq!(bench.run(&bench.job, &journal).await, Err(Stopped::Lost));
    let next = bench.next(2, &journal.lines());
    assert_eq!(bench.run(&next, &Memory::default()).await.unwrap().verdict, Verdict::Succeeded);
    assert_eq!(bench.history.spec_changes().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_who_both_think_it_is_theirs_write_once() {
    let bench = Bench::new(&images::good("after")).await;
    let (one, two) = (Memory::default(), Memory::default());
    let (first, second) = (bench.job.clone(), bench.next(2, &[]));
    let (first, second) = tokio::join!(bench.run(&first, &one), bench.run(&second, &two));
    assert_eq!(first.unwrap().verdict, Verdict::Succeeded);
    assert_eq!(second.unwrap().verdict, Verdict::Succeeded);
    assert_eq!(bench.history.spec_changes().await, 1);
    assert_eq!(bench.history.writes_of_ours(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_end_it_ends_at_once_and_leaves_the_rest_to_the_next() {
    let bench = Bench::new(&images::slow("after")).await;
    let journal = Memory::default();
    let (tell, signal) = watch::channel(Signal::Run);
    let work = bench.run_with(&bench.job, &journal, signal);
    let told = async {
        while !names(&journal.lines()).contains(&"progress".to_owned()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tell.send_replace(Signal::ShutDown);
        tokio::time::Instant::now()
    };
    let (ended, told) = tokio::join!(work, told);
    assert_eq!(ended, Err(Stopped::ShuttingDown));
    assert!(told.elapsed() < Duration::from_secs(1));
    let next = bench.next(2, &journal.lines());
    assert_eq!(bench.run(&next, &Memory::default()).await.unwrap().verdict, Verdict::Succeeded);
    assert_eq!(bench.history.spec_changes().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_somebody_undid_while_nobody_looked_is_not_made_again() {
    let bench = Bench::new(&images::good("after")).await;
    let journal = Memory::default();
    bench.run(&bench.job, &journal).await.unwrap();
    let before = format!("r.example/a@{}", images::good("before"));
    bench.place.set_image("web", &before).await;
    for kept in 1..journal.lines().len() {
        let next = bench.next(2, &journal.lines()[..kept]);
        let outcome = bench.run(&next, &Memory::default()).await.unwrap();
        assert_eq!(outcome.verdict, Verdict::NeedsAttention, "{outcome:?}");
    }
    assert_eq!(bench.place.image("web").await, before);
    assert_eq!(bench.history.spec_changes().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_nobody_carried_out_in_time_is_not_carried_out_later() {
    let bench = Bench::new(&images::good("after")).await;
    let hour = chrono::TimeDelta::hours(1);
    let job = Job { started: bench.job.started.minus(hour), epoch: 2, ..bench.job.clone() };
    let outcome = bench.run(&job, &Memory::default()).await.unwrap();
    assert_eq!((outcome.verdict, outcome.targets[0].state), (Verdict::Failed, TargetState::Untouched));
    assert_eq!(outcome.reasons, [text!("too-late-to-write")]);
    assert_eq!(bench.history.writes_of_ours(), Some(0));
    // Nor is one that was announced an hour ago; and no write of then can arrive any more.
    let writing =
        JournalEvent::Writing { target: bench.job.plan.targets().into_iter().next().unwrap(), rollouts: Some(1) };
    let job = Job { history: vec![(job.started, writing)], epoch: 3, ..job };
    let outcome = bench.run(&job, &Memory::default()).await.unwrap();
    assert_eq!((outcome.verdict, outcome.targets[0].state), (Verdict::Failed, TargetState::Untouched));
    assert_eq!(bench.history.spec_changes().await, 0);
    assert_eq!(bench.history.writes_of_ours(), Some(1), "the fence");
}

/// A window that has ended starts nothing; what is running goes on.
#[tokio::test(flavor = "multi_thread")]
async fn after_the_windows_end_nothing_is_begun_and_what_was_begun_goes_on() {
    let bench = Bench::new(&images::good("after")).await;
    let end = bench.job.started;
    let job = Job { window_ends: Some(end), ..bench.job.clone() };
    let outcome = bench.run(&job, &Memory::default()).await.unwrap();
    assert_eq!((outcome.verdict, outcome.targets[0].state), (Verdict::Cancelled, TargetState::Untouched));
    assert_eq!(outcome.reasons, [text!("window-ended-before-write", at = end)]);
    assert!(!outcome.drifted);
    assert_eq!(bench.history.writes_of_ours(), Some(0));
    // One that was announced, and of which nothing is to be seen, is called back.
    let writing =
        JournalEvent::Writing { target: bench.job.plan.targets().into_iter().next().unwrap(), rollouts: Some(1) };
    let next = Job { history: vec![(job.started, writing)], epoch: 2, ..job.clone() };
    assert_eq!(bench.run(&next, &Memory::default()).await.unwrap(), outcome);
    assert_eq!((bench.history.spec_changes().await, bench.history.writes_of_ours()), (0, Some(1)), "the fence");
    // One that is there is followed to its end.
    let journal = Memory::default();
    assert_eq!(bench.run(&bench.job, &journal).await.unwrap().verdict, Verdict::Succeeded);
    let written = journal.lines().iter().position(|(_, event)| matches!(event, JournalEvent::Written { .. })).unwrap();
    let next = Job { window_ends: Some(end), ..bench.next(3, &journal.lines()[..=written]) };
    assert_eq!(bench.run(&next, &Memory::default()).await.unwrap().verdict, Verdict::Succeeded);
    assert_eq!(bench.history.spec_changes().await, 1);
}

/// A clock that is set back or forth while the job is away only makes it more or less patient.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_set_back_between_two_workers_makes_no_difference() {
    let bench = Bench::new(&images::good("after")).await;
    let later = bench.job.started.plus(chrono::TimeDelta::hours(5));
    let job = Job { started: later, ..bench.job.clone() };
    let outcome = bench.run(&job, &Memory::default()).await.unwrap();
    assert_eq!(outcome.verdict, Verdict::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_way_to_the_cluster_it_says_what_it_knows() {
    let bench = Bench::new(&images::good("after")).await;
    let why = text!("cluster-no-credential");
    let outcome = execute::without_connection(&bench.job, &why);
    assert_eq!((outcome.verdict, outcome.targets[0].state), (Verdict::Failed, TargetState::Untouched));
    let journal = Memory::default();
    let done = bench.run(&bench.job, &journal).await.unwrap();
    let lines = journal.lines();
    let outcome = execute::without_connection(&bench.next(2, &lines[..1]), &why);
    assert_eq!((outcome.verdict, outcome.targets[0].state), (Verdict::NeedsAttention, TargetState::Unknown));
    assert_eq!(execute::without_connection(&bench.next(2, &lines), &why), done);
}

/// The history of a drift or a cancellation that was written down, and no end: the end is the same.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_was_written_down_is_the_end_whatever_the_cluster_holds_by_now() {
    let bench = Bench::new(&images::good("after")).await;
    let other = format!("r.example/a@{}", images::good("other"));
    bench.place.set_image("web", &other).await;
    let journal = Memory::default();
    let drifted = bench.run(&bench.job, &journal).await.unwrap();
    assert!(drifted.drifted);
    let before = format!("r.example/a@{}", images::good("before"));
    bench.place.set_image("web", &before).await;
    let next = bench.next(2, &journal.lines());
    assert_eq!(bench.run(&next, &Memory::default()).await.unwrap(), drifted);

    let journal = Memory::default();
    let (_keep, signal) = watch::channel(Signal::Cancel);
    let cancelled = bench.run_with(&bench.job, &journal, signal).await.unwrap();
    assert_eq!(cancelled.verdict, Verdict::Cancelled);
    let next = bench.next(2, &journal.lines());
    assert_eq!(bench.run(&next, &Memory::default()).await.unwrap(), cancelled);
    assert_eq!(bench.history.writes_of_ours(), Some(0));
}

/// A watch that has fallen silent makes no success: before it is said, the cluster is asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_watch_does_not_make_a_success() {
    let mut bench = Bench::new(&images::good("after")).await;
    bench.job.watch_seconds = 2;
    bench.job.deadline_seconds = Some(10);
    let journal = Memory::default();
    let work = bench.run(&bench.job, &journal);
    let disturb = async {
        while !names(&journal.lines()).contains(&"watching".to_owned()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // From here on the cluster says nothing, and then that it is in trouble, for good.
        bench.place.ground.freeze().await;
    };
    let (outcome, ()) = tokio::join!(work, disturb);
    let outcome = outcome.unwrap();
    assert_eq!((outcome.verdict, outcome.targets[0].state), (Verdict::NeedsAttention, TargetState::Unknown));
    bench.place.ground.thaw().await;
}

/// What a watch has lost, a look finds.
#[tokio::test(flavor = "multi_thread")]
async fn watches_that_are_told_nothing_are_made_up_for_by_looks() {
    let bench = Bench::new(&images::good("after")).await;
    let watches = |asked: &tidegate::practice::Asked, _: &str| {
        asked.verb == "watch" && asked.target.as_ref().is_some_and(|target| target.resource == "deployments")
    };
    let late = Fault::Delay(Duration::from_secs(60));
    bench.place.ground.bench().unwrap().faults().inject(usize::MAX, late, watches);
    let begun = tokio::time::Instant::now();
    let outcome = bench.run(&bench.job, &Memory::default()).await.unwrap();
    assert_eq!(outcome.verdict, Verdict::Succeeded);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(bench.history.images().await.last(), Some(&bench.to));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_controllers_own_deadline_is_enough_when_the_policy_names_none() {
    let short = |object: &mut Value| object["spec"]["progressDeadlineSeconds"] = json!(1);
    let mut bench = Bench::with(&images::never_ready("after"), short).await;
    bench.job.deadline_seconds = None;
    let begun = tokio::time::Instant::now();
    let outcome = bench.run(&bench.job, &Memory::default()).await.unwrap();
    assert_eq!(outcome.verdict, Verdict::Failed);
    assert!(outcome.reasons.iter().any(|text| text.key == "failing-progress-deadline"), "{outcome:?}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}
