//! Two workers and one deployment. On SQLite there is one process, so the two are played here, on
//! the rows that a killed portal left behind.

use chrono::TimeDelta;
use tidegate::clock::Clock;
use tidegate::domain::deployment::{JournalEvent, Outcome, Verdict};
use tidegate::domain::id::{DeploymentId, ReleaseNumber, TargetId};
use tidegate::domain::refusal::Kind;
use tidegate::domain::time::{Timestamp, Zone};
use tidegate::random::Random;
use tidegate::store::{self, Options, Store};
use tidegate::vault::{self, KeyRing};
use tidegate::wake::Wakes;
use tidegate::workflow::{self, Caller, Settings, Workflow, deployment};

use super::World;
use crate::support::images;

async fn opened(world: &World, clock: &Clock) -> Workflow {
    let options = Options::new(format!("sqlite:{}", world.portal.database().display()));
    let store = Store::open(&options, Wakes::default(), clock.now()).await.unwrap();
    let ring = KeyRing::load(&world.portal.folder().join("tidegate.keys")).unwrap().unwrap();
    let settings = Settings { zone: Zone::UTC, allow_local_clusters: true };
    Workflow::new(store, clock.clone(), Random, vault::hands(ring).0, settings)
}

async fn claim(workflow: &Workflow, holder: &'static str) -> workflow::Result<(DeploymentId, i64)> {
    let mut conn = workflow.store().read().await.unwrap();
    let found = store::deployment::claimable(&mut conn, workflow.clock().now()).await.unwrap();
    drop(conn);
    let Some(found) = found.into_iter().next() else { return Err(store::Error::LostRace { what: "nothing" }.into()) };
    let id = found.id;
    let claim =
        workflow.act(Caller::runner(), move |v| Box::pin(async move { deployment::claim(v, &found, holder).await }));
    Ok((id, claim.await?))
}

fn is_lost<T: std::fmt::Debug>(result: workflow::Result<T>) {
    match result {
        Err(workflow::Error::Refused(refusal)) if refusal.kind == Kind::Stale => {}
        other => panic!("the lease is still good: {other:?}"),
    }
}

/// All that a worker can do with its epoch.
async fn everything(workflow: &Workflow, id: DeploymentId, epoch: i64) -> [workflow::Result<()>; 4] {
    let event = JournalEvent::Writing { target: TargetId(1), rollouts: None };
    let outcome = Outcome { verdict: Verdict::Succeeded, reasons: vec![], targets: vec![], drifted: false };
    let release = ReleaseNumber(1);
    [
        workflow.act(Caller::runner(), move |v| Box::pin(deployment::note(v, id, release, epoch, event))).await,
        workflow.act(Caller::runner(), move |v| Box::pin(deployment::heartbeat(v, id, epoch))).await,
        workflow.act(Caller::runner(), move |v| Box::pin(deployment::give_back(v, id, epoch))).await,
        workflow.act(Caller::runner(), move |v| Box::pin(deployment::end(v, id, epoch, outcome))).await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_lost_the_lease_changes_nothing_any_more() {
    let mut world = World::stopping_at("deploy.found").await;
    let digest = images::good("after");
    let number = world.stage.signed(&digest).await;
    world.arm();
    let asked = world.ask_to_start(number);
    world.portal.halted().await;
    world.portal.kill();
    asked.await.unwrap();

    let clock = Clock::manual(Timestamp::from(chrono::Utc::now()).plus(TimeDelta::minutes(1)));
    let workflow = opened(&world, &clock).await;
    let (id, first) = claim(&workflow, "first").await.unwrap();
    // While the lease holds, nobody else gets it; a sign of life prolongs it.
    is_lost(claim(&workflow, "second").await);
    clock.advance(TimeDelta::seconds(14));
    workflow.act(Caller::runner(), move |v| Box::pin(deployment::heartbeat(v, id, first))).await.unwrap();
    clock.advance(TimeDelta::seconds(14));
    is_lost(claim(&workflow, "second").await);
    // The first freezes; its lease runs out; the second takes over.
    clock.advance(TimeDelta::seconds(1));
    let (same, second) = claim(&workflow, "second").await.unwrap();
    assert_eq!((same, second), (id, first + 1));
    // The first wakes up.
    for late in everything(&workflow, id, first).await {
        is_lost(late);
    }
    // A clock that is set back gives the lease to nobody.
    clock.advance(TimeDelta::hours(-1));
    is_lost(claim(&workflow, "third").await);
    workflow.act(Caller::runner(), move |v| Box::pin(deployment::give_back(v, id, second))).await.unwrap();
    workflow.store().close().await;
    drop(workflow);

    world.portal.set_environment(&[]);
    world.portal.launch().await;
    world.succeeded_once(number, &digest).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_claim_at_the_same_time_one_does() {
    let mut world = World::stopping_at("deploy.found").await;
    let digest = images::good("after");
    let number = world.stage.signed(&digest).await;
    world.arm();
    let asked = world.ask_to_start(number);
    world.portal.halted().await;
    world.portal.kill();
    asked.await.unwrap();

    let clock = Clock::manual(Timestamp::from(chrono::Utc::now()));
    let workflow = opened(&world, &clock).await;
    let mut conn = workflow.store().read().await.unwrap();
    let found = store::deployment::claimable(&mut conn, clock.now()).await.unwrap().remove(0);
    drop(conn);
    let claims = (0..8).map(|_| {
        let found = found.clone();
        workflow.act(Caller::runner(), move |v| Box::pin(async move { deployment::claim(v, &found, "somebody").await }))
    });
    let won = futures_util::future::join_all(claims).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(won, 1);
    workflow.store().close().await;
    drop(workflow);

    world.portal.set_environment(&[]);
    world.portal.launch().await;
    world.succeeded_once(number, &digest).await;
}
