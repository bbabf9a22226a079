//! Who is answered how at every door for programs. One line a door; one column for each of [`WHO`].

/// The columns: nobody; an account without any role; a viewer, a requester, an operator, an
/// administrator, a signer, each in a browser; and somebody who is all of these with a token, with
/// the scope and with another one.
pub const WHO: [&str; 9] =
    ["nobody", "nora", "vera", "rita", "otto", "ada", "dora", "token", "token without the scope"];

/// A door, whether it takes JSON, and the answer to each.
pub type Row = (&'static str, &'static str, Takes, [u16; 9]);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing, or a query.
    None,
    /// A body.
    Json,
    /// A body, before anybody is signed in.
    OpenJson,
}

use Takes::{Json, None, OpenJson};

/// Everybody, signed in or not.
const ALL: [u16; 9] = [200; 9];
/// Everybody who has something to do with the portal.
const LOOK: [u16; 9] = [401, 403, 200, 200, 200, 200, 200, 200, 403];
/// The same, of one thing: whoever may not look may not know.
const LOOK_AT: [u16; 9] = [401, 404, 200, 200, 200, 200, 200, 200, 403];
/// Administrators make it.
const MAKE: [u16; 9] = [401, 403, 403, 403, 403, 201, 403, 201, 403];
/// Administrators change it.
const MANAGE: [u16; 9] = [401, 403, 403, 403, 403, 200, 403, 200, 403];
/// Administrators of its environment change it; others may not know of it.
const MANAGE_IN: [u16; 9] = [401, 404, 403, 403, 403, 200, 403, 200, 403];
/// Requesters.
const REQUEST: [u16; 9] = [401, 404, 403, 200, 403, 403, 403, 200, 403];
/// Signers, and never a program.
const SIGN: [u16; 9] = [401, 404, 403, 403, 403, 403, 200, 403, 403];
/// Operators; 409 says that they came through and that there is nothing to do.
const OPERATE: [u16; 9] = [401, 404, 403, 403, 409, 403, 403, 409, 403];
/// Whoever plans windows.
const PLAN: [u16; 9] = [401, 404, 403, 403, 200, 200, 403, 200, 403];

