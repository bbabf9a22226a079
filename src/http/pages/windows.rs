//! Windows: what is planned, one window with its agenda, planning and moving one.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::board::Titles;
use super::releases::Line;
use super::story::People;
use super::tide::{self, Swell, Tide};
use super::wall::{self, Twice};
use super::{Page, refusal, see_other};
use crate::domain::id::WindowId;
use crate::domain::name::Note;
use crate::domain::refusal::Refusal;
use crate::domain::release::State;
use crate::domain::text::Text;
use crate::domain::time::{Interval, Timestamp, Zone};
use crate::domain::window::WindowState;
use crate::http::Doors;
use crate::http::body::Query;
use crate::http::error::Failed;
use crate::http::form::{Form, Submit};
use crate::http::guard::{Visitor, Who};
use crate::http::shell::{Badge, Shell, page};
use crate::http::when;
use crate::protocol::WindowSpec;
use crate::store::view::releases::{Filter, ReleaseLine, list};
use crate::store::view::windows;
use crate::store::{self, Conn};
use crate::text;
use crate::workflow::window;

#[derive(Template)]
#[template(path = "pages/windows/windows.html")]
struct WindowsPage {
    shell: Shell,
    tide: Tide,
    coming: Vec<WindowLine>,
    past: Vec<WindowLine>,
    /// Whether only earlier ones are shown, as a further page of them.
    earlier: bool,
    next: Option<WindowId>,
}

/// A window as a list shows it.
struct WindowLine {
    id: WindowId,
    title: String,
    interval: Interval,
    beside: String,
    badge: Badge,
    agenda: Text,
    public: bool,
}

#[derive(Template)]
#[template(path = "pages/windows/window.html")]
struct WindowPage {
    shell: Shell,
    form: Form,
    window: store::window::Window,
    interval: Interval,
    badge: Badge,
    owner: Option<String>,
    agenda: Vec<Line>,
    announced: Vec<(Timestamp, Text)>,
    may_plan: bool,
}

#[derive(Template)]
#[template(path = "pages/windows/edit.html")]
struct EditPage {
    shell: Shell,
    form: Form,
    id: Option<WindowId>,
    announced: bool,
    zones: Vec<&'static str>,
    opens: Option<Twice>,
    closes: Option<Twice>,
}

fn badge(shell: &Shell, state: WindowState) -> Badge {
    let tone = match state {
        WindowState::Draft => "plain",
        WindowState::Announced => "sea",
        WindowState::Open => "go",
        WindowState::Closed => "plain",
        WindowState::Cancelled => "stop",
    };
    Badge { word: shell.t(&format!("window-state-{}", state.as_str())), tone }
}

fn line(shell: &Shell, window: store::window::Window, releases: &[ReleaseLine]) -> WindowLine {
    let agenda: Vec<&ReleaseLine> = releases.iter().filter(|line| line.row.window_id == Some(window.id)).collect();
    let waiting = agenda.iter().filter(|line| line.state == State::Waiting).count();
    let interval = window.domain().interval;
    WindowLine {
        id: window.id,
        title: window.title.to_string(),
        interval,
        beside: when::beside(interval, window.zone, &shell.reader),
        badge: badge(shell, window.domain().state(shell.reader.now)),
        agenda: text!("window-agenda", count = agenda.len(), waiting = waiting),
        public: window.is_public == 1,
    }
}

/// Which windows that are over to list.
#[derive(Deserialize)]
pub struct Wanted {
    before: Option<i64>,
}

/// Rows of windows that are over.
const ROWS: i64 = 20;

/// Lists windows.
pub async fn list_all(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, wanted: Query<Wanted>) -> Page {
    visitor.0.access.look_somewhere()?;
    let shell = Shell::of(&doors, &visitor.0, &request, "windows").await?;
    let now = shell.reader.now;
    let mut conn = doors.workflow.store().read().await?;
    let before = wanted.0.before.map(WindowId);
    let coming = if before.is_none() { windows::coming(&mut conn, now).await? } else { Vec::new() };
    let mut past = windows::past(&mut conn, now, before, ROWS + 1).await?;
    let more = past.len() > usize::try_from(ROWS).unwrap_or(usize::MAX);
    if more {
        past.pop();
    }
    let next = past.last().filter(|_| more).map(|window| window.id);
    let ids = coming.iter().chain(&past).map(|window| window.id).collect();
    let filter = Filter { windows: Some(ids), limit: i64::MAX, ..Filter::default() };
    let releases = list(&mut conn, &visitor.0.access, &filter, now).await?;
    let swells: Vec<Swell> = coming
        .iter()
        .map(|window| Swell {
            id: window.id,
            title: window.title.to_string(),
            interval: window.domain().interval,
            buoys: releases
                .iter()
                .filter(|line| {
                    line.row.window_id == Some(window.id) && (line.state.is_open() || line.state == State::Deploying)
                })
                .map(|line| matches!(line.state, State::Ready | State::Deploying))
                .collect(),
        })
        .collect();
    let tide = tide::draw(&swells, 14, &shell.reader);
    let coming = coming.into_iter().map(|window| line(&shell, window, &releases)).collect();
    let past = past.into_iter().map(|window| line(&shell, window, &releases)).collect();
    let earlier = before.is_some();
    Ok(page(&WindowsPage { shell, tide, coming, past, earlier, next }, StatusCode::OK)?)
}

