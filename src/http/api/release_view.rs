//! A release as the API shows it.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::clearance::{Unmet, Who};
use crate::domain::deployment::{Direction, Outcome, Verdict};
use crate::domain::id::PersonId;
use crate::domain::release::{Planning, State};
use crate::domain::signoff::{DecisionKind, Tally};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::http::error::{Problem, program};
use crate::store::deployment::Deployment;
use crate::store::view::gate::Gate;
use crate::store::{self, Conn, Stored};
use crate::texts::Texts;

/// A release.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReleaseView {
    /// Its number; R-42 is for people.
    pub number: i64,
    /// How it stands.
    #[schema(value_type = String)]
    pub state: State,
    /// Name of the service.
    pub service: String,
    /// Name of the environment.
    pub environment: String,
    /// The image.
    pub image: ImageRefView,
    /// Login of who asked for it.
    pub requested_by: String,
    /// Whether a program did, with that person's token.
    pub by_token: bool,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Timestamp,
    /// Its current revision.
    pub revision: i64,
    /// Why that revision was made.
    pub revision_reason: String,
    /// What is signed; null until it is planned.
    pub content_hash: Option<String>,
    /// What the requester wrote.
    pub note: String,
    /// How and when it starts.
    pub start: StartView,
    /// Version of the environment's policy.
    pub policy_version: i64,
    /// What will be done; null until it is planned.
    #[schema(value_type = Option<Object>)]
    pub plan: Option<serde_json::Value>,
    /// What a signer should know besides.
    pub warnings: Vec<String>,
    /// Who has to agree.
    pub rules: Vec<RuleView>,
    /// All decisions, void ones too.
    pub decisions: Vec<DecisionView>,
    /// Why it is not going out: everything that is missing. Empty once it has started or ended.
    pub reasons: Vec<ReasonView>,
    /// Number of a newer release for the same place.
    pub superseded_by: Option<i64>,
    /// How it ended without a deployment, why and by whom.
    pub ended: Option<EndedView>,
    /// The deployment that brings the image: the last one.
    pub deployment: Option<DeploymentView>,
    /// All deployments, rollbacks too, in order.
    pub deployments: Vec<DeploymentView>,
}

/// An image as a release names it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImageRefView {
    /// Its id.
    pub id: i64,
    /// Registry host and path.
    pub repository: String,
    /// What exactly.
    pub digest: String,
    /// Tags it carries now.
    pub tags: Vec<String>,
}

/// How and when a release starts.
#[derive(Debug, Serialize, ToSchema)]
pub struct StartView {
    /// `by_hand`, `at_opening` or `when_signed`.
    pub mode: String,
    /// The window as signed.
    pub window: Option<StartWindow>,
}

/// A window as it was signed.
#[derive(Debug, Serialize, ToSchema)]
pub struct StartWindow {
    /// Its id.
    pub id: i64,
    /// When it opens.
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Timestamp,
    /// When it closes.
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
    /// The zone it was planned in.
    pub zone: String,
}

/// How a rule stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleView {
    /// Name of the group.
    pub group: String,
    /// How many of its members.
    pub count: i64,
    /// How many are missing.
    pub missing: i64,
    /// Logins of those who count for it.
    pub signed: Vec<String>,
    /// Logins of those whose sign-off would bring it nearer.
    pub can: Vec<String>,
}

/// A decision.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionView {
    /// Login.
    pub person: String,
    /// `signoff` or `rejection`.
    #[schema(value_type = String)]
    pub kind: DecisionKind,
    /// On which revision.
    pub revision: i64,
    /// The content hash that was on the screen.
    pub content_hash: String,
    /// What they wrote.
    pub comment: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Whether it counts.
    pub counts: bool,
    /// Why it does not.
    pub void_reason: Option<String>,
}

/// Something that is missing.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReasonView {
    /// A short name for programs.
    pub code: String,
    /// The sentence.
    pub detail: String,
    /// Logins of those who can supply it.
    pub people: Vec<String>,
    /// The role that can.
    pub role: Option<String>,
    /// The instant at which time supplies it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

