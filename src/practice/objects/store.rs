//! What the cluster holds, and every change to it.
//!
//! Here: the objects, the one counter that numbers changes, the record of them
//! (watches and tests read the same one), the desk at which all reading and
//! writing is done. Not here: whether a change is allowed or sensible (`write`).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::{sync::watch, time::Instant};

use super::{
    change::{Action, Change, Key, Writer},
    kinds::Kind,
    object,
    seed::Seed,
};

#[derive(Debug)]
struct State {
    objects: BTreeMap<Key, Arc<Value>>,
    uids: HashMap<String, Key>,
    /// What each owner owns, by its uid.
    owned: HashMap<String, BTreeSet<Key>>,
    version: u64,
    changes: VecDeque<Change>,
    /// Watches may start from this version or later.
    oldest: u64,
    seed: Seed,
}

fn owners(object: &Value) -> impl Iterator<Item = &str> {
    object::list(object, "/metadata/ownerReferences").iter().map(|owner| object::text(owner, "/uid"))
}

impl State {
    fn own(&mut self, key: &Key, object: &Value) {
        for owner in owners(object) {
            self.owned.entry(owner.to_owned()).or_default().insert(key.clone());
        }
    }

    fn disown(&mut self, key: &Key, object: &Value) {
        for owner in owners(object) {
            if let Some(owned) = self.owned.get_mut(owner) {
                owned.remove(key);
                if owned.is_empty() {
                    self.owned.remove(owner);
                }
            }
        }
    }
}

/// The objects and their history.
#[derive(Debug)]
pub(in crate::practice) struct Store {
    state: Mutex<State>,
    newest: watch::Sender<u64>,
    started: (DateTime<Utc>, Instant),
    remembered: usize,
    watchable: u64,
}

/// A watch asked for changes that are no longer kept.
#[derive(Debug, Clone, Copy)]
pub(in crate::practice) struct TooOld {
    pub oldest: u64,
}

impl Store {
    /// `now` is the cluster's time at this moment; from here on it goes by
    /// tokio's clock. `remembered` changes are kept, of which a watch may ask
    /// for the last `watchable`.
    pub fn new(seed: [u8; 32], now: DateTime<Utc>, remembered: usize, watchable: u64) -> Self {
        Self {
            state: Mutex::new(State {
                objects: BTreeMap::new(),
                uids: HashMap::new(),
                owned: HashMap::new(),
                version: 0,
                changes: VecDeque::new(),
                oldest: 0,
                seed: Seed::new(seed),
            }),
            newest: watch::Sender::new(0),
            started: (now, Instant::now()),
            remembered: remembered.max(1),
            watchable,
        }
    }

    /// The cluster's time.
    pub fn now(&self) -> DateTime<Utc> {
        let (began, instant) = self.started;
        began + instant.elapsed()
    }

    /// Takes the desk. Nobody else reads or writes until it is given back, so
    /// it is never held across an `await`.
    pub fn desk(&self) -> Desk<'_> {
        Desk {
            now: self.now(),
            // A panic under the lock is a bug of one request; every write below
            // is complete before anything that can panic.
            state: self.state.lock().unwrap_or_else(PoisonError::into_inner),
            store: self,
        }
    }

    /// Tells the version of the newest change, and when there is a newer one.
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }
}

/// The place where everything is read and written.
#[derive(Debug)]
pub(in crate::practice) struct Desk<'a> {
    state: MutexGuard<'a, State>,
    store: &'a Store,
    now: DateTime<Utc>,
}

impl Drop for Desk<'_> {
    fn drop(&mut self) {
        let version = self.state.version;
        self.store.newest.send_if_modified(|newest| {
            let newer = version > *newest;
            *newest = version;
            newer
        });
    }
}

