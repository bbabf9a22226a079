//! The gate. A deployment starts only from a [`Clearance`], and a clearance is made here and
//! nowhere else: whoever holds one has passed. The same function answers *why is this not going
//! out?* (rule 20), so that the page and the start cannot disagree.

use std::collections::{BTreeMap, BTreeSet};

use super::environment::StartMode;
use super::id::{DeploymentId, GroupId, PersonId, ReleaseNumber};
use super::name::Title;
use super::person::{Operator, Role};
use super::plan::Undo;
use super::release::Planning;
use super::signoff::Tally;
use super::text::Text;
use super::time::Timestamp;
use super::window::{Window, WindowState};
use crate::text;

/// Everything the gate looks at, for one release at one instant.
#[derive(Clone, Debug)]
pub struct GateFacts<'a> {
    /// The release.
    pub release: ReleaseNumber,
    /// Its current revision.
    pub revision: i64,
    /// Where its plan stands.
    pub planning: &'a Planning,
    /// How it stands with its signers.
    pub tally: &'a Tally,
    /// What the groups that are asked are called.
    pub group_titles: &'a BTreeMap<GroupId, Title>,
    /// Authors of its commits that match nobody, when the policy blocks those; an image without
    /// any author gives one empty name.
    pub unknown_authors: &'a BTreeSet<String>,
    /// How it starts.
    pub mode: StartMode,
    /// The ways of starting that the policy allows today.
    pub allowed_modes: &'a BTreeSet<StartMode>,
    /// Its window as it is now.
    pub window: Option<&'a Window>,
    /// A newer release for the same place.
    pub superseded_by: Option<ReleaseNumber>,
    /// A deployment that holds one of its targets.
    pub locked_by: Option<DeploymentId>,
    /// Why the cluster cannot be used, when it cannot.
    pub cluster: Option<Text>,
    /// What the job found changed in the cluster, when it did.
    pub drifted: Option<Text>,
    /// The instant.
    pub now: Timestamp,
}

/// Who starts it.
#[derive(Clone, Copy, Debug)]
pub enum Cause {
    /// A person who may, with the permission in hand.
    ByHand(Operator),
    /// The portal, at the opening or when the last sign-off is in.
    Clock,
}

/// A condition that is not met, with who or what can meet it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// Short name for programs.
    pub code: &'static str,
    /// The sentence.
    pub text: Text,
    /// Who can.
    pub who: Who,
}

/// Who or what can meet a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// These people.
    People(Vec<PersonId>),
    /// Whoever holds this role in the environment.
    Role(Role),
    /// Time alone: it is met at this instant.
    Time(Timestamp),
    /// The portal is at it.
    Portal,
}

/// Every sign-off is in, for exactly this content. Made by [`GateFacts::signed_off`] only.
#[derive(Clone, Debug)]
pub struct SignedOff {
    content_hash: String,
    by: Vec<(GroupId, PersonId)>,
}

/// Time and cluster allow it now. Made by [`GateFacts::opening`] only.
#[derive(Clone, Debug)]
pub struct Opening(());

/// The permission to start one deployment.
#[derive(Clone, Debug)]
pub struct Clearance {
    release: ReleaseNumber,
    revision: i64,
    basis: Basis,
}

/// What a clearance rests on.
#[derive(Clone, Debug)]
pub enum Basis {
    /// The policy is met and the window is open.
    SignedOff {
        /// The content that was signed.
        content_hash: String,
        /// Who counted for which group.
        by: Vec<(GroupId, PersonId)>,
        /// The operator who started it; nobody when the clock did.
        operator: Option<PersonId>,
    },
    /// An operator brings back what ran before (rule 13).
    RollbackBy {
        /// Who.
        operator: PersonId,
        /// What is undone.
        earlier: DeploymentId,
    },
}

impl Clearance {
    /// The policy met, the gate open.
    pub fn signed_off(facts: &GateFacts<'_>, cause: Cause) -> Result<Self, Vec<Unmet>> {
        match (facts.signed_off(), facts.opening(cause)) {
            (Ok(signed), Ok(Opening(()))) => Ok(Self {
                release: facts.release,
                revision: facts.revision,
                basis: Basis::SignedOff {
                    content_hash: signed.content_hash,
                    by: signed.by,
                    operator: match cause {
                        Cause::ByHand(operator) => Some(operator.person()),
                        Cause::Clock => None,
                    },
                },
            }),
            (signed, opening) => Err([signed.err().unwrap_or_default(), opening.err().unwrap_or_default()].concat()),
        }
    }

    /// An operator brings back what ran before. Where only a tag of that is known, they must have
    /// been asked once more.
    ///
    /// # Errors
    /// When nothing was touched, or the second question is still open.
    pub fn rollback_by(
        operator: Operator,
        release: ReleaseNumber,
        revision: i64,
        earlier: DeploymentId,
        undo: &Undo,
        tag_accepted: bool,
    ) -> Result<Self, Text> {
        if undo.plan.steps.is_empty() {
            return Err(text!("rollback-nothing-touched"));
        }
        if !undo.tags_only.is_empty() && !tag_accepted {
            return Err(text!("rollback-tag-only", images = undo.tags_only.join(", ")));
        }
        Ok(Self { release, revision, basis: Basis::RollbackBy { operator: operator.person(), earlier } })
    }

