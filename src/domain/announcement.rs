//! Announcements: what was said about a window, and when.

use serde::{Deserialize, Serialize};

/// What an announcement tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnnouncementKind {
    /// A window is going to happen.
    Announced,
    /// It happens at another time.
    Moved,
    /// Something else in what was announced is told otherwise.
    Changed,
    /// It does not happen.
    Cancelled,
}

impl AnnouncementKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Announced, Self::Moved, Self::Changed, Self::Cancelled];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Moved => "moved",
            Self::Changed => "changed",
            Self::Cancelled => "cancelled",
        }
    }
}
