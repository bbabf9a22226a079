//! People: who they are, what they may do, whose commits are theirs, and how they are let in.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;

use super::Page;
use super::groups::{RoleRows, role_words};
use super::managed::{Asked, Field, Listing, Wanted, beside, managed, role_at};
use super::tokens::TokenRow;
use crate::domain::name::{Login, Slug, Title};
use crate::domain::person::Access;
use crate::domain::refusal::Refusal;
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::http::Doors;
use crate::http::body::Query;
use crate::http::error::Failed;
use crate::http::form::{Form, Submit};
use crate::http::guard::{Visitor, Who};
use crate::http::shell::{Shell, page};
use crate::protocol::PersonSpec;
use crate::store::person::Person;
use crate::store::view::settings::{self, PersonLine};
use crate::store::{self, Conn};
use crate::text;
use crate::workflow::{Result as Acted, Verb, group, person, session};

#[derive(Template)]
#[template(path = "pages/people/people.html")]
struct PeoplePage {
    shell: Shell,
    list: Listing,
    lines: Vec<(PersonLine, Vec<Text>)>,
}

#[derive(Template)]
#[template(path = "pages/people/person.html")]
struct PersonPage {
    shell: Shell,
    form: Form,
    person: Person,
    roles: Vec<Text>,
    groups: Vec<(Slug, Title, Vec<Text>)>,
    identities: Vec<String>,
    tokens: Vec<TokenRow>,
    last: Option<Timestamp>,
    locked_until: Option<Timestamp>,
    deactivate_why: &'static str,
}

#[derive(Template)]
#[template(path = "pages/people/link.html")]
struct LinkPage {
    shell: Shell,
    person: Person,
    url: String,
    until: Timestamp,
}

#[derive(Template)]
#[template(path = "pages/people/edit.html")]
struct EditPage {
    shell: Shell,
    asked: Asked,
    zones: Vec<&'static str>,
    identities: Vec<Text>,
    roles: RoleRows,
}

/// Lists people.
pub async fn list_all(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, wanted: Query<Wanted>) -> Page {
    visitor.0.access.administer()?;
    let shell = Shell::of(&doors, &visitor.0, &request, "settings").await?;
    let mut conn = doors.workflow.store().read().await?;
    let mut rows = settings::people(&mut conn, &wanted.0.part()).await?;
    let list = wanted.0.listing("/people", &mut rows, |row| row.login.to_string());
    let grants = store::person::grants_of_people(&mut conn).await?;
    let environments = store::environment::list(&mut conn).await?;
    let place = |id| environments.iter().find(|one| one.id == id).map_or("", |one| one.title.as_str());
    let roles = |row: &PersonLine| {
        let own = grants.iter().filter(|grant| grant.person_id == Some(row.id));
        own.map(|grant| role_at(grant.role.as_str(), grant.environment_id.map_or("", place))).collect()
    };
    let lines = rows.into_iter().map(|row| (row.clone(), roles(&row))).collect();
    Ok(page(&PeoplePage { shell, list, lines }, StatusCode::OK)?)
}

async fn known(conn: &mut Conn, access: &Access, login: &str) -> Result<Person, Failed> {
    access.administer()?;
    let login = Login::parse(login).map_err(|_| Refusal::absent())?;
    Ok(store::person::by_login(conn, &login).await?.ok_or_else(Refusal::absent)?)
}

/// Shows a person.
pub async fn show(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, login: web::Path<String>) -> Page {
    shown(&doors, &request, &visitor.0, &login, Form::default(), StatusCode::OK).await
}

async fn shown(doors: &Doors, request: &HttpRequest, who: &Who, login: &str, form: Form, status: StatusCode) -> Page {
    let shell = Shell::of(doors, who, request, "settings").await?;
    let mut conn = doors.workflow.store().read().await?;
    let person = known(&mut conn, &who.access, login).await?;
    let spec = person::spec(&mut conn, person.id).await?;
    let tokens = settings::tokens(&mut conn, Some(person.id), None, 20).await?;
    let shown = PersonPage {
        roles: role_words(&mut conn, &spec.roles.unwrap_or_default()).await?,
        groups: groups(&mut conn, &person).await?,
        identities: spec.commit_identities.unwrap_or_default(),
        tokens: tokens.into_iter().map(|token| TokenRow::of(&shell, token)).collect(),
        locked_until: session::locked_until(&mut conn, &person.login).await?.filter(|until| *until > shell.reader.now),
        last: settings::last_sign_in(&mut conn, person.id).await?,
        deactivate_why: match person.id == who.person.id {
            true => "person-deactivate-oneself",
            false => "person-deactivate-why",
        },
        shell,
        form,
        person,
    };
    Ok(page(&shown, status)?)
}