    /// The release it is for.
    pub fn release(&self) -> ReleaseNumber {
        self.release
    }
    /// The revision it is for.
    pub fn revision(&self) -> i64 {
        self.revision
    }
    /// What it rests on.
    pub fn basis(&self) -> &Basis {
        &self.basis
    }
}

impl GateFacts<'_> {
    /// Whether the people have agreed.
    ///
    /// # Errors
    /// Each agreement that is missing.
    pub fn signed_off(&self) -> Result<SignedOff, Vec<Unmet>> {
        let mut unmet = Vec::new();
        let mut content_hash = None;
        match self.planning {
            Planning::Pending => unmet.push(Unmet::new("planning", text!("unmet-planning"), Who::Portal)),
            Planning::Failed { reason, again_at } => unmet.push(Unmet::new(
                "plan_failed",
                text!("unmet-plan-failed", reason = reason.clone(), at = *again_at),
                Who::Portal,
            )),
            Planning::Done { content_hash: hash } => content_hash = Some(hash.clone()),
        }
        if let Some(found) = &self.drifted {
            unmet.push(Unmet::new(
                "drifted",
                text!("unmet-drifted", found = found.clone()),
                Who::Role(Role::Requester),
            ));
        }
        for rule in self.tally.rules.iter().filter(|rule| rule.missing() > 0) {
            unmet.push(Unmet {
                code: "signoff_missing",
                text: text!(
                    "unmet-signoff",
                    group = self.group_titles.get(&rule.rule.group).map_or("", Title::as_str),
                    missing = rule.missing()
                ),
                who: Who::People(rule.can.clone()),
            });
        }
        if !self.unknown_authors.is_empty() {
            let names: Vec<&str> =
                self.unknown_authors.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
            let text = if names.is_empty() {
                text!("unmet-author-absent")
            } else {
                text!("unmet-author-unknown", authors = names.join(", "))
            };
            unmet.push(Unmet::new("unknown_author", text, Who::Role(Role::Admin)));
        }
        match content_hash {
            Some(content_hash) if unmet.is_empty() => Ok(SignedOff {
                content_hash,
                by: self
                    .tally
                    .rules
                    .iter()
                    .flat_map(|rule| rule.signed.iter().map(|person| (rule.rule.group, *person)))
                    .collect(),
            }),
            _ => Err(unmet),
        }
    }

    /// Whether time, cluster and the place itself allow a start now.
    ///
    /// # Errors
    /// Each condition that is not met.
    pub fn opening(&self, cause: Cause) -> Result<Opening, Vec<Unmet>> {
        let mut unmet = self.held();
        let mode = match cause {
            Cause::ByHand(_) => StartMode::ByHand,
            Cause::Clock => self.mode,
        };
        let allowed = self.allowed_modes.contains(&mode);
        if !allowed {
            unmet.push(Unmet::new(
                "start_mode_not_allowed",
                text!("unmet-start-mode", mode = mode.as_str()),
                Who::Role(Role::Requester),
            ));
        }
        if matches!(cause, Cause::Clock) {
            if let Some(newer) = self.superseded_by {
                unmet.push(Unmet::new(
                    "superseded",
                    text!("unmet-superseded", release = newer.label()),
                    Who::Role(Role::Operator),
                ));
            }
            if allowed && self.mode == StartMode::ByHand {
                unmet.push(Unmet::new("by_hand", text!("unmet-by-hand"), Who::Role(Role::Operator)));
            }
        }
        if unmet.is_empty() { Ok(Opening(())) } else { Err(unmet) }
    }

    /// Conditions of window, cluster and place, whoever starts it.
    fn held(&self) -> Vec<Unmet> {
        let mut unmet = Vec::new();
        if let Some(window) = self.window {
            match window.state(self.now) {
                WindowState::Open => {}
                WindowState::Draft => {
                    unmet.push(Unmet::new("window_draft", text!("unmet-window-draft"), Who::Role(Role::Operator)));
                    if window.interval.start > self.now {
                        unmet.push(self.opens(window));
                    }
                }
                WindowState::Announced => unmet.push(self.opens(window)),
                WindowState::Closed => unmet.push(Unmet::new(
                    "window_missed",
                    text!("unmet-window-missed", at = window.interval.end),
                    Who::Role(Role::Requester),
                )),
                WindowState::Cancelled => {
                    unmet.push(Unmet::new(
                        "window_cancelled",
                        text!("unmet-window-cancelled"),
                        Who::Role(Role::Requester),
                    ));
                }
            }
        }
        if let Some(deployment) = self.locked_by {
            unmet.push(Unmet::new("target_busy", text!("unmet-target-busy", deployment = deployment.0), Who::Portal));
        }
        if let Some(reason) = &self.cluster {
            unmet.push(Unmet::new("cluster", reason.clone(), Who::Role(Role::Admin)));
        }
        unmet
    }

    fn opens(&self, window: &Window) -> Unmet {
        Unmet::new(
            "window_not_open",
            text!("unmet-window-opens", at = window.interval.start),
            Who::Time(window.interval.start),
        )
    }

    /// Why it is not going out: everything unmet, for whoever would start it.
    pub fn unmet(&self) -> Vec<Unmet> {
        let signed = self.signed_off().err().unwrap_or_default();
        let opening = self.opening(Cause::Clock).err().unwrap_or_default();
        [signed, opening].concat()
    }
}

impl Unmet {
    fn new(code: &'static str, text: Text, who: Who) -> Self {
        Self { code, text, who }
    }
}
