//! Forgets what has ended: sessions, links, and the answers that idempotency keys repeat. Audit
//! entries and releases stay.

use chrono::TimeDelta;

use super::{Error, Runner, Tick};
use crate::workflow::{Caller, session};

/// How often.
const EVERY: TimeDelta = TimeDelta::hours(1);

impl Runner {
    pub(super) async fn tidy(&self) -> Result<Tick, Error> {
        self.0.workflow.act(Caller::runner(), |v| Box::pin(session::tidy(v))).await?;
        Ok(Tick { worked: false, next: Some(self.0.workflow.clock().now().plus(EVERY)) })
    }
}