fn parse(id: &str) -> Result<WindowId, Refusal> {
    id.parse().map_err(|_| Refusal::absent())
}

async fn known(conn: &mut Conn, who: &Who, id: WindowId) -> Result<store::window::Window, Failed> {
    who.access.look_somewhere().map_err(|_| Refusal::absent())?;
    Ok(store::window::by_id(conn, id).await?.ok_or_else(Refusal::absent)?)
}

/// Shows a window.
pub async fn show(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, id: web::Path<String>) -> Page {
    shown(&doors, &request, &visitor.0, parse(&id)?, Form::default(), StatusCode::OK).await
}

async fn shown(doors: &Doors, request: &HttpRequest, who: &Who, id: WindowId, form: Form, status: StatusCode) -> Page {
    let shell = Shell::of(doors, who, request, "windows").await?;
    let now = shell.reader.now;
    let mut conn = doors.workflow.store().read().await?;
    let window = known(&mut conn, who, id).await?;
    let titles = Titles::load(&mut conn).await?;
    let filter = Filter { windows: Some(vec![id]), limit: i64::MAX, ..Filter::default() };
    let mut releases = list(&mut conn, &who.access, &filter, now).await?;
    releases.reverse();
    let agenda = releases.into_iter().map(|line| Line::of(&shell, line, &titles)).collect();
    let mut people = People::default();
    let owner = match window.owner_id {
        Some(owner) => Some(people.name(&mut conn, owner).await?),
        None => None,
    };
    let mut announced = Vec::new();
    for one in store::window::announcements(&mut conn, id, id).await? {
        let interval = Interval { start: one.starts_at, end: one.ends_at };
        let key = format!("announced-{}", one.kind.as_str());
        announced
            .push((one.announced_at, Text { key: key.into(), args: Vec::new() }.with("span", shell.span(&interval))));
    }
    let state = window.domain().state(now);
    let shown = WindowPage {
        badge: badge(&shell, state),
        may_plan: shell.plans_windows() && !matches!(state, WindowState::Closed | WindowState::Cancelled),
        interval: window.domain().interval,
        shell,
        form,
        window,
        owner,
        agenda,
        announced,
    };
    Ok(page(&shown, status)?)
}

/// Zones to choose from.
pub(super) fn zones() -> Vec<&'static str> {
    chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).filter(|name| name.contains('/') || *name == "UTC").collect()
}

/// The zone that the form's times are read by, if it is one.
fn zone(doors: &Doors, form: &Form) -> Option<Zone> {
    match form.text("zone") {
        Some(name) => Zone::parse(&name).ok(),
        None => Some(doors.workflow.settings().zone),
    }
}

/// What the form says; times that it leaves alone are those of the window.
fn spec(doors: &Doors, form: &Form, window: Option<&store::window::Window>) -> WindowSpec {
    let zone = zone(doors, form);
    WindowSpec {
        title: form.value("title").to_owned(),
        starts_at: wall::given(form, "starts_at", zone, window.map(|window| (window.starts_at, window.zone))),
        ends_at: wall::given(form, "ends_at", zone, window.map(|window| (window.ends_at, window.zone))),
        zone: form.text("zone"),
        audience: form.value("audience").to_owned(),
        public: form.ticked("public"),
    }
}

const FIELDS: [&str; 5] = ["title", "starts_at", "ends_at", "zone", "audience"];

async fn form_page(
    doors: &Doors,
    request: &HttpRequest,
    who: &Who,
    form: Form,
    window: Option<&store::window::Window>,
    status: StatusCode,
) -> Page {
    who.access.plan_windows()?;
    let shell = Shell::of(doors, who, request, "windows").await?;
    let announced = window.is_some_and(|window| window.announced_at.is_some());
    let id = window.map(|window| window.id);
    let zone = zone(doors, &form);
    let opens = wall::twice(&form, "starts_at", zone, window.map(|window| (window.starts_at, window.zone)));
    let closes = wall::twice(&form, "ends_at", zone, window.map(|window| (window.ends_at, window.zone)));
    Ok(page(&EditPage { shell, form, id, announced, zones: zones(), opens, closes }, status)?)
}

