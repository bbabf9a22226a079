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
    System { began: tokio::time::Instant },
    Manual { now: AtomicI64, moved: watch::Sender<()> },
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

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
            Kind::System { .. } => chrono::Utc::now().into(),
            Kind::Manual { now, .. } => Timestamp::from_micros(now.load(Ordering::SeqCst)).unwrap_or(Timestamp::EPOCH),
        }
    }

    /// The present point of steady time.
    pub fn steady(&self) -> Steady {
        Steady(match &*self.0 {
            Kind::System { began } => began.elapsed(),
            Kind::Manual { .. } => Duration::from_micros(u64::try_from(self.now().micros()).unwrap_or(0)),
        })
    }

    /// Returns once that point of steady time has come.
    pub async fn sleep_until_steady(&self, at: Steady) {
        match &*self.0 {
            Kind::System { began } => match began.checked_add(at.0) {
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

    /// Moves a manual clock and wakes whoever sleeps by it; the system's clock cannot be moved.
    pub fn advance(&self, delta: TimeDelta) {
        if let Kind::Manual { now, moved } = &*self.0 {
            now.fetch_add(delta.num_microseconds().unwrap_or(0), Ordering::SeqCst);
            moved.send_replace(());
        }
    }

    /// Returns once the instant has come. The system's clock is looked at again at least every
    /// five seconds, because it can be set while one sleeps.
    pub async fn sleep_until(&self, at: Timestamp) {
        match &*self.0 {
            Kind::System { .. } => loop {
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
