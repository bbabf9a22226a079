//! Asking for a release, and changing one that waits: how and when it starts, and what signers
//! should know.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::images::service_of;
use super::{Page, refusal, see_other};
use crate::domain::environment::StartMode;
use crate::domain::id::{ImageId, ReleaseNumber};
use crate::domain::name::Slug;
use crate::domain::refusal::Refusal;
use crate::http::Doors;
use crate::http::api::release::parse;
use crate::http::body::Query;
use crate::http::error::Failed;
use crate::http::form::{Form, Submit};
use crate::http::guard::{Visitor, Who};
use crate::http::shell::{Shell, page};
use crate::protocol::{ReleaseSpec, ReviseSpec, StartSpec};
use crate::store::view::windows;
use crate::store::{self, Conn};
use crate::text;
use crate::workflow::release;

#[derive(Template)]
#[template(path = "pages/release/request.html")]
struct RequestPage {
    shell: Shell,
    form: Form,
    subject: Subject,
    starts: Starts,
    /// The release that is changed; a new one without.
    number: Option<ReleaseNumber>,
}

/// What goes where.
struct Subject {
    service: store::service::Service,
    environment: store::environment::Environment,
    image: store::image::Image,
    version: String,
    groups: Vec<String>,
}

/// The ways it may start there: a word for the form, and one for people.
struct Starts {
    /// What is chosen at present, when it can be chosen no more: nothing else is chosen in its place.
    gone: Option<(String, String)>,
    alone: Vec<(String, String)>,
    at_opening: Vec<(String, String)>,
    by_hand: Vec<(String, String)>,
}

/// Which image, and where to.
#[derive(Deserialize)]
pub struct Wanted {
    image: i64,
    environment: String,
}

async fn subject(conn: &mut Conn, who: &Who, image: ImageId, environment: &str) -> Result<Subject, Failed> {
    let slug = Slug::parse(environment).map_err(|_| Refusal::absent())?;
    let environment = store::environment::by_slug(conn, &slug).await?.ok_or_else(Refusal::absent)?;
    who.access.look(environment.id)?;
    let image = store::image::by_id(conn, image).await?.ok_or_else(Refusal::absent)?;
    let service = service_of(conn, &image).await?.ok_or_else(Refusal::absent)?;
    let (version, _) = store::view::board::version(conn, &image.reference().pull_string()).await?;
    let policy = store::environment::policy(conn, environment.id, environment.policy_version).await?;
    let mut groups = Vec::new();
    for rule in &policy.rules {
        groups.extend(store::group::by_id(conn, rule.group).await?.map(|group| group.title.to_string()));
    }
    Ok(Subject { service, environment, image, version, groups })
}

async fn starts(
    conn: &mut Conn,
    shell: &Shell,
    environment: &store::environment::Environment,
) -> Result<Starts, Failed> {
    let policy = store::environment::policy(conn, environment.id, environment.policy_version).await?;
    let allows = |mode| policy.start_modes.contains(&mode);
    let mut starts = Starts { gone: None, alone: Vec::new(), at_opening: Vec::new(), by_hand: Vec::new() };
    if allows(StartMode::WhenSigned) {
        starts.alone.push(("when_signed".to_owned(), shell.t("start-choice-when-signed")));
    }
    if allows(StartMode::ByHand) {
        starts.alone.push(("by_hand".to_owned(), shell.t("start-choice-by-hand")));
    }
    for window in windows::coming(conn, shell.reader.now).await? {
        let interval = window.domain().interval;
        let draft =
            if window.announced_at.is_none() { format!(" ({})", shell.t("window-state-draft")) } else { String::new() };
        let words = format!("{}, {} {}{draft}", window.title, shell.span(&interval), shell.zone());
        if allows(StartMode::AtOpening) {
            starts.at_opening.push((format!("at_opening:{}", window.id), words.clone()));
        }
        if allows(StartMode::ByHand) {
            starts.by_hand.push((format!("by_hand:{}", window.id), words));
        }
    }
    Ok(starts)
}

impl Starts {
    fn holds(&self, value: &str) -> bool {
        [&self.alone, &self.at_opening, &self.by_hand].into_iter().flatten().any(|(known, _)| known == value)
    }

    /// Adds what the release has at present, if it is not among the choices.
    async fn keep(
        &mut self,
        conn: &mut Conn,
        shell: &Shell,
        revision: &store::release::Revision,
    ) -> Result<(), Failed> {
        let value = choice(revision);
        if self.holds(&value) {
            return Ok(());
        }
        let mut words = shell.start_mode(&revision.start_mode);
        if let Some(id) = revision.window_id
            && let Some(window) = store::window::by_id(conn, id).await?
        {
            words = format!("{words}: {}, {} {}", window.title, shell.span(&window.domain().interval), shell.zone());
        }
        self.gone = Some((value, shell.say(&text!("start-choice-gone", start = words))));
        Ok(())
    }
}

/// How a release starts, as the form says it: `at_opening:7`, `by_hand`, …
fn choice(revision: &store::release::Revision) -> String {
    match revision.window_id {
        Some(id) => format!("{}:{id}", revision.start_mode),
        None => revision.start_mode.to_string(),
    }
}