/// The end of a release that had no deployment.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndedView {
    /// `rejected` or `withdrawn`.
    pub how: String,
    /// Login.
    pub by: Option<String>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What they wrote.
    pub reason: String,
}

/// A deployment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeploymentView {
    /// Its id.
    pub id: i64,
    /// `forward` or `rollback`.
    #[schema(value_type = String)]
    pub direction: Direction,
    /// Id of the deployment it undoes.
    pub undoes: Option<i64>,
    /// Revision it carries out.
    pub revision: i64,
    /// Login of who started it; null when the clock did.
    pub started_by: Option<String>,
    /// When the start was accepted.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// `succeeded`, `failed`, `cancelled` or `needs_attention`; null while it runs.
    #[schema(value_type = Option<String>)]
    pub verdict: Option<Verdict>,
    /// Whether it found the cluster changed and touched nothing.
    pub drifted: bool,
    /// Why, for everything but success.
    pub reasons: Vec<String>,
    /// What became of each target.
    pub targets: Vec<TargetView>,
}

/// What became of a target.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TargetView {
    /// `Deployment namespace/name`.
    pub workload: String,
    /// `untouched`, `serving`, `failing`, `left` or `unknown`.
    pub state: String,
    /// Why.
    pub reasons: Vec<String>,
}

/// Logins by person, filled as they are asked for.
#[derive(Default)]
pub(super) struct Names(BTreeMap<PersonId, String>);

impl Names {
    pub(super) async fn of(&mut self, conn: &mut Conn, id: PersonId) -> Result<String, Problem> {
        if let Some(name) = self.0.get(&id) {
            return Ok(name.clone());
        }
        let name =
            store::person::by_id(conn, id).await?.map_or_else(|| id.to_string(), |person| person.login.to_string());
        self.0.insert(id, name.clone());
        Ok(name)
    }

    async fn all(&mut self, conn: &mut Conn, ids: &[PersonId]) -> Result<Vec<String>, Problem> {
        let mut names = Vec::new();
        for id in ids {
            names.push(self.of(conn, *id).await?);
        }
        Ok(names)
    }
}

fn say(text: &Text) -> String {
    Texts::get().render(text, &program())
}

/// Puts it together.
pub async fn view(conn: &mut Conn, gate: &Gate, now: Timestamp) -> Result<ReleaseView, Problem> {
    let mut names = Names::default();
    let tally = gate.signoff_facts(now).tally();
    let state = gate.state(&tally);
    let unmet = if state.is_open() { gate.judge(&tally, now, |facts| facts.unmet()) } else { Vec::new() };
    let (release, revision) = (&gate.release, &gate.revision);
    let start = revision.start();
    let mut deployments = Vec::new();
    for deployment in &gate.deployments {
        deployments.push(self::deployment(conn, &mut names, deployment).await?);
    }
    let ended = match (release.ended, release.ended_at) {
        (Some(how), Some(at)) => Some(EndedView {
            how: how.as_str().to_owned(),
            by: match release.ended_by {
                Some(by) => Some(names.of(conn, by).await?),
                None => None,
            },
            at,
            reason: release.ended_reason.as_ref().map(ToString::to_string).unwrap_or_default(),
        }),
        _ => None,
    };
    Ok(ReleaseView {
        number: release.number.0,
        state,
        service: gate.service.slug.to_string(),
        environment: gate.environment.slug.to_string(),
        image: ImageRefView {
            id: gate.image.id.0,
            repository: gate.image.repository.to_string(),
            digest: gate.image.digest.to_string(),
            tags: store::image::tags(conn, gate.image.id).await?.iter().map(ToString::to_string).collect(),
        },
        requested_by: names.of(conn, release.requested_by).await?,
        by_token: release.token_id.is_some(),
        requested_at: release.requested_at,
        revision: revision.revision,
        revision_reason: say(&revision.reason.0),
        content_hash: match revision.planning() {
            Planning::Done { content_hash } => Some(content_hash),
            _ => None,
        },
        note: revision.note.to_string(),
        start: StartView {
            mode: start.mode.to_string(),
            window: start.window.map(|window| StartWindow {
                id: window.id.0,
                starts_at: window.interval.start,
                ends_at: window.interval.end,
                zone: window.zone.name().to_owned(),
            }),
        },
        policy_version: revision.policy_version,
        plan: revision.plan.as_ref().and_then(|Stored(plan)| serde_json::to_value(plan).ok()),
        warnings: revision.plan.iter().flat_map(|Stored(plan)| plan.warnings.iter().map(say)).collect(),
        rules: rules(conn, &mut names, &tally).await?,
        decisions: decisions(conn, &mut names, gate, now).await?,
        reasons: reasons(conn, &mut names, &unmet).await?,
        superseded_by: gate.superseded_by.map(|number| number.0),
        ended,
        deployment: deployments.iter().rev().find(|one| one.direction == Direction::Forward).cloned(),
        deployments,
    })
}

