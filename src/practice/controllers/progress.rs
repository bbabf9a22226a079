//! What a Deployment's status says.
//!
//! Here: the counts, the conditions Available, Progressing and ReplicaFailure,
//! the progress deadline. Not here: doing anything about it.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::deployment::{Deployment, Set, failures};
use crate::practice::objects::object::{self, condition, int, list, put, text};

/// Whether the Deployment has a progress deadline.
pub(super) fn has_deadline(object: &Value) -> bool {
    deadline(object).is_some()
}

fn deadline(object: &Value) -> Option<i64> {
    object["spec"]["progressDeadlineSeconds"].as_i64().filter(|seconds| *seconds != i64::from(i32::MAX))
}

/// The reason of the Progressing condition; empty where there is none.
pub(super) fn reason(object: &Value) -> &str {
    condition(list(object, "/status/conditions"), "Progressing").map_or("", |condition| text(condition, "/reason"))
}

/// Whether every wanted pod is new and serves, and no other is there.
pub(super) fn complete(deployment: &Deployment<'_, '_>) -> bool {
    is_complete(&deployment.object, &deployment.object["status"])
}

fn is_complete(object: &Value, status: &Value) -> bool {
    let wanted = int(object, "/spec/replicas");
    ["/updatedReplicas", "/replicas", "/availableReplicas"].into_iter().all(|field| int(status, field) == wanted)
        && int(status, "/observedGeneration") >= int(object, "/metadata/generation")
}

/// Puts a condition into an object. One of the same status and reason stays as
/// it is.
pub(super) fn set_condition(object: &mut Value, kind: &str, status: &str, reason: &str, message: &str, now: &str) {
    let conditions = list(object, "/status/conditions");
    let present = condition(conditions, kind);
    let mut since = now;
    if let Some(present) = present
        && present["status"] == status
    {
        if present["reason"] == reason {
            return;
        }
        since = text(present, "/lastTransitionTime");
    }
    let made = json!({
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastUpdateTime": now,
        "lastTransitionTime": since,
    });
    let mut conditions = without(conditions, kind);
    conditions.push(made);
    put(object, &["status", "conditions"], conditions);
}

fn without(conditions: &[Value], kind: &str) -> Vec<Value> {
    conditions.iter().filter(|condition| condition["type"] != kind).cloned().collect()
}

fn remove_condition(object: &mut Value, kind: &str) {
    let left = without(list(object, "/status/conditions"), kind);
    put(object, &["status", "conditions"], left);
}

/// Writes the status. During a rollout its progress is judged too; the answer is
/// then after what time that is to be done again.
pub(super) fn report(deployment: &mut Deployment<'_, '_>, rollout: bool) -> Option<Duration> {
    let now = object::stamp(deployment.desk.now());
    let mut next = Value::clone(&deployment.object);
    count(deployment, &mut next, &now);
    if rollout {
        judge(deployment, &mut next, &now);
    }
    let status = next["status"].take();
    if status != deployment.object["status"] {
        deployment.amend(|object| object["status"] = status);
        // That write brings the Deployment up again.
        return None;
    }
    if rollout { wait(deployment) } else { None }
}

