//! Releases: asked for, planned, revised, withdrawn.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Result, Verb};
use crate::domain::environment::StartMode;
use crate::domain::id::{ClusterId, ImageId, ReleaseNumber, WindowId};
use crate::domain::image::{Digest, ImageRef};
use crate::domain::name::{Note, Slug};
use crate::domain::person::{Role, Scope};
use crate::domain::plan::Plan;
use crate::domain::refusal::{Check, Refusal};
use crate::domain::release::{Content, Ended, SignedWindow, Start, State, content_hash};
use crate::domain::text::Text;
use crate::domain::time::Interval;
use crate::domain::window::WindowState;
use crate::protocol::{ReleaseSpec, ReviseSpec, StartSpec};
use crate::store::image::Image;
use crate::store::release::{Concerned, Draft, Revision};
use crate::store::view::gate::Gate;
use crate::store::{self, Error as StoreError, Stored};
use crate::text;
use crate::wake::Wake;

/// What a request gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requested {
    /// The release's number.
    pub number: ReleaseNumber,
}

/// Asks for a release. It is planned by the runner next.
///
/// # Errors
/// When the actor may not request there, a value is wrong, or the image was rejected there before
/// and a program asks.
pub async fn request(v: &mut Verb<'_>, spec: ReleaseSpec) -> Result<Requested> {
    v.access.scope(Scope::ReleasesWrite)?;
    let by = v.person()?;
    let mut check = Check::new();
    let environment = match Slug::parse(&spec.environment) {
        Ok(slug) => store::environment::by_slug(v.tx, &slug).await?.filter(|one| one.archived_at.is_none()),
        Err(_) => None,
    };
    // Whoever may not look at an environment is told the same as for one that does not exist.
    let environment = environment.filter(|environment| v.access.may_look(environment.id));
    let unknown = || text!("environment-unknown", name = &spec.environment);
    let environment = check.field("/environment", environment.ok_or_else(unknown));
    if let Some(environment) = &environment {
        v.access.request(environment.id)?;
    }
    let service = match Slug::parse(&spec.service) {
        Ok(slug) => store::service::by_slug(v.tx, &slug).await?.filter(|one| one.archived_at.is_none()),
        Err(_) => None,
    };
    let service = check.field("/service", service.ok_or_else(|| text!("service-unknown", name = &spec.service)));
    let note = check.field("/note", Note::parse(&spec.note));
    let image = match &service {
        Some(service) => {
            let image = find_image(v, &spec.image, &service.repository).await?;
            check.field("/image", image)
        }
        None => None,
    };
    let start = match &environment {
        Some(environment) => {
            let policy = store::environment::policy(v.tx, environment.id, environment.policy_version).await?;
            start(v, &mut check, &spec.start, &policy.start_modes).await?
        }
        None => None,
    };
    let (environment, service, note, image, start) =
        check.all(|| Some((environment?, service?, note?, image?, start?)))?;
    if store::service::targets(v.tx, service.id, environment.id).await?.is_empty() {
        let text =
            text!("release-no-target", service = service.title.as_str(), environment = environment.title.as_str());
        return Err(Refusal::conflict(text).into());
    }
    if v.actor.token().is_some() {
        let rejected = store::release::rejected_before(v.tx, service.id, environment.id, image.id).await?;
        if let Some(number) = rejected {
            return Err(Refusal::conflict(text!("release-rejected-before", release = number.label())).into());
        }
    }
    let draft = Draft { start, policy_version: environment.policy_version, note };
    let token = v.actor.token();
    let reason = text!("revised-requested");
    let number =
        store::release::insert(v.tx, service.id, environment.id, image.id, by, token, &reason, &draft, v.now).await?;
    let facts = serde_json::json!({
        "service": service.id, "environment": environment.id, "image": image.reference(), "start": start_facts(&draft.start),
        "note": draft.note, "policy_version": draft.policy_version,
    });
    v.record("release.request", subject(number), Some(number), facts).await?;
    v.tx.wake(Wake::Plan);
    v.tx.wake(Wake::Release(number));
    Ok(Requested { number })
}

pub(super) fn subject(number: ReleaseNumber) -> String {
    format!("release:{number}")
}

fn start_facts(start: &Start) -> Value {
    let window = start.window.as_ref().map(|window| {
        serde_json::json!({ "id": window.id, "starts_at": window.interval.start, "ends_at": window.interval.end, "zone": window.zone })
    });
    serde_json::json!({ "mode": start.mode, "window": window })
}

