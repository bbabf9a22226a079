//! Whether the portal is alive, and whether it can serve: for whatever watches over it. Clusters
//! have no part in it; one that does not answer must not take the portal down.

use actix_web::{HttpResponse, web};

use super::Doors;

/// The process answers.
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// The database answers too.
pub async fn ready(doors: web::Data<Doors>) -> HttpResponse {
    match doors.workflow.store().epoch().await {
        Ok(_) => HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "http.health.ready");
            HttpResponse::ServiceUnavailable().content_type("text/plain; charset=utf-8").body("database\n")
        }
    }
}
