//! What the cluster does by itself.
//!
//! Here: the loop that wakes when something changes or is due, and from a change
//! to the work it makes. Not here: HTTP, or any rule about writing.
//!
//! | file | what it keeps up |
//! | --- | --- |
//! | `deployment`, `revision`, `size`, `rollout`, `progress` | Deployments: their ReplicaSets, and what they report |
//! | `replica_set` | pods, as many as a ReplicaSet wants |
//! | `kubelet` | pods: the node, and the fate their image chooses |
//! | `namespace` | what every namespace has, and its end |
//! | `garbage` | objects whose owner is gone |
//! | `event` | what is told about it all |
//! | `queue` | the order and times of work |
//!
//! To add a controller (for StatefulSets, say): a kind in `objects::kinds`, a
//! variant of `Work`, the changes that make it in `concerned`, its file here.
//!
//! Everything runs in one task, one piece of work at a time, each under the
//! store's lock: the same requests in the same order give the same history.

mod deployment;
mod event;
mod garbage;
mod kubelet;
mod namespace;
mod progress;
mod queue;
mod replica_set;
mod revision;
mod rollout;
mod size;

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{
    Pace,
    objects::{
        change::{Action, Change, Key},
        kinds::{DEPLOYMENTS, NAMESPACES, REPLICA_SETS, SECRETS, SERVICE_ACCOUNTS},
        object,
        store::{Desk, Store},
    },
    server::door::Traffic,
    tokens::Tokens,
};
use kubelet::Kubelet;
use queue::Queue;

/// Something a controller is to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Deployment(Key),
    ReplicaSet(Key),
    Pod(Key),
    Namespace(Key),
    TokenSecret(Key),
    /// An object waits for those it owns to be gone.
    Foreground(Key),
    /// An owner with this uid may be gone.
    Garbage(String),
}

/// What the controllers have at hand.
pub(super) struct Controllers {
    pub pace: watch::Receiver<Pace>,
    pub tokens: Tokens,
    /// The certificate of the server's CA, in PEM.
    pub ca: String,
}

impl Controllers {
    /// Runs until the server ends. The controllers stop with the API server, as
    /// real ones do: they have no other way to read or write.
    pub async fn run(self, store: Arc<Store>, mut traffic: watch::Receiver<Traffic>) {
        let mut newest = store.follow();
        let mut queue = Queue::new();
        let mut kubelet = Kubelet::new(self.pace.clone());
        let mut seen = 0;
        loop {
            if traffic.wait_for(|is| *is == Traffic::Open).await.is_err() {
                return;
            }
            newest.mark_unchanged();
            let now = Instant::now();
            {
                let desk = store.desk();
                let control = self.pace.borrow().control;
                for change in desk.after(seen) {
                    concerned(&desk, change, |work| {
                        if control.is_zero() {
                            queue.push(work);
                        } else {
                            queue.at(work, now + control);
                        }
                    });
                }
                seen = desk.version();
            }
            if let Some(work) = queue.next(now) {
                let again = {
                    let mut desk = store.desk();
                    // Looked at under the lock, so that nothing is written once
                    // the server has been stopped.
                    if *traffic.borrow() != Traffic::Open {
                        queue.push(work);
                        continue;
                    }
                    self.look(&mut desk, &mut kubelet, &work)
                };
                if let Some(after) = again {
                    queue.at(work, Instant::now() + after);
                }
                // Clients get their turn between two pieces of work.
                tokio::task::yield_now().await;
                continue;
            }
            let due = queue.next_time();
            tokio::select! {
                changed = newest.changed() => if changed.is_err() { return },
                () = until(due) => {}
                changed = traffic.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Looks at one piece of work. Returns after what time it wants to be looked
    /// at again, if nothing changes.
    fn look(&self, desk: &mut Desk<'_>, kubelet: &mut Kubelet, work: &Work) -> Option<Duration> {
        match work {
            Work::Deployment(key) => return deployment::reconcile(desk, key),
            Work::ReplicaSet(key) => return replica_set::reconcile(desk, key),
            Work::Pod(key) => return kubelet.reconcile(desk, key),
            Work::Namespace(key) => namespace::reconcile(desk, key, &self.ca),
            Work::TokenSecret(key) => {
                namespace::fill_token_secret(desk, key, &self.ca, &self.tokens);
            }
            Work::Foreground(key) => garbage::foreground(desk, key),
            Work::Garbage(uid) => garbage::collect(desk, uid),
        }
        None
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// The work a change makes.
fn concerned(desk: &Desk<'_>, change: &Change, mut push: impl FnMut(Work)) {
    let key = &change.key;
    let gone = change.action == Action::Deleted;
    match change.kind {
        "Deployment" => push(Work::Deployment(key.clone())),
        "ReplicaSet" => push(Work::ReplicaSet(key.clone())),
        "Pod" => push(Work::Pod(key.clone())),
        "Namespace" => push(Work::Namespace(key.clone())),
        "Secret" if !gone => push(Work::TokenSecret(key.clone())),
        "ServiceAccount" if !gone => {
            // Whatever could not go on without it can now.
            for (key, _) in desk.list(&REPLICA_SETS, &change.namespace, None) {
                push(Work::ReplicaSet(key.clone()));
            }
            for (key, _) in desk.list(&SECRETS, &change.namespace, None) {
                push(Work::TokenSecret(key.clone()));
            }
        }
        _ => {}
    }
    // Going by what it was before as well finds the controller a pod has left.
    for object in [Some(&change.object), change.before.as_ref()].into_iter().flatten() {
        if let Some(owner) = object::controller_of(object) {
            let name = object::text(owner, "/name");
            match object::text(owner, "/kind") {
                "Deployment" => push(Work::Deployment(Key::new(&DEPLOYMENTS, &change.namespace, name))),
                "ReplicaSet" => push(Work::ReplicaSet(Key::new(&REPLICA_SETS, &change.namespace, name))),
                _ => {}
            }
        }
    }
    if change.action != Action::Modified {
        for owner in object::list(&change.object, "/metadata/ownerReferences") {
            let uid = object::text(owner, "/uid");
            match desk.by_uid(uid) {
                Some((owner, held)) if Desk::awaits_dependents(&held) => {
                    push(Work::Foreground(owner.clone()));
                }
                Some(_) => {}
                None => push(Work::Garbage(uid.to_owned())),
            }
        }
    }
    if Desk::awaits_dependents(&change.object) {
        push(Work::Foreground(key.clone()));
    }
    if gone {
        if !["Pod", "Event"].contains(&change.kind) {
            push(Work::Garbage(object::uid(&change.object).to_owned()));
        }
        if !change.namespace.is_empty() {
            push(Work::Namespace(Key::new(&NAMESPACES, "", &change.namespace)));
        }
        if *key.kind == SERVICE_ACCOUNTS {
            for (key, _) in desk.list(&SECRETS, &change.namespace, None) {
                push(Work::TokenSecret(key.clone()));
            }
        }
    }
}
