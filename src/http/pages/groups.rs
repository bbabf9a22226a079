//! Groups: who is in each, since when and by whom, and where it is asked.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;

use super::Page;
use super::managed::{Asked, Field, Listing, Wanted, managed, role_at};
use crate::domain::name::Slug;
use crate::domain::person::{Access, Role};
use crate::domain::refusal::Refusal;
use crate::domain::text::Text;
use crate::http::Doors;
use crate::http::body::Query;
use crate::http::error::Failed;
use crate::http::form::Form;
use crate::http::guard::{Visitor, Who};
use crate::http::shell::{Shell, page};
use crate::protocol::{GroupSpec, RoleSpec};
use crate::store::group::Group;
use crate::store::view::settings::{self, GroupLine, Member};
use crate::store::{self, Conn};
use crate::text;
use crate::workflow::group;

/// More people than this are named by login instead of ticked.
const TICKS: usize = 60;

#[derive(Template)]
#[template(path = "pages/groups/groups.html")]
struct GroupsPage {
    shell: Shell,
    list: Listing,
    lines: Vec<(GroupLine, Vec<String>)>,
}

#[derive(Template)]
#[template(path = "pages/groups/group.html")]
struct GroupPage {
    shell: Shell,
    form: Form,
    group: Group,
    members: Vec<Member>,
    asked_in: Vec<(store::environment::Environment, Text)>,
    roles: Vec<Text>,
    may_edit: bool,
}

#[derive(Template)]
#[template(path = "pages/groups/edit.html")]
struct EditPage {
    shell: Shell,
    asked: Asked,
    /// Login and name of everybody who can be ticked; nobody when there are too many.
    people: Vec<(String, String)>,
    ticked: BTreeSet<String>,
    roles: RoleRows,
}

/// Roles as rows of a form: what can be chosen, and what is.
pub struct RoleRows {
    /// The roles, each with its word.
    pub roles: Vec<(String, Text)>,
    /// The environments, by name and title.
    pub environments: Vec<(String, String)>,
    /// The rows, with two for more.
    pub rows: Vec<RoleRow>,
}

/// A role as it is typed.
pub struct RoleRow {
    /// Which.
    pub role: String,
    /// Where; everywhere when empty.
    pub environment: String,
    /// What is wrong with it.
    pub wrong: Vec<Text>,
}

impl RoleRows {
    /// The rows of a form.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn of(conn: &mut Conn, form: &Form) -> Result<Self, store::Error> {
        let environments = store::environment::list(conn).await?.into_iter().filter(|one| one.archived_at.is_none());
        let wrong = |row: usize, part: &str| form.complaint(&format!("/roles/{row}/{part}")).cloned();
        let typed = form.rows(["role", "role_environment"]).into_iter().enumerate();
        let mut rows: Vec<RoleRow> = typed
            .map(|(row, [role, environment])| {
                let wrong = [wrong(row, "role"), wrong(row, "environment")].into_iter().flatten().collect();
                RoleRow { role, environment, wrong }
            })
            .collect();
        rows.extend((0..2).map(|_| RoleRow { role: String::new(), environment: String::new(), wrong: Vec::new() }));
        let word = |role: Role| match role {
            Role::Viewer => text!("role-viewer-does"),
            Role::Requester => text!("role-requester-does"),
            Role::Operator => text!("role-operator-does"),
            Role::Admin => text!("role-admin-does"),
        };
        Ok(Self {
            roles: Role::ALL.into_iter().map(|role| (role.to_string(), word(role))).collect(),
            environments: environments.map(|one| (one.slug.to_string(), one.title.to_string())).collect(),
            rows,
        })
    }

    /// The roles that a form gives.
    pub fn specs(form: &Form) -> Vec<RoleSpec> {
        let spec = |[role, environment]: [String; 2]| RoleSpec {
            role,
            environment: Some(environment).filter(|name| !name.is_empty()),
        };
        form.rows(["role", "role_environment"]).into_iter().map(spec).collect()
    }

    /// Puts roles into a form.
    pub fn fill(form: &mut Form, roles: Vec<RoleSpec>) {
        for role in roles {
            form.add("role", role.role);
            form.add("role_environment", role.environment.unwrap_or_default());
        }
    }
}

/// Roles of people or groups in sentences, with the titles of environments.
pub async fn role_words(conn: &mut Conn, roles: &[RoleSpec]) -> Result<Vec<Text>, store::Error> {
    let environments = store::environment::list(conn).await?;
    let title = |slug: &str| environments.iter().find(|one| one.slug.as_str() == slug).map(|one| one.title.to_string());
    let said = |spec: &RoleSpec| {
        let place = spec.environment.as_deref().map(|slug| title(slug).unwrap_or_else(|| slug.to_owned()));
        role_at(&spec.role, &place.unwrap_or_default())
    };
    Ok(roles.iter().map(said).collect())
}

