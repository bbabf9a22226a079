//! Signing in, by password or by a one-time link; the first setup; signing out.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{Page, refusal, see_other};
use crate::http::Doors;
use crate::http::body::Query;
use crate::http::error::Failed;
use crate::http::form::{Form, GuestSubmit, Submit};
use crate::http::session::csrf_token;
use crate::http::shell::{Shell, page};
use crate::workflow::session::{SignedIn, sign_out};

#[derive(Template)]
#[template(path = "pages/sign_in/sign_in.html")]
struct SignInPage {
    shell: Shell,
    form: Form,
}

#[derive(Template)]
#[template(path = "pages/sign_in/link.html")]
struct LinkPage {
    shell: Shell,
    form: Form,
    secret: String,
}

#[derive(Template)]
#[template(path = "pages/sign_in/setup.html")]
struct SetupPage {
    shell: Shell,
    form: Form,
    secret: String,
}

/// Where one wanted to be.
#[derive(Deserialize)]
pub struct Next {
    next: Option<String>,
}

/// A path of this portal, or the board: never another site.
fn inside(next: &str) -> &str {
    let own = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n']);
    if own { next } else { "/" }
}

/// A page for somebody who is not signed in: its form carries a token of a cookie of its own.
fn guest(doors: &Doors, request: &HttpRequest, show: impl FnOnce(Shell) -> Page) -> Page {
    let known = doors.cookies.form_secret(request);
    let secret = known.clone().unwrap_or_else(|| doors.random().token());
    let mut shell = Shell::public(doors, doors.workflow.settings().zone, "sign-in");
    shell.csrf = csrf_token(&secret);
    let mut response = show(shell)?;
    if known.is_none() {
        // A cookie of plain characters is always accepted.
        let _ = response.add_cookie(&doors.cookies.begin_form(secret));
    }
    Ok(response)
}

fn begun(doors: &Doors, signed_in: SignedIn, next: &str) -> HttpResponse {
    let mut response = see_other(next);
    let _ = response.add_cookie(&doors.cookies.begin(signed_in.secret));
    response
}

/// Shows the form.
pub async fn show(doors: web::Data<Doors>, request: HttpRequest, next: Query<Next>) -> Page {
    let form = Form::with([("next", inside(next.0.next.as_deref().unwrap_or("/")).to_owned())]);
    guest(&doors, &request, |shell| Ok(page(&SignInPage { shell, form }, StatusCode::OK)?))
}

/// Signs in by password.
pub async fn sign_in(doors: web::Data<Doors>, request: HttpRequest, form: GuestSubmit) -> Page {
    let mut form = form.0;
    let password = form.value("password").to_owned();
    match doors.workflow.sign_in(form.value("login"), password, doors.address(&request)).await {
        Ok(signed_in) => Ok(begun(&doors, signed_in, inside(form.value("next")))),
        Err(error) => {
            let refused = refusal(error)?;
            form.forget("password");
            let status = Failed::from(refused.clone()).status();
            let form = form.refused(&refused, &[]);
            guest(&doors, &request, |shell| Ok(page(&SignInPage { shell, form }, status)?))
        }
    }
}

/// Shows what a one-time link does; nothing is used up by looking.
pub async fn link(doors: web::Data<Doors>, request: HttpRequest, secret: web::Path<String>) -> Page {
    let secret = secret.into_inner();
    guest(&doors, &request, |shell| Ok(page(&LinkPage { shell, form: Form::default(), secret }, StatusCode::OK)?))
}

/// Signs in by a one-time link.
pub async fn use_link(
    doors: web::Data<Doors>,
    request: HttpRequest,
    secret: web::Path<String>,
    form: GuestSubmit,
) -> Page {
    let secret = secret.into_inner();
    match doors.workflow.sign_in_by_link(secret.clone(), doors.address(&request)).await {
        Ok(signed_in) => Ok(begun(&doors, signed_in, "/")),
        Err(error) => {
            let refused = refusal(error)?;
            let status = Failed::from(refused.clone()).status();
            let form = form.0.refused(&refused, &[]);
            guest(&doors, &request, |shell| Ok(page(&LinkPage { shell, form, secret }, status)?))
        }
    }
}

/// Shows the form of the first setup.
pub async fn setup(doors: web::Data<Doors>, request: HttpRequest, secret: web::Path<String>) -> Page {
    let secret = secret.into_inner();
    guest(&doors, &request, |shell| Ok(page(&SetupPage { shell, form: Form::default(), secret }, StatusCode::OK)?))
}

/// Makes the first person.
pub async fn set_up(
    doors: web::Data<Doors>,
    request: HttpRequest,
    secret: web::Path<String>,
    form: GuestSubmit,
) -> Page {
    let (secret, mut form) = (secret.into_inner(), form.0);
    let value = |name: &str| form.value(name).to_owned();
    match doors.workflow.set_up(secret.clone(), value("login"), value("name"), value("password")).await {
        Ok(signed_in) => Ok(begun(&doors, signed_in, "/")),
        Err(error) => {
            form.forget("password");
            let refused = refusal(error)?;
            let status = Failed::from(refused.clone()).status();
            let form = form.refused(&refused, &["login", "name", "password"]);
            guest(&doors, &request, |shell| Ok(page(&SetupPage { shell, form, secret }, status)?))
        }
    }
}

/// Signs out.
pub async fn leave(doors: web::Data<Doors>, submit: Submit) -> Page {
    if let Some(session) = submit.who.session {
        doors.workflow.act(submit.who.caller, move |v| Box::pin(sign_out(v, session.hash))).await?;
    }
    let mut response = see_other("/sign-in");
    let _ = response.add_cookie(&doors.cookies.end());
    Ok(response)
}
