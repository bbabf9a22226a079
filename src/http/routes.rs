//! Every door, in one table. `tests/it/doors` tries each with every role and fails on one it
//! does not know; there is no other place where a route is made.

use actix_web::web::{self, ServiceConfig};

use super::{api, assets, events, health, pages};

/// A door: how it is asked, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// HTTP method.
    pub method: &'static str,
    /// Path, with its parameters in braces.
    pub path: &'static str,
}

macro_rules! doors {
    ($($method:ident $path:literal => $handler:expr;)+) => {
        /// The table.
        pub const DOORS: &[Door] = &[$(Door { method: stringify!($method), path: $path }),+];

        /// Opens them.
        pub fn configure(config: &mut ServiceConfig) {
            $(config.route($path, doors!(@route $method).to($handler));)+
        }
    };
    (@route GET) => { web::get() };
    (@route POST) => { web::post() };
    (@route PUT) => { web::put() };
    (@route PATCH) => { web::patch() };
    (@route DELETE) => { web::delete() };
}

doors! {
    GET "/healthz" => health::live;
    GET "/readyz" => health::ready;

    GET "/static/{name}" => assets::file;

    GET "/" => pages::board::show;
    GET "/sign-in" => pages::sign_in::show;
    POST "/sign-in" => pages::sign_in::sign_in;
    GET "/sign-in/{secret}" => pages::sign_in::link;
    POST "/sign-in/{secret}" => pages::sign_in::use_link;
    POST "/sign-out" => pages::sign_in::leave;
    GET "/setup/{secret}" => pages::sign_in::setup;
    POST "/setup/{secret}" => pages::sign_in::set_up;
    GET "/account" => pages::account::show;
    POST "/account/zone" => pages::account::set_zone;
    POST "/account/password" => pages::account::change_password;

    GET "/keys" => pages::keys::show;
    GET "/announcements" => pages::announcements::show;
    GET "/announcements.ics" => pages::announcements::calendar;
    GET "/announcements.atom" => pages::announcements::atom;

    GET "/images" => pages::images::list_all;
    GET "/images/{id}" => pages::images::show;
    GET "/windows" => pages::windows::list_all;
    GET "/windows/new" => pages::windows::new;
    POST "/windows" => pages::windows::create;
    GET "/windows/{id}" => pages::windows::show;
    GET "/windows/{id}/edit" => pages::windows::edit;
    POST "/windows/{id}/edit" => pages::windows::save;
    POST "/windows/{id}/announce" => pages::windows::announce;
    POST "/windows/{id}/cancel" => pages::windows::cancel;
    GET "/audit" => pages::audit::show;

    GET "/releases/new" => pages::request::new;
    POST "/releases" => pages::request::create;
    GET "/releases/{number}/edit" => pages::request::edit;
    POST "/releases/{number}/edit" => pages::request::revise;
    GET "/releases" => pages::releases::show;
    GET "/releases/{number}" => pages::release::show;
    POST "/releases/{number}/signoff" => pages::release::sign_off;
    POST "/releases/{number}/reject" => pages::release::reject;
    POST "/releases/{number}/start" => pages::release::start;
    POST "/releases/{number}/cancel" => pages::release::cancel;
    POST "/releases/{number}/rollback" => pages::release::roll_back;
    POST "/releases/{number}/withdraw" => pages::release::withdraw;
    POST "/releases/{number}/plan" => pages::release::plan_again;

    GET "/settings" => pages::settings::show;

    GET "/services" => pages::services::list_all;
    POST "/services" => pages::services::create;
    GET "/services/new" => pages::services::new;
    GET "/services/{name}" => pages::services::show;
    GET "/services/{name}/edit" => pages::services::edit;
    POST "/services/{name}/edit" => pages::services::save;
    POST "/services/{name}/archive" => pages::services::archive;
    POST "/services/{name}/restore" => pages::services::restore;
    GET "/services/{name}/targets/new" => pages::targets::new;
    POST "/services/{name}/targets" => pages::targets::create;
    GET "/targets/{id}/edit" => pages::targets::edit;
    POST "/targets/{id}/edit" => pages::targets::save;
    POST "/targets/{id}/archive" => pages::targets::archive;
    POST "/targets/{id}/restore" => pages::targets::restore;

    GET "/environments" => pages::environments::list_all;
    POST "/environments" => pages::environments::create;
    GET "/environments/new" => pages::environments::new;
    GET "/environments/{name}" => pages::environments::show;
    GET "/environments/{name}/edit" => pages::environments::edit;
    POST "/environments/{name}/edit" => pages::environments::save;
    POST "/environments/{name}/archive" => pages::environments::archive;
    POST "/environments/{name}/restore" => pages::environments::restore;

    GET "/clusters" => pages::clusters::list_all;
    POST "/clusters" => pages::clusters::create;
    GET "/clusters/new" => pages::clusters::new;
    GET "/clusters/{name}" => pages::clusters::show;
    GET "/clusters/{name}/edit" => pages::clusters::edit;
    POST "/clusters/{name}/edit" => pages::clusters::save;
    POST "/clusters/{name}/archive" => pages::clusters::archive;
    POST "/clusters/{name}/restore" => pages::clusters::restore;
    POST "/clusters/{name}/probe" => pages::clusters::look;
    GET "/clusters/{name}/credential" => pages::credential::show;
    POST "/clusters/{name}/credential" => pages::credential::hand_in;
    POST "/clusters/{name}/credential/drop" => pages::credential::drop_all;
    POST "/clusters/{name}/credential/{id}/confirm" => pages::credential::confirm;
    POST "/clusters/{name}/credential/{id}/drop" => pages::credential::decline;
    GET "/clusters/{name}/script" => pages::credential::script;

    GET "/groups" => pages::groups::list_all;
    POST "/groups" => pages::groups::create;
    GET "/groups/new" => pages::groups::new;
    GET "/groups/{name}" => pages::groups::show;
    GET "/groups/{name}/edit" => pages::groups::edit;
    POST "/groups/{name}/edit" => pages::groups::save;
    POST "/groups/{name}/archive" => pages::groups::archive;
    POST "/groups/{name}/restore" => pages::groups::restore;

    GET "/people" => pages::people::list_all;
    POST "/people" => pages::people::create;
    GET "/people/new" => pages::people::new;
    GET "/people/{login}" => pages::people::show;
    GET "/people/{login}/edit" => pages::people::edit;
    POST "/people/{login}/edit" => pages::people::save;
    POST "/people/{login}/archive" => pages::people::archive;
    POST "/people/{login}/restore" => pages::people::restore;
    POST "/people/{login}/link" => pages::people::link;

    GET "/tokens" => pages::tokens::list_all;
    POST "/tokens" => pages::tokens::create;
    GET "/tokens/new" => pages::tokens::new;
    GET "/tokens/{id}/edit" => pages::tokens::edit;
    POST "/tokens/{id}/edit" => pages::tokens::save;
    POST "/tokens/{id}/revoke" => pages::tokens::revoke;

    GET "/api/openapi.json" => api::openapi::document;
    POST "/api/v1/setup" => api::session::set_up;
    GET "/api/v1/session" => api::session::show;
    POST "/api/v1/session" => api::session::begin;
    DELETE "/api/v1/session" => api::session::end;

    GET "/api/v1/images" => api::image::list;
    POST "/api/v1/images" => api::image::register;
    GET "/api/v1/images/{id}" => api::image::show;

    GET "/api/v1/releases" => api::release::list;
    POST "/api/v1/releases" => api::release::request;
    GET "/api/v1/releases/{number}" => api::release::show;
    PATCH "/api/v1/releases/{number}" => api::release::revise;
    POST "/api/v1/releases/{number}/plan" => api::release::plan_again;
    POST "/api/v1/releases/{number}/withdraw" => api::release::withdraw;
    POST "/api/v1/releases/{number}/signoff" => api::signoff::approve;
    POST "/api/v1/releases/{number}/reject" => api::signoff::reject;
    POST "/api/v1/releases/{number}/start" => api::deployment::start;
    POST "/api/v1/releases/{number}/cancel" => api::deployment::cancel;
    POST "/api/v1/releases/{number}/rollback" => api::deployment::roll_back;
    GET "/api/v1/releases/{number}/events" => events::release;

    GET "/api/v1/windows" => api::window::list;
    POST "/api/v1/windows" => api::window::create;
    GET "/api/v1/windows/{id}" => api::window::show;
    PUT "/api/v1/windows/{id}" => api::window::edit;
    POST "/api/v1/windows/{id}/announce" => api::window::announce;
    POST "/api/v1/windows/{id}/cancel" => api::window::cancel;

    GET "/api/v1/services" => api::service::list;
    POST "/api/v1/services" => api::service::create;
    GET "/api/v1/services/{name}" => api::service::show;
    PUT "/api/v1/services/{name}" => api::service::replace;
    POST "/api/v1/services/{name}/archive" => api::service::archive;
    POST "/api/v1/services/{name}/restore" => api::service::restore;
    GET "/api/v1/services/{name}/targets" => api::target::list;
    POST "/api/v1/services/{name}/targets" => api::target::create;
    PUT "/api/v1/targets/{id}" => api::target::edit;
    POST "/api/v1/targets/{id}/archive" => api::target::archive;
    POST "/api/v1/targets/{id}/restore" => api::target::restore;

    GET "/api/v1/environments" => api::environment::list;
    POST "/api/v1/environments" => api::environment::create;
    GET "/api/v1/environments/{name}" => api::environment::show;
    PUT "/api/v1/environments/{name}" => api::environment::replace;
    POST "/api/v1/environments/{name}/archive" => api::environment::archive;
    POST "/api/v1/environments/{name}/restore" => api::environment::restore;

    GET "/api/v1/clusters" => api::cluster::list;
    POST "/api/v1/clusters" => api::cluster::create;
    GET "/api/v1/clusters/{name}" => api::cluster::show;
    PUT "/api/v1/clusters/{name}" => api::cluster::replace;
    POST "/api/v1/clusters/{name}/archive" => api::cluster::archive;
    POST "/api/v1/clusters/{name}/restore" => api::cluster::restore;
    GET "/api/v1/clusters/{name}/credential" => api::credential::show;
    POST "/api/v1/clusters/{name}/credential" => api::credential::hand_in;
    POST "/api/v1/clusters/{name}/credential/{id}/confirm" => api::credential::confirm;
    DELETE "/api/v1/clusters/{name}/credential/{id}" => api::credential::decline;
    DELETE "/api/v1/clusters/{name}/credential" => api::credential::drop_all;
    POST "/api/v1/clusters/{name}/probe" => api::credential::look;
    GET "/api/v1/clusters/{name}/script" => api::credential::script;

    GET "/api/v1/groups" => api::group::list;
    POST "/api/v1/groups" => api::group::create;
    GET "/api/v1/groups/{name}" => api::group::show;
    PUT "/api/v1/groups/{name}" => api::group::replace;
    POST "/api/v1/groups/{name}/archive" => api::group::archive;
    POST "/api/v1/groups/{name}/restore" => api::group::restore;

    GET "/api/v1/people" => api::person::list;
    POST "/api/v1/people" => api::person::create;
    GET "/api/v1/people/{login}" => api::person::show;
    PUT "/api/v1/people/{login}" => api::person::replace;
    POST "/api/v1/people/{login}/archive" => api::person::archive;
    POST "/api/v1/people/{login}/restore" => api::person::restore;
    POST "/api/v1/people/{login}/link" => api::person::link;

    GET "/api/v1/tokens" => api::token::list;
    POST "/api/v1/tokens" => api::token::create;
    PUT "/api/v1/tokens/{id}" => api::token::edit;
    DELETE "/api/v1/tokens/{id}" => api::token::revoke;

    POST "/api/v1/apply" => api::apply::apply;
    GET "/api/v1/audit" => api::audit::list;
    GET "/api/v1/audit/checkpoint" => api::audit::checkpoint;
}
