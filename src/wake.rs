//! Wake-up calls. Doors leave rows, the runner and open event streams find them; a call only
//! shortens the wait, so that a lost one costs seconds and never a release.

use tokio::sync::broadcast;

use crate::domain::id::ReleaseNumber;

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Something about this release.
    Release(ReleaseNumber),
    /// A revision wants a plan.
    Plan,
    /// A release may be able to start, or an instant to wait for has changed.
    Clear,
    /// A deployment wants to be carried out, or stopped.
    Deploy,
    /// A cluster wants to be looked at.
    Probe,
    /// Who may do what has changed: open streams look again.
    Access,
}

/// The bell.
#[derive(Clone)]
pub struct Wakes(broadcast::Sender<Wake>);

impl Default for Wakes {
    fn default() -> Self {
        Self(broadcast::Sender::new(1024))
    }
}

impl Wakes {
    /// Calls everybody who listens.
    pub fn send(&self, wake: Wake) {
        // Nobody listening is fine.
        let _ = self.0.send(wake);
    }

    /// Listens from now on. A listener that falls behind gets an error once and should look at
    /// everything.
    pub fn listen(&self) -> broadcast::Receiver<Wake> {
        self.0.subscribe()
    }
}