/// A person's groups with the roles that come with each.
async fn groups(conn: &mut Conn, person: &Person) -> Result<Vec<(Slug, Title, Vec<Text>)>, Failed> {
    let mut groups = Vec::new();
    for (id, slug, title) in settings::groups_of(conn, person.id).await? {
        let roles = group::spec(conn, id).await?.roles.unwrap_or_default();
        groups.push((slug, title, role_words(conn, &roles).await?));
    }
    Ok(groups)
}

const INPUTS: &[&str] = &["login", "name", "email", "zone", "commit_identities", "roles"];
const FIELDS: &[Field] = &[
    ("person-name", &["name"]),
    ("person-email", &["email"]),
    ("zone", &["zone"]),
    ("person-identities", &["commit_identities"]),
    ("roles", &["role", "role_environment"]),
];

fn spec(login: String, form: &Form) -> Result<PersonSpec, Refusal> {
    Ok(PersonSpec {
        login,
        name: form.value("name").to_owned(),
        email: form.text("email"),
        zone: form.text("zone"),
        commit_identities: Some(form.lines("commit_identities")),
        roles: Some(RoleRows::specs(form)),
    })
}

async fn stored(conn: &mut Conn, access: &Access, login: &str) -> Result<(String, Form), Failed> {
    let row = known(conn, access, login).await?;
    let spec = person::spec(conn, row.id).await?;
    let mut form = Form::with([
        ("version", row.version.to_string()),
        ("name", spec.name),
        ("email", spec.email.unwrap_or_default()),
        ("zone", spec.zone.unwrap_or_default()),
        ("commit_identities", spec.commit_identities.unwrap_or_default().join("\n")),
    ]);
    RoleRows::fill(&mut form, spec.roles.unwrap_or_default());
    Ok((format!("person:{}", row.id), form))
}

/// What is wrong with the commit identities, each by its line.
fn wrong_identities(form: &Form) -> Vec<Text> {
    let lines = 0..form.lines("commit_identities").len();
    let wrong = |line| form.complaint(&format!("/commit_identities/{line}")).cloned().map(|text| (line + 1, text));
    let by_line: Vec<Text> =
        lines.filter_map(wrong).map(|(line, text)| text!("wrong-line", line = line, text = text)).collect();
    if by_line.is_empty() { form.complaint("/commit_identities").cloned().into_iter().collect() } else { by_line }
}

async fn form_page(doors: &Doors, request: &HttpRequest, who: &Who, asked: Asked, status: StatusCode) -> Page {
    who.access.administer()?;
    let shell = Shell::of(doors, who, request, "settings").await?;
    let mut conn = doors.workflow.store().read().await?;
    let roles = RoleRows::of(&mut conn, &asked.form).await?;
    let identities = wrong_identities(&asked.form);
    Ok(page(&EditPage { shell, asked, zones: super::windows::zones(), identities, roles }, status)?)
}

/// Shows the form for a new person.
pub async fn new(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor) -> Page {
    form_page(&doors, &request, &visitor.0, Asked::new(Form::default()), StatusCode::OK).await
}

async fn set_active(v: &mut Verb<'_>, login: &str, archived: bool) -> Acted<()> {
    if archived { person::deactivate(v, login).await } else { person::reactivate(v, login).await }
}

managed!("/people", "login", person::put, set_active);

/// Makes a one-time sign-in link and shows it, this once.
pub async fn link(doors: web::Data<Doors>, request: HttpRequest, submit: Submit, login: web::Path<String>) -> Page {
    let (Submit { who, form }, given) = (submit, login.clone());
    let act = doors
        .workflow
        .act(who.caller.clone(), move |v| Box::pin(async move { person::hand_out_link(v, &given).await }));
    match act.await {
        Ok(secret) => {
            let shell = Shell::of(&doors, &who, &request, "settings").await?;
            let mut conn = doors.workflow.store().read().await?;
            let person = known(&mut conn, &who.access, &login).await?;
            let url = doors.public_url.link(&format!("/sign-in/{secret}"));
            let until = shell.reader.now.plus(person::LINK_VALIDITY);
            Ok(page(&LinkPage { shell, person, url, until }, StatusCode::OK)?)
        }
        Err(error) => {
            let (refused, status) = beside(error)?;
            shown(&doors, &request, &who, &login, form.refused(&refused, &[]), status).await
        }
    }
}
