//! Windows: planned, announced, moved, called off.

use serde::{Deserialize, Serialize};

use super::{Result, Verb, release};
use crate::domain::announcement::AnnouncementKind;
use crate::domain::id::WindowId;
use crate::domain::name::{Note, Title};
use crate::domain::refusal::{Check, Refusal};
use crate::domain::time::{Timestamp, Zone};
use crate::domain::window::{WindowState, check_interval};
use crate::protocol::WindowSpec;
use crate::store::release::Concerned;
use crate::store::window::{Details, Window};
use crate::store::{self};
use crate::text;
use crate::wake::Wake;

/// What making a window gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The window.
    pub id: WindowId,
}

/// Plans a window. Nobody is told yet.
///
/// # Errors
/// When a value is wrong, or the actor plans no windows.
pub async fn create(v: &mut Verb<'_>, spec: WindowSpec) -> Result<Planned> {
    v.access.plan_windows()?;
    let details = parse(v, &spec, None)?;
    let id = store::window::insert(v.tx, &details, v.actor.person(), v.now).await?;
    v.record("window.create", subject(id), None, facts(&details)).await?;
    Ok(Planned { id })
}

fn subject(id: WindowId) -> String {
    format!("window:{id}")
}

fn facts(details: &Details) -> serde_json::Value {
    serde_json::json!({
        "title": details.title, "starts_at": details.interval.start, "ends_at": details.interval.end,
        "zone": details.zone, "audience": details.audience, "public": details.public,
    })
}

fn parse(v: &Verb<'_>, spec: &WindowSpec, present: Option<&Window>) -> Result<Details> {
    let mut check = Check::new();
    let title = check.field("/title", Title::parse(&spec.title));
    let audience = check.field("/audience", Note::parse(&spec.audience));
    let zone = match spec.zone.as_deref().map(str::trim) {
        None | Some("") => Some(v.workflow.settings.zone),
        Some(name) => check.field("/zone", Zone::parse(name)),
    };
    let instant = |text: &str| match zone {
        // A time with an offset is exact, whatever the zone; one without is the zone's wall clock.
        Some(zone) => Timestamp::parse(text).or_else(|_| zone.instant(text)),
        None => Timestamp::parse(text),
    };
    let starts_at = check.field("/starts_at", instant(&spec.starts_at));
    let ends_at = check.field("/ends_at", instant(&spec.ends_at));
    let interval = match starts_at.zip(ends_at) {
        Some((start, end)) => {
            let interval = check_interval(start, end, v.now);
            // One that has begun may be edited; a new one does not begin in the past.
            let begun = start < v.now && present.is_none_or(|present| present.starts_at != start);
            let interval = interval.and_then(|ok| if begun { Err(text!("window-in-the-past")) } else { Ok(ok) });
            let pointer = match &interval {
                Err(text) if text.key == "window-in-the-past" && end > v.now => "/starts_at",
                _ => "/ends_at",
            };
            check.field(pointer, interval)
        }
        None => None,
    };
    let public = spec.public;
    Ok(check.all(|| Some(Details { title: title?, audience: audience?, interval: interval?, zone: zone?, public }))?)
}

async fn known(v: &mut Verb<'_>, id: WindowId) -> Result<Window> {
    v.access.look_somewhere().map_err(|_| Refusal::absent())?;
    let window = store::window::by_id(v.tx, id).await?.ok_or_else(Refusal::absent)?;
    v.access.plan_windows()?;
    Ok(window)
}

/// Whoever moves a window or calls it off operates each environment that its agenda's open releases
/// go to: it voids what was signed there, or keeps it from going out.
async fn may_hold_up(v: &mut Verb<'_>, id: WindowId) -> Result<()> {
    let agenda = store::release::open(v.tx, Concerned { window: Some(id), ..Concerned::default() }).await?;
    if agenda.iter().all(|release| v.access.plans_for(release.environment_id)) {
        Ok(())
    } else {
        Err(Refusal::forbidden(text!("refusal-window-of-others")).into())
    }
}

