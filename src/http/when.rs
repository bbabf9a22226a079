//! Times as people read them: in their own zone, with the window's zone and UTC beside them.

use askama::filters::Safe;

use crate::domain::text::Text;
use crate::domain::time::{Interval, Timestamp, Zone};
use crate::text;
use crate::texts::{Reader, clock, day, is_this_year};

/// A moment as HTML, with UTC to be seen when one points at it.
pub fn moment(at: Timestamp, reader: &Reader) -> Safe<String> {
    element(at, &format!("{} {}", day(at, reader), clock(at, reader)))
}

/// Day of the week and time where that says enough, within six days of now; else day and month, with
/// the year when it is another one.
pub fn brief(at: Timestamp, reader: &Reader) -> String {
    let near = at.since(reader.now).num_days().abs() < 6;
    let shown = match (near, is_this_year(at, reader)) {
        (true, _) => "%a %H:%M",
        (false, true) => "%-d %b %H:%M",
        (false, false) => "%-d %b %Y %H:%M",
    };
    reader.zone.local(at).format(shown).to_string()
}

/// The same as HTML.
pub fn brief_moment(at: Timestamp, reader: &Reader) -> Safe<String> {
    element(at, &brief(at, reader))
}

/// A time of day to the second, as HTML.
pub fn time_of_day(at: Timestamp, reader: &Reader) -> Safe<String> {
    element(at, &reader.zone.local(at).format("%H:%M:%S").to_string())
}

fn element(at: Timestamp, shown: &str) -> Safe<String> {
    let utc = Reader { zone: Zone::UTC, ..Reader { language: Default::default(), zone: Zone::UTC, now: at } };
    let title = format!("{} {} UTC", day(at, &Reader { now: Timestamp::EPOCH, ..utc }), clock(at, &utc));
    Safe(format!("<time datetime=\"{at}\" title=\"{title}\">{shown}</time>"))
}

/// A span: `Thu 26 Nov 20:00–21:30`, or with both days when it crosses midnight.
pub fn span(interval: Interval, reader: &Reader) -> String {
    let (first, last) = (day(interval.start, reader), day(interval.end, reader));
    let (from, to) = (clock(interval.start, reader), clock(interval.end, reader));
    if first == last { format!("{first} {from}–{to}") } else { format!("{first} {from} – {last} {to}") }
}

/// The same span by the clocks beside: the window's own zone where it is another one, and UTC.
pub fn beside(interval: Interval, zone: Zone, reader: &Reader) -> String {
    let mut clocks = Vec::new();
    let mut zones = vec![reader.zone];
    for other in [zone, Zone::UTC] {
        if !zones.contains(&other) {
            zones.push(other);
            let there = Reader { zone: other, ..*reader };
            let same_day = day(interval.start, &there) == day(interval.start, reader);
            let shown = span(interval, &there);
            let shown = if same_day {
                format!("{}–{}", clock(interval.start, &there), clock(interval.end, &there))
            } else {
                shown
            };
            clocks.push(format!("{shown} {}", other.name()));
        }
    }
    clocks.join(", ")
}

/// A length of time in one or two units.
pub fn length(seconds: i64) -> Text {
    let minutes = seconds / 60;
    let (hours, days) = (minutes / 60, minutes / 1440);
    if seconds < 60 {
        text!("length-seconds", seconds = seconds.max(0))
    } else if hours == 0 {
        text!("length-minutes", minutes = minutes)
    } else if days < 2 {
        text!("length-hours", hours = hours, minutes = minutes % 60)
    } else {
        text!("length-days", days = days)
    }
}

/// How long ago, or how long from now.
pub fn distance(at: Timestamp, now: Timestamp) -> Text {
    let seconds = at.since(now).num_seconds();
    if seconds > 0 {
        text!("distance-in", length = length(seconds))
    } else if seconds > -5 {
        text!("distance-now")
    } else {
        text!("distance-ago", length = length(-seconds))
    }
}

/// What a form field for a wall-clock time holds.
pub fn field(at: Timestamp, zone: Zone) -> String {
    zone.local(at).format("%Y-%m-%dT%H:%M").to_string()
}

/// The same with its offset, to the minute: what is said of a time that happens twice.
pub fn exact(at: chrono::DateTime<chrono_tz::Tz>) -> String {
    at.format("%Y-%m-%dT%H:%M%:z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Language;

    #[test]
    fn a_moment_of_another_year_is_shown_with_it() {
        let at = |text| Timestamp::parse(text).unwrap();
        let zone = Zone::parse("Europe/Berlin").unwrap();
        let reader = |now| Reader { language: Language::En, zone, now: at(now) };
        let moment = at("2026-11-26T19:00:00Z");
        assert_eq!(brief(moment, &reader("2026-11-24T00:00:00Z")), "Thu 20:00");
        assert_eq!(brief(moment, &reader("2026-01-24T00:00:00Z")), "26 Nov 20:00");
        assert_eq!(brief(moment, &reader("2027-11-20T00:00:00Z")), "26 Nov 2026 20:00");
        // Around the turn of the year the day of the week still says enough.
        assert_eq!(brief(at("2026-12-31T19:00:00Z"), &reader("2027-01-02T00:00:00Z")), "Thu 20:00");
    }

    #[test]
    fn a_window_is_shown_by_three_clocks() {
        let at = |text| Timestamp::parse(text).unwrap();
        let interval = Interval::new(at("2026-11-26T19:00:00Z"), at("2026-11-26T20:30:00Z")).unwrap();
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let reader = |zone| Reader { language: Language::En, zone, now: at("2026-11-20T00:00:00Z") };
        assert_eq!(span(interval, &reader(berlin)), "Thu 26 Nov 20:00–21:30");
        assert_eq!(beside(interval, berlin, &reader(berlin)), "19:00–20:30 UTC");
        let taipei = Zone::parse("Asia/Taipei").unwrap();
        assert_eq!(span(interval, &reader(taipei)), "Fri 27 Nov 03:00–04:30");
        assert_eq!(
            beside(interval, berlin, &reader(taipei)),
            "Thu 26 Nov 20:00–21:30 Europe/Berlin, Thu 26 Nov 19:00–20:30 UTC"
        );
    }
}
