//! The deployment engine, through the portal's own doors: one table of cases, run by the same code
//! on the practice cluster and on the real control plane. The oracle is the cluster's own history.

mod admission;
mod answers;
mod drift;
mod outages;
mod rights;
mod rollbacks;
mod rollouts;
pub mod stage;
mod stops;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::support::ground::Ground;
use crate::support::process::Portal;
use crate::support::scene::Scene;
use stage::Stage;

/// Gives an asynchronous function the form of a case.
macro_rules! case {
    ($name:ident) => {
        (stringify!($name), |stage| Box::pin($name(stage)))
    };
}
use case;

/// What is done on a stage of its own.
type Case = fn(Stage) -> BoxFuture<'static, ()>;
type Table = &'static [(&'static str, Case)];

/// Runs cases together against one portal, each with a service and a namespace of its own, since
/// most of them wait most of the time.
async fn run(ground: Ground, tables: &[Table]) {
    // The portal goes to a cluster itself, whatever the environment says about proxies.
    let nowhere = "http://127.0.0.1:9";
    let proxies = [("HTTPS_PROXY", nowhere), ("https_proxy", nowhere), ("ALL_PROXY", nowhere)];
    let portal = Portal::start_with(&[], &proxies).await;
    let scene = Arc::new(Scene::open(&portal.api(), &portal.setup_secret(), &ground.kubeconfig()).await);
    let cases = tables.iter().flat_map(|table| table.iter()).filter(|(name, _)| wanted(name));
    let running: Vec<_> = cases
        .map(|(name, case)| {
            let (scene, ground) = (scene.clone(), ground.clone());
            let task = async move { case(Stage::open(&scene, &ground, name).await).await };
            (name, tokio::spawn(task))
        })
        .collect();
    let mut failed = Vec::new();
    for (name, task) in running {
        if task.await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

/// One case alone: `CASE=name cargo test …`.
fn wanted(name: &str) -> bool {
    std::env::var("CASE").map_or(true, |wanted| name.contains(&wanted))
}

const EVERYWHERE: &[Table] = &[rollouts::CASES, drift::CASES, rights::CASES, stops::CASES, rollbacks::CASES];

#[tokio::test(flavor = "multi_thread")]
async fn every_deployment_ends_as_it_should_on_the_practice_cluster() {
    run(Ground::practice().await, EVERYWHERE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_deployment_ends_as_it_should_on_the_real_cluster() {
    run(Ground::real().await, &[EVERYWHERE, &[admission::CASES]].concat()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_becomes_of_the_answer_the_write_happens_once() {
    run(Ground::practice().await, &[answers::CASES, rights::PRACTICE, stops::PRACTICE]).await;
}
