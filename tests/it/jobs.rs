//! Jobs and the process that has them: it takes none from itself, tells each what it is told, and does
//! not spin over one that cannot begin.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use tidegate::domain::deployment::{JournalEvent, PodState, Progress, Restarts};
use tidegate::domain::id::TargetId;
use tidegate::store;
use tidegate::workflow::{Caller, deployment};

use crate::support::portal::{TestPortal, both};
use crate::support::town::{REPOSITORY, by_hand, target};
use crate::support::{eventually, field, images};

/// Activates the background tasks; ends when the jobs do that it finds.
fn tick(portal: &TestPortal) -> tokio::task::JoinHandle<Result<bool, String>> {
    let runner = portal.running().runner.clone();
    tokio::spawn(async move { runner.tick().await })
}

async fn lines(portal: &TestPortal, event: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM journal WHERE event LIKE '{{\"event\":\"{event}\"%'");
    portal.database.probe().await.number(&sql).await
}

both! {
    async fn a_journal_stays_small_however_long_it_flaps(portal: &mut TestPortal) {
        let number = portal.release("after", by_hand()).await;
        portal.sign_all(number).await;
        portal.start_by_hand(number).await.ok();
        let mut conn = portal.workflow().store().read().await.unwrap();
        let found = store::deployment::claimable(&mut conn, portal.clock.now()).await.unwrap().remove(0);
        drop(conn);
        let (id, release) = (found.id, found.release_number);
        let act = portal.workflow().act(Caller::runner(), move |v| {
            Box::pin(async move { deployment::claim(v, &found, "somebody").await })
        });
        let epoch = act.await.unwrap();
        let note = |event: JournalEvent| {
            portal.workflow().act(Caller::runner(), move |v| Box::pin(deployment::note(v, id, release, epoch, event)))
        };
        let pod = |number: usize, ready: bool| PodState {
            name: format!("checkout-6b7f9c8d5-{number:05}"),
            state: (if ready { "Ready" } else { "NotReady" }).to_owned(),
            message: Some("Readiness probe failed: ".repeat(16)),
            restarts: 0,
        };
        let target = TargetId(1);
        let progress = |turn: usize, target: TargetId| JournalEvent::Progress {
            target,
            progress: Progress {
                available: i32::try_from(turn).unwrap(),
                pods: (0..20).map(|number| pod(number, (number + turn).is_multiple_of(2))).collect(),
                ..Progress::default()
            },
        };
        note(progress(0, TargetId(12))).await.unwrap();
        for turn in 0..200 {
            note(progress(turn, target)).await.unwrap();
            note(JournalEvent::Watching { target, seconds: 30, restarts: Restarts::new() }).await.unwrap();
        }
        note(JournalEvent::Written { target, generation: 2 }).await.unwrap();
        let size = portal.database.probe().await.number("SELECT sum(length(event)) FROM journal").await;
        assert!((256 * 1024..768 * 1024).contains(&size), "{size}");
        let mut conn = portal.workflow().store().read().await.unwrap();
        let lines = store::deployment::journal(&mut conn, id, 0).await.unwrap();
        drop(conn);
        let events: Vec<JournalEvent> = lines.into_iter().map(|line| line.event.0).collect();
        assert_eq!(events[..3], [JournalEvent::Claimed { epoch }, progress(0, TargetId(12)), progress(0, target)]);
        assert_eq!(events[events.len() - 3], progress(199, target));
        assert_eq!(events.last(), Some(&JournalEvent::Written { target, generation: 2 }));
        let act = portal.workflow().act(Caller::runner(), move |v| Box::pin(deployment::give_back(v, id, epoch)));
        act.await.unwrap();
        portal.run_until_idle().await;
    }

    async fn a_process_whose_clock_jumps_takes_no_job_from_itself(portal: &mut TestPortal) {
        let before = format!("{REPOSITORY}@{}", images::good("before"));
        field::deployment(field::practice(), portal.namespace(), "worker", &before);
        let targets = json!([target(portal.namespace(), "checkout"), target(portal.namespace(), "worker")]);
        portal
            .apply(json!([{
                "kind": "Service", "name": "checkout", "title": "Checkout", "repository": REPOSITORY, "targets": targets,
            }]))
            .await;
        let (mut image, digest) = (TestPortal::image_spec("stuck"), images::never_ready("stuck"));
        image["digest"] = digest.clone().into();
        portal.ci().post("/api/v1/images", image).await.ok();
        let release = portal.ask(&portal.person("rita").await, &digest, by_hand()).await.is(201);
        let number = release["number"].as_i64().unwrap();
        portal.run_until_idle().await;
        portal.sign_all(number).await;
        portal.start_by_hand(number).await.ok();

        let job = tick(portal);
        eventually("the first write", 20, || async { (lines(portal, "written").await == 1).then_some(()) }).await;
        // Longer than a lease; and then long enough for every worker to learn whether it has one.
        portal.sleep(TimeDelta::seconds(16));
        let again = tick(portal);
        tokio::time::sleep(Duration::from_millis(6_500)).await;
        assert_eq!(lines(portal, "claimed").await, 1);
        portal.person("otto").await.post(&format!("/api/v1/releases/{number}/cancel"), json!({})).await.ok();
        tick(portal).await.unwrap().unwrap();
        tokio::time::timeout(Duration::from_secs(20), job).await.expect("it hears of it").unwrap().unwrap();
        again.await.unwrap().unwrap();
        let states: Vec<_> = portal.show(number).await["deployments"][0]["targets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["state"].clone())
            .collect();
        assert_eq!(states, ["left", "untouched"]);
        assert_eq!(portal.state(number).await, "cancelled");
        assert_eq!((lines(portal, "claimed").await, lines(portal, "writing").await), (1, 1));
        portal.run_until_idle().await;
    }

    async fn a_journal_that_cannot_be_read_is_waited_for_and_not_fought_over(portal: &mut TestPortal) {
        let number = portal.release("after", by_hand()).await;
        portal.sign_all(number).await;
        portal.start_by_hand(number).await.ok();
        let broken = "INSERT INTO journal (deployment_id, epoch, at, event)
                      SELECT id, 0, 0, '{\"event\":\"from the future\"}' FROM deployments";
        portal.database.probe().await.execute(broken).await.unwrap();
        let job = tick(portal);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(lines(portal, "claimed").await, 1);
        let mend = "DELETE FROM journal WHERE epoch = 0";
        portal.database.probe().await.execute(mend).await.unwrap();
        job.await.unwrap().unwrap();
        assert_eq!(portal.state(number).await, "succeeded");
        assert_eq!(lines(portal, "claimed").await, 1);
        portal.run_until_idle().await;
    }
}
