//! What runs where, as far as the record says: what was brought there last, or else what the
//! newest plan found.

use super::super::{Conn, Error, Stored, all, first};
use crate::domain::deployment::Verdict;
use crate::domain::id::{EnvironmentId, ReleaseNumber, ServiceId};
use crate::domain::image::{Digest, ImageRef, Tag};
use crate::domain::plan::Plan;
use crate::domain::time::Timestamp;

/// What runs in one place.
#[derive(Clone, Debug)]
pub struct Runs {
    /// What.
    pub service_id: ServiceId,
    /// Where.
    pub environment_id: EnvironmentId,
    /// Its tag, or what else names it.
    pub version: String,
    /// The first digits of its digest, where that is known.
    pub digest: Option<String>,
    /// Since when, where a release brought it.
    pub since: Option<Timestamp>,
}

impl Runs {
    /// Whether people have a name for it, besides its digest.
    pub fn is_named(&self) -> bool {
        self.digest.as_ref() != Some(&self.version)
    }
}

/// A place whose last deployment went wrong.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What.
    pub service_id: ServiceId,
    /// Where.
    pub environment_id: EnvironmentId,
    /// The release.
    pub number: ReleaseNumber,
    /// What it wanted to bring.
    pub version: String,
}

#[derive(sqlx::FromRow)]
struct Brought {
    service_id: ServiceId,
    environment_id: EnvironmentId,
    release_number: ReleaseNumber,
    verdict: Verdict,
    plan: Stored<Plan>,
    ended_at: Option<Timestamp>,
}

/// The last deployment that ended in each place, of those with these verdicts.
async fn last(conn: &mut Conn, succeeded_only: bool) -> Result<Vec<Brought>, Error> {
    let sql = "SELECT r.service_id, r.environment_id, d.release_number, d.verdict, d.plan, d.ended_at
               FROM deployments d JOIN releases r ON r.number = d.release_number
               WHERE d.id IN (
                   SELECT max(x.id) FROM deployments x JOIN releases y ON y.number = x.release_number
                   WHERE x.verdict IS NOT NULL AND x.drifted = 0 AND ($1 = 0 OR x.verdict = 'succeeded')
                   GROUP BY y.service_id, y.environment_id)";
    all!(conn, Brought, sql, i64::from(succeeded_only))
}

/// What runs in each place.
pub async fn runs(conn: &mut Conn) -> Result<Vec<Runs>, Error> {
    let mut found: Vec<Runs> = Vec::new();
    for brought in last(conn, true).await? {
        let Some(image) = brought.plan.0.changes().next().map(|change| change.to.clone()) else { continue };
        let (version, digest) = version(conn, &image).await?;
        let Brought { service_id, environment_id, ended_at, .. } = brought;
        found.push(Runs { service_id, environment_id, version, digest, since: ended_at });
    }
    let sql = "SELECT r.service_id, r.environment_id, v.plan FROM releases r
               JOIN revisions v ON v.release_number = r.number AND v.revision = r.revision
               WHERE r.number IN (SELECT max(n.number) FROM releases n JOIN revisions p ON p.release_number = n.number
                                      AND p.revision = n.revision
                                  WHERE p.plan IS NOT NULL GROUP BY n.service_id, n.environment_id)";
    for (service_id, environment_id, Stored(plan)) in all!(conn, (ServiceId, EnvironmentId, Stored<Plan>), sql)? {
        if found.iter().any(|runs| (runs.service_id, runs.environment_id) == (service_id, environment_id)) {
            continue;
        }
        if let Some(image) = plan.changes().next().map(|change| change.from.clone()) {
            let (version, digest) = version(conn, &image).await?;
            found.push(Runs { service_id, environment_id, version, digest, since: None });
        }
    }
    Ok(found)
}

/// Places whose last deployment failed or needs attention.
pub async fn failures(conn: &mut Conn) -> Result<Vec<Failure>, Error> {
    let mut found = Vec::new();
    for brought in last(conn, false).await? {
        if matches!(brought.verdict, Verdict::Failed | Verdict::NeedsAttention) {
            let image = brought.plan.0.changes().next().map(|change| change.to.clone()).unwrap_or_default();
            let (version, _) = version(conn, &image).await?;
            let Brought { service_id, environment_id, release_number: number, .. } = brought;
            found.push(Failure { service_id, environment_id, number, version });
        }
    }
    Ok(found)
}

/// What people call an image string: a tag it is known by, else the tag in it, else the first
/// digits of its digest; and those digits.
pub async fn version(conn: &mut Conn, image: &str) -> Result<(String, Option<String>), Error> {
    if let Some(reference) = ImageRef::find(image) {
        let sql = "SELECT max(t.tag) FROM image_tags t JOIN images i ON i.id = t.image_id
                   WHERE i.repository = $1 AND i.digest = $2";
        let tag = first!(conn, (Option<Tag>,), sql, &reference.repository, &reference.digest)?.and_then(|(tag,)| tag);
        let short = Digest::short(&reference.digest).to_owned();
        return Ok((tag.map_or_else(|| short.clone(), |tag| tag.to_string()), Some(short)));
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    Ok((name.rsplit_once(':').map_or(name, |(_, tag)| tag).to_owned(), None))
}
