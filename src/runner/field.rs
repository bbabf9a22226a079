//! The way to a cluster: its confirmed credential, opened for one piece of work.

use super::{Error, Runner};
use crate::cluster::connect::Connection;
use crate::cluster::credential::Credential;
use crate::domain::id::{ClusterId, CredentialId};
use crate::domain::text::Text;
use crate::store;
use crate::store::cluster::CredentialState;
use crate::text;
use crate::workflow::cluster::place;

impl Runner {
    /// A connection with a cluster's credential in use, or why there is none.
    pub(super) async fn connect(&self, cluster: ClusterId) -> Result<Result<Connection, Text>, Error> {
        let mut conn = self.0.workflow.store().read().await?;
        let credential = store::cluster::credential(&mut conn, cluster, CredentialState::Confirmed).await?;
        drop(conn);
        match credential {
            Some(credential) => self.connect_with(credential.id).await,
            None => Ok(Err(text!("cluster-no-credential"))),
        }
    }

    /// A connection with one credential. The opened secret lives as long as the connection.
    pub(super) async fn connect_with(&self, id: CredentialId) -> Result<Result<Connection, Text>, Error> {
        let mut conn = self.0.workflow.store().read().await?;
        let sealed = store::cluster::sealed(&mut conn, id).await?;
        drop(conn);
        let Some(sealed) = sealed else { return Ok(Err(text!("cluster-no-credential"))) };
        let Ok(plain) = self.0.opener.open(place(id), &sealed) else {
            tracing::error!(credential = id.0, "runner.open");
            return Ok(Err(text!("cluster-credential-sealed")));
        };
        let credential = Credential::from_plaintext(&plain).map_err(|_| text!("cluster-credential-sealed"));
        Ok(credential
            .and_then(|credential| Connection::new(&credential, self.0.allowance).map_err(|failure| failure.text())))
    }
}
