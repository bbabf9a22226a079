//! The tide: a curve over time whose swells are the windows, with the releases as buoys on them and
//! the line of now. Drawn on the server as SVG; the same in words stands below it for those who
//! cannot see it.

use chrono::{Datelike as _, Days, TimeDelta, TimeZone as _};

use crate::domain::id::WindowId;
use crate::domain::text::Text;
use crate::domain::time::{Interval, Timestamp, Zone};
use crate::text;
use crate::texts::{Reader, clock};

const WIDTH: f64 = 1074.0;
const LEVEL: f64 = 92.0;
const SWELL: f64 = 44.0;

/// A window on the tide.
pub struct Swell {
    /// Which.
    pub id: WindowId,
    /// Its title.
    pub title: String,
    /// When.
    pub interval: Interval,
    /// Its releases: whether each has every sign-off.
    pub buoys: Vec<bool>,
}

/// The picture.
pub struct Tide {
    /// Days, with the place of each one's beginning.
    pub days: Vec<(String, f64)>,
    /// The surface, as SVG path data.
    pub surface: String,
    /// The water below it.
    pub water: String,
    /// Windows with the place of their middle, in order.
    pub labels: Vec<Label>,
    /// The place of now, with the time of day.
    pub now: (f64, String),
}

/// A window's label.
pub struct Label {
    /// The window.
    pub id: WindowId,
    /// Its title.
    pub title: String,
    /// Its hours, and how many releases are on its agenda.
    pub hours: String,
    /// Where its label stands.
    pub x: f64,
    /// To which side the label runs.
    pub anchor: &'static str,
    /// Its buoys: place, and whether every sign-off is in.
    pub buoys: Vec<(f64, f64, bool)>,
    /// The same of all its releases, in words.
    pub agenda: Option<Text>,
}

/// Draws some days from the beginning of today.
pub fn draw(swells: &[Swell], days: u64, reader: &Reader) -> Tide {
    let start = midnight(reader.zone, reader.now, 0);
    let end = midnight(reader.zone, reader.now, days);
    let span = end.since(start).num_seconds() as f64;
    let place = |at: Timestamp| at.since(start).num_seconds() as f64 / span * WIDTH;
    let width = |interval: &Interval| ((place(interval.end) - place(interval.start)) / 2.0).max(26.0);
    let middle = |interval: &Interval| (place(interval.start) + place(interval.end)) / 2.0;
    // Each window lifts the water around its middle; a bell as wide as the window is long.
    let height = |x: f64| -> f64 {
        let lift = swells.iter().map(|swell| {
            let distance = (x - middle(&swell.interval)) / (width(&swell.interval) * 1.25);
            (-distance * distance).exp()
        });
        LEVEL - SWELL * lift.fold(0.0, f64::max)
    };
    let points: Vec<(f64, f64)> = (0..=358).map(|step| f64::from(step) * 3.0).map(|x| (x, height(x))).collect();
    let surface: String = points
        .iter()
        .enumerate()
        .map(|(index, (x, y))| format!("{}{x:.0} {y:.1}", if index == 0 { "M" } else { "L" }))
        .collect();
    let water = format!("{surface}L{WIDTH} 112L0 112Z");
    let now = place(reader.now);
    let labels = swells
        .iter()
        .filter(|swell| swell.interval.end > start && swell.interval.start < end)
        .map(|swell| {
            let x = middle(&swell.interval).clamp(0.0, WIDTH);
            let count = swell.buoys.len();
            let ready = swell.buoys.iter().filter(|ready| **ready).count();
            let hours = format!("{}–{}", clock(swell.interval.start, reader), clock(swell.interval.end, reader));
            let first = x - (count.min(5) as f64 - 1.0) * 7.0;
            let buoys = swell.buoys.iter().take(5).enumerate().map(|(index, ready)| {
                let at = first + index as f64 * 14.0;
                (at, height(at), *ready)
            });
            Label {
                id: swell.id,
                title: swell.title.clone(),
                hours: if count > 0 { format!("{hours} · {count}") } else { hours },
                x,
                anchor: if x < 90.0 {
                    "start"
                } else if x > WIDTH - 90.0 {
                    "end"
                } else {
                    "middle"
                },
                buoys: buoys.collect(),
                agenda: (count > 0).then(|| text!("tide-agenda", ready = ready, missing = count - ready)),
            }
        })
        .collect();
    let days = (0..days)
        .map(|offset| {
            let at = midnight(reader.zone, reader.now, offset);
            (reader.zone.local(at).format("%a %-d").to_string(), place(at))
        })
        .collect();
    Tide { days, surface, water, labels, now: (now, clock(reader.now, reader)) }
}

/// The beginning of a day, so many days after today; where clocks skip midnight, the first instant
/// that exists.
fn midnight(zone: Zone, now: Timestamp, days: u64) -> Timestamp {
    let today = zone.local(now).date_naive();
    let day = today.checked_add_days(Days::new(days)).unwrap_or(today);
    (0..4)
        .find_map(|hour| zone.0.with_ymd_and_hms(day.year(), day.month(), day.day(), hour, 0, 0).earliest())
        .map_or(now, |local| local.with_timezone(&chrono::Utc).into())
}

/// How far the tide looks.
pub fn reach(days: i64, now: Timestamp) -> Timestamp {
    now.plus(TimeDelta::days(days))
}
