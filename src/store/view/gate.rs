//! Everything the gate looks at for one release, loaded in one go: for the release page, for the
//! answer of the API, and for the start itself, which therefore cannot disagree.

use std::collections::{BTreeMap, BTreeSet};

use super::super::cluster::CredentialState;
use super::super::{
    Conn, Error, Stored, cluster, deployment, environment, group, image, release, service, signoff, token, window,
};
use crate::domain::clearance::GateFacts;
use crate::domain::cluster::Probe;
use crate::domain::deployment::Direction;
use crate::domain::environment::{Policy, UnknownAuthor};
use crate::domain::id::{DeploymentId, GroupId, PersonId, ReleaseNumber};
use crate::domain::image::CommitIdentity;
use crate::domain::name::Title;
use crate::domain::release::{Execution, Planning, Standing, State};
use crate::domain::signoff::{Discount, Membership, Signoff, SignoffFacts, Tally};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::text;

/// A release with everything that decides about it.
#[derive(Clone, Debug)]
pub struct Gate {
    /// The release.
    pub release: release::Release,
    /// Its current revision.
    pub revision: release::Revision,
    /// What it deploys.
    pub service: service::Service,
    /// Where.
    pub environment: environment::Environment,
    /// The rules of its revision.
    pub policy: Policy,
    /// Its image.
    pub image: image::Image,
    /// Authors of its commits, with the people they are.
    pub authors: Vec<(CommitIdentity, Option<PersonId>)>,
    /// Its window, as it is now.
    pub window: Option<window::Window>,
    /// All decisions, on whichever revision.
    pub decisions: Vec<signoff::Decision>,
    /// What the groups that are asked are called.
    pub group_titles: BTreeMap<GroupId, Title>,
    /// Today's memberships of the groups that are asked.
    pub memberships: Vec<Membership>,
    /// All its deployments.
    pub deployments: Vec<deployment::Deployment>,
    /// A newer release for the same place.
    pub superseded_by: Option<ReleaseNumber>,
    /// Another release's deployment that holds one of its targets.
    pub locked_by: Option<DeploymentId>,
    /// Another release that has changed the same place since this one was deployed.
    pub newer_there: Option<ReleaseNumber>,
    /// Why the cluster cannot be used, when it cannot.
    pub cluster_problem: Option<Text>,
    author_people: BTreeSet<PersonId>,
    requesters: Vec<PersonId>,
    signoffs: Vec<Signoff>,
    planning: Planning,
    /// Why each revision after the first was made, where there are decisions on earlier ones.
    revised: Vec<(i64, Text)>,
}

impl Gate {
    /// Loads it. Nothing when there is no such release.
    pub async fn load(conn: &mut Conn, number: ReleaseNumber, now: Timestamp) -> Result<Option<Self>, Error> {
        match release::by_number(conn, number).await? {
            Some(release) => Self::of(conn, release, now).await.map(Some),
            None => Ok(None),
        }
    }

    /// Loads everything around a release.
    pub async fn of(conn: &mut Conn, release: release::Release, now: Timestamp) -> Result<Self, Error> {
        const MISSING: Error = Error::Corrupt { what: "reference of a release" };
        let revision = release::revision(conn, release.number, release.revision).await?;
        let service = service::by_id(conn, release.service_id).await?.ok_or(MISSING)?;
        let environment = environment::by_id(conn, release.environment_id).await?.ok_or(MISSING)?;
        let policy = environment::policy(conn, environment.id, revision.policy_version).await?;
        let image = image::by_id(conn, release.image_id).await?.ok_or(MISSING)?;
        let authors = image::authors(conn, image.id).await?;
        let window = match revision.window_id {
            Some(id) => window::by_id(conn, id).await?,
            None => None,
        };
        let decisions = signoff::decisions(conn, release.number).await?;
        let signoffs =
            decisions.iter().filter(|one| one.revision == revision.revision).filter_map(signoff::Decision::signoff);
        let signoffs = signoffs.collect();
        let mut revised = Vec::new();
        if decisions.iter().any(|one| one.revision != revision.revision) {
            let revisions = release::revisions(conn, release.number).await?;
            revised.extend(revisions.into_iter().map(|one| (one.revision, one.reason.0)));
        }
        let memberships = group::memberships_for(conn, environment.id).await?;
        let mut group_titles = BTreeMap::new();
        for rule in &policy.rules {
            group_titles.extend(group::by_id(conn, rule.group).await?.map(|group| (group.id, group.title)));
        }
        let deployments = deployment::of_release(conn, release.number).await?;
        let superseded_by = release::superseded_by(conn, &release).await?;
        let newer_there = match last_forward(&deployments) {
            Some(one) => deployment::after(conn, &release, one.id).await?,
            None => None,
        };
        let targets = revision.plan.as_ref().map(|Stored(plan)| plan.targets()).unwrap_or_default();
        let locked_by = deployment::holder(conn, targets).await?;
        let mut requesters = vec![release.requested_by];
        if let Some(token) = release.token_id {
            requesters.extend(token::made_by(conn, token).await?);
        }
        let cluster_problem = cluster_problem(conn, &environment, &revision, now).await?;
        Ok(Self {
            revised,
            author_people: authors.iter().filter_map(|(_, person)| *person).collect(),
            planning: revision.planning(),
            requesters,
            signoffs,
            locked_by: locked_by.filter(|id| deployments.iter().all(|own| own.id != *id)),
            release,
            revision,
            service,
            environment,
            policy,
            image,
            authors,
            window,
            decisions,
            group_titles,
            memberships,
            deployments,
            superseded_by,
            newer_there,
            cluster_problem,
        })
    }

