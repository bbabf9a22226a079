//! What the pages of managed things have in common: a list of those in use or archived, a form
//! for a new one and for one that is there, and what somebody else saved meanwhile.

use serde::Deserialize;

use super::{PageFailed, refusal};
use crate::domain::person::Role;
use crate::domain::refusal::{Kind, Refusal};
use crate::domain::text::Text;
use crate::http::error::Failed;
use crate::http::form::Form;
use crate::store::view::releases::pattern;
use crate::store::view::settings::{self, Part};
use crate::store::{self, Conn};
use crate::text;
use crate::workflow;
use actix_web::http::StatusCode;

/// Rows of a page of a list.
const ROWS: usize = 100;

/// What part of a list is asked for.
#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    q: Option<String>,
    archived: Option<String>,
    after: Option<String>,
}

/// A list as its page shows it: where it is, what was looked for, and whether it goes on.
#[derive(Debug)]
pub struct Listing {
    /// The list's address.
    pub base: &'static str,
    /// What was looked for.
    pub q: String,
    /// Whether those out of use are shown.
    pub archived: bool,
    /// The last name on this page, when there are more.
    pub next: Option<String>,
}

impl Listing {
    /// A list without search or further pages.
    pub fn whole(base: &'static str, archived: bool) -> Self {
        Self { base, q: String::new(), archived, next: None }
    }
}

impl Wanted {
    /// What to ask the store for: one row more than a page has.
    pub fn part(&self) -> Part {
        Part {
            pattern: pattern(self.q.as_deref().unwrap_or_default()),
            archived: self.archived.is_some(),
            after: self.after.clone(),
            limit: i64::try_from(ROWS + 1).unwrap_or(i64::MAX),
        }
    }

    /// The page of rows that were asked for with [`Self::part`].
    pub fn listing<T>(self, base: &'static str, rows: &mut Vec<T>, name: impl Fn(&T) -> String) -> Listing {
        let more = rows.len() > ROWS;
        rows.truncate(ROWS);
        let next = if more { rows.last().map(name) } else { None };
        Listing { base, q: self.q.unwrap_or_default(), archived: self.archived.is_some(), next }
    }
}

