//! What every page has around it: who reads, in which zone, what they can go to, and the words.

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use askama::filters::Safe;

use super::assets::{self, Asset};
use super::error::Failed;
use super::guard::Who;
use super::{Doors, when};
use crate::domain::environment::StartMode;
use crate::domain::person::{Access, Role};
use crate::domain::release::State;
use crate::domain::text::Text;
use crate::domain::time::{Interval, Timestamp, Zone};
use crate::store::view::releases::{self, ReleaseLine};
use crate::text;
use crate::texts::{Language, Reader, Texts};

/// The frame of a page.
pub struct Shell {
    texts: Texts,
    /// By which clock times are shown.
    pub reader: Reader,
    /// Who reads; nobody on public pages.
    pub viewer: Option<Viewer>,
    /// Goes into every form.
    pub csrf: String,
    /// The part of the portal the page belongs to, for the navigation.
    pub part: &'static str,
    /// Something that was just done, to be said once.
    pub notice: Option<Text>,
}

/// Who reads a page.
pub struct Viewer {
    /// What they are called.
    pub name: String,
    /// What they may look at.
    pub access: Access,
    /// Releases that wait for their sign-off, the most urgent first.
    pub waiting: Vec<ReleaseLine>,
}

impl Shell {
    /// The frame for somebody who is signed in.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn of(doors: &Doors, who: &Who, request: &HttpRequest, part: &'static str) -> Result<Self, Failed> {
        let now = doors.workflow.clock().now();
        let mut conn = doors.workflow.store().read().await?;
        let waiting = releases::waiting_for(&mut conn, &who.access, who.person.id, now).await?;
        let zone = who.person.zone.unwrap_or(doors.workflow.settings().zone);
        let viewer = Viewer { name: who.person.name.to_string(), access: who.access.clone(), waiting };
        let csrf = who.session.as_ref().map(|session| session.csrf.clone()).unwrap_or_default();
        Ok(Self { viewer: Some(viewer), csrf, notice: notice(request), ..Self::public(doors, zone, part) })
    }

    /// The frame for nobody in particular.
    pub fn public(doors: &Doors, zone: Zone, part: &'static str) -> Self {
        let reader = Reader { language: Language::En, zone, now: doors.workflow.clock().now() };
        Self { texts: Texts::get(), reader, viewer: None, csrf: String::new(), part, notice: None }
    }

    /// A sentence by its key.
    pub fn t(&self, key: &str) -> String {
        self.texts.plain(key)
    }

    /// A sentence with details.
    pub fn say(&self, text: &Text) -> String {
        self.texts.render(text, &self.reader)
    }

    /// Day and time in the reader's zone.
    pub fn when(&self, at: &Timestamp) -> Safe<String> {
        when::moment(*at, &self.reader)
    }

    /// Day of the week and time, where that says enough; else the date.
    pub fn brief(&self, at: &Timestamp) -> Safe<String> {
        when::brief_moment(*at, &self.reader)
    }

    /// A time of day in the reader's zone, to the second.
    pub fn time(&self, at: &Timestamp) -> Safe<String> {
        when::time_of_day(*at, &self.reader)
    }

    /// How long ago, or from now.
    pub fn distance(&self, at: &Timestamp) -> String {
        self.say(&when::distance(*at, self.reader.now))
    }

    /// A span in the reader's zone.
    pub fn span(&self, interval: &Interval) -> String {
        when::span(*interval, &self.reader)
    }

    /// The same span by the clocks beside.
    pub fn beside(&self, interval: &Interval, zone: &Zone) -> String {
        when::beside(*interval, *zone, &self.reader)
    }

    /// The reader's zone.
    pub fn zone(&self) -> &'static str {
        self.reader.zone.name()
    }

    /// Language of the page.
    pub fn language(&self) -> &'static str {
        self.reader.language.tag()
    }

    /// Whether the page belongs to a part of the portal.
    pub fn is(&self, part: &str) -> bool {
        self.part == part
    }

    /// The style sheet.
    pub fn style(&self) -> &'static Asset {
        assets::style()
    }

    /// The script.
    pub fn script(&self) -> &'static Asset {
        assets::script()
    }

    /// The mark.
    pub fn mark(&self) -> &'static Asset {
        assets::mark()
    }

    /// Whether the reader administers something.
    pub fn administers(&self) -> bool {
        self.viewer.as_ref().is_some_and(|viewer| viewer.access.holds_somewhere(Role::Admin))
    }

    /// Whether the reader administers everything.
    pub fn administers_everything(&self) -> bool {
        self.viewer.as_ref().is_some_and(|viewer| viewer.access.holds_everywhere(Role::Admin))
    }

    /// Whether the reader plans windows.
    pub fn plans_windows(&self) -> bool {
        self.viewer.as_ref().is_some_and(|viewer| viewer.access.plan_windows().is_ok())
    }

    /// Whether the reader requests releases somewhere.
    pub fn requests(&self) -> bool {
        self.viewer.as_ref().is_some_and(|viewer| viewer.access.holds_somewhere(Role::Requester))
    }

    /// Whether this was just done.
    pub fn says(&self, notice: &str) -> bool {
        self.notice.as_ref().is_some_and(|text| text.key == notice)
    }

    /// Releases that wait for the reader's sign-off, the most urgent first. They were judged once for
    /// the whole page.
    pub fn waiting(&self) -> Vec<ReleaseLine> {
        self.viewer.as_ref().map(|viewer| viewer.waiting.clone()).unwrap_or_default()
    }

    /// How many releases wait for the reader, in words.
    pub fn needed(&self) -> String {
        self.say(&text!("nav-needed", count = self.viewer.as_ref().map_or(0, |viewer| viewer.waiting.len())))
    }

    /// Version of the portal.
    pub fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// How a release starts, in words.
    pub fn start_mode(&self, mode: &StartMode) -> String {
        self.t(&format!("start-{}", mode.as_str().replace('_', "-")))
    }

    /// What a state means, in a sentence.
    pub fn state_why(&self, state: &State) -> String {
        self.t(&format!("state-why-{}", state.as_str().replace('_', "-")))
    }

    /// A state's word and its colour.
    pub fn state(&self, state: &State) -> Badge {
        Badge { word: self.t(&format!("state-{}", state.as_str().replace('_', "-"))), tone: tone(*state) }
    }
}

/// A word with a colour; never a colour alone.
pub struct Badge {
    /// The word.
    pub word: String,
    /// `go`, `wait`, `stop`, `sea` or `plain`.
    pub tone: &'static str,
}

fn tone(state: State) -> &'static str {
    match state {
        State::Ready | State::Succeeded => "go",
        State::Waiting => "wait",
        State::Failed | State::NeedsAttention | State::Rejected => "stop",
        State::Planning | State::Deploying => "sea",
        State::Cancelled | State::Withdrawn | State::Superseded => "plain",
    }
}

/// What a redirect said was done, as a sentence, if it is one of ours.
fn notice(request: &HttpRequest) -> Option<Text> {
    let done = form_urlencoded::parse(request.query_string().as_bytes()).find(|(name, _)| name == "done")?.1;
    let key = format!("notice-{done}");
    let known = key.chars().all(|c| c.is_ascii_lowercase() || c == '-') && Texts::get().knows(&key);
    known.then(|| Text { key: key.into(), args: Vec::new() })
}

/// Renders a page.
///
/// # Errors
/// When the template fails, which is our fault.
pub fn page(template: &impl Template, status: StatusCode) -> Result<HttpResponse, Failed> {
    let html = template.render().map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "http.template");
        Failed::Fault
    })?;
    Ok(HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html))
}
