//! Bearer tokens: one's own, as an administrator everybody's; each secret is shown once, right
//! after it is made.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use chrono::TimeDelta;
use serde::Deserialize;

use super::managed::beside;
use super::{Page, see_other};
use crate::domain::id::TokenId;
use crate::domain::person::{Role, Scope};
use crate::domain::refusal::Refusal;
use crate::domain::text::Text;
use crate::http::Doors;
use crate::http::body::Query;
use crate::http::form::{Form, Submit};
use crate::http::guard::{Visitor, Who};
use crate::http::shell::{Badge, Shell, page};
use crate::protocol::{TokenEdit, TokenSpec};
use crate::store;
use crate::store::view::settings::{self, TokenLine};
use crate::text;
use crate::workflow::token;

/// Rows of a page.
const ROWS: i64 = 100;

/// Before its end, a token is warned about for so long.
const WARN: TimeDelta = TimeDelta::days(14);

#[derive(Template)]
#[template(path = "pages/tokens/tokens.html")]
struct TokensPage {
    shell: Shell,
    rows: Vec<TokenRow>,
    everybody: bool,
    next: Option<i64>,
}

/// A token as a list shows it.
pub struct TokenRow {
    /// What is stored.
    pub line: TokenLine,
    /// Whether it works.
    pub badge: Badge,
    /// What it may do.
    pub scopes: Vec<&'static str>,
    /// Whether it can be taken back.
    pub works: bool,
}

impl TokenRow {
    /// Puts a row together.
    pub fn of(shell: &Shell, line: TokenLine) -> Self {
        let now = shell.reader.now;
        let (tone, word) = match &line.token {
            token if token.revoked_at.is_some() => ("plain", "token-revoked"),
            token if token.expires_at <= now => ("plain", "token-ended"),
            _ if line.deactivated_at.is_some() => ("plain", "token-inactive"),
            token if token.expires_at <= now.plus(WARN) => ("wait", "token-ends-soon"),
            _ => ("go", "token-works"),
        };
        let works = line.token.revoked_at.is_none() && line.token.expires_at > now;
        let scopes = line.token.scopes.0.iter().map(|scope| scope.as_str()).collect();
        Self { badge: Badge { word: shell.t(word), tone }, scopes, works, line }
    }
}

#[derive(Template)]
#[template(path = "pages/tokens/new.html")]
struct NewPage {
    shell: Shell,
    form: Form,
    scopes: Vec<(&'static str, Text)>,
    people: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "pages/tokens/edit.html")]
