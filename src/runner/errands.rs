//! Work on clusters that goes on beside the units, so that one that answers nothing holds up its
//! own work only: each piece once at a time, and a bounded number on each cluster.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

use super::Error;
use crate::domain::id::ClusterId;
use crate::wake::{Wake, Wakes};

/// Pieces of work of one kind that are under way on one cluster at the same time.
pub(super) const AT_ONCE: usize = 8;

/// Pieces of work of one kind, each known by its row.
pub(super) struct Errands<K> {
    /// Calls the unit when a piece has ended well: its row may name a next instant, and others may
    /// have waited for the room.
    wake: Wake,
    running: Arc<Mutex<Running<K>>>,
}

struct Running<K> {
    tasks: JoinSet<Result<(), Error>>,
    on: BTreeMap<K, Option<ClusterId>>,
}

impl<K: Ord + Clone + Send + 'static> Errands<K> {
    pub(super) fn new(wake: Wake) -> Self {
        let running = Running { tasks: JoinSet::new(), on: BTreeMap::new() };
        Self { wake, running: Arc::new(Mutex::new(running)) }
    }

    /// Begins a piece of work, unless it is under way or its cluster has enough to do. True when it
    /// began.
    pub(super) fn begin(
        &self,
        key: K,
        cluster: Option<ClusterId>,
        wakes: &Wakes,
        work: impl Future<Output = Result<(), Error>> + Send + 'static,
    ) -> bool {
        let mut running = lock(&self.running);
        let busy = running.on.values().filter(|on| **on == cluster).count();
        if busy >= AT_ONCE || running.on.contains_key(&key) {
            return false;
        }
        running.on.insert(key.clone(), cluster);
        let place = Place { key, running: self.running.clone() };
        let (wakes, wake) = (wakes.clone(), self.wake);
        // Ended tasks are let go of as others come.
        while running.tasks.try_join_next().is_some() {}
        running.tasks.spawn(async move {
            let done = work.await;
            drop(place);
            match &done {
                Ok(()) => wakes.send(wake),
                // Its row is still there; the unit's own look is the retry.
                Err(error) => tracing::error!(error = error as &dyn std::error::Error, ?wake, "runner.errand"),
            }
            done
        });
        true
    }

    /// Waits until every piece has ended.
    pub(super) async fn idle(&self) -> Result<(), Error> {
        let mut tasks = std::mem::take(&mut lock(&self.running).tasks);
        while let Some(ended) = tasks.join_next().await {
            match ended {
                Ok(done) => done?,
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Breaks off what is under way; nothing of it is kept halfway.
    pub(super) fn break_off(&self) {
        lock(&self.running).tasks.abort_all();
    }
}

fn lock<K>(running: &Mutex<Running<K>>) -> std::sync::MutexGuard<'_, Running<K>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes room when a piece of work ends, however it does.
struct Place<K: Ord> {
    key: K,
    running: Arc<Mutex<Running<K>>>,
}

impl<K: Ord> Drop for Place<K> {
    fn drop(&mut self) {
        lock(&self.running).on.remove(&self.key);
    }
}