/// An image by its id, its digest, or `repository@digest`, and of this repository.
async fn find_image(
    v: &mut Verb<'_>,
    given: &Value,
    repository: &crate::domain::image::Repository,
) -> Result<std::result::Result<Image, Text>> {
    let image = match given {
        Value::Number(number) => match number.as_i64() {
            Some(id) => store::image::by_id(v.tx, ImageId(id)).await?,
            None => None,
        },
        Value::String(text) => {
            let text = text.trim();
            let reference = match Digest::parse(text) {
                Ok(digest) => Some(ImageRef { repository: repository.clone(), digest }),
                Err(_) => ImageRef::find(text),
            };
            match (reference, text.parse().map(ImageId)) {
                (Some(reference), _) => store::image::by_reference(v.tx, &reference).await?,
                (None, Ok(id)) => store::image::by_id(v.tx, id).await?,
                (None, Err(_)) => None,
            }
        }
        _ => None,
    };
    Ok(match image {
        None => Err(text!("image-unknown")),
        Some(image) if image.repository != *repository => {
            Err(text!("image-of-another-service", repository = repository.as_str()))
        }
        Some(image) => Ok(image),
    })
}

/// Parses how and when a release starts, against what the policy allows and the windows there are.
async fn start(
    v: &mut Verb<'_>,
    check: &mut Check,
    spec: &StartSpec,
    allowed: &std::collections::BTreeSet<StartMode>,
) -> Result<Option<Start>> {
    let mode = StartMode::parse(&spec.mode)
        .and_then(|mode| if allowed.contains(&mode) { Ok(mode) } else { Err(text!("start-mode-not-allowed")) });
    let mode = check.field("/start/mode", mode);
    let window = match spec.window {
        None => Some(None),
        Some(id) => {
            let found = store::window::by_id(v.tx, WindowId(id)).await?;
            let now = v.now;
            let usable =
                found.ok_or_else(|| text!("window-unknown")).and_then(|window| match window.domain().state(now) {
                    WindowState::Closed => Err(text!("window-is-over")),
                    WindowState::Cancelled => Err(text!("window-is-cancelled")),
                    _ => Ok(Some(signed(&window))),
                });
            check.field("/start/window", usable)
        }
    };
    let Some((mode, window)) = mode.zip(window) else { return Ok(None) };
    let fits = Start::check(mode, window.is_some());
    Ok(check.field("/start/window", fits).map(|()| Start { mode, window }))
}

fn signed(window: &store::window::Window) -> SignedWindow {
    SignedWindow {
        id: window.id,
        interval: Interval { start: window.starts_at, end: window.ends_at },
        zone: window.zone,
    }
}

/// Loads a release for somebody who wants to do something with it.
///
/// # Errors
/// When there is no such release, or the actor may not look at it.
pub async fn known(v: &mut Verb<'_>, number: ReleaseNumber) -> Result<Gate> {
    let gate = Gate::load(v.tx, number, v.now).await?.ok_or_else(Refusal::absent)?;
    v.access.look(gate.release.environment_id)?;
    Ok(gate)
}

/// The state, and a refusal when it is no longer open.
pub(super) fn open_state(v: &Verb<'_>, gate: &Gate) -> std::result::Result<State, Refusal> {
    let state = gate.state(&gate.signoff_facts(v.now).tally());
    if state.is_open() { Ok(state) } else { Err(Refusal::conflict(text!("release-not-open", state = state.as_str()))) }
}

/// The same, for verbs whose refusal is an error.
pub(super) fn open(v: &Verb<'_>, gate: &Gate) -> Result<State> {
    Ok(open_state(v, gate)?)
}

/// Who asked for it, or may ask for releases there.
fn may_change(v: &Verb<'_>, gate: &Gate) -> Result<()> {
    v.access.scope(Scope::ReleasesWrite)?;
    if v.actor.person() == Some(gate.release.requested_by) {
        return Ok(());
    }
    Ok(v.access.request(gate.release.environment_id)?)
}

