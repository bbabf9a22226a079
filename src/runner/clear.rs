//! Starts what the clock may start: at the opening of a window, and when the last sign-off is in.

use futures_util::future::join_all;

use super::{Error, Runner, Tick};
use crate::halt;
use crate::store;
use crate::store::view::gate::Gate;
use crate::workflow::{Caller, deployment};

impl Runner {
    pub(super) async fn clear(&self) -> Result<Tick, Error> {
        let workflow = &self.0.workflow;
        let now = workflow.clock().now();
        let mut conn = workflow.store().read().await?;
        let mut ready = Vec::new();
        for release in store::release::startable(&mut conn, now).await? {
            let number = release.number;
            if deployment::would_start(&Gate::of(&mut conn, release, now).await?, now) {
                ready.push(number);
            }
        }
        let next = store::window::next_boundary(&mut conn, now).await?;
        drop(conn);
        if !ready.is_empty() {
            halt::point("clear.ready");
        }
        // Each verb judges anew, inside its own transaction; together they share a commit.
        let starts = ready
            .into_iter()
            .map(|number| workflow.act(Caller::runner(), move |v| Box::pin(deployment::start_by_clock(v, number))));
        let mut worked = false;
        for started in join_all(starts).await {
            worked |= started?.is_some();
        }
        Ok(Tick { worked, next })
    }
}