/// What was chosen.
fn start_of(form: &Form) -> Result<StartSpec, Refusal> {
    let value = form.value("start");
    let (mode, window) = match value.split_once(':') {
        None => (value, None),
        Some((mode, id)) => {
            let id = id.parse().map_err(|_| Refusal::field("/start", text!("window-unknown")))?;
            (mode, Some(id))
        }
    };
    Ok(StartSpec { mode: mode.to_owned(), window })
}

async fn shown(
    doors: &Doors,
    request: &HttpRequest,
    who: &Who,
    (image, environment): (ImageId, &str),
    form: Form,
    changed: Option<&store::release::Release>,
    status: StatusCode,
) -> Page {
    let shell = Shell::of(doors, who, request, "releases").await?;
    let mut conn = doors.workflow.store().read().await?;
    let subject = subject(&mut conn, who, image, environment).await?;
    // Who asked for a release may change it, whatever has become of their role.
    if changed.is_none_or(|release| release.requested_by != who.person.id) {
        who.access.request(subject.environment.id)?;
    }
    let mut starts = starts(&mut conn, &shell, &subject.environment).await?;
    if let Some(release) = changed {
        let revision = store::release::revision(&mut conn, release.number, release.revision).await?;
        starts.keep(&mut conn, &shell, &revision).await?;
    }
    let number = changed.map(|release| release.number);
    Ok(page(&RequestPage { shell, form, subject, starts, number }, status)?)
}

/// Shows the form for a new release.
pub async fn new(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, wanted: Query<Wanted>) -> Page {
    let place = (ImageId(wanted.0.image), wanted.0.environment.as_str());
    shown(&doors, &request, &visitor.0, place, Form::default(), None, StatusCode::OK).await
}

/// Asks for it.
pub async fn create(doors: web::Data<Doors>, request: HttpRequest, submit: Submit) -> Page {
    let Submit { who, form } = submit;
    let image = ImageId(form.value("image").parse().map_err(|_| Refusal::absent())?);
    let environment = form.value("environment").to_owned();
    let mut conn = doors.workflow.store().read().await?;
    let service = subject(&mut conn, &who, image, &environment).await?.service.slug.to_string();
    drop(conn);
    let asked = match start_of(&form) {
        Err(refused) => Err(refused.into()),
        Ok(start) => {
            let note = form.value("note").to_owned();
            let spec = ReleaseSpec { service, environment: environment.clone(), image: image.0.into(), start, note };
            doors.workflow.act(who.caller.clone(), move |v| Box::pin(release::request(v, spec))).await
        }
    };
    match asked {
        Ok(requested) => Ok(see_other(&format!("/releases/{}", requested.number))),
        Err(error) => {
            let refused = refusal(error)?;
            let status = Failed::from(refused.clone()).status();
            let form = form.refused(&refused, &["start", "note"]);
            shown(&doors, &request, &who, (image, &environment), form, None, status).await
        }
    }
}

async fn place_of(
    conn: &mut Conn,
    who: &Who,
    number: ReleaseNumber,
) -> Result<(store::release::Release, String), Failed> {
    let found = store::release::by_number(conn, number).await?.ok_or_else(Refusal::absent)?;
    who.access.look(found.environment_id)?;
    let environment = store::environment::by_id(conn, found.environment_id).await?.ok_or_else(Refusal::absent)?;
    Ok((found, environment.slug.to_string()))
}

/// Shows the form for a release that waits.
pub async fn edit(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, number: web::Path<String>) -> Page {
    let number = parse(&number)?;
    let mut conn = doors.workflow.store().read().await?;
    let (found, environment) = place_of(&mut conn, &visitor.0, number).await?;
    let revision = store::release::revision(&mut conn, number, found.revision).await?;
    drop(conn);
    let form = Form::with([("start", choice(&revision)), ("note", revision.note.to_string())]);
    shown(&doors, &request, &visitor.0, (found.image_id, &environment), form, Some(&found), StatusCode::OK).await
}

/// Changes it.
pub async fn revise(doors: web::Data<Doors>, request: HttpRequest, submit: Submit, number: web::Path<String>) -> Page {
    let (number, Submit { who, form }) = (parse(&number)?, submit);
    let revised = match start_of(&form) {
        Err(refused) => Err(refused.into()),
        Ok(start) => {
            let spec = ReviseSpec { start: Some(start), note: Some(form.value("note").to_owned()) };
            doors.workflow.act(who.caller.clone(), move |v| Box::pin(release::revise(v, number, spec))).await
        }
    };
    match revised {
        Ok(()) => Ok(see_other(&format!("/releases/{number}?done=saved"))),
        Err(error) => {
            let refused = refusal(error)?;
            let status = Failed::from(refused.clone()).status();
            let mut conn = doors.workflow.store().read().await?;
            let (found, environment) = place_of(&mut conn, &who, number).await?;
            drop(conn);
            let form = form.refused(&refused, &["start", "note"]);
            shown(&doors, &request, &who, (found.image_id, &environment), form, Some(&found), status).await
        }
    }
}