/// Changes how and when an open release starts, or its note. People are asked again.
///
/// # Errors
/// When it is not open any more, a value is wrong, or the actor may not.
pub async fn revise(v: &mut Verb<'_>, number: ReleaseNumber, spec: ReviseSpec) -> Result<()> {
    let gate = known(v, number).await?;
    may_change(v, &gate)?;
    open(v, &gate)?;
    let mut check = Check::new();
    let start = match &spec.start {
        Some(given) => {
            let environment = &gate.environment;
            let policy = store::environment::policy(v.tx, environment.id, environment.policy_version).await?;
            start(v, &mut check, given, &policy.start_modes).await?
        }
        None => Some(gate.revision.start()),
    };
    let note = match &spec.note {
        Some(note) => check.field("/note", Note::parse(note)),
        None => Some(gate.revision.note.clone()),
    };
    let (start, note) = check.all(|| Some((start?, note?)))?;
    if start == gate.revision.start() && note == gate.revision.note {
        return Ok(());
    }
    let draft = Draft { start, policy_version: gate.environment.policy_version, note };
    revise_to(v, &gate.release, &text!("revised-by-person"), &draft).await
}

/// Reads the cluster again: after it was found changed, or when a plan could not be made.
///
/// # Errors
/// When it is not open any more, or the actor may not.
pub async fn plan_again(v: &mut Verb<'_>, number: ReleaseNumber) -> Result<()> {
    let gate = known(v, number).await?;
    may_change(v, &gate)?;
    open(v, &gate)?;
    if gate.revision.plan.is_none() {
        store::release::plan_now(v.tx, number, gate.revision.revision, v.now).await?;
        v.tx.wake(Wake::Plan);
        return Ok(());
    }
    let draft = draft_of(v, &gate.release, &gate.revision).await?;
    revise_to(v, &gate.release, &text!("revised-plan-again"), &draft).await
}

/// The same content with today's policy and today's window.
async fn draft_of(v: &mut Verb<'_>, release: &store::release::Release, revision: &Revision) -> Result<Draft> {
    let environment = store::environment::by_id(v.tx, release.environment_id).await?;
    let environment = environment.ok_or(StoreError::Corrupt { what: "environment of a release" })?;
    let window = match revision.window_id {
        Some(id) => store::window::by_id(v.tx, id).await?.map(|window| signed(&window)),
        None => None,
    };
    let start = Start { mode: revision.start_mode, window };
    Ok(Draft { start, policy_version: environment.policy_version, note: revision.note.clone() })
}

async fn revise_to(v: &mut Verb<'_>, release: &store::release::Release, reason: &Text, draft: &Draft) -> Result<()> {
    let next = store::release::revise(v.tx, release, reason, draft, v.now).await?;
    let facts = serde_json::json!({
        "revision": next, "reason": reason, "start": start_facts(&draft.start), "note": draft.note,
        "policy_version": draft.policy_version,
    });
    v.record("release.revise", subject(release.number), Some(release.number), facts).await?;
    v.tx.wake(Wake::Plan);
    v.tx.wake(Wake::Release(release.number));
    Ok(())
}

/// Makes a new revision of every open release that an edit concerns: what people signed has
/// changed under their signatures (rule 3).
pub(super) async fn revise_all(v: &mut Verb<'_>, concerned: Concerned, reason: &Text) -> Result<()> {
    for release in store::release::open(v.tx, concerned).await? {
        let revision = store::release::revision(v.tx, release.number, release.revision).await?;
        let draft = draft_of(v, &release, &revision).await?;
        revise_to(v, &release, reason, &draft).await?;
    }
    Ok(())
}

/// Refuses to put away what releases still need.
pub(super) async fn refuse_if_busy(v: &mut Verb<'_>, concerned: Concerned) -> Result<()> {
    let mut busy: Vec<String> =
        store::release::open(v.tx, concerned).await?.iter().map(|release| release.number.label()).collect();
    for deployment in store::deployment::running(v.tx).await? {
        let release = store::release::by_number(v.tx, deployment.release_number).await?;
        let concerns = release.is_some_and(|release| {
            concerned.environment.is_none_or(|id| id == release.environment_id)
                && concerned.service.is_none_or(|id| id == release.service_id)
        });
        if concerns {
            busy.push(deployment.release_number.label());
        }
    }
    if busy.is_empty() {
        return Ok(());
    }
    Err(Refusal::conflict(text!("conflict-releases-open", count = busy.len(), releases = busy.join(", "))).into())
}

