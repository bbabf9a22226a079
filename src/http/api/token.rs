//! Bearer tokens.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::managed::{created, ok};
use crate::domain::id::TokenId;
use crate::domain::person::{Role, Scope};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::http::Doors;
use crate::http::body::{Body, List};
use crate::http::error::{Answer, Problem};
use crate::http::guard::Client;
use crate::protocol::{TokenEdit, TokenSpec};
use crate::store::{self, Conn};
use crate::workflow::token;

/// A token as it stands; never its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenView {
    /// Its id.
    pub id: i64,
    /// What it is for.
    pub title: String,
    /// Login of the person whose requests its requests are.
    pub person: String,
    /// First characters of the secret.
    pub hint: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Since when it exists.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it stops working.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// When it was last used.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub used_at: Option<Timestamp>,
    /// When it was taken back.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
    /// The secret; only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

async fn view(conn: &mut Conn, token: store::token::Token) -> Result<TokenView, Problem> {
    let person = store::person::by_id(conn, token.person_id).await?.ok_or_else(Refusal::absent)?;
    Ok(TokenView {
        id: token.id.0,
        title: token.title.to_string(),
        person: person.login.to_string(),
        hint: token.hint,
        scopes: token.scopes.0.into_iter().map(|scope| Scope::as_str(scope).to_owned()).collect(),
        created_at: token.created_at,
        expires_at: token.expires_at,
        used_at: token.used_at,
        revoked_at: token.revoked_at,
        token: None,
    })
}

/// Lists one's own tokens; as an administrator everybody's.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "Tokens", responses((status = 200, body = List<TokenView>)))]
pub async fn list(doors: web::Data<Doors>, client: Client) -> Answer {
    let mut conn = doors.workflow.store().read().await?;
    let of = (!client.0.access.holds_everywhere(Role::Admin)).then_some(client.0.person.id);
    let mut items = Vec::new();
    for token in store::token::list(&mut conn, of).await? {
        items.push(view(&mut conn, token).await?);
    }
    ok(&List::whole(items))
}

/// Makes a token. Its secret is in this answer and never again.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "Tokens", request_body = TokenSpec, responses(
    (status = 201, body = TokenView), (status = 422)))]
pub async fn create(doors: web::Data<Doors>, client: Client, body: Body<TokenSpec>) -> Answer {
    let act = doors.workflow.act(client.0.caller, move |v| Box::pin(token::create(v, body.value)));
    let (id, secret) = act.await?;
    let mut conn = doors.workflow.store().read().await?;
    let made = store::token::by_id(&mut conn, id).await?.ok_or_else(Refusal::absent)?;
    let made = TokenView { token: Some(secret), ..view(&mut conn, made).await? };
    created(&made, &format!("/api/v1/tokens/{id}"))
}

/// Changes what a token is for, and takes scopes away from it.
#[utoipa::path(put, path = "/api/v1/tokens/{id}", tag = "Tokens", request_body = TokenEdit, responses(
    (status = 200, body = TokenView), (status = 404), (status = 409), (status = 422)))]
pub async fn edit(doors: web::Data<Doors>, client: Client, id: web::Path<String>, body: Body<TokenEdit>) -> Answer {
    let id: TokenId = id.parse().map_err(|_| Refusal::absent())?;
    let act = doors.workflow.act(client.0.caller, move |v| Box::pin(token::edit(v, id, None, body.value)));
    act.await?;
    let mut conn = doors.workflow.store().read().await?;
    let found = store::token::by_id(&mut conn, id).await?.ok_or_else(Refusal::absent)?;
    ok(&view(&mut conn, found).await?)
}

/// Takes a token back.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "Tokens", responses((status = 204), (status = 404)))]
pub async fn revoke(doors: web::Data<Doors>, client: Client, id: web::Path<String>) -> Answer {
    let id: TokenId = id.parse().map_err(|_| Refusal::absent())?;
    doors.workflow.act(client.0.caller, move |v| Box::pin(token::revoke(v, id))).await?;
    Ok(HttpResponse::NoContent().finish())
}
