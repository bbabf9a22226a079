//! What everybody may know: the public page, the calendar feed and the Atom feed. Only windows that
//! were announced with the *public* tick, and of those title, time, the text for those concerned,
//! and the services that are marked public.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use atom_syndication::{Content, Entry, Feed, FixedDateTime, Link, Text as AtomText};
use chrono::TimeDelta;
use icalendar::{Calendar, Component as _, Event, EventLike as _, EventStatus};

use super::Page;
use crate::domain::announcement::AnnouncementKind;
use crate::domain::time::{Interval, Timestamp};
use crate::http::Doors;
use crate::http::error::Failed;
use crate::http::guard::Visitor;
use crate::http::shell::{Badge, Shell, page};
use crate::http::when;
use crate::store::view::windows::{self, PublicWindow};
use crate::text;
use crate::texts::Reader;

/// How long a window that is over stays on the page and in the feeds.
const MEMORY: TimeDelta = TimeDelta::days(30);

#[derive(Template)]
#[template(path = "pages/announcements/announcements.html")]
struct AnnouncementsPage {
    shell: Shell,
    coming: Vec<Item>,
    past: Vec<Item>,
}

/// A window, by its own clock and UTC.
struct Item {
    window: PublicWindow,
    services: Vec<String>,
    span: String,
    utc: String,
    badge: Badge,
}

async fn items(doors: &Doors, shell: &Shell) -> Result<Vec<Item>, Failed> {
    let now = shell.reader.now;
    let mut conn = doors.workflow.store().read().await?;
    let mut items = Vec::new();
    for window in windows::public(&mut conn, now.minus(MEMORY)).await? {
        let services = windows::public_services(&mut conn, window.window_id).await?;
        let interval = Interval { start: window.starts_at, end: window.ends_at };
        let there = Reader { zone: window.zone, ..shell.reader };
        items.push(Item {
            span: when::span(interval, &there),
            utc: when::beside(interval, window.zone, &there),
            badge: badge(shell, &window, now),
            services: services.iter().map(ToString::to_string).collect(),
            window,
        });
    }
    Ok(items)
}

fn badge(shell: &Shell, window: &PublicWindow, now: Timestamp) -> Badge {
    let (key, tone) = match window.kind {
        AnnouncementKind::Cancelled => ("window-state-cancelled", "stop"),
        _ if now >= window.ends_at => ("window-state-closed", "plain"),
        _ if now >= window.starts_at => ("window-state-open", "go"),
        AnnouncementKind::Moved => ("window-state-moved", "wait"),
        AnnouncementKind::Changed => ("window-state-changed", "wait"),
        AnnouncementKind::Announced => ("window-state-announced", "sea"),
    };
    Badge { word: shell.t(key), tone }
}

/// Shows the public page; whoever is signed in keeps their navigation.
pub async fn show(doors: web::Data<Doors>, request: HttpRequest) -> Page {
    let shell = match Visitor::of(&doors, &request).await? {
        Some(who) => Shell::of(&doors, &who, &request, "announcements").await?,
        None => Shell::public(&doors, doors.workflow.settings().zone, "announcements"),
    };
    let now = shell.reader.now;
    let (coming, mut past): (Vec<Item>, Vec<Item>) =
        items(&doors, &shell).await?.into_iter().partition(|item| item.window.ends_at > now);
    past.reverse();
    Ok(page(&AnnouncementsPage { shell, coming, past }, StatusCode::OK)?)
}

fn description(shell: &Shell, item: &Item) -> String {
    let (span, zone, utc) = (item.span.as_str(), item.window.zone.name(), item.utc.as_str());
    let when = if utc.is_empty() {
        text!("feed-when", span = span, zone = zone)
    } else {
        text!("feed-when-utc", span = span, zone = zone, utc = utc)
    };
    let mut parts = vec![shell.say(&when)];
    if !item.window.audience.is_empty() {
        parts.push(item.window.audience.to_string());
    }
    if !item.services.is_empty() {
        parts.push(shell.say(&text!("feed-services", services = item.services.join(", "))));
    }
    parts.join("\n\n")
}

/// The calendar feed (RFC 5545). A window keeps its UID however often it is moved; SEQUENCE rises
/// with each announcement, and one that was called off stays, as cancelled.
pub async fn calendar(doors: web::Data<Doors>) -> Page {
    let shell = Shell::public(&doors, doors.workflow.settings().zone, "announcements");
    let mut calendar = Calendar::new();
    calendar.name(&shell.t("feed-title"));
    for item in items(&doors, &shell).await? {
        let cancelled = item.window.kind == AnnouncementKind::Cancelled;
        let mut event = Event::new();
        // What a calendar cannot tell by itself: that what is announced has changed.
        if matches!(item.window.kind, AnnouncementKind::Moved | AnnouncementKind::Changed) {
            event.add_property("COMMENT", &item.badge.word);
        }
        let event = event
            .uid(&format!("window-{}@{}", item.window.window_id, doors.public_url.host()))
            .summary(item.window.title.as_str())
            .description(&description(&shell, &item))
            .starts(item.window.starts_at.utc())
            .ends(item.window.ends_at.utc())
            .timestamp(item.window.announced_at.utc())
            .sequence(u32::try_from(item.window.sequence).unwrap_or(u32::MAX))
            .status(if cancelled { EventStatus::Cancelled } else { EventStatus::Confirmed })
            .url(&doors.public_url.link("/announcements"))
            .done();
        calendar.push(event);
    }
    Ok(HttpResponse::Ok()
        .content_type("text/calendar; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, "inline; filename=\"tidegate.ics\""))
        .body(calendar.done().to_string()))
}

/// The Atom feed (RFC 4287): an entry a window, the newest announcement first.
pub async fn atom(doors: web::Data<Doors>) -> Page {
    let shell = Shell::public(&doors, doors.workflow.settings().zone, "announcements");
    let mut items = items(&doors, &shell).await?;
    items.sort_by_key(|item| std::cmp::Reverse(item.window.announced_at));
    let page = doors.public_url.link("/announcements");
    let time = |at: Timestamp| -> FixedDateTime { at.utc().fixed_offset() };
    let mut feed = Feed::default();
    feed.set_title(shell.t("feed-title"));
    feed.set_id(page.clone());
    let updated = items.first().map_or(Timestamp::EPOCH, |item| item.window.announced_at);
    feed.set_updated(time(updated));
    let own = Link { href: doors.public_url.link("/announcements.atom"), rel: "self".to_owned(), ..Link::default() };
    feed.set_links(vec![own, Link { href: page.clone(), rel: "alternate".to_owned(), ..Link::default() }]);
    let author = atom_syndication::Person { name: "Tidegate".to_owned(), ..atom_syndication::Person::default() };
    feed.set_authors(vec![author]);
    let entries = items.iter().map(|item| {
        let mut entry = Entry::default();
        entry.set_id(format!("{page}#window-{}-{}", item.window.window_id, item.window.sequence));
        entry.set_title(AtomText::plain(format!("{} · {}", item.window.title, item.badge.word)));
        entry.set_updated(time(item.window.announced_at));
        entry.set_published(Some(time(item.window.first_announced_at)));
        entry.set_links(vec![Link { href: page.clone(), rel: "alternate".to_owned(), ..Link::default() }]);
        let value = Some(description(&shell, item));
        entry.set_content(Some(Content { value, content_type: Some("text".to_owned()), ..Content::default() }));
        entry
    });
    feed.set_entries(entries.collect::<Vec<_>>());
    Ok(HttpResponse::Ok().content_type("application/atom+xml; charset=utf-8").body(feed.to_string()))
}
