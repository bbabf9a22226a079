//! The board: what comes next, what needs whoever looks, and what runs where.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;

use super::Page;
use super::releases::Line;
use super::tide::{self, Swell, Tide};
use crate::domain::id::{EnvironmentId, GroupId, ServiceId};
use crate::domain::release::State;
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::domain::window::WindowState;
use crate::http::Doors;
use crate::http::guard::Visitor;
use crate::http::shell::{Shell, page};
use crate::http::when;
use crate::store::view::board::{self, Runs};
use crate::store::view::releases::{Filter, ReleaseLine, list};
use crate::store::view::windows;
use crate::store::{self, Conn};
use crate::text;
use crate::texts::Reader;

#[derive(Template)]
#[template(path = "pages/board/board.html")]
struct BoardPage {
    shell: Shell,
    headline: Text,
    subline: Text,
    needs: Vec<Line>,
    tide: Tide,
    environments: Vec<store::environment::Environment>,
    services: Vec<Row>,
    setup: Option<Setup>,
}

/// A service's row.
pub struct Row {
    service: store::service::Service,
    cells: Vec<Cell>,
}

/// A service in an environment.
#[derive(Default)]
pub struct Cell {
    /// Whether it has a target there.
    here: bool,
    /// What runs, if that is known.
    runs: Option<Runs>,
    /// The release that runs, waits, or went wrong last.
    release: Option<Chip>,
}

/// A release as a chip.
struct Chip {
    number: String,
    href: String,
    tone: &'static str,
    text: Text,
}

/// What is still to do on a new portal.
pub struct Setup {
    cluster: bool,
    environment: bool,
    service: bool,
}

/// Titles by id, for lists that name groups.
pub struct Titles(BTreeMap<GroupId, String>);

impl Titles {
    /// Loads them.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn load(conn: &mut Conn) -> Result<Self, store::Error> {
        let groups = store::group::list(conn).await?;
        Ok(Self(groups.into_iter().map(|group| (group.id, group.title.to_string())).collect()))
    }

    /// A group's title.
    pub fn group(&self, id: GroupId) -> &str {
        self.0.get(&id).map_or("", String::as_str)
    }
}

/// Shows the board.
pub async fn show(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor) -> Page {
    let who = &visitor.0;
    let shell = Shell::of(&doors, who, &request, "board").await?;
    let now = shell.reader.now;
    let mut conn = doors.workflow.store().read().await?;
    let titles = Titles::load(&mut conn).await?;
    let filter = Filter { open: Some(true), standing: true, limit: 200, ..Filter::default() };
    let open = list(&mut conn, &who.access, &filter, now).await?;
    let swells = swells(&mut conn, &open, now).await?;
    let (headline, subline) = headline(&shell, &mut conn, &open, now).await?;
    let environments: Vec<_> = store::environment::list(&mut conn)
        .await?
        .into_iter()
        .filter(|environment| environment.archived_at.is_none() && who.access.may_look(environment.id))
        .collect();
    let services: Vec<_> =
        store::service::list(&mut conn).await?.into_iter().filter(|service| service.archived_at.is_none()).collect();
    let setup = setup(&mut conn, environments.is_empty(), services.is_empty()).await?;
    let mut cells = cells(&mut conn, &open, &titles, &shell.reader).await?;
    let services = services
        .into_iter()
        .map(|service| {
            let cells =
                environments.iter().map(|one| cells.remove(&(service.id, one.id)).unwrap_or_default()).collect();
            Row { service, cells }
        })
        .collect();
    let needs = shell.waiting().into_iter().map(|line| Line::of(&shell, line, &titles)).collect();
    let tide = tide::draw(&swells, 7, &shell.reader);
    let setup = setup.filter(|_| shell.administers_everything());
    Ok(page(&BoardPage { shell, headline, subline, needs, tide, environments, services, setup }, StatusCode::OK)?)
}

async fn setup(conn: &mut Conn, no_environment: bool, no_service: bool) -> Result<Option<Setup>, store::Error> {
    let clusters = store::cluster::list(conn).await?;
    let mut connected = false;
    for cluster in &clusters {
        let state = store::cluster::CredentialState::Confirmed;
        connected |= store::cluster::credential(conn, cluster.id, state).await?.is_some();
    }
    let setup = Setup { cluster: connected, environment: !no_environment, service: !no_service };
    Ok((!setup.cluster || !setup.environment || !setup.service).then_some(setup))
}