/// A cluster has a new credential: tries the plans again that could not be made, and makes those
/// anew that were made on a cluster with another fingerprint, for people to sign again.
pub(super) async fn plan_again_on(v: &mut Verb<'_>, cluster: ClusterId, fingerprint: &str) -> Result<()> {
    for environment in store::cluster::environments(v.tx, cluster).await? {
        let concerned = Concerned { environment: Some(environment), ..Concerned::default() };
        for release in store::release::open(v.tx, concerned).await? {
            let revision = store::release::revision(v.tx, release.number, release.revision).await?;
            match &revision.plan {
                None => store::release::plan_now(v.tx, release.number, revision.revision, v.now).await?,
                Some(Stored(plan)) if plan.cluster != fingerprint => {
                    let draft = draft_of(v, &release, &revision).await?;
                    revise_to(v, &release, &text!("revised-cluster"), &draft).await?;
                }
                Some(_) => {}
            }
        }
    }
    v.tx.wake(Wake::Plan);
    Ok(())
}

/// Takes a release back before its start.
///
/// # Errors
/// When it has started or ended, or the actor neither asked for it nor requests or starts there.
pub async fn withdraw(v: &mut Verb<'_>, number: ReleaseNumber, reason: String) -> Result<()> {
    let gate = known(v, number).await?;
    v.access.scope(Scope::ReleasesWrite)?;
    if !v.access.holds(Role::Operator, gate.release.environment_id) {
        may_change(v, &gate)?;
    }
    open(v, &gate)?;
    let reason = Note::parse(&reason).map_err(|text| Refusal::field("/reason", text))?;
    end(v, number, Ended::Withdrawn, &reason).await
}

/// Ends a release without a deployment.
pub(super) async fn end(v: &mut Verb<'_>, number: ReleaseNumber, how: Ended, reason: &Note) -> Result<()> {
    store::release::end(v.tx, number, how, v.actor.person(), reason, v.now).await?;
    let verb = match how {
        Ended::Rejected => "release.reject",
        Ended::Withdrawn => "release.withdraw",
    };
    v.record(verb, subject(number), Some(number), serde_json::json!({ "reason": reason })).await?;
    v.tx.wake(Wake::Clear);
    v.tx.wake(Wake::Release(number));
    Ok(())
}

/// Keeps the plan the runner made and fixes the content that is signed. A revision that is no
/// longer the current one is left alone.
///
/// # Errors
/// Those of the store.
pub async fn planned(v: &mut Verb<'_>, number: ReleaseNumber, revision: i64, plan: Plan) -> Result<()> {
    let Some(gate) = Gate::load(v.tx, number, v.now).await? else { return Ok(()) };
    if gate.revision.revision != revision || gate.revision.plan.is_some() || gate.release.ended.is_some() {
        return Ok(());
    }
    let image = gate.image.reference();
    let evidence = store::image::evidence_digest(v.tx, gate.image.id).await?;
    let plan = plan.with_own_warnings();
    let bytes = Content {
        release: number,
        revision,
        service: (gate.service.id, &gate.service.slug),
        environment: (gate.environment.id, &gate.environment.slug),
        image: &image,
        evidence: &evidence,
        plan: &plan,
        start: &gate.revision.start(),
        policy_version: gate.revision.policy_version,
        note: &gate.revision.note,
    }
    .bytes();
    let hash = content_hash(&bytes);
    let content = String::from_utf8(bytes).map_err(|_| StoreError::Corrupt { what: "content" })?;
    store::release::planned(v.tx, &gate.revision, &plan, &content, &hash, v.now).await?;
    let facts = serde_json::json!({ "revision": revision, "content_hash": hash });
    v.record("release.plan", subject(number), Some(number), facts).await?;
    v.tx.wake(Wake::Clear);
    v.tx.wake(Wake::Release(number));
    Ok(())
}

/// Keeps why a plan could not be made. The runner tries again: after five seconds, then after
/// twice as long, at most every five minutes.
///
/// # Errors
/// Those of the store.
pub async fn plan_failed(v: &mut Verb<'_>, number: ReleaseNumber, revision: i64, why: Text) -> Result<()> {
    let stands = store::release::revision(v.tx, number, revision).await?;
    if stands.plan.is_some() {
        return Ok(());
    }
    let pause = TimeDelta::seconds(5 << stands.plan_attempts.min(6)).min(TimeDelta::minutes(5));
    store::release::plan_failed(v.tx, &stands, &why, v.now.plus(pause)).await?;
    if stands.plan_error.as_ref().is_none_or(|before| before.0 != why) {
        let facts = serde_json::json!({ "revision": revision, "reason": why });
        v.record("release.plan_failed", subject(number), Some(number), facts).await?;
    }
    v.tx.wake(Wake::Release(number));
    Ok(())
}
