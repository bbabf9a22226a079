//! How a rollout goes on: RollingUpdate and Recreate.
//!
//! Here: which ReplicaSet grows or shrinks next. Not here: making ReplicaSets,
//! changing their size (`deployment`), saying how it goes (`progress`).

use std::time::Duration;

use super::{
    deployment::{Deployment, Set, old_pods},
    progress,
};

/// One step of a rolling update: grow the new, or shrink the old.
pub(super) fn rolling(deployment: &mut Deployment<'_, '_>) -> Option<Duration> {
    deployment.renew();
    let new = deployment.new.clone()?;
    if !grow_new(deployment, &new) && !shrink_old(deployment) && progress::complete(deployment) {
        deployment.forget();
    }
    progress::report(deployment, true)
}

/// One step of a replacement: end all the old pods, then make the new ones.
pub(super) fn recreate(deployment: &mut Deployment<'_, '_>) -> Option<Duration> {
    deployment.freshen();
    let mut shrunk = false;
    for set in deployment.old.clone() {
        if set.wanted() > 0 {
            shrunk |= deployment.resize(&set, 0);
        }
    }
    if shrunk || old_pods(deployment) {
        return progress::report(deployment, true);
    }
    deployment.renew();
    let new = deployment.new.clone()?;
    if new.wanted() != deployment.wanted() {
        deployment.resize(&new, deployment.wanted());
    }
    if progress::complete(deployment) {
        deployment.forget();
    }
    progress::report(deployment, true)
}

fn grow_new(deployment: &mut Deployment<'_, '_>, new: &Set) -> bool {
    let wanted = deployment.wanted();
    if new.wanted() == wanted {
        return false;
    }
    let size = if new.wanted() > wanted { wanted } else { deployment.room_for_new(new.wanted()) };
    size != new.wanted() && deployment.resize(new, size)
}

/// Shrinks old ReplicaSets as far as enough pods stay available: first by the
/// pods that do not serve anyway, then by those the new ones stand in for.
fn shrink_old(deployment: &mut Deployment<'_, '_>) -> bool {
    let old: i64 = deployment.old.iter().map(Set::wanted).sum();
    let Some(new) = deployment.new.as_ref().filter(|_| old > 0) else {
        return false;
    };
    let least = deployment.wanted() - deployment.missing();
    let not_serving = new.wanted() - new.count("availableReplicas");
    let most = old + new.wanted() - least - not_serving;
    if most <= 0 {
        return false;
    }
    let mut cleaned = 0;
    for set in deployment.old.clone() {
        let useless = set.wanted() - set.count("availableReplicas");
        let by = useless.min(most - cleaned);
        if by > 0 && set.wanted() > 0 {
            deployment.resize(&set, set.wanted() - by);
            cleaned += by;
        }
    }
    let serving: i64 = deployment.sets().map(|set| set.count("availableReplicas")).sum();
    let mut spare = serving - least;
    let mut shrunk = 0;
    for set in deployment.old.clone() {
        let by = set.wanted().min(spare);
        if by > 0 {
            deployment.resize(&set, set.wanted() - by);
            spare -= by;
            shrunk += by;
        }
    }
    cleaned + shrunk > 0
}