/// Where a group is asked, each with how many of it.
async fn asked_in(
    conn: &mut Conn,
    access: &Access,
    group: &Group,
) -> Result<Vec<(store::environment::Environment, Text)>, store::Error> {
    let mut found = Vec::new();
    for id in store::group::asked_in(conn, group.id).await?.into_iter().filter(|id| access.may_look(*id)) {
        let Some(environment) = store::environment::by_id(conn, id).await? else { continue };
        let policy = store::environment::policy(conn, id, environment.policy_version).await?;
        let rule = policy.rules.iter().find(|rule| rule.group == group.id);
        let text = text!("group-asked", count = rule.map_or(0, |rule| rule.count));
        found.push((environment, text));
    }
    found.sort_by_key(|(environment, _)| environment.rank);
    Ok(found)
}

/// Lists groups.
pub async fn list_all(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, wanted: Query<Wanted>) -> Page {
    let access = &visitor.0.access;
    access.look_somewhere()?;
    let shell = Shell::of(&doors, &visitor.0, &request, "settings").await?;
    let mut conn = doors.workflow.store().read().await?;
    let mut rows = settings::groups(&mut conn, &wanted.0.part()).await?;
    let list = wanted.0.listing("/groups", &mut rows, |row| row.slug.to_string());
    let environments = store::environment::list(&mut conn).await?;
    let mut lines = Vec::new();
    for row in rows {
        let ids = store::group::asked_in(&mut conn, row.id).await?;
        let here = environments.iter().filter(|one| ids.contains(&one.id) && access.may_look(one.id));
        let titles = here.map(|one| one.title.to_string()).collect();
        lines.push((row, titles));
    }
    Ok(page(&GroupsPage { shell, list, lines }, StatusCode::OK)?)
}

async fn known(conn: &mut Conn, access: &Access, name: &str) -> Result<Group, Failed> {
    access.look_somewhere()?;
    let slug = Slug::parse(name).map_err(|_| Refusal::absent())?;
    Ok(store::group::by_slug(conn, &slug).await?.ok_or_else(Refusal::absent)?)
}

/// Shows a group.
pub async fn show(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, name: web::Path<String>) -> Page {
    shown(&doors, &request, &visitor.0, &name, Form::default(), StatusCode::OK).await
}

async fn shown(doors: &Doors, request: &HttpRequest, who: &Who, name: &str, form: Form, status: StatusCode) -> Page {
    let shell = Shell::of(doors, who, request, "settings").await?;
    let mut conn = doors.workflow.store().read().await?;
    let group = known(&mut conn, &who.access, name).await?;
    let roles = group::spec(&mut conn, group.id).await?.roles.unwrap_or_default();
    let shown = GroupPage {
        members: settings::members(&mut conn, group.id).await?,
        asked_in: asked_in(&mut conn, &who.access, &group).await?,
        roles: role_words(&mut conn, &roles).await?,
        may_edit: who.access.administer().is_ok(),
        shell,
        form,
        group,
    };
    Ok(page(&shown, status)?)
}

const INPUTS: &[&str] = &["name", "title", "members", "roles"];
const FIELDS: &[Field] =
    &[("title", &["title"]), ("group-members", &["members"]), ("roles", &["role", "role_environment"])];

/// The logins that are ticked or typed.
fn logins(form: &Form) -> Vec<String> {
    let parts = form.all("members").flat_map(|value| value.split([',', ';', ' ', '\n', '\r', '\t']));
    parts.map(str::trim).filter(|login| !login.is_empty()).map(str::to_owned).collect()
}

fn spec(name: String, form: &Form) -> Result<GroupSpec, Refusal> {
    let title = form.value("title").to_owned();
    Ok(GroupSpec { name, title, members: Some(logins(form)), roles: Some(RoleRows::specs(form)) })
}

async fn stored(conn: &mut Conn, access: &Access, name: &str) -> Result<(String, Form), Failed> {
    let row = known(conn, access, name).await?;
    let spec = group::spec(conn, row.id).await?;
    let mut form = Form::with([("version", row.version.to_string()), ("title", spec.title)]);
    for login in spec.members.unwrap_or_default() {
        form.add("members", login);
    }
    RoleRows::fill(&mut form, spec.roles.unwrap_or_default());
    Ok((format!("group:{}", row.id), form))
}

async fn form_page(doors: &Doors, request: &HttpRequest, who: &Who, mut asked: Asked, status: StatusCode) -> Page {
    who.access.administer()?;
    let shell = Shell::of(doors, who, request, "settings").await?;
    let mut conn = doors.workflow.store().read().await?;
    let ticked: BTreeSet<String> = logins(&asked.form).into_iter().collect();
    let mut people = store::person::list(&mut conn).await?;
    people.retain(|person| person.deactivated_at.is_none() || ticked.contains(person.login.as_str()));
    let mut people: Vec<_> = people.iter().map(|one| (one.login.to_string(), one.name.to_string())).collect();
    let known = ticked.iter().all(|login| people.iter().any(|(known, _)| known == login));
    if people.len() > TICKS || !known {
        people.clear();
        let typed: Vec<String> = ticked.iter().cloned().collect();
        asked.form.set("members", typed.join("\n"));
    }
    let roles = RoleRows::of(&mut conn, &asked.form).await?;
    Ok(page(&EditPage { shell, asked, people, ticked, roles }, status)?)
}

/// Shows the form for a new group.
pub async fn new(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor) -> Page {
    form_page(&doors, &request, &visitor.0, Asked::new(Form::default()), StatusCode::OK).await
}

managed!("/groups", "name", group::put, group::archive);