/// Changes a window. One that was announced is announced again, and if its time changed, the
/// releases on its agenda are asked for anew (rule 10).
///
/// # Errors
/// When a value is wrong, it is over or called off, it was edited meanwhile, or it would be moved
/// under releases for an environment that the actor does not operate.
pub async fn edit(v: &mut Verb<'_>, id: WindowId, version: i64, spec: WindowSpec) -> Result<()> {
    let window = known(v, id).await?;
    if window.version != version {
        return Err(Refusal::stale(text!("conflict-edited-meanwhile")).into());
    }
    refuse_over(v, &window)?;
    let details = parse(v, &spec, Some(&window))?;
    let stands = Details {
        title: window.title.clone(),
        audience: window.audience.clone(),
        interval: window.domain().interval,
        zone: window.zone,
        public: window.is_public == 1,
    };
    if details == stands {
        return Ok(());
    }
    let moved = (details.interval, details.zone) != (stands.interval, stands.zone);
    if moved {
        may_hold_up(v, id).await?;
    }
    store::window::update(v.tx, id, version, &details).await?;
    v.record("window.edit", subject(id), None, facts(&details)).await?;
    if window.announced_at.is_some() {
        announce_as(v, id, if moved { AnnouncementKind::Moved } else { AnnouncementKind::Changed }).await?;
    }
    if moved {
        let concerned = Concerned { window: Some(id), ..Concerned::default() };
        release::revise_all(v, concerned, &text!("revised-window-moved", title = details.title.as_str())).await?;
    }
    v.tx.wake(Wake::Clear);
    Ok(())
}

fn refuse_over(v: &Verb<'_>, window: &Window) -> Result<()> {
    match window.domain().state(v.now) {
        WindowState::Closed => Err(Refusal::conflict(text!("window-is-over")).into()),
        WindowState::Cancelled => Err(Refusal::conflict(text!("window-is-cancelled")).into()),
        _ => Ok(()),
    }
}

async fn announce_as(v: &mut Verb<'_>, id: WindowId, kind: AnnouncementKind) -> Result<()> {
    let window = store::window::by_id(v.tx, id).await?.ok_or_else(Refusal::absent)?;
    let announcement = store::window::announce(v.tx, &window, kind, v.actor.person(), v.now).await?;
    let facts = serde_json::json!({ "kind": kind, "announcement": announcement, "starts_at": window.starts_at, "ends_at": window.ends_at });
    v.record("window.announce", subject(id), None, facts).await
}

/// Announces a window.
///
/// # Errors
/// When it was announced before, is over or called off, or was edited meanwhile.
pub async fn announce(v: &mut Verb<'_>, id: WindowId, version: Option<i64>) -> Result<()> {
    let window = known(v, id).await?;
    refuse_over(v, &window)?;
    if version.is_some_and(|seen| seen != window.version) {
        return Err(Refusal::stale(text!("conflict-edited-meanwhile")).into());
    }
    if window.announced_at.is_some() {
        return Err(Refusal::conflict(text!("window-already-announced")).into());
    }
    store::window::set_announced(v.tx, id, v.now).await?;
    announce_as(v, id, AnnouncementKind::Announced).await?;
    v.tx.wake(Wake::Clear);
    Ok(())
}

/// Calls a window off. If it was announced, that is announced too; its releases wait for another.
///
/// # Errors
/// When it is over or called off already, or its agenda holds releases for an environment that the
/// actor does not operate.
pub async fn cancel(v: &mut Verb<'_>, id: WindowId) -> Result<()> {
    let window = known(v, id).await?;
    refuse_over(v, &window)?;
    may_hold_up(v, id).await?;
    store::window::set_cancelled(v.tx, id, v.now).await?;
    v.record("window.cancel", subject(id), None, serde_json::json!({ "title": window.title })).await?;
    if window.announced_at.is_some() {
        announce_as(v, id, AnnouncementKind::Cancelled).await?;
    }
    v.tx.wake(Wake::Clear);
    Ok(())
}
