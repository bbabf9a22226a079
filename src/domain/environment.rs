//! Environments: a place with a policy.

use std::collections::BTreeSet;
use std::fmt;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::id::GroupId;
use super::text::Text;
use crate::text;

/// One sign-off rule: so many people of this group (rule 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignoffRule {
    /// Whose members can satisfy it.
    pub group: GroupId,
    /// How many of them, at least one.
    pub count: u32,
}

/// How a release starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartMode {
    /// An operator starts it, inside the window where there is one.
    ByHand,
    /// The portal starts it at the opening of its window, or as soon after as nothing is missing.
    AtOpening,
    /// The portal starts it as soon as the last sign-off is in.
    WhenSigned,
}

impl StartMode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ByHand, Self::AtOpening, Self::WhenSigned];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ByHand => "by_hand",
            Self::AtOpening => "at_opening",
            Self::WhenSigned => "when_signed",
        }
    }
    /// # Errors
    /// When there is no such mode.
    pub fn parse(text: &str) -> Result<Self, Text> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or_else(|| text!("start-mode-unknown"))
    }
}

impl fmt::Display for StartMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What happens to an image with an author whom nobody can be matched to, or with none (rule 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownAuthor {
    /// It may go out; the page says so.
    Allow,
    /// It waits until an administrator names the person.
    Block,
}

impl UnknownAuthor {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
        }
    }
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, Text> {
        match text {
            "allow" => Ok(Self::Allow),
            "block" => Ok(Self::Block),
            _ => Err(text!("unknown-author-unknown")),
        }
    }
}

/// An environment's rules. Immutable: an edit is a new version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Who has to agree; all of them. Empty: nobody.
    pub rules: Vec<SignoffRule>,
    /// The ways a release may start here.
    pub start_modes: BTreeSet<StartMode>,
    /// Whether who asked for a release may sign it.
    pub requester_may_sign: bool,
    /// Whether an author of the commit may sign it.
    pub author_may_sign: bool,
    /// What happens to images whose author nobody knows.
    pub unknown_author: UnknownAuthor,
    /// How long a sign-off holds, in hours.
    pub validity_hours: u32,
    /// Whether signing asks for the password again when the last sign-in is a while ago.
    pub fresh_signoff: bool,
    /// How long a rollout may take, in seconds; absent means the workload's own progress deadline
    /// and a minute more.
    pub deadline_seconds: Option<u32>,
    /// How long new pods have to serve without a restart before it counts as success, in seconds.
    pub watch_seconds: u32,
}

impl Policy {
    /// What a new environment starts with: nobody has to agree, every start mode.
    pub fn open() -> Self {
        Self {
            rules: Vec::new(),
            start_modes: StartMode::ALL.into(),
            requester_may_sign: false,
            author_may_sign: false,
            unknown_author: UnknownAuthor::Allow,
            validity_hours: 14 * 24,
            fresh_signoff: false,
            deadline_seconds: None,
            watch_seconds: 10,
        }
    }
    /// How long a sign-off holds.
    pub fn validity(&self) -> TimeDelta {
        TimeDelta::hours(i64::from(self.validity_hours))
    }
    /// Groups whose members can sign here.
    pub fn groups(&self) -> BTreeSet<GroupId> {
        self.rules.iter().map(|rule| rule.group).collect()
    }
}
