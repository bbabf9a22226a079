//! One's own account: zone, password.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;

use super::{Page, refusal, see_other};
use crate::http::Doors;
use crate::http::form::{Form, Submit};
use crate::http::guard::{Visitor, Who};
use crate::http::shell::{Shell, page};
use crate::workflow::account;

#[derive(Template)]
#[template(path = "pages/account/account.html")]
struct AccountPage {
    shell: Shell,
    form: Form,
    login: String,
    has_password: bool,
}

async fn shown(doors: &Doors, who: &Who, request: &HttpRequest, form: Form, status: StatusCode) -> Page {
    let shell = Shell::of(doors, who, request, "account").await?;
    let (login, has_password) = (who.person.login.to_string(), who.person.password_hash.is_some());
    Ok(page(&AccountPage { shell, form, login, has_password }, status)?)
}

/// Shows it.
pub async fn show(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor) -> Page {
    let zone = visitor.0.person.zone.map(|zone| zone.name().to_owned()).unwrap_or_default();
    shown(&doors, &visitor.0, &request, Form::with([("zone", zone)]), StatusCode::OK).await
}

/// Sets the zone.
pub async fn set_zone(doors: web::Data<Doors>, request: HttpRequest, submit: Submit) -> Page {
    let zone = submit.form.text("zone");
    match doors.workflow.act(submit.who.caller.clone(), move |v| Box::pin(account::set_zone(v, zone))).await {
        Ok(()) => Ok(see_other("/account?done=saved")),
        Err(error) => {
            let form = submit.form.refused(&refusal(error)?, &["zone"]);
            shown(&doors, &submit.who, &request, form, StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}

/// Changes the password.
pub async fn change_password(doors: web::Data<Doors>, request: HttpRequest, submit: Submit) -> Page {
    let Submit { who, mut form } = submit;
    let Some(session) = &who.session else { return Ok(see_other("/account")) };
    let (present, new) = (form.value("present").to_owned(), form.value("password").to_owned());
    match doors.workflow.change_password(who.person.id, session.hash, present, new).await {
        Ok(()) => Ok(see_other("/account?done=password")),
        Err(error) => {
            form.forget("present");
            form.forget("password");
            let form = form.refused(&refusal(error)?, &["present", "password"]);
            shown(&doors, &who, &request, form, StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}
