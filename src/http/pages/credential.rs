//! A cluster's credential: a kubeconfig handed in, what is wrong with it and the script that makes
//! a better one, put into use or dropped. What was accepted is never shown again.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::clusters::{known, shown};
use super::managed::beside;
use super::{Page, PageFailed, asks_password, freshen, see_other};
use crate::cluster::kubeconfig::{self, ContextChoice, GateKind, GateRefusal};
use crate::domain::id::CredentialId;
use crate::domain::refusal::Refusal;
use crate::domain::text::Text;
use crate::http::Doors;
use crate::http::api::credential::{gate, script_for, workloads};
use crate::http::form::{Form, Submit};
use crate::http::guard::{Visitor, Who};
use crate::http::shell::{Shell, page};
use crate::store;
use crate::store::cluster::{Cluster, CredentialState};
use crate::workflow::{self, cluster};

#[derive(Template)]
#[template(path = "pages/clusters/credential.html")]
struct CredentialPage {
    shell: Shell,
    form: Form,
    cluster: Cluster,
    contexts: Vec<ContextChoice>,
    script: Option<Result<String, Text>>,
    replaces: bool,
    targets: usize,
    asks_password: bool,
}

/// A form that is shown, again perhaps.
#[derive(Default)]
struct Asked {
    form: Form,
    contexts: Vec<ContextChoice>,
    /// Whether the script would help.
    script: bool,
}

async fn form_page(doors: &Doors, request: &HttpRequest, who: &Who, name: &str, asked: Asked) -> Page {
    who.access.administer()?;
    let shell = Shell::of(doors, who, request, "settings").await?;
    let mut conn = doors.workflow.store().read().await?;
    let cluster = known(&mut conn, &who.access, name).await?;
    let targets = workloads(&mut conn, cluster.id).await?;
    let confirmed = store::cluster::credential(&mut conn, cluster.id, CredentialState::Confirmed).await?;
    let status = if asked.form.is_wrong() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shown = CredentialPage {
        script: asked.script.then(|| script_for(&targets)),
        targets: targets.len(),
        replaces: confirmed.is_some(),
        asks_password: asks_password(doors, who),
        shell,
        form: asked.form,
        cluster,
        contexts: asked.contexts,
    };
    Ok(page(&shown, status)?)
}

/// Shows the form for a kubeconfig.
pub async fn show(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, name: web::Path<String>) -> Page {
    form_page(&doors, &request, &visitor.0, &name, Asked::default()).await
}

/// The contexts to choose from, when there is a choice.
fn choice(form: &Form) -> Vec<ContextChoice> {
    let contexts = kubeconfig::contexts(form.value("kubeconfig").as_bytes()).unwrap_or_default();
    if contexts.len() > 1 { contexts } else { Vec::new() }
}

/// The form of an upload that the gate refused: what was pasted is kept, since it was not taken.
fn refused(mut form: Form, refusal: GateRefusal) -> Asked {
    let pointer = match &refusal.kind {
        GateKind::PickContext { current, .. } => {
            form.set("context", current.clone().unwrap_or_default());
            "/context"
        }
        _ => "/kubeconfig",
    };
    let contexts = choice(&form);
    let form = form.refused(&Refusal::field(pointer, refusal.text), &["kubeconfig", "context"]);
    Asked { form, contexts, script: refusal.kind.script_helps() }
}