fn count(deployment: &Deployment<'_, '_>, next: &mut Value, now: &str) {
    let sum = |field: &str| -> i64 { deployment.sets().map(|set| set.count(field)).sum() };
    let available = sum("availableReplicas");
    let wanted_of_sets: i64 = deployment.sets().map(Set::wanted).sum();
    let updated = deployment.new.as_ref().map_or(0, |new| new.count("replicas"));
    let mut status = Map::new();
    for (field, value) in [
        ("observedGeneration", int(&deployment.object, "/metadata/generation")),
        ("replicas", sum("replicas")),
        ("updatedReplicas", updated),
        ("readyReplicas", sum("readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", (wanted_of_sets - available).max(0)),
    ] {
        // A real server leaves zeros out.
        if value != 0 {
            status.insert(field.to_owned(), value.into());
        }
    }
    status.insert("terminatingReplicas".to_owned(), sum("terminatingReplicas").into());
    for field in ["collisionCount", "conditions"] {
        if let Some(value) = deployment.object["status"].get(field) {
            status.insert(field.to_owned(), value.clone());
        }
    }
    next["status"] = Value::Object(status);
    let (is, reason, message) = if available >= deployment.wanted() - deployment.missing() {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    set_condition(next, "Available", is, reason, message, now);
}

/// Judges the progress of a rollout by what has changed since the last status.
fn judge(deployment: &Deployment<'_, '_>, next: &mut Value, now: &str) {
    let before = &deployment.object;
    let subject = match &deployment.new {
        Some(new) => format!("ReplicaSet {:?}", new.key.name),
        None => format!("Deployment {:?}", deployment.key.name),
    };
    if !has_deadline(before) {
        remove_condition(next, "Progressing");
    } else if reason(before) != "NewReplicaSetAvailable"
        || int(next, "/status/replicas") != int(next, "/status/updatedReplicas")
    {
        if is_complete(before, &next["status"]) {
            let message = format!("{subject} has successfully progressed.");
            set_condition(next, "Progressing", "True", "NewReplicaSetAvailable", &message, now);
        } else if has_moved(&before["status"], &next["status"]) {
            advance(next, &format!("{subject} is progressing."), now);
        } else if timed_out(deployment, next) {
            let message = format!("{subject} has timed out progressing.");
            set_condition(next, "Progressing", "False", "ProgressDeadlineExceeded", &message, now);
        }
    }
    let new_first = deployment.new.iter().chain(&deployment.old);
    match failures(new_first) {
        Some(failure) => {
            let since = text(&failure, "/lastTransitionTime").to_owned();
            set_condition(
                next,
                "ReplicaFailure",
                text(&failure, "/status"),
                text(&failure, "/reason"),
                text(&failure, "/message"),
                &since,
            );
        }
        None => {
            if condition(list(next, "/status/conditions"), "ReplicaFailure").is_some() {
                remove_condition(next, "ReplicaFailure");
            }
        }
    }
}

/// Notes progress: unlike with other conditions the time of the update is
/// renewed each time, since the deadline counts from it.
fn advance(next: &mut Value, message: &str, now: &str) {
    let since = condition(list(next, "/status/conditions"), "Progressing")
        .filter(|present| present["status"] == "True")
        .map_or(now, |present| text(present, "/lastTransitionTime"))
        .to_owned();
    remove_condition(next, "Progressing");
    set_condition(next, "Progressing", "True", "ReplicaSetUpdated", message, now);
    if let Some(Value::Array(conditions)) = next.pointer_mut("/status/conditions")
        && let Some(made) = conditions.last_mut()
    {
        put(made, &["lastTransitionTime"], since);
    }
}

fn has_moved(before: &Value, after: &Value) -> bool {
    let old = |status: &Value| int(status, "/replicas") - int(status, "/updatedReplicas");
    let grew = |field: &str| int(after, field) > int(before, field);
    grew("/updatedReplicas") || old(after) < old(before) || grew("/readyReplicas") || grew("/availableReplicas")
}

fn timed_out(deployment: &Deployment<'_, '_>, next: &Value) -> bool {
    match reason(next) {
        "" | "NewReplicaSetAvailable" => false,
        "ProgressDeadlineExceeded" => true,
        _ => time_left(deployment).is_some_and(|left| left < TimeDelta::zero()),
    }
}

/// The time until the progress deadline.
fn time_left(deployment: &Deployment<'_, '_>) -> Option<TimeDelta> {
    let seconds = deadline(&deployment.object)?;
    let conditions = list(&deployment.object, "/status/conditions");
    let progressing = condition(conditions, "Progressing")?;
    let since = object::time(text(progressing, "/lastUpdateTime"))?;
    Some(since + TimeDelta::seconds(seconds) - deployment.desk.now())
}

fn wait(deployment: &Deployment<'_, '_>) -> Option<Duration> {
    if complete(deployment) || reason(&deployment.object) == "ProgressDeadlineExceeded" {
        return None;
    }
    let left = time_left(deployment)?.to_std().unwrap_or_default();
    Some(left + Duration::from_millis(1))
}