impl Desk<'_> {
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    pub fn seed(&mut self) -> &mut Seed {
        &mut self.state.seed
    }

    /// The version of the newest change.
    pub fn version(&self) -> u64 {
        self.state.version
    }

    /// The oldest version a watch may start from.
    pub fn oldest(&self) -> u64 {
        self.state.oldest
    }

    /// Forgets, for watches, everything that has happened so far.
    pub fn compact(&mut self) {
        self.state.oldest = self.state.version;
    }

    pub fn get(&self, key: &Key) -> Option<Arc<Value>> {
        self.state.objects.get(key).cloned()
    }

    pub fn by_uid(&self, uid: &str) -> Option<(&Key, Arc<Value>)> {
        let key = self.state.uids.get(uid)?;
        Some((key, self.get(key)?))
    }

    /// The objects of a kind, in the order of their names; an empty namespace
    /// means all of them. `after` is where a continued list goes on.
    pub fn list<'a>(
        &'a self,
        kind: &'static Kind,
        namespace: &'a str,
        after: Option<&Key>,
    ) -> impl Iterator<Item = (&'a Key, &'a Arc<Value>)> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let start = match after {
            Some(key) => Excluded(key.clone()),
            None => Included(Key::new(kind, namespace, "")),
        };
        self.state
            .objects
            .range((start, Unbounded))
            .take_while(move |(key, _)| key.kind == kind && (namespace.is_empty() || key.namespace == namespace))
    }

    /// Every object there is.
    pub fn everything(&self) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        self.state.objects.iter()
    }

    /// The objects that name `uid` among their owners.
    pub fn dependents(&self, uid: &str) -> Vec<Key> {
        self.state.owned.get(uid).into_iter().flatten().cloned().collect()
    }

    /// The changes after a version.
    pub fn since(&self, version: u64) -> Result<impl Iterator<Item = &Change>, TooOld> {
        if version < self.state.oldest {
            return Err(TooOld { oldest: self.state.oldest });
        }
        Ok(self.after(version))
    }

    /// The remembered changes after a version, whatever watches may ask for.
    pub fn after(&self, version: u64) -> impl Iterator<Item = &Change> {
        let first = self.state.version - self.state.changes.len() as u64;
        let skip = version.saturating_sub(first);
        self.state.changes.iter().skip(usize::try_from(skip).unwrap_or(usize::MAX))
    }

    /// Keeps an object under its key.
    pub fn keep(&mut self, writer: &Writer, key: Key, object: Value) -> Arc<Value> {
        let before = self.get(&key);
        let action = if before.is_some() { Action::Modified } else { Action::Added };
        self.record(writer, action, key, object, before)
    }

    /// Takes an object away. Returns it with the version of its deletion.
    pub fn erase(&mut self, writer: &Writer, key: &Key) -> Option<Arc<Value>> {
        let before = self.get(key)?;
        let object = Value::clone(&before);
        Some(self.record(writer, Action::Deleted, key.clone(), object, Some(before)))
    }

    fn record(
        &mut self,
        writer: &Writer,
        action: Action,
        key: Key,
        mut object: Value,
        before: Option<Arc<Value>>,
    ) -> Arc<Value> {
        let at = self.now;
        let state = &mut *self.state;
        state.version += 1;
        object::put(&mut object, &["metadata", "resourceVersion"], state.version.to_string());
        let object = Arc::new(object);
        if let Some(before) = &before {
            state.disown(&key, before);
        }
        if action == Action::Deleted {
            state.objects.remove(&key);
            state.uids.remove(object::uid(&object));
        } else {
            state.own(&key, &object);
            state.uids.insert(object::uid(&object).to_owned(), key.clone());
            state.objects.insert(key.clone(), Arc::clone(&object));
        }
        state.changes.push_back(Change {
            version: state.version,
            at,
            user: writer.user.clone(),
            manager: writer.manager.clone(),
            verb: writer.verb,
            subresource: writer.subresource,
            action,
            kind: key.kind.kind,
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            object: Arc::clone(&object),
            before,
            key,
        });
        while state.changes.len() > self.store.remembered {
            state.changes.pop_front();
        }
        let first = state.version - state.changes.len() as u64;
        let watchable = state.version.saturating_sub(self.store.watchable);
        state.oldest = state.oldest.max(first).max(watchable);
        object
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::practice::objects::kinds::{CONFIG_MAPS, PODS};

    fn store(watchable: u64) -> Store {
        Store::new([0; 32], DateTime::UNIX_EPOCH, 100, watchable)
    }

    fn keep(store: &Store, name: &str) {
        let object = json!({"metadata": {"name": name, "namespace": "shop", "uid": name}});
        let writer = Writer::inside("test", "create", "");
        store.desk().keep(&writer, Key::new(&PODS, "shop", name), object);
    }

    #[test]
    fn a_watch_gets_each_change_after_its_version_once() {
        let store = store(100);
        for name in ["a", "b", "c"] {
            keep(&store, name);
        }
        let desk = store.desk();
        let seen: Vec<_> = desk.since(1).unwrap().map(|change| change.version).collect();
        assert_eq!(seen, [2, 3]);
        assert_eq!(desk.since(3).unwrap().count(), 0);
        assert_eq!(desk.since(9).unwrap().count(), 0);
    }

    #[test]
    fn a_watch_from_before_the_window_is_told_so() {
        let store = store(1);
        for name in ["a", "b", "c"] {
            keep(&store, name);
        }
        let desk = store.desk();
        assert_eq!(desk.since(1).err().map(|old| old.oldest), Some(2));
        assert_eq!(desk.after(0).count(), 3);
    }

    #[test]
    fn a_list_stays_within_its_kind_and_namespace() {
        let store = store(100);
        keep(&store, "a");
        let desk = store.desk();
        assert_eq!(desk.list(&PODS, "shop", None).count(), 1);
        assert_eq!(desk.list(&PODS, "", None).count(), 1);
        assert_eq!(desk.list(&PODS, "shops", None).count(), 0);
        assert_eq!(desk.list(&CONFIG_MAPS, "", None).count(), 0);
    }
}
