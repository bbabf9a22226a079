//! Wall-clock times in a form. A browser's field for one holds neither seconds nor an offset: so a
//! time that was not touched stays the instant it was, and one that happens twice is chosen beside
//! the field.

use crate::domain::time::{Timestamp, Zone};
use crate::http::form::Form;
use crate::http::when;

/// The name beside a field, for which of two times is meant.
fn beside(field: &str) -> String {
    format!("{field}_exact")
}

/// A time that happens twice, to be chosen from.
pub struct Twice {
    /// Name of the choice.
    pub name: String,
    /// Both, with their offsets; whether each is chosen.
    pub times: [(String, bool); 2],
}

/// The choice that a form shows beside a field, where the field's time needs one. `stored` is the
/// instant that the field was filled with, and its zone.
pub fn twice(form: &Form, field: &str, zone: Option<Zone>, stored: Option<(Timestamp, Zone)>) -> Option<Twice> {
    let zone = zone?;
    let typed = form.value(field);
    let times = zone.twice(typed)?.map(when::exact);
    let name = beside(field);
    let given = form.value(&name);
    let kept = stored.filter(|_| !times.iter().any(|time| time == given)).and_then(|stored| same(typed, zone, stored));
    let chosen = kept.map_or_else(|| given.to_owned(), |at| when::exact(zone.local(at)));
    Some(Twice { name, times: times.map(|time| (time.clone(), time == chosen)) })
}

/// What a form says about a time: as it was typed, with what was chosen beside it, or the stored
/// instant where nothing else was said.
pub fn given(form: &Form, field: &str, zone: Option<Zone>, stored: Option<(Timestamp, Zone)>) -> String {
    let typed = form.value(field);
    let Some(zone) = zone else { return typed.to_owned() };
    let times = zone.twice(typed).map(|times| times.map(when::exact));
    let chosen = times.into_iter().flatten().find(|time| time == form.value(&beside(field)));
    let kept = stored.and_then(|stored| same(typed, zone, stored));
    match (kept, chosen) {
        (Some(at), None) => at.to_string(),
        (Some(at), Some(chosen)) if when::exact(zone.local(at)) == chosen => at.to_string(),
        (_, Some(chosen)) => chosen,
        (None, None) => typed.to_owned(),
    }
}

/// The stored instant, if this is what its field was filled with.
fn same(typed: &str, zone: Zone, (at, its_zone): (Timestamp, Zone)) -> Option<Timestamp> {
    (zone == its_zone && typed == when::field(at, its_zone)).then_some(at)
}
