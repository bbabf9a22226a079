//! Looks at clusters: at once when asked, every minute while they answer, sooner while they do not.

use chrono::TimeDelta;

use super::{Error, Runner, Tick};
use crate::cluster::probe;
use crate::domain::cluster::Probe;
use crate::domain::service::Workload;
use crate::store;
use crate::store::cluster::Credential;
use crate::workflow::{Caller, cluster};

/// Time to the next look at a cluster that answered.
const CALM: TimeDelta = TimeDelta::seconds(60);
/// Time to the next look at one that did not.
const WORRIED: TimeDelta = TimeDelta::seconds(10);
impl Runner {
    pub(super) async fn probe(&self) -> Result<Tick, Error> {
        let store = self.0.workflow.store();
        let now = self.0.workflow.clock().now();
        let mut conn = store.read().await?;
        let due = store::cluster::due(&mut conn, now).await?;
        let next = store::cluster::next_due(&mut conn, now).await?;
        drop(conn);
        let mut worked = false;
        for credential in due {
            let (runner, id, cluster) = (self.clone(), credential.id, credential.cluster_id);
            let work = async move { runner.probe_one(&credential).await };
            worked |= self.0.looks.begin(id, Some(cluster), store.wakes(), work);
        }
        Ok(Tick { worked, next })
    }

    async fn probe_one(&self, credential: &Credential) -> Result<(), Error> {
        let mut conn = self.0.workflow.store().read().await?;
        let mut targets: Vec<Workload> = Vec::new();
        for environment in store::cluster::environments(&mut conn, credential.cluster_id).await? {
            targets.extend(store::service::targets_in(&mut conn, environment).await?.iter().map(|one| one.workload()));
        }
        drop(conn);
        let outcome = match self.connect_with(credential.id).await? {
            Ok(connection) => probe::probe(&connection, &targets).await,
            Err(why) => Err(why),
        };
        let at = self.0.workflow.clock().now();
        let again = at.plus(if outcome.is_ok() { CALM } else { WORRIED });
        let (id, seen) = (credential.id, Probe { at, outcome });
        let caller = Caller::runner();
        Ok(self.0.workflow.act(caller, move |v| Box::pin(cluster::probed(v, id, seen, again))).await?)
    }
}
