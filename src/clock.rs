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

enum Kind {
    System,
    Manual { now: AtomicI64, moved: watch::Sender<()> },
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Arc::new(Kind::System))
    }

    /// A clock that stands still until it is moved.
    pub fn manual(start: Timestamp) -> Self {
        Self(Arc::new(Kind::Manual { now: AtomicI64::new(start.micros()), moved: watch::Sender::new(()) }))
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
            Kind::System => chrono::Utc::now().into(),
            Kind::Manual { now, .. } => Timestamp::from_micros(now.load(Ordering::SeqCst)).unwrap_or(Timestamp::EPOCH),
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
            Kind::System => loop {
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
