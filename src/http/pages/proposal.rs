//! What a release would change, and what CI said of its image.

use crate::domain::plan::{SetImage, Step};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::store::view::board::version;
use crate::store::view::gate::Gate;
use crate::store::{self, Conn, Stored};
use crate::text;

use super::story::People;

/// One container's image, before and after.
pub(super) struct Change {
    pub(super) workload: String,
    pub(super) container: String,
    pub(super) replicas: Text,
    pub(super) from: String,
    pub(super) from_digest: String,
    pub(super) to: String,
    pub(super) to_digest: String,
}

/// What CI said.
pub(super) struct Evidence {
    pub(super) commit: Option<String>,
    pub(super) branch: Option<String>,
    pub(super) run: Option<String>,
    pub(super) tests: Option<(Text, &'static str)>,
    pub(super) authors: Option<(Text, &'static str)>,
    pub(super) built: Option<Timestamp>,
}

/// The containers that get another image.
pub(super) async fn changes(conn: &mut Conn, gate: &Gate) -> Result<Vec<Change>, store::Error> {
    let mut changes = Vec::new();
    for Step::SetImage(SetImage { workload, containers, replicas, .. }) in
        gate.revision.plan.iter().flat_map(|Stored(plan)| &plan.steps)
    {
        for change in containers {
            let (from, from_digest) = version(conn, &change.from).await?;
            let (to, to_digest) = version(conn, &change.to).await?;
            // A tag says nothing about what runs; the pods' own digest does.
            let running = change.running.iter().next().map(|digest| digest.short().to_owned());
            changes.push(Change {
                workload: workload.to_string(),
                container: change.name.to_string(),
                replicas: text!("replicas", count = i64::from(*replicas)),
                from,
                from_digest: from_digest.or(running).unwrap_or_default(),
                to,
                to_digest: to_digest.unwrap_or_default(),
            });
        }
    }
    Ok(changes)
}

/// What the newest registration of the image says.
pub(super) async fn evidence(conn: &mut Conn, gate: &Gate, people: &mut People) -> Result<Evidence, store::Error> {
    let latest = store::image::latest_evidence(conn, &gate.image).await?.unwrap_or_default();
    let mut names = Vec::new();
    let mut unknown = gate.authors.is_empty();
    for (identity, person) in &gate.authors {
        match person {
            Some(id) => names.push(people.name(conn, *id).await?),
            None => {
                unknown = true;
                names.push(identity.to_string());
            }
        }
    }
    names.dedup();
    let authors = match (names.is_empty(), unknown) {
        (true, _) => (text!("evidence-no-author"), "wait"),
        (false, true) => (text!("evidence-unknown-author", authors = names.join(", ")), "wait"),
        (false, false) => (text!("evidence-authors", authors = names.join(", ")), "go"),
    };
    let tests = latest.tests.map(|tests| {
        let tone = if tests.failed > 0 { "stop" } else { "go" };
        (text!("evidence-tests", passed = tests.passed, failed = tests.failed), tone)
    });
    Ok(Evidence {
        commit: latest.commit.map(|commit| commit.as_str().chars().take(10).collect()),
        branch: latest.branch.map(|branch| branch.to_string()),
        run: latest.run_url.map(|url| url.to_string()),
        tests,
        authors: Some(authors),
        built: latest.built_at,
    })
}
