//! The OpenAPI document, made from the doors themselves.

use std::collections::btree_map::Entry;
use std::sync::OnceLock;

use actix_web::HttpResponse;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, Content, Info, Ref, RefOr, Response};

use crate::http::error::Document;

#[derive(OpenApi)]
#[openapi(
    components(schemas(Document)),
    paths(
        document,
        crate::http::api::session::set_up,
        crate::http::api::session::show,
        crate::http::api::session::begin,
        crate::http::api::session::end,
        crate::http::api::image::list,
        crate::http::api::image::register,
        crate::http::api::image::show,
        crate::http::api::release::list,
        crate::http::api::release::request,
        crate::http::api::release::show,
        crate::http::api::release::revise,
        crate::http::api::release::plan_again,
        crate::http::api::release::withdraw,
        crate::http::api::signoff::approve,
        crate::http::api::signoff::reject,
        crate::http::api::deployment::start,
        crate::http::api::deployment::cancel,
        crate::http::api::deployment::roll_back,
        crate::http::events::release,
        crate::http::api::window::list,
        crate::http::api::window::create,
        crate::http::api::window::show,
        crate::http::api::window::edit,
        crate::http::api::window::announce,
        crate::http::api::window::cancel,
        crate::http::api::service::list,
        crate::http::api::service::create,
        crate::http::api::service::show,
        crate::http::api::service::replace,
        crate::http::api::service::archive,
        crate::http::api::service::restore,
        crate::http::api::target::list,
        crate::http::api::target::create,
        crate::http::api::target::edit,
        crate::http::api::target::archive,
        crate::http::api::target::restore,
        crate::http::api::environment::list,
        crate::http::api::environment::create,
        crate::http::api::environment::show,
        crate::http::api::environment::replace,
        crate::http::api::environment::archive,
        crate::http::api::environment::restore,
        crate::http::api::cluster::list,
        crate::http::api::cluster::create,
        crate::http::api::cluster::show,
        crate::http::api::cluster::replace,
        crate::http::api::cluster::archive,
        crate::http::api::cluster::restore,
        crate::http::api::credential::show,
        crate::http::api::credential::hand_in,
        crate::http::api::credential::confirm,
        crate::http::api::credential::decline,
        crate::http::api::credential::drop_all,
        crate::http::api::credential::look,
        crate::http::api::credential::script,
        crate::http::api::group::list,
        crate::http::api::group::create,
        crate::http::api::group::show,
        crate::http::api::group::replace,
        crate::http::api::group::archive,
        crate::http::api::group::restore,
        crate::http::api::person::list,
        crate::http::api::person::create,
        crate::http::api::person::show,
        crate::http::api::person::replace,
        crate::http::api::person::archive,
        crate::http::api::person::restore,
        crate::http::api::person::link,
        crate::http::api::token::list,
        crate::http::api::token::create,
        crate::http::api::token::edit,
        crate::http::api::token::revoke,
        crate::http::api::apply::apply,
        crate::http::api::audit::list,
        crate::http::api::audit::checkpoint,
    )
)]
struct Described;

/// Gives this document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "About", security(()), responses((status = 200, description = "OpenAPI 3.1.", content_type = "application/json")))]
pub async fn document() -> HttpResponse {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    let text = DOCUMENT.get_or_init(|| serde_json::to_string(&describe()).expect("a document is JSON"));
    HttpResponse::Ok().content_type("application/json").body(text.as_str())
}

/// Names operations after method and path, and says how a caller proves who they are.
fn describe() -> utoipa::openapi::OpenApi {
    let mut document = Described::openapi();
    document.info = Info::new("Tidegate", env!("CARGO_PKG_VERSION"));
    document.info.description = Some(
        "Sign off what CI built, announce when it goes out, and have it deployed inside that window. \
         Errors are problem documents (RFC 9457); lists page by cursor; writes with a bearer token take an Idempotency-Key."
            .to_owned(),
    );
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            operation.operation_id = Some(name(method, path));
            tell_answers(method, path, operation);
        }
    }
    let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let session = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("__Host-tidegate")));
    let components = document.components.take().map_or_else(ComponentsBuilder::new, Into::into);
    let components = components.security_scheme("token", token).security_scheme("session", session);
    document.components = Some(components.build());
    let none: [&str; 0] = [];
    document.security = Some(vec![SecurityRequirement::new("token", none), SecurityRequirement::new("session", none)]);
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("get", &mut item.get),
        ("post", &mut item.post),
        ("put", &mut item.put),
        ("patch", &mut item.patch),
        ("delete", &mut item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn name(method: &str, path: &str) -> String {
    let path = path.trim_start_matches("/api/v1/");
    let words: String = path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    format!("{method}_{}", words.replace("__", "_").trim_matches('_'))
}

/// Adds the refusals that follow from what an operation takes to those it names itself, says of
/// each what it looks like, and leaves no answer without a word.
fn tell_answers(method: &str, path: &str, operation: &mut Operation) {
    let open = operation.security.is_some();
    let body = operation.request_body.is_some();
    let parameters = operation.parameters.iter().flatten();
    let query =
        parameters.into_iter().any(|one| matches!(one, RefOr::T(one) if one.parameter_in == ParameterIn::Query));
    let refusals = [
        (400, "The request cannot be read.", body),
        (401, "Nobody is signed in, or the token is not good.", !open),
        (403, "The person or token may not do this.", !open || body),
        (404, "There is no such thing, or the person may not know of it.", path.contains('{')),
        (409, "It does not fit what is there now.", method != "get" && !open),
        (413, "The request is too large.", body),
        (422, "A value is wrong; `errors` says which.", body || query),
        (429, "Too many attempts.", false),
    ];
    for (status, words, happens) in refusals {
        let known = operation.responses.responses.entry(status.to_string());
        let response = match known {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if !happens => continue,
            Entry::Vacant(free) => free.insert(RefOr::T(Response::new(""))),
        };
        let RefOr::T(response) = response else { continue };
        if response.description.is_empty() {
            words.clone_into(&mut response.description);
        }
        let problem = Content::new(Some(Ref::from_schema_name("Problem")));
        response.content.insert("application/problem+json".to_owned(), problem.into());
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            let words = if method == "get" { "What was asked for." } else { "It was done." };
            words.clone_into(&mut response.description);
        }
    }
}