/// What is compared and told when two people edit the same thing: its label, and the inputs it is
/// made of.
pub type Field = (&'static str, &'static [&'static str]);

/// A form for a new thing, or for one that is there.
pub struct Asked {
    /// What is typed, and what is wrong with it.
    pub form: Form,
    /// The name of the one that is there.
    pub name: Option<String>,
    /// What somebody else saved meanwhile.
    pub newer: Option<Newer>,
}

impl Asked {
    /// A form for a new thing.
    pub fn new(form: Form) -> Self {
        Self { form, name: None, newer: None }
    }

    /// A form for one that is there.
    pub fn of(name: &str, form: Form) -> Self {
        Self { form, name: Some(name.to_owned()), newer: None }
    }

    /// Whether it is for a new one.
    pub fn is_new(&self) -> bool {
        self.name.is_none()
    }
}

/// What somebody else saved while a form was open.
pub struct Newer {
    /// Who, and when.
    pub text: Text,
    /// Labels and what stands there now, where that is not what was typed.
    pub lines: Vec<(&'static str, Vec<Text>)>,
}

impl Newer {
    /// Compares what was typed with what is there now.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn of(
        conn: &mut Conn,
        subject: &str,
        fields: &[Field],
        typed: &Form,
        now: &Form,
    ) -> Result<Self, store::Error> {
        let differs = |(_, inputs): &&Field| values(typed, inputs) != values(now, inputs);
        let lines = fields.iter().filter(differs).map(|(label, inputs)| (*label, said(now, inputs))).collect();
        let text = match settings::last_edit(conn, subject).await? {
            Some((Some(who), at)) => text!("newer-by", who = who.as_str(), at = at),
            Some((None, at)) => text!("newer-at", at = at),
            None => text!("newer"),
        };
        Ok(Self { text, lines })
    }
}

/// What the inputs hold, row by row, whatever the order of the rows.
fn values(form: &Form, inputs: &[&str]) -> Vec<Vec<String>> {
    let columns: Vec<Vec<&str>> = inputs.iter().map(|input| form.all(input).map(str::trim).collect()).collect();
    let cell = |column: &Vec<&str>, row: usize| column.get(row).copied().unwrap_or_default().to_owned();
    let rows = (0..columns[0].len()).map(|row| columns.iter().map(|column| cell(column, row)).collect());
    let mut rows: Vec<Vec<String>> = rows.filter(|row: &Vec<String>| !row[0].is_empty()).collect();
    rows.sort();
    rows
}

fn said(form: &Form, inputs: &[&str]) -> Vec<Text> {
    let word = |value: &String| match value.as_str() {
        "on" => text!("yes"),
        "by_hand" => text!("start-by-hand"),
        "at_opening" => text!("start-at-opening"),
        "when_signed" => text!("start-when-signed"),
        value => text!("names", names = value),
    };
    let row = |row: &Vec<String>| match row.as_slice() {
        [one] => word(one),
        [role, place] if Role::parse(role).is_ok() => role_at(role, place),
        [group, count, ..] => text!("newer-rule", group = group, count = count),
        [] => text!("none"),
    };
    let said: Vec<Text> = values(form, inputs).iter().map(row).collect();
    if said.is_empty() { vec![text!("none")] } else { said }
}

/// A role and where it counts; everywhere without a place.
pub fn role_at(role: &str, place: &str) -> Text {
    let role = match Role::parse(role) {
        Ok(Role::Viewer) => text!("role-viewer"),
        Ok(Role::Requester) => text!("role-requester"),
        Ok(Role::Operator) => text!("role-operator"),
        Ok(Role::Admin) => text!("role-admin"),
        Err(_) => text!("names", names = role),
    };
    if place.is_empty() { text!("role-everywhere", role = role) } else { text!("role-in", role = role, place = place) }
}

/// The refusal of a verb with its status, when it belongs beside the form. Who may not do it at
/// all gets a page that says so.
///
/// # Errors
/// Everything else.
pub fn beside(error: workflow::Error) -> Result<(Refusal, StatusCode), PageFailed> {
    let refused = refusal(error)?;
    if matches!(refused.kind, Kind::Forbidden | Kind::Absent | Kind::Unauthenticated) {
        return Err(refused.into());
    }
    let status = Failed::from(refused.clone()).status();
    Ok((refused, status))
}

/// The complaint of a name that is taken stands beside the name.
pub fn at_name(refused: Refusal, field: &'static str) -> Refusal {
    if refused.text.key == "conflict-exists" {
        return Refusal { kind: Kind::Conflict, ..Refusal::field(field, refused.text) };
    }
    refused
}

/// The doors of a managed thing's pages. Beside it stand `spec`, `stored`, `form_page`, `shown`,
/// and the constants `INPUTS` and `FIELDS`; `$name` is the input of its name.
macro_rules! managed {
    ($base:literal, $name:literal, $put:path, $archive:path) => {
        /// Makes one.
        pub async fn create(
            doors: actix_web::web::Data<$crate::http::Doors>,
            request: actix_web::HttpRequest,
            submit: $crate::http::form::Submit,
        ) -> $crate::http::pages::Page {
            use $crate::http::pages::managed::{Asked, at_name, beside};
            let $crate::http::form::Submit { who, form } = submit;
            let result = match spec(form.value($name).trim().to_owned(), &form) {
                Ok(spec) => {
                    doors
                        .workflow
                        .act(who.caller.clone(), move |v| {
                            Box::pin(async move { $put(v, $crate::workflow::Save::Create, spec).await })
                        })
                        .await
                }
                Err(refusal) => Err(refusal.into()),
            };
            match result {
                Ok(made) => Ok($crate::http::pages::see_other(&format!("{}/{}?done=made", $base, made.name))),
                Err(error) => {
                    let (refused, status) = beside(error)?;
                    let form = form.refused(&at_name(refused, concat!("/", $name)), INPUTS);
                    form_page(&doors, &request, &who, Asked::new(form), status).await
                }
            }
        }

        /// Shows the form for one that is there.
        pub async fn edit(
            doors: actix_web::web::Data<$crate::http::Doors>,
            request: actix_web::HttpRequest,
            visitor: $crate::http::guard::Visitor,
            name: actix_web::web::Path<String>,
        ) -> $crate::http::pages::Page {
            let mut conn = doors.workflow.store().read().await?;
            let (_, form) = stored(&mut conn, &visitor.0.access, &name).await?;
            drop(conn);
            let asked = $crate::http::pages::managed::Asked::of(&name, form);
            form_page(&doors, &request, &visitor.0, asked, actix_web::http::StatusCode::OK).await
        }

        /// Changes it. Somebody else's edit meanwhile is shown, with what was typed kept.
        pub async fn save(
            doors: actix_web::web::Data<$crate::http::Doors>,
            request: actix_web::HttpRequest,
            submit: $crate::http::form::Submit,
            name: actix_web::web::Path<String>,
        ) -> $crate::http::pages::Page {
            use $crate::http::pages::managed::{Asked, Newer, beside};
            let $crate::http::form::Submit { who, form } = submit;
            let version = form.version();
            let result = match spec(name.clone(), &form) {
                Ok(spec) => {
                    doors
                        .workflow
                        .act(who.caller.clone(), move |v| {
                            Box::pin(async move { $put(v, $crate::workflow::Save::Edit(version), spec).await })
                        })
                        .await
                }
                Err(refusal) => Err(refusal.into()),
            };
            let Err(error) = result else {
                return Ok($crate::http::pages::see_other(&format!("{}/{name}?done=saved", $base)));
            };
            let (refused, status) = beside(error)?;
            let mut asked = Asked::of(&name, form.refused(&refused, INPUTS));
            if refused.kind == $crate::domain::refusal::Kind::Stale {
                let mut conn = doors.workflow.store().read().await?;
                let (subject, now) = stored(&mut conn, &who.access, &name).await?;
                asked.newer = Some(Newer::of(&mut conn, &subject, FIELDS, &asked.form, &now).await?);
                asked.form.set("version", now.value("version").to_owned());
                // Its card says so, with who and what.
                asked.form.error = None;
            }
            form_page(&doors, &request, &who, asked, status).await
        }

        /// Takes it out of use.
        pub async fn archive(
            doors: actix_web::web::Data<$crate::http::Doors>,
            request: actix_web::HttpRequest,
            submit: $crate::http::form::Submit,
            name: actix_web::web::Path<String>,
        ) -> $crate::http::pages::Page {
            set_archived(&doors, &request, submit, &name, true).await
        }

        /// Brings it back into use.
        pub async fn restore(
            doors: actix_web::web::Data<$crate::http::Doors>,
            request: actix_web::HttpRequest,
            submit: $crate::http::form::Submit,
            name: actix_web::web::Path<String>,
        ) -> $crate::http::pages::Page {
            set_archived(&doors, &request, submit, &name, false).await
        }

        async fn set_archived(
            doors: &$crate::http::Doors,
            request: &actix_web::HttpRequest,
            submit: $crate::http::form::Submit,
            name: &str,
            archived: bool,
        ) -> $crate::http::pages::Page {
            let $crate::http::form::Submit { who, form } = submit;
            let given = name.to_owned();
            let act = doors
                .workflow
                .act(who.caller.clone(), move |v| Box::pin(async move { $archive(v, &given, archived).await }));
            match act.await {
                Ok(()) => {
                    let done = if archived { "archived" } else { "restored" };
                    Ok($crate::http::pages::see_other(&format!("{}/{name}?done={done}", $base)))
                }
                Err(error) => {
                    let (refused, status) = $crate::http::pages::managed::beside(error)?;
                    shown(doors, request, &who, name, form.refused(&refused, &[]), status).await
                }
            }
        }
    };
}
pub(super) use managed;
