//! What can become of the answer to a write. The practice cluster lets it go wrong on purpose.

use std::time::Duration;

use tidegate::practice::Fault;

use super::stage::{Stage, WEB, ended, policy, reasons};
use super::{Table, case};
use crate::support::images;

pub const CASES: Table = &[
    case!(a_write_that_is_answered_503_and_not_done_is_done_once),
    case!(a_write_that_is_answered_503_after_it_was_done_is_found_done),
    case!(a_write_that_is_answered_504_after_it_was_done_is_found_done),
    case!(a_write_whose_answer_is_cut_is_found_done),
    case!(a_write_that_is_cut_on_its_way_is_done_once),
    case!(a_write_that_arrives_late_is_done_once),
    case!(a_write_that_is_turned_away_for_now_is_done_once),
    case!(a_write_that_meets_conflicts_is_done_once),
    case!(a_write_that_is_refused_touches_nothing),
    case!(a_write_of_which_the_cluster_makes_something_else_needs_attention),
    case!(a_write_that_never_gets_through_fails_at_the_deadline_and_touches_nothing),
    case!(a_write_that_was_undone_before_it_was_known_is_not_done_again),
];

/// A release whose writes meet these faults; gives its deployment once it has succeeded with one
/// change of the specification.
async fn once(stage: &Stage, faults: Vec<(usize, Fault)>) {
    let history = stage.usual().await;
    let digest = images::good("after");
    let number = stage.signed(&digest).await;
    for (times, fault) in faults {
        stage.place.fault(times, "patch", fault);
    }
    stage.start(number).await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "succeeded", &["serving"]);
    assert_eq!(history.images().await, [stage.before(), stage.image(&digest)]);
    assert_eq!(history.spec_changes().await, 1);
    assert_eq!(history.writes_of_ours(), Some(1));
}

fn said(text: &str) -> String {
    text.to_owned()
}

async fn a_write_that_is_answered_503_and_not_done_is_done_once(stage: Stage) {
    once(&stage, vec![(2, Fault::Deny(503, said("apiserver is shutting down")))]).await;
}

async fn a_write_that_is_answered_503_after_it_was_done_is_found_done(stage: Stage) {
    once(&stage, vec![(1, Fault::DenyAfter(503, said("etcd has another leader")))]).await;
}

async fn a_write_that_is_answered_504_after_it_was_done_is_found_done(stage: Stage) {
    once(&stage, vec![(1, Fault::DenyAfter(504, said("timeout")))]).await;
}

async fn a_write_whose_answer_is_cut_is_found_done(stage: Stage) {
    once(&stage, vec![(1, Fault::CutAfter)]).await;
}

async fn a_write_that_is_cut_on_its_way_is_done_once(stage: Stage) {
    once(&stage, vec![(2, Fault::Cut)]).await;
}

async fn a_write_that_arrives_late_is_done_once(stage: Stage) {
    once(&stage, vec![(1, Fault::CutThenDo(Duration::from_millis(700)))]).await;
    // Whichever of the two came first: the other found another version.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stage.place.history(WEB).await.spec_changes().await, 1);
}

async fn a_write_that_is_turned_away_for_now_is_done_once(stage: Stage) {
    once(&stage, vec![(2, Fault::Deny(429, said("too many requests")))]).await;
}

async fn a_write_that_meets_conflicts_is_done_once(stage: Stage) {
    once(&stage, vec![(25, Fault::Deny(409, said("the object has been modified")))]).await;
}

async fn a_write_that_is_refused_touches_nothing(stage: Stage) {
    let history = stage.usual().await;
    let number = stage.signed(&images::good("after")).await;
    let refusal = Fault::Deny(422, said("admission webhook \"policy\" denied the request: only on Tuesdays"));
    stage.place.fault(1, "patch", refusal);
    stage.start(number).await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "failed", &["untouched"]);
    assert!(reasons(&deployment).contains("only on Tuesdays"), "{deployment:#}");
    assert_eq!(history.writes_of_ours(), Some(0));
}

async fn a_write_of_which_the_cluster_makes_something_else_needs_attention(stage: Stage) {
    let history = stage.usual().await;
    let digest = images::good("after");
    let number = stage.signed(&digest).await;
    let mirror = Fault::Instead(said("registry.example"), said("mirror.example"));
    stage.place.fault(1, "patch", mirror);
    stage.start(number).await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "needs_attention", &["unknown"]);
    assert!(reasons(&deployment).contains("mirror.example"), "{deployment:#}");
    assert_eq!(history.spec_changes().await, 1);
}

async fn a_write_that_never_gets_through_fails_at_the_deadline_and_touches_nothing(stage: Stage) {
    let history = stage.with(policy(10)).await;
    let number = stage.signed(&images::good("after")).await;
    stage.place.fault(usize::MAX, "patch", Fault::Deny(409, said("the object has been modified")));
    stage.start(number).await;
    let deployment = stage.forward(number).await;
    ended(&deployment, "failed", &["untouched"]);
    assert!(reasons(&deployment).contains("did not get its turn"), "{deployment:#}");
    assert_eq!(history.writes_of_ours(), Some(0));
}

/// The write arrives, its answer is lost, and before the portal can look again somebody undoes it
/// with everything that marks it.
async fn a_write_that_was_undone_before_it_was_known_is_not_done_again(stage: Stage) {
    let history = stage.usual().await;
    let digest = images::good("after");
    let number = stage.signed(&digest).await;
    stage.place.fault(1, "patch", Fault::CutAfter);
    let blind = stage.place.fault_after(1, usize::MAX, "get", Fault::Deny(503, said("down")));
    stage.start(number).await;
    stage.until("the lost answer", number, |event| event["event"] == "unreachable").await;
    assert_eq!(history.images().await, [stage.before(), stage.image(&digest)]);
    let gone = serde_json::json!({
        "tidegate.dev/release": null, "tidegate.dev/deployment": null, "tidegate.dev/epoch": null,
    });
    stage.place.change(WEB, serde_json::json!({ "metadata": { "annotations": gone } })).await;
    stage.place.set_image(WEB, &stage.before()).await;
    stage.place.lift(blind);
    let deployment = stage.forward(number).await;
    ended(&deployment, "needs_attention", &["unknown"]);
    assert!(reasons(&deployment).contains("It cannot be told"), "{deployment:#}");
    assert_eq!(history.writes_of_ours(), Some(1));
    assert_eq!(history.images().await, [stage.before(), stage.image(&digest), stage.before()]);
}
