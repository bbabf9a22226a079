//! The keys, for those without a script, who have none.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;

use super::Page;
use crate::http::Doors;
use crate::http::guard::Visitor;
use crate::http::shell::{Shell, page};

#[derive(Template)]
#[template(path = "pages/keys.html")]
struct KeysPage {
    shell: Shell,
}

/// Shows them.
pub async fn show(doors: web::Data<Doors>, request: HttpRequest) -> Page {
    let shell = match Visitor::of(&doors, &request).await? {
        Some(who) => Shell::of(&doors, &who, &request, "keys").await?,
        None => Shell::public(&doors, doors.workflow.settings().zone, "keys"),
    };
    Ok(page(&KeysPage { shell }, StatusCode::OK)?)
}
