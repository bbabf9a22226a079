//! The OpenAPI document, made from the doors themselves.

use std::sync::OnceLock;

use actix_web::HttpResponse;
use utoipa::OpenApi;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, Info};

#[derive(OpenApi)]
#[openapi(paths(
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
    crate::http::api::token::revoke,
    crate::http::api::apply::apply,
    crate::http::api::audit::list,
    crate::http::api::audit::checkpoint,
))]
struct Described;

/// Gives the document.
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
        name(path, item);
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

fn name(path: &str, item: &mut PathItem) {
    let words: String =
        path.trim_start_matches("/api/v1/").chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let operations = [
        ("get", &mut item.get),
        ("post", &mut item.post),
        ("put", &mut item.put),
        ("patch", &mut item.patch),
        ("delete", &mut item.delete),
    ];
    for (method, operation) in operations {
        if let Some(operation) = operation {
            operation.operation_id = Some(format!("{method}_{}", words.replace("__", "_").trim_matches('_')));
        }
    }
}