    /// What the judgement of its sign-offs looks at.
    pub fn signoff_facts(&self, now: Timestamp) -> SignoffFacts<'_> {
        SignoffFacts {
            rules: &self.policy.rules,
            signoffs: &self.signoffs,
            memberships: &self.memberships,
            requesters: &self.requesters,
            authors: &self.author_people,
            requested_at: self.release.requested_at,
            content_hash: self.revision.content_hash.as_deref().unwrap_or_default(),
            requester_may_sign: self.policy.requester_may_sign,
            author_may_sign: self.policy.author_may_sign,
            validity: self.policy.validity(),
            now,
        }
    }

    /// Why a decision does not count now, if it does not: what changed under it first, or why its
    /// person's sign-off does not hold.
    pub fn void_reason(&self, decision: &signoff::Decision, now: Timestamp) -> Option<Text> {
        if decision.revision != self.revision.revision {
            let next = self.revised.iter().find(|(revision, _)| *revision > decision.revision);
            return Some(next.map_or_else(|| self.revision.reason.0.clone(), |(_, reason)| reason.clone()));
        }
        self.signoff_facts(now).counts_for(&decision.signoff()?).err().map(Discount::text)
    }

    /// The last forward deployment, of whichever revision.
    pub fn last_forward(&self) -> Option<&deployment::Deployment> {
        last_forward(&self.deployments)
    }

    /// The forward deployment of the current revision.
    pub fn forward(&self) -> Option<&deployment::Deployment> {
        self.deployments
            .iter()
            .find(|one| one.direction == Direction::Forward && one.revision == self.revision.revision)
    }

    /// How far the current revision has been carried out.
    pub fn execution(&self) -> Execution {
        match self.forward() {
            None => Execution::None,
            Some(deployment) => match (&deployment.verdict, &deployment.outcome) {
                (Some(_), Some(Stored(outcome))) if outcome.drifted => Execution::Drifted,
                (Some(verdict), _) => Execution::Ended(*verdict),
                (None, _) => Execution::Running,
            },
        }
    }

    /// Its state, given how its sign-offs stand.
    pub fn state(&self, tally: &Tally) -> State {
        State::of(Standing {
            ended: self.release.ended,
            execution: self.execution(),
            planned: self.revision.content_hash.is_some(),
            signed: tally.met() && self.unknown_authors().is_empty(),
            superseded_by: self.superseded_by,
        })
    }

    /// Authors whom nobody can be matched to, when the policy blocks those. An image without any
    /// author gives one empty name.
    pub fn unknown_authors(&self) -> BTreeSet<String> {
        if self.policy.unknown_author == UnknownAuthor::Allow {
            return BTreeSet::new();
        }
        if self.authors.is_empty() {
            return [String::new()].into();
        }
        self.authors.iter().filter(|(_, person)| person.is_none()).map(|(name, _)| name.as_str().to_owned()).collect()
    }

    /// Hands the gate's facts to the domain.
    pub fn judge<R>(&self, tally: &Tally, now: Timestamp, judge: impl FnOnce(&GateFacts<'_>) -> R) -> R {
        let unknown_authors = self.unknown_authors();
        let window = self.window.as_ref().map(window::Window::domain);
        let drifted = self.forward().and_then(|deployment| match &deployment.outcome {
            Some(Stored(outcome)) if outcome.drifted => outcome.reasons.first().cloned(),
            _ => None,
        });
        judge(&GateFacts {
            release: self.release.number,
            revision: self.revision.revision,
            planning: &self.planning,
            tally,
            group_titles: &self.group_titles,
            unknown_authors: &unknown_authors,
            mode: self.revision.start_mode,
            allowed_modes: &self.policy.start_modes,
            window: window.as_ref(),
            superseded_by: self.superseded_by,
            locked_by: self.locked_by,
            cluster: self.cluster_problem.clone(),
            drifted,
            now,
        })
    }
}

fn last_forward(deployments: &[deployment::Deployment]) -> Option<&deployment::Deployment> {
    deployments.iter().rev().find(|one| one.direction == Direction::Forward)
}

/// Why an environment's cluster cannot be deployed to. One that did not answer when the runner
/// looked last holds its releases until it answers again, by the clock and by hand: this is the
/// circuit breaker of each cluster. A job that has begun goes on trying until its deadline.
async fn cluster_problem(
    conn: &mut Conn,
    environment: &environment::Environment,
    revision: &release::Revision,
    now: Timestamp,
) -> Result<Option<Text>, Error> {
    let Some(id) = environment.cluster_id else { return Ok(Some(text!("cluster-none"))) };
    let archived = cluster::by_id(conn, id).await?.is_none_or(|cluster| cluster.archived_at.is_some());
    if archived {
        return Ok(Some(text!("cluster-archived")));
    }
    let Some(credential) = cluster::credential(conn, id, CredentialState::Confirmed).await? else {
        return Ok(Some(text!("cluster-no-credential")));
    };
    if let Some(at) = credential.facts.0.expires_at.filter(|at| *at <= now) {
        return Ok(Some(text!("cluster-credential-expired", at = at)));
    }
    if let Some(since) = credential.unreachable_since {
        return Ok(Some(match &credential.probe {
            Some(Stored(Probe { outcome: Err(why), .. })) => {
                text!("cluster-unreachable", at = since, reason = why.clone())
            }
            _ => text!("cluster-unreachable", at = since, reason = ""),
        }));
    }
    let planned = revision.plan.as_ref().map(|Stored(plan)| plan.cluster.as_str());
    Ok(planned.filter(|planned| *planned != credential.fingerprint).map(|_| text!("cluster-is-another")))
}