/// Hands a kubeconfig in.
pub async fn hand_in(doors: web::Data<Doors>, request: HttpRequest, submit: Submit, name: web::Path<String>) -> Page {
    let Submit { mut who, mut form } = submit;
    who.access.administer()?;
    let password = form.value("password").to_owned();
    form.forget("password");
    let credential = match gate(&doors, form.value("kubeconfig"), form.text("context").as_deref()) {
        Ok(credential) => credential,
        Err(refusal) => return form_page(&doors, &request, &who, &name, refused(form, refusal)).await,
    };
    let mut result = freshen(&doors, &mut who, &password).await;
    if result.is_ok() {
        let (given, caller) = (name.clone(), who.caller.clone());
        let act = doors
            .workflow
            .act(caller, move |v| Box::pin(async move { cluster::hand_in(v, &given, credential).await.map(|_| ()) }));
        result = act.await;
    }
    match result {
        Ok(()) => Ok(see_other(&format!("/clusters/{name}?done=handed-in"))),
        Err(error) => {
            let (refusal, _) = beside(error)?;
            let contexts = choice(&form);
            let asked = Asked { form: form.refused(&refusal, &["password"]), contexts, script: false };
            form_page(&doors, &request, &who, &name, asked).await
        }
    }
}

/// The answer to an act on a credential: the cluster's page, which says that it was done, or why not.
async fn answered(
    doors: &Doors,
    request: &HttpRequest,
    who: &Who,
    name: &str,
    mut form: Form,
    done: &str,
    result: Result<(), workflow::Error>,
) -> Result<HttpResponse, PageFailed> {
    let Err(error) = result else { return Ok(see_other(&format!("/clusters/{name}?done={done}"))) };
    let (refusal, status) = beside(error)?;
    form.forget("password");
    shown(doors, request, who, name, form.refused(&refusal, &["password"]), status).await
}

fn parse(id: &str) -> Result<CredentialId, Refusal> {
    id.parse().map_err(|_| Refusal::absent())
}

/// Puts a credential into use.
pub async fn confirm(
    doors: web::Data<Doors>,
    request: HttpRequest,
    submit: Submit,
    path: web::Path<(String, String)>,
) -> Page {
    let ((name, id), Submit { mut who, form }) = (path.into_inner(), submit);
    let id = parse(&id)?;
    let mut result = freshen(&doors, &mut who, form.value("password")).await;
    if result.is_ok() {
        let (given, caller) = (name.clone(), who.caller.clone());
        let act = doors.workflow.act(caller, move |v| Box::pin(async move { cluster::confirm(v, &given, id).await }));
        result = act.await;
    }
    answered(&doors, &request, &who, &name, form, "credential-used", result).await
}

/// Drops one that was not confirmed; the one in use stays in use.
pub async fn decline(
    doors: web::Data<Doors>,
    request: HttpRequest,
    submit: Submit,
    path: web::Path<(String, String)>,
) -> Page {
    let ((name, id), Submit { who, form }) = (path.into_inner(), submit);
    let (given, id) = (name.clone(), parse(&id)?);
    let act =
        doors.workflow.act(who.caller.clone(), move |v| Box::pin(async move { cluster::decline(v, &given, id).await }));
    let result = act.await;
    answered(&doors, &request, &who, &name, form, "credential-dropped", result).await
}

/// Destroys all of a cluster's credentials.
pub async fn drop_all(doors: web::Data<Doors>, request: HttpRequest, submit: Submit, name: web::Path<String>) -> Page {
    let (Submit { who, form }, given) = (submit, name.clone());
    let act = doors
        .workflow
        .act(who.caller.clone(), move |v| Box::pin(async move { cluster::drop_credential(v, &given).await }));
    let result = act.await;
    answered(&doors, &request, &who, &name, form, "credential-dropped", result).await
}

/// Gives the script that makes an account with just the rights that a cluster's targets need.
pub async fn script(doors: web::Data<Doors>, visitor: Visitor, name: web::Path<String>) -> Page {
    visitor.0.access.administer()?;
    let mut conn = doors.workflow.store().read().await?;
    let cluster = known(&mut conn, &visitor.0.access, &name).await?;
    let targets = workloads(&mut conn, cluster.id).await?;
    let script = script_for(&targets).map_err(Refusal::conflict)?;
    let disposition = format!("attachment; filename=\"tidegate-{}.sh\"", cluster.slug);
    Ok(HttpResponse::Ok()
        .content_type("text/x-shellscript; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .body(script))
}
