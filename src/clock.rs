//! Time, handed in. Nothing else in the crate asks the system for it (`clippy.toml` forbids it), so
//! that a test moves time when it says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::watch;

use crate::domain::time::Timestamp;

/// Where the portal's parts get the time from.
#[derive(Clone)]
pub struct Clock(Arc<Kind>);

/// A point in time that only says how long something has taken, however the system's clock is set
/// meanwhile. It means nothing in another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Steady(Duration);

impl Steady {
    /// This much later.
    pub fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }
    /// Time from `earlier` to this; nothing when this is earlier.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

enum Kind {
    System {
        began: tokio::time::Instant,
    },
    /// Goes as the system's does, so many microseconds after it.
    Behind {
        began: tokio::time::Instant,
        by: AtomicI64,
    },
    Manual {
        now: AtomicI64,
        moved: watch::Sender<()>,
    },
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Arc::new(Kind::System { began: tokio::time::Instant::now() }))
    }

    /// A clock that stands still until it is moved.
    pub fn manual(start: Timestamp) -> Self {
        Self(Arc::new(Kind::Manual { now: AtomicI64::new(start.micros()), moved: watch::Sender::new(()) }))
    }

    /// A clock that goes as the system's does and starts in the past: the demo gives its shop a
    /// history with it. It can be moved forward, and is the system's once it has caught up.
    pub fn behind(start: Timestamp) -> Self {
        let by = system().since(start).num_microseconds().unwrap_or(0).max(0);
        Self(Arc::new(Kind::Behind { began: tokio::time::Instant::now(), by: AtomicI64::new(by) }))
    }

    /// Moves a clock that is behind to the system's present instant, where it stays.
    pub fn catch_up(&self) {
        if let Kind::Behind { by, .. } = &*self.0 {
            by.store(0, Ordering::SeqCst);
        }
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            Kind::System { .. } => system(),
            Kind::Behind { by, .. } => system().minus(TimeDelta::microseconds(by.load(Ordering::SeqCst))),
            Kind::Manual { now, .. } => Timestamp::from_micros(now.load(Ordering::SeqCst)).unwrap_or(Timestamp::EPOCH),
        }
    }

    /// The present point of steady time.
    pub fn steady(&self) -> Steady {
        Steady(match &*self.0 {
            Kind::System { began } | Kind::Behind { began, .. } => began.elapsed(),
            Kind::Manual { .. } => Duration::from_micros(u64::try_from(self.now().micros()).unwrap_or(0)),
        })
    }

    /// Returns once that point of steady time has come.
    pub async fn sleep_until_steady(&self, at: Steady) {
        match &*self.0 {
            Kind::System { began } | Kind::Behind { began, .. } => match began.checked_add(at.0) {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            },
            Kind::Manual { moved, .. } => {
                let mut moved = moved.subscribe();
                while self.steady() < at {
                    if moved.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Moves a manual clock and wakes whoever sleeps by it, or one that is behind, but not past the
    /// system's; that one cannot be moved.
    pub fn advance(&self, delta: TimeDelta) {
        let micros = delta.num_microseconds().unwrap_or(0);
        match &*self.0 {
            Kind::System { .. } => {}
            Kind::Behind { by, .. } => {
                by.store(by.load(Ordering::SeqCst).saturating_sub(micros.max(0)).max(0), Ordering::SeqCst);
            }
            Kind::Manual { now, moved } => {
                now.fetch_add(micros, Ordering::SeqCst);
                moved.send_replace(());
            }
        }
    }

    /// Returns once the instant has come. The system's clock is looked at again at least every
    /// five seconds, because it can be set while one sleeps.
    pub async fn sleep_until(&self, at: Timestamp) {
        match &*self.0 {
            Kind::System { .. } | Kind::Behind { .. } => loop {
                let left = at.since(self.now());
                if left <= TimeDelta::zero() {
                    return;
                }
                let left = left.to_std().unwrap_or(Duration::ZERO).min(Duration::from_secs(5));
                tokio::time::sleep(left).await;
            },
            Kind::Manual { moved, .. } => {
                let mut moved = moved.subscribe();
                while self.now() < at {
                    if moved.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
fn system() -> Timestamp {
    chrono::Utc::now().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_behind_goes_on_and_never_passes_the_present() {
        let start = system().minus(TimeDelta::days(8));
        let clock = Clock::behind(start);
        let left = |clock: &Clock| system().since(clock.now());
        assert!(clock.now() >= start && left(&clock) > TimeDelta::days(7));
        clock.advance(TimeDelta::days(7));
        assert!(left(&clock) > TimeDelta::hours(23) && left(&clock) < TimeDelta::hours(25));
        clock.advance(TimeDelta::days(-7));
        assert!(left(&clock) < TimeDelta::hours(25), "time does not go back");
        clock.advance(TimeDelta::days(7));
        assert!(left(&clock) < TimeDelta::minutes(1));
        let other = Clock::behind(start);
        other.catch_up();
        assert!(left(&other) < TimeDelta::minutes(1));
    }
}
