//! What the API's managed things have in common: a specification under a name, a version, and
//! whether it is archived.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::error::Problem;
use crate::workflow::Save;

/// A managed thing as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct Managed<T> {
    /// What it is.
    #[serde(flatten)]
    pub spec: T,
    /// Counts its edits; give it back when replacing, to notice other editors.
    pub version: i64,
    /// Whether it is out of use.
    pub archived: bool,
}

/// How a thing is replaced.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Edit {
    /// The version that was seen. Absent: whatever is there is replaced, and what is not there is made.
    pub version: Option<i64>,
}

impl Edit {
    /// How to save.
    pub fn save(self) -> Save {
        self.version.map_or(Save::Put, Save::Edit)
    }
}

/// The answer to a thing that was made.
pub fn created(value: &impl Serialize, location: &str) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Created().insert_header(("location", location)).json(value))
}

/// The answer to everything else.
pub fn ok(value: &impl Serialize) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(value))
}

/// The six doors of a managed thing. Beside it stand `may_read`, `all` and `one`; `List` and
/// `Managed` are in scope.
macro_rules! managed {
    (
        $kind:literal, $spec:ty, $name:ident, $put:path, $archive:path,
        list $list_path:literal, one $one_path:literal, archive $archive_path:literal, restore $restore_path:literal
    ) => {
        /// Lists all of them.
        #[utoipa::path(get, path = $list_path, tag = $kind, responses(
                                                            (status = 200, body = List<Managed<$spec>>)))]
        pub async fn list(
            doors: actix_web::web::Data<$crate::http::Doors>,
            client: $crate::http::guard::Client,
        ) -> $crate::http::error::Answer {
            may_read(&client.0.access)?;
            let mut conn = doors.workflow.store().read().await?;
            let items = all(&mut conn, &client.0.access).await?;
            $crate::http::api::managed::ok(&$crate::http::body::List::whole(items))
        }

        /// Makes one.
        #[utoipa::path(post, path = $list_path, tag = $kind, request_body = $spec, responses(
                                                            (status = 201, body = Managed<$spec>),
                                                            (status = 409, description = "There is one of that name."),
                                                            (status = 422, description = "A value is wrong.")))]
        pub async fn create(
            doors: actix_web::web::Data<$crate::http::Doors>,
            client: $crate::http::guard::Client,
            key: $crate::http::guard::Key,
            body: $crate::http::body::Body<$spec>,
        ) -> $crate::http::error::Answer {
            let once = key.once(concat!("POST ", $list_path), body.hash);
            let (name, spec) = (body.value.$name.clone(), body.value);
            doors
                .workflow
                .act_once(client.0.caller.clone(), once, move |v| {
                    Box::pin(async move { $put(v, $crate::workflow::Save::Create, spec).await.map(|_| ()) })
                })
                .await?;
            let mut conn = doors.workflow.store().read().await?;
            let made = one(&mut conn, &client.0.access, &name).await?;
            $crate::http::api::managed::created(&made, &format!("{}/{}", $list_path, made.spec.$name))
        }

        /// Shows one.
        #[utoipa::path(get, path = $one_path, tag = $kind, responses(
                                                            (status = 200, body = Managed<$spec>), (status = 404)))]
        pub async fn show(
            doors: actix_web::web::Data<$crate::http::Doors>,
            client: $crate::http::guard::Client,
            name: actix_web::web::Path<String>,
        ) -> $crate::http::error::Answer {
            may_read(&client.0.access)?;
            let mut conn = doors.workflow.store().read().await?;
            $crate::http::api::managed::ok(&one(&mut conn, &client.0.access, &name).await?)
        }

        /// Makes one be as given.
        #[utoipa::path(put, path = $one_path, tag = $kind, request_body = $spec,
                                                            params($crate::http::api::managed::Edit), responses(
                                                            (status = 200, body = Managed<$spec>),
                                                            (status = 409, description = "It was edited meanwhile."),
                                                            (status = 422, description = "A value is wrong.")))]
        pub async fn replace(
            doors: actix_web::web::Data<$crate::http::Doors>,
            client: $crate::http::guard::Client,
            name: actix_web::web::Path<String>,
            edit: $crate::http::body::Query<$crate::http::api::managed::Edit>,
            body: $crate::http::body::Body<$spec>,
        ) -> $crate::http::error::Answer {
            let spec = body.value;
            if spec.$name != *name {
                let pointer = concat!("/", stringify!($name));
                return Err(
                    $crate::domain::refusal::Refusal::field(pointer, $crate::text!("name-not-of-address")).into()
                );
            }
            let save = edit.0.save();
            doors
                .workflow
                .act(client.0.caller.clone(), move |v| Box::pin(async move { $put(v, save, spec).await.map(|_| ()) }))
                .await?;
            let mut conn = doors.workflow.store().read().await?;
            $crate::http::api::managed::ok(&one(&mut conn, &client.0.access, &name).await?)
        }

        /// Takes one out of use.
        #[utoipa::path(post, path = $archive_path, tag = $kind, responses(
                                                            (status = 200, body = Managed<$spec>),
                                                            (status = 409, description = "Something still needs it.")))]
        pub async fn archive(
            doors: actix_web::web::Data<$crate::http::Doors>,
            client: $crate::http::guard::Client,
            name: actix_web::web::Path<String>,
        ) -> $crate::http::error::Answer {
            set_archived(&doors, &client, name.into_inner(), true).await
        }

        /// Brings one back into use.
        #[utoipa::path(post, path = $restore_path, tag = $kind, responses(
                                                            (status = 200, body = Managed<$spec>)))]
        pub async fn restore(
            doors: actix_web::web::Data<$crate::http::Doors>,
            client: $crate::http::guard::Client,
            name: actix_web::web::Path<String>,
        ) -> $crate::http::error::Answer {
            set_archived(&doors, &client, name.into_inner(), false).await
        }

        async fn set_archived(
            doors: &$crate::http::Doors,
            client: &$crate::http::guard::Client,
            name: String,
            archived: bool,
        ) -> $crate::http::error::Answer {
            let given = name.clone();
            doors
                .workflow
                .act(client.0.caller.clone(), move |v| Box::pin(async move { $archive(v, &given, archived).await }))
                .await?;
            let mut conn = doors.workflow.store().read().await?;
            $crate::http::api::managed::ok(&one(&mut conn, &client.0.access, &name).await?)
        }
    };
}
pub(super) use managed;
