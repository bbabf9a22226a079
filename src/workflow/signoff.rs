//! Sign-off and rejection: by people in browsers only, bound to the content they saw.

use super::release::{self, subject};
use super::{Result, Verb};
use crate::domain::id::{GroupId, PersonId, ReleaseNumber};
use crate::domain::name::Note;
use crate::domain::person::Actor;
use crate::domain::refusal::Refusal;
use crate::domain::release::Ended;
use crate::domain::signoff::DecisionKind;
use crate::protocol::DecisionSpec;
use crate::store::signoff::NewDecision;
use crate::store::view::gate::Gate;
use crate::store::{self};
use crate::text;
use crate::wake::Wake;

/// The decision, or why it was not taken. A refusal of the rules stands in the audit log too,
/// therefore it is a value here and no error.
pub type Decided = std::result::Result<(), Box<Refusal>>;

/// Signs a release off.
///
/// # Errors
/// As a value inside when the person may not sign, or signed something else than what is there;
/// outside when they may not even look, or a program asks.
pub async fn approve(v: &mut Verb<'_>, number: ReleaseNumber, spec: DecisionSpec) -> Result<Decided> {
    let (gate, person, comment) = match begin(v, number, &spec).await? {
        Ok(begun) => begun,
        Err(refusal) => return refused(v, number, &spec, refusal).await,
    };
    if gate.policy.fresh_signoff {
        v.fresh()?;
    }
    let facts = gate.signoff_facts(v.now);
    let judged =
        facts.standing(person).map_err(|why| Refusal::forbidden(text!("signoff-not-allowed", why = why.text())));
    let judged = judged.and_then(|groups| {
        let tally = facts.tally();
        let counted = tally.rules.iter().any(|rule| rule.signed.contains(&person))
            || gate.decisions.iter().any(|one| {
                one.person_id == person
                    && one.kind == DecisionKind::Signoff
                    && one.revision == gate.revision.revision
                    && v.now < one.decided_at.plus(gate.policy.validity())
            });
        if counted { Err(Refusal::conflict(text!("signoff-already"))) } else { Ok(groups) }
    });
    let judged = judged.and_then(|groups| match gate.revision.content_hash.as_deref() {
        Some(hash) if hash == spec.content_hash => Ok(groups),
        Some(_) => Err(Refusal::stale(text!("signoff-stale"))),
        None => Err(Refusal::conflict(text!("signoff-not-planned"))),
    });
    let groups = match judged {
        Ok(groups) => groups,
        Err(refusal) => return refused(v, number, &spec, refusal).await,
    };
    keep(v, &gate, person, DecisionKind::Signoff, &comment, &groups).await?;
    v.tx.wake(Wake::Clear);
    v.tx.wake(Wake::Release(number));
    Ok(Ok(()))
}

/// Rejects a release, which ends it (rule 5). Whoever is in a group that is asked may, also those
/// who may not sign: saying no needs no distance.
///
/// # Errors
/// As for [`approve`]; a reason is needed.
pub async fn reject(v: &mut Verb<'_>, number: ReleaseNumber, spec: DecisionSpec) -> Result<Decided> {
    let (gate, person, comment) = match begin(v, number, &spec).await? {
        Ok(begun) => begun,
        Err(refusal) => return refused(v, number, &spec, refusal).await,
    };
    let groups = gate.memberships.iter().filter(|one| one.person == person && one.active).map(|one| one.group);
    let groups: std::collections::BTreeSet<GroupId> = groups.collect();
    let refusal = if groups.is_empty() {
        Some(Refusal::forbidden(text!("reject-not-member")))
    } else if comment.is_empty() {
        return Err(Refusal::field("/comment", text!("reject-needs-reason")).into());
    } else if gate.revision.content_hash.as_deref() != Some(spec.content_hash.as_str()) {
        Some(Refusal::stale(text!("signoff-stale")))
    } else {
        None
    };
    if let Some(refusal) = refusal {
        return refused(v, number, &spec, refusal).await;
    }
    keep(v, &gate, person, DecisionKind::Rejection, &comment, &groups).await?;
    release::end(v, number, Ended::Rejected, &comment).await?;
    Ok(Ok(()))
}

/// Keeps a refused decision in the audit log: it is a value and no error, so that the entry stands.
async fn refused(v: &mut Verb<'_>, number: ReleaseNumber, spec: &DecisionSpec, refusal: Refusal) -> Result<Decided> {
    let facts = serde_json::json!({ "content_hash": spec.content_hash, "reason": refusal.text });
    v.record("signoff.refused", subject(number), Some(number), facts).await?;
    Ok(Err(Box::new(refusal)))
}

type Begun = std::result::Result<(Gate, PersonId, Note), Refusal>;

async fn begin(v: &mut Verb<'_>, number: ReleaseNumber, spec: &DecisionSpec) -> Result<Begun> {
    let gate = release::known(v, number).await?;
    let hash = &spec.content_hash;
    if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return Err(Refusal::field("/content_hash", text!("signoff-not-a-hash")).into());
    }
    let comment = Note::parse(&spec.comment).map_err(|text| Refusal::field("/comment", text))?;
    let Actor::Person(person) = v.actor else {
        return Ok(Err(Refusal::forbidden(text!("refusal-needs-session"))));
    };
    Ok(release::open_state(v, &gate).map(|_| (gate, person, comment)))
}

async fn keep(
    v: &mut Verb<'_>,
    gate: &Gate,
    person: PersonId,
    kind: DecisionKind,
    comment: &Note,
    groups: &std::collections::BTreeSet<GroupId>,
) -> Result<()> {
    let number = gate.release.number;
    let hash = gate.revision.content_hash.clone().unwrap_or_default();
    let method = v.proof.map_or("none", |(method, _)| method.as_str());
    let revision = gate.revision.revision;
    let decision =
        NewDecision { release: number, revision, person, kind, content_hash: &hash, comment, groups, method };
    let id = store::signoff::insert(v.tx, &decision, v.now).await?;
    let facts = serde_json::json!({
        "decision": id, "revision": revision, "kind": kind, "content_hash": hash, "comment": comment, "groups": groups,
        "method": method, "policy_version": gate.revision.policy_version,
    });
    let verb = match kind {
        DecisionKind::Signoff => "signoff.approve",
        DecisionKind::Rejection => "signoff.reject",
    };
    v.record(verb, subject(number), Some(number), facts).await
}
