//! Reads the cluster for each new revision and stores its plan, or why there is none.

use super::errands::AT_ONCE;
use super::{Error, Runner, Tick};
use crate::cluster::observe::{self, PlanTarget};
use crate::domain::plan::Plan;
use crate::domain::text::Text;
use crate::halt;
use crate::store::release::Revision;
use crate::store::{self, Error as StoreError};
use crate::text;
use crate::workflow::{Caller, release};

impl Runner {
    pub(super) async fn plan(&self) -> Result<Tick, Error> {
        let store = self.0.workflow.store();
        let now = self.0.workflow.clock().now();
        let mut conn = store.read().await?;
        let due = store::release::plans_due(&mut conn, now, AT_ONCE).await?;
        let next = store::release::next_plan_due(&mut conn, now).await?;
        drop(conn);
        let mut worked = false;
        for (revision, cluster) in due {
            let (runner, key) = (self.clone(), (revision.release_number, revision.revision));
            let work = async move { runner.plan_one(&revision).await };
            worked |= self.0.plans.begin(key, cluster, store.wakes(), work);
        }
        Ok(Tick { worked, next })
    }

    async fn plan_one(&self, revision: &Revision) -> Result<(), Error> {
        let (number, position) = (revision.release_number, revision.revision);
        let made = self.look(revision).await?;
        halt::point("plan.made");
        let caller = Caller::runner();
        match made {
            Ok(plan) => {
                self.0.workflow.act(caller, move |v| Box::pin(release::planned(v, number, position, plan))).await?;
            }
            Err(why) => {
                self.0.workflow.act(caller, move |v| Box::pin(release::plan_failed(v, number, position, why))).await?;
            }
        }
        Ok(())
    }

    async fn look(&self, revision: &Revision) -> Result<Result<Plan, Text>, Error> {
        let mut conn = self.0.workflow.store().read().await?;
        let corrupt = || StoreError::Corrupt { what: "reference of a release" };
        let release = store::release::by_number(&mut conn, revision.release_number).await?.ok_or_else(corrupt)?;
        let environment = store::environment::by_id(&mut conn, release.environment_id).await?.ok_or_else(corrupt)?;
        let image = store::image::by_id(&mut conn, release.image_id).await?.ok_or_else(corrupt)?;
        let targets = store::service::targets(&mut conn, release.service_id, release.environment_id).await?;
        drop(conn);
        if targets.is_empty() {
            return Ok(Err(text!("plan-no-targets")));
        }
        let Some(cluster) = environment.cluster_id else { return Ok(Err(text!("cluster-none"))) };
        let connection = match self.connect(cluster).await? {
            Ok(connection) => connection,
            Err(why) => return Ok(Err(why)),
        };
        let targets: Vec<PlanTarget> = targets
            .into_iter()
            .map(|target| PlanTarget { id: target.id, workload: target.workload(), containers: target.containers.0 })
            .collect();
        Ok(observe::plan(&connection, &targets, &image.reference()).await)
    }
}
