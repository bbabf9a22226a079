//! Releases in a list: those that need one, those that are open, those that are done.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::Page;
use crate::domain::id::ReleaseNumber;
use crate::domain::text::Text;
use crate::domain::time::Interval;
use crate::http::Doors;
use crate::http::body::Query;
use crate::http::guard::Visitor;
use crate::http::shell::{Badge, Shell, page};
use crate::store;
use crate::store::view::releases::{Filter, ReleaseLine, list, pattern};
use crate::text;

/// Rows of a page.
const ROWS: i64 = 50;

#[derive(Template)]
#[template(path = "pages/releases/releases.html")]
struct ReleasesPage {
    shell: Shell,
    show: &'static str,
    q: String,
    lines: Vec<Line>,
    next: Option<i64>,
}

impl ReleasesPage {
    fn shows(&self, tab: &str) -> bool {
        self.show == tab
    }
}

/// A release as a list shows it.
pub struct Line {
    /// What is stored.
    pub row: store::view::releases::Row,
    /// Its state.
    pub badge: Badge,
    /// Who is missing, in words.
    pub missing: Option<Text>,
    /// When it goes out.
    pub interval: Option<Interval>,
}

impl Line {
    /// Puts a line together.
    pub fn of(shell: &Shell, line: ReleaseLine, titles: &super::board::Titles) -> Self {
        let missing =
            line.tally.as_ref().filter(|_| line.state == crate::domain::release::State::Waiting).and_then(|tally| {
                let groups: Vec<&str> = tally
                    .rules
                    .iter()
                    .filter(|rule| rule.missing() > 0)
                    .map(|rule| titles.group(rule.rule.group))
                    .collect();
                (!groups.is_empty()).then(|| text!("release-needs", groups = groups.join(", ")))
            });
        let interval =
            line.row.window_starts_at.zip(line.row.window_ends_at).map(|(start, end)| Interval { start, end });
        Self { badge: shell.state(&line.state), row: line.row, missing, interval }
    }
}

/// What to list.
#[derive(Deserialize)]
pub struct Wanted {
    show: Option<String>,
    q: Option<String>,
    before: Option<i64>,
}

/// Shows a list.
pub async fn show(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, wanted: Query<Wanted>) -> Page {
    let who = &visitor.0;
    who.access.look_somewhere()?;
    let shell = Shell::of(&doors, who, &request, "releases").await?;
    let Wanted { show, q, before } = wanted.0;
    let show = match show.as_deref() {
        Some("mine") => "mine",
        Some("done") => "done",
        _ => "open",
    };
    let q = q.unwrap_or_default();
    let now = shell.reader.now;
    let mut conn = doors.workflow.store().read().await?;
    let titles = super::board::Titles::load(&mut conn).await?;
    let mut found = if show == "mine" {
        shell.waiting()
    } else {
        let before = before.map(ReleaseNumber);
        let filter =
            Filter { open: Some(show == "open"), pattern: pattern(&q), before, limit: ROWS + 1, ..Filter::default() };
        list(&mut conn, &who.access, &filter, now).await?
    };
    let more = show != "mine" && found.len() > usize::try_from(ROWS).unwrap_or(usize::MAX);
    if more {
        found.pop();
    }
    let next = if more { found.last().map(|line| line.row.number.0) } else { None };
    let lines = found.into_iter().map(|line| Line::of(&shell, line, &titles)).collect();
    Ok(page(&ReleasesPage { shell, show, q, lines, next }, StatusCode::OK)?)
}