pub const DOORS: &[Row] = &[
    ("GET", "/healthz", None, ALL),
    ("GET", "/readyz", None, ALL),
    ("GET", "/api/openapi.json", None, ALL),
    // The secret is a wrong one.
    ("POST", "/api/v1/setup", OpenJson, [409; 9]),
    ("POST", "/api/v1/session", OpenJson, [409; 9]),
    ("GET", "/api/v1/session", None, [401, 200, 200, 200, 200, 200, 200, 200, 200]),
    ("DELETE", "/api/v1/session", None, [401, 204, 204, 204, 204, 204, 204, 204, 204]),
    ("GET", "/api/v1/images", None, LOOK),
    ("POST", "/api/v1/images", Json, [401, 403, 403, 201, 201, 201, 403, 201, 403]),
    ("GET", "/api/v1/images/{id}", None, LOOK_AT),
    ("GET", "/api/v1/releases", None, LOOK),
    // The environment is unknown to whoever may not look at it.
    ("POST", "/api/v1/releases", Json, [401, 422, 403, 201, 403, 403, 403, 201, 403]),
    ("GET", "/api/v1/releases/{number}", None, LOOK_AT),
    ("PATCH", "/api/v1/releases/{number}", Json, REQUEST),
    ("POST", "/api/v1/releases/{number}/plan", None, REQUEST),
    ("POST", "/api/v1/releases/{number}/withdraw", Json, [401, 404, 403, 200, 200, 403, 403, 200, 403]),
    ("POST", "/api/v1/releases/{number}/signoff", Json, SIGN),
    ("POST", "/api/v1/releases/{number}/reject", Json, SIGN),
    ("POST", "/api/v1/releases/{number}/start", None, OPERATE),
    ("POST", "/api/v1/releases/{number}/cancel", None, OPERATE),
    ("POST", "/api/v1/releases/{number}/rollback", Json, OPERATE),
    ("GET", "/api/v1/releases/{number}/events", None, LOOK_AT),
    ("GET", "/api/v1/windows", None, LOOK),
    ("POST", "/api/v1/windows", Json, [401, 403, 403, 403, 201, 201, 403, 201, 403]),
    ("GET", "/api/v1/windows/{id}", None, LOOK_AT),
    ("PUT", "/api/v1/windows/{id}", Json, PLAN),
    ("POST", "/api/v1/windows/{id}/announce", None, PLAN),
    ("POST", "/api/v1/windows/{id}/cancel", None, PLAN),
    ("GET", "/api/v1/services", None, LOOK),
    ("POST", "/api/v1/services", Json, MAKE),
    ("GET", "/api/v1/services/{name}", None, LOOK),
    ("PUT", "/api/v1/services/{name}", Json, MANAGE),
    ("POST", "/api/v1/services/{name}/archive", None, MANAGE),
    ("POST", "/api/v1/services/{name}/restore", None, MANAGE),
    ("GET", "/api/v1/services/{name}/targets", None, LOOK),
    ("POST", "/api/v1/services/{name}/targets", Json, MAKE),
    ("PUT", "/api/v1/targets/{id}", Json, MANAGE_IN),
    ("POST", "/api/v1/targets/{id}/archive", None, MANAGE_IN),
    ("POST", "/api/v1/targets/{id}/restore", None, MANAGE_IN),
    ("GET", "/api/v1/environments", None, LOOK),
    ("POST", "/api/v1/environments", Json, MAKE),
    ("GET", "/api/v1/environments/{name}", None, LOOK),
    ("PUT", "/api/v1/environments/{name}", Json, MANAGE_IN),
    ("POST", "/api/v1/environments/{name}/archive", None, MANAGE),
    ("POST", "/api/v1/environments/{name}/restore", None, MANAGE),
    ("GET", "/api/v1/clusters", None, LOOK),
    ("POST", "/api/v1/clusters", Json, MAKE),
    ("GET", "/api/v1/clusters/{name}", None, LOOK),
    ("PUT", "/api/v1/clusters/{name}", Json, MANAGE),
    ("POST", "/api/v1/clusters/{name}/archive", None, MANAGE),
    ("POST", "/api/v1/clusters/{name}/restore", None, MANAGE),
    ("GET", "/api/v1/clusters/{name}/credential", None, LOOK),
    // A person hands a credential in and confirms it, never a program.
    ("POST", "/api/v1/clusters/{name}/credential", Json, [401, 403, 403, 403, 403, 201, 403, 403, 403]),
    ("POST", "/api/v1/clusters/{name}/credential/{id}/confirm", None, [401, 403, 403, 403, 403, 409, 403, 403, 403]),
    ("DELETE", "/api/v1/clusters/{name}/credential/{id}", None, [401, 403, 403, 403, 403, 409, 403, 409, 403]),
    ("DELETE", "/api/v1/clusters/{name}/credential", None, [401, 403, 403, 403, 403, 204, 403, 204, 403]),
    ("POST", "/api/v1/clusters/{name}/probe", None, MANAGE),
    ("GET", "/api/v1/clusters/{name}/script", None, MANAGE),
    ("GET", "/api/v1/groups", None, LOOK),
    ("POST", "/api/v1/groups", Json, MAKE),
    ("GET", "/api/v1/groups/{name}", None, LOOK),
    ("PUT", "/api/v1/groups/{name}", Json, MANAGE),
    ("POST", "/api/v1/groups/{name}/archive", None, MANAGE),
    ("POST", "/api/v1/groups/{name}/restore", None, MANAGE),
    ("GET", "/api/v1/people", None, MANAGE),
    ("POST", "/api/v1/people", Json, MAKE),
    ("GET", "/api/v1/people/{login}", None, MANAGE),
    ("PUT", "/api/v1/people/{login}", Json, MANAGE),
    ("POST", "/api/v1/people/{login}/archive", None, MANAGE),
    ("POST", "/api/v1/people/{login}/restore", None, MANAGE),
    // Whoever has a link can sign off with it, so no program makes one.
    ("POST", "/api/v1/people/{login}/link", None, [401, 403, 403, 403, 403, 200, 403, 403, 403]),
    // Everybody has tokens of their own; a program makes none for itself without being allowed to.
    ("GET", "/api/v1/tokens", None, [401, 200, 200, 200, 200, 200, 200, 200, 403]),
    ("POST", "/api/v1/tokens", Json, [401, 201, 201, 201, 201, 201, 201, 201, 403]),
    ("PUT", "/api/v1/tokens/{id}", Json, [401, 404, 404, 404, 404, 200, 404, 200, 404]),
    ("DELETE", "/api/v1/tokens/{id}", None, [401, 404, 404, 404, 404, 204, 404, 204, 404]),
    ("POST", "/api/v1/apply", Json, MANAGE),
    ("GET", "/api/v1/audit", None, [401, 403, 200, 403, 200, 200, 403, 200, 403]),
    ("GET", "/api/v1/audit/checkpoint", None, [401, 403, 200, 403, 200, 200, 403, 200, 403]),
];