/// Shows the form for a new window: an hour from tomorrow at the same time.
pub async fn new(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor) -> Page {
    let zone = visitor.0.person.zone.unwrap_or(doors.workflow.settings().zone);
    let now = doors.workflow.clock().now();
    let hour = now.micros() / 3_600_000_000 * 3_600_000_000;
    let start = Timestamp::from_micros(hour).unwrap_or(now).plus(chrono::TimeDelta::hours(25));
    let form = Form::with([
        ("zone", zone.name().to_owned()),
        ("starts_at", when::field(start, zone)),
        ("ends_at", when::field(start.plus(chrono::TimeDelta::minutes(90)), zone)),
    ]);
    form_page(&doors, &request, &visitor.0, form, None, StatusCode::OK).await
}

/// Plans it.
pub async fn create(doors: web::Data<Doors>, request: HttpRequest, submit: Submit) -> Page {
    let Submit { who, form } = submit;
    let given = spec(&doors, &form, None);
    match doors.workflow.act(who.caller.clone(), move |v| Box::pin(window::create(v, given))).await {
        Ok(planned) => Ok(see_other(&format!("/windows/{}?done=window-planned", planned.id))),
        Err(error) => {
            let form = form.refused(&refusal(error)?, &FIELDS);
            form_page(&doors, &request, &who, form, None, StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}

fn filled(window: &store::window::Window) -> Form {
    let audience: &Note = &window.audience;
    let mut form = Form::with([
        ("version", window.version.to_string()),
        ("title", window.title.to_string()),
        ("zone", window.zone.name().to_owned()),
        ("starts_at", when::field(window.starts_at, window.zone)),
        ("ends_at", when::field(window.ends_at, window.zone)),
        ("audience", audience.to_string()),
    ]);
    if window.is_public == 1 {
        form.set("public", "on");
    }
    form
}

/// Shows the form for a window that is planned.
pub async fn edit(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, id: web::Path<String>) -> Page {
    let mut conn = doors.workflow.store().read().await?;
    let window = known(&mut conn, &visitor.0, parse(&id)?).await?;
    drop(conn);
    form_page(&doors, &request, &visitor.0, filled(&window), Some(&window), StatusCode::OK).await
}

/// Changes it. Somebody else's edit meanwhile is shown, with what was typed kept.
pub async fn save(doors: web::Data<Doors>, request: HttpRequest, submit: Submit, id: web::Path<String>) -> Page {
    let (id, Submit { who, mut form }) = (parse(&id)?, submit);
    let mut conn = doors.workflow.store().read().await?;
    let window = known(&mut conn, &who, id).await?;
    drop(conn);
    let (given, version) = (spec(&doors, &form, Some(&window)), form.version());
    match doors.workflow.act(who.caller.clone(), move |v| Box::pin(window::edit(v, id, version, given))).await {
        Ok(()) => Ok(see_other(&format!("/windows/{id}?done=saved"))),
        Err(error) => {
            let refused = refusal(error)?;
            let status = Failed::from(refused.clone()).status();
            let mut conn = doors.workflow.store().read().await?;
            let window = known(&mut conn, &who, id).await?;
            drop(conn);
            if status == StatusCode::CONFLICT {
                form.set("version", window.version.to_string());
            }
            form_page(&doors, &request, &who, form.refused(&refused, &FIELDS), Some(&window), status).await
        }
    }
}

/// Announces it.
pub async fn announce(doors: web::Data<Doors>, request: HttpRequest, submit: Submit, id: web::Path<String>) -> Page {
    let (id, Submit { who, form }) = (parse(&id)?, submit);
    let version = Some(form.version());
    let result = doors.workflow.act(who.caller.clone(), move |v| Box::pin(window::announce(v, id, version))).await;
    answered(&doors, &request, &who, id, form, "announced", result).await
}

/// Calls it off.
pub async fn cancel(doors: web::Data<Doors>, request: HttpRequest, submit: Submit, id: web::Path<String>) -> Page {
    let (id, Submit { who, form }) = (parse(&id)?, submit);
    let result = doors.workflow.act(who.caller.clone(), move |v| Box::pin(window::cancel(v, id))).await;
    answered(&doors, &request, &who, id, form, "window-cancelled", result).await
}

async fn answered(
    doors: &Doors,
    request: &HttpRequest,
    who: &Who,
    id: WindowId,
    form: Form,
    done: &str,
    result: Result<(), crate::workflow::Error>,
) -> Page {
    match result {
        Ok(()) => Ok(see_other(&format!("/windows/{id}?done={done}"))),
        Err(error) => {
            let refused = refusal(error)?;
            let status = Failed::from(refused.clone()).status();
            shown(doors, request, who, id, form.refused(&refused, &[]), status).await
        }
    }
}