async fn swells(conn: &mut Conn, open: &[ReleaseLine], now: Timestamp) -> Result<Vec<Swell>, store::Error> {
    let from = now.minus(chrono::TimeDelta::days(1));
    let found = windows::between(conn, from, tide::reach(8, now)).await?;
    let shown = found.into_iter().filter(|window| window.cancelled_at.is_none());
    Ok(shown
        .map(|window| Swell {
            id: window.id,
            title: window.title.to_string(),
            interval: window.domain().interval,
            buoys: open
                .iter()
                .filter(|line| line.row.window_id == Some(window.id))
                .map(|line| matches!(line.state, State::Ready | State::Deploying))
                .collect(),
        })
        .collect())
}

/// One sentence about what comes next, and one with the details.
async fn headline(
    shell: &Shell,
    conn: &mut Conn,
    open: &[ReleaseLine],
    now: Timestamp,
) -> Result<(Text, Text), store::Error> {
    let coming = windows::coming(conn, now).await?;
    let next = coming.into_iter().find(|window| window.announced_at.is_some());
    let Some(window) = next else {
        return Ok((text!("board-no-window"), text!("board-open-releases", count = open.len())));
    };
    let agenda: Vec<&ReleaseLine> = open.iter().filter(|line| line.row.window_id == Some(window.id)).collect();
    let waiting = agenda.iter().filter(|line| line.state == State::Waiting).count();
    let title = window.title.as_str();
    Ok(if window.domain().state(now) == WindowState::Open {
        let length = when::length(window.ends_at.since(now).num_seconds());
        (
            text!("board-window-open", title = title),
            text!("board-window-closes", length = length, count = agenda.len(), waiting = waiting),
        )
    } else {
        let length = when::length(window.starts_at.since(now).num_seconds());
        (
            text!("board-next-window", when = when::brief(window.starts_at, &shell.reader)),
            text!("board-window-opens", title = title, length = length, count = agenda.len(), waiting = waiting),
        )
    })
}

async fn cells(
    conn: &mut Conn,
    open: &[ReleaseLine],
    titles: &Titles,
    reader: &Reader,
) -> Result<BTreeMap<(ServiceId, EnvironmentId), Cell>, store::Error> {
    let mut cells: BTreeMap<(ServiceId, EnvironmentId), Cell> = BTreeMap::new();
    for target in store::service::all_targets(conn).await?.iter().filter(|target| target.archived_at.is_none()) {
        cells.entry((target.service_id, target.environment_id)).or_default().here = true;
    }
    for runs in board::runs(conn).await? {
        let place = (runs.service_id, runs.environment_id);
        cells.entry(place).or_default().runs = Some(runs);
    }
    // The newest first: the first one that says something wins.
    for line in open {
        let cell = cells.entry((line.row.service_id, line.row.environment_id)).or_default();
        if cell.release.is_none() {
            cell.release = chip(line, titles, reader);
        }
    }
    for failed in board::failures(conn).await? {
        let cell = cells.entry((failed.service_id, failed.environment_id)).or_default();
        if cell.release.is_none() {
            cell.release = Some(Chip {
                number: failed.number.label(),
                href: format!("/releases/{}", failed.number),
                tone: "stop",
                text: text!("board-chip-failed", version = failed.version),
            });
        }
    }
    Ok(cells)
}

fn chip(line: &ReleaseLine, titles: &Titles, reader: &Reader) -> Option<Chip> {
    let version = line.row.tag.as_ref().map_or_else(|| line.row.digest.short().to_owned(), ToString::to_string);
    let (tone, text) = match line.state {
        State::Planning => ("sea", text!("board-chip-planning", version = version)),
        State::Waiting => {
            let missing = line.tally.as_ref().map(|tally| {
                let groups =
                    tally.rules.iter().filter(|rule| rule.missing() > 0).map(|rule| titles.group(rule.rule.group));
                groups.collect::<Vec<_>>().join(", ")
            });
            match missing.filter(|groups| !groups.is_empty()) {
                Some(groups) => ("wait", text!("board-chip-needs", version = version, groups = groups)),
                None => ("wait", text!("board-chip-held", version = version)),
            }
        }
        State::Ready => match line.row.window_starts_at {
            Some(at) => ("go", text!("board-chip-ready-for", version = version, when = when::brief(at, reader))),
            None => ("go", text!("board-chip-ready", version = version)),
        },
        State::Deploying => ("sea", text!("board-chip-deploying", version = version)),
        _ => return None,
    };
    Some(Chip { number: line.row.number.label(), href: format!("/releases/{}", line.row.number), tone, text })
}