async fn rules(conn: &mut Conn, names: &mut Names, tally: &Tally) -> Result<Vec<RuleView>, Problem> {
    let mut rules = Vec::new();
    for rule in &tally.rules {
        let group = store::group::by_id(conn, rule.rule.group).await?;
        rules.push(RuleView {
            group: group.map_or_else(String::new, |group| group.slug.to_string()),
            count: rule.rule.count.into(),
            missing: i64::try_from(rule.missing()).unwrap_or(i64::MAX),
            signed: names.all(conn, &rule.signed).await?,
            can: names.all(conn, &rule.can).await?,
        });
    }
    Ok(rules)
}

async fn decisions(
    conn: &mut Conn,
    names: &mut Names,
    gate: &Gate,
    now: Timestamp,
) -> Result<Vec<DecisionView>, Problem> {
    let mut views = Vec::new();
    for decision in &gate.decisions {
        let void = gate.void_reason(decision, now).map(|why| say(&why));
        views.push(DecisionView {
            person: names.of(conn, decision.person_id).await?,
            kind: decision.kind,
            revision: decision.revision,
            content_hash: decision.content_hash.clone(),
            comment: decision.comment.to_string(),
            at: decision.decided_at,
            counts: void.is_none(),
            void_reason: void,
        });
    }
    Ok(views)
}

async fn reasons(conn: &mut Conn, names: &mut Names, unmet: &[Unmet]) -> Result<Vec<ReasonView>, Problem> {
    let mut views = Vec::new();
    for one in unmet {
        let (people, role, at) = match &one.who {
            Who::People(people) => (names.all(conn, people).await?, None, None),
            Who::Role(role) => (Vec::new(), Some(role.to_string()), None),
            Who::Time(at) => (Vec::new(), None, Some(*at)),
            Who::Portal => (Vec::new(), None, None),
        };
        views.push(ReasonView { code: one.code.to_owned(), detail: say(&one.text), people, role, at });
    }
    Ok(views)
}

async fn deployment(conn: &mut Conn, names: &mut Names, deployment: &Deployment) -> Result<DeploymentView, Problem> {
    let outcome = deployment.outcome.as_ref().map(|Stored(outcome)| outcome);
    let started_by = match deployment.started_by {
        Some(by) => Some(names.of(conn, by).await?),
        None => None,
    };
    Ok(DeploymentView {
        id: deployment.id.0,
        direction: deployment.direction,
        undoes: deployment.undoes.map(|id| id.0),
        revision: deployment.revision,
        started_by,
        started_at: deployment.started_at,
        ended_at: deployment.ended_at,
        verdict: deployment.verdict,
        drifted: outcome.is_some_and(|outcome| outcome.drifted),
        reasons: outcome.map(|outcome| outcome.reasons.iter().map(say).collect()).unwrap_or_default(),
        targets: outcome.map(targets).unwrap_or_default(),
    })
}

fn targets(outcome: &Outcome) -> Vec<TargetView> {
    let view = |target: &crate::domain::deployment::TargetOutcome| TargetView {
        workload: target.workload.to_string(),
        state: target.state.as_str().to_owned(),
        reasons: target.reasons.iter().map(say).collect(),
    };
    outcome.targets.iter().map(view).collect()
}
