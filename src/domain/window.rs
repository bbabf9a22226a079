//! Windows: an announced span of time with an agenda of releases. Whether one is open follows from
//! its interval and the time; no task has to switch anything.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::id::WindowId;
use super::text::Text;
use super::time::{Interval, Timestamp, Zone};
use crate::text;

/// What stands of a window in the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Which.
    pub id: WindowId,
    /// When, half-open.
    pub interval: Interval,
    /// The zone it was planned in.
    pub zone: Zone,
    /// When it was announced, if it was.
    pub announced_at: Option<Timestamp>,
    /// When it was called off, if it was.
    pub cancelled_at: Option<Timestamp>,
}

/// The states a window goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowState {
    /// Nobody has been told yet; it can be changed freely, and nothing starts in it.
    Draft,
    /// People have been told.
    Announced,
    /// It is now.
    Open,
    /// It is over.
    Closed,
    /// It was called off.
    Cancelled,
}

impl WindowState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Announced => "announced",
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Window {
    /// The state at an instant.
    pub fn state(&self, now: Timestamp) -> WindowState {
        if self.cancelled_at.is_some() {
            WindowState::Cancelled
        } else if now >= self.interval.end {
            WindowState::Closed
        } else if self.announced_at.is_none() {
            WindowState::Draft
        } else if self.interval.holds(now) {
            WindowState::Open
        } else {
            WindowState::Announced
        }
    }
}

/// Longest window: longer is a state of affairs, not a window.
pub const LONGEST: TimeDelta = TimeDelta::days(31);

/// Judges the interval of a new or moved window.
///
/// # Errors
/// When it ends before it starts, lies in the past, or is longer than a month.
pub fn check_interval(start: Timestamp, end: Timestamp, now: Timestamp) -> Result<Interval, Text> {
    let interval = Interval::new(start, end)?;
    if end <= now {
        return Err(text!("window-in-the-past"));
    }
    if end.since(start) > LONGEST {
        return Err(text!("window-too-long", days = LONGEST.num_days()));
    }
    Ok(interval)
}