struct EditPage {
    shell: Shell,
    form: Form,
    id: TokenId,
    scopes: Vec<(&'static str, Text)>,
}

#[derive(Template)]
#[template(path = "pages/tokens/made.html")]
struct MadePage {
    shell: Shell,
    token: store::token::Token,
    secret: String,
    example: String,
}

/// From where to list.
#[derive(Deserialize)]
pub struct Before {
    before: Option<i64>,
}

/// Lists tokens.
pub async fn list_all(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, from: Query<Before>) -> Page {
    let shell = Shell::of(&doors, &visitor.0, &request, "settings").await?;
    let everybody = visitor.0.access.holds_everywhere(Role::Admin);
    let of = (!everybody).then_some(visitor.0.person.id);
    let mut conn = doors.workflow.store().read().await?;
    let mut found = settings::tokens(&mut conn, of, from.0.before.map(TokenId), ROWS + 1).await?;
    let more = found.len() > usize::try_from(ROWS).unwrap_or(usize::MAX);
    if more {
        found.pop();
    }
    let next = if more { found.last().map(|line| line.token.id.0) } else { None };
    let rows = found.into_iter().map(|line| TokenRow::of(&shell, line)).collect();
    Ok(page(&TokensPage { shell, rows, everybody, next }, StatusCode::OK)?)
}

fn scopes() -> Vec<(&'static str, Text)> {
    let does = |scope: Scope| match scope {
        Scope::ImagesWrite => text!("scope-images-write"),
        Scope::ReleasesWrite => text!("scope-releases-write"),
        Scope::ReleasesRead => text!("scope-releases-read"),
        Scope::DeploymentsStart => text!("scope-deployments-start"),
        Scope::WindowsWrite => text!("scope-windows-write"),
        Scope::SettingsWrite => text!("scope-settings-write"),
    };
    Scope::ALL.into_iter().map(|scope| (scope.as_str(), does(scope))).collect()
}

async fn form_page(doors: &Doors, request: &HttpRequest, who: &Who, form: Form, status: StatusCode) -> Page {
    let shell = Shell::of(doors, who, request, "settings").await?;
    let mut people = Vec::new();
    if who.access.holds_everywhere(Role::Admin) {
        let mut conn = doors.workflow.store().read().await?;
        let active = store::person::list(&mut conn).await?.into_iter().filter(|one| one.deactivated_at.is_none());
        people = active.map(|one| (one.login.to_string(), format!("{} ({})", one.name, one.login))).collect();
    }
    Ok(page(&NewPage { shell, form, scopes: scopes(), people }, status)?)
}

/// Whose token it is to be, when that was chosen already.
#[derive(Deserialize)]
pub struct Whose {
    person: Option<String>,
}

/// Shows the form for a new token.
pub async fn new(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, whose: Query<Whose>) -> Page {
    let person = whose.0.person.unwrap_or_else(|| visitor.0.person.login.to_string());
    let form = Form::with([("person", person), ("days", "90".to_owned())]);
    form_page(&doors, &request, &visitor.0, form, StatusCode::OK).await
}

fn spec(form: &Form) -> Result<TokenSpec, Refusal> {
    Ok(TokenSpec {
        title: form.value("title").to_owned(),
        person: form.text("person"),
        scopes: form.all("scopes").map(str::to_owned).collect(),
        days: form.number("days")?,
    })
}

/// Makes it and shows its secret, this once.
pub async fn create(doors: web::Data<Doors>, request: HttpRequest, submit: Submit) -> Page {
    let Submit { who, form } = submit;
    let result = match spec(&form) {
        Ok(spec) => doors.workflow.act(who.caller.clone(), move |v| Box::pin(token::create(v, spec))).await,
        Err(refusal) => Err(refusal.into()),
    };
    match result {
        Ok((id, secret)) => {
            let shell = Shell::of(&doors, &who, &request, "settings").await?;
            let mut conn = doors.workflow.store().read().await?;
            let token = store::token::by_id(&mut conn, id).await?.ok_or_else(Refusal::absent)?;
            let url = doors.public_url.link("/api/v1/releases");
            let example = format!("curl -H \"Authorization: Bearer $TIDEGATE_TOKEN\" {url}");
            Ok(page(&MadePage { shell, token, secret, example }, StatusCode::OK)?)
        }
        Err(error) => {
            let (refused, status) = beside(error)?;
            let form = form.refused(&refused, &["title", "person", "scopes", "days"]);
            form_page(&doors, &request, &who, form, status).await
        }
    }
}

async fn edit_page(
    doors: &Doors,
    request: &HttpRequest,
    who: &Who,
    id: TokenId,
    refused: Option<Form>,
    status: StatusCode,
) -> Page {
    let shell = Shell::of(doors, who, request, "settings").await?;
    let mut conn = doors.workflow.store().read().await?;
    let token = store::token::by_id(&mut conn, id).await?.ok_or_else(Refusal::absent)?;
    if token.person_id != who.person.id && !who.access.holds_everywhere(Role::Admin) {
        return Err(Refusal::absent().into());
    }
    let given = token.scopes.0.iter().map(|scope| ("scopes", scope.as_str().to_owned()));
    let fields = [("title", token.title.to_string()), ("seen", token.title.to_string())].into_iter().chain(given);
    let form = refused.unwrap_or_else(|| Form::with(fields));
    let mut scopes = scopes();
    scopes.retain(|(name, _)| token.scopes.0.iter().any(|scope| scope.as_str() == *name));
    Ok(page(&EditPage { shell, form, id, scopes }, status)?)
}

/// Shows the form for what can be changed of a token.
pub async fn edit(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, id: web::Path<String>) -> Page {
    let id: TokenId = id.parse().map_err(|_| Refusal::absent())?;
    edit_page(&doors, &request, &visitor.0, id, None, StatusCode::OK).await
}

/// Changes it.
pub async fn save(doors: web::Data<Doors>, request: HttpRequest, submit: Submit, id: web::Path<String>) -> Page {
    let Submit { who, form } = submit;
    let id: TokenId = id.parse().map_err(|_| Refusal::absent())?;
    let spec =
        TokenEdit { title: form.value("title").to_owned(), scopes: form.all("scopes").map(str::to_owned).collect() };
    let seen = form.text("seen");
    let act = doors
        .workflow
        .act(who.caller.clone(), move |v| Box::pin(async move { token::edit(v, id, seen.as_deref(), spec).await }));
    match act.await {
        Ok(()) => Ok(see_other("/tokens?done=saved")),
        Err(error) => {
            let (refused, status) = beside(error)?;
            let form = form.refused(&refused, &["title", "scopes"]);
            edit_page(&doors, &request, &who, id, Some(form), status).await
        }
    }
}

/// Takes one back.
pub async fn revoke(doors: web::Data<Doors>, submit: Submit, id: web::Path<String>) -> Page {
    let id: TokenId = id.parse().map_err(|_| Refusal::absent())?;
    doors.workflow.act(submit.who.caller, move |v| Box::pin(token::revoke(v, id))).await?;
    let back = submit.form.value("back");
    let people = back.strip_prefix("/people/").is_some_and(|login| !login.contains(['/', '\\', '?', '#', '\r', '\n']));
    Ok(see_other(&format!("{}?done=token-revoked", if people { back } else { "/tokens" })))
}
