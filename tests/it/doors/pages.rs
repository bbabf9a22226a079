//! Who is answered how at every door for people. One line a door; one column for each of the first
//! seven of [`super::table::WHO`]. A program's token opens none of them: it is nobody here.

/// A door, and the answer to each.
pub type Row = (&'static str, &'static str, [u16; 7]);

/// To be sent to the sign-in page; 303 is a form that was carried out.
pub const SIGN_IN: u16 = 401;

/// Everybody, signed in or not.
const ALL: [u16; 7] = [200; 7];
/// Everybody who is signed in.
const OWN: [u16; 7] = [SIGN_IN, 200, 200, 200, 200, 200, 200];
/// Everybody who has something to do with the portal.
const LOOK: [u16; 7] = [SIGN_IN, 403, 200, 200, 200, 200, 200];
/// The same, of one thing: whoever may not look may not know.
const LOOK_AT: [u16; 7] = [SIGN_IN, 404, 200, 200, 200, 200, 200];
/// Administrators see it.
const SEE: [u16; 7] = [SIGN_IN, 403, 403, 403, 403, 200, 403];
/// Administrators of its environment see it; others may not know of it.
const SEE_IN: [u16; 7] = [SIGN_IN, 404, 403, 403, 403, 200, 403];
/// Administrators change it.
const MANAGE: [u16; 7] = [SIGN_IN, 403, 403, 403, 403, 303, 403];
/// Administrators of its environment change it.
const MANAGE_IN: [u16; 7] = [SIGN_IN, 404, 403, 403, 403, 303, 403];
/// Requesters.
const REQUEST: [u16; 7] = [SIGN_IN, 404, 403, 303, 403, 403, 403];
/// Signers.
const SIGN: [u16; 7] = [SIGN_IN, 404, 403, 403, 403, 403, 303];
/// Operators; 409 says that they came through and that there is nothing to do.
const OPERATE: [u16; 7] = [SIGN_IN, 404, 403, 403, 409, 403, 403];
/// Whoever plans windows.
const PLAN: [u16; 7] = [SIGN_IN, 404, 403, 403, 303, 303, 403];

pub const DOORS: &[Row] = &[
    ("GET", "/static/{name}", ALL),
    ("GET", "/keys", ALL),
    ("GET", "/announcements", ALL),
    ("GET", "/announcements.ics", ALL),
    ("GET", "/announcements.atom", ALL),
    ("GET", "/sign-in", ALL),
    // Nobody has such a password.
    ("POST", "/sign-in", [401; 7]),
    // Looking at a link uses nothing up and says nothing about it; these are wrong ones.
    ("GET", "/sign-in/{secret}", ALL),
    ("POST", "/sign-in/{secret}", [409; 7]),
    ("GET", "/setup/{secret}", ALL),
    ("POST", "/setup/{secret}", [409; 7]),
    ("POST", "/sign-out", [SIGN_IN; 7]),
    ("GET", "/", OWN),
    ("GET", "/account", OWN),
    ("POST", "/account/zone", [SIGN_IN, 303, 303, 303, 303, 303, 303]),
    ("GET", "/settings", OWN),
    ("GET", "/images", LOOK),
    ("GET", "/images/{id}", LOOK_AT),
    ("GET", "/windows", LOOK),
    ("GET", "/windows/new", [SIGN_IN, 403, 403, 403, 200, 200, 403]),
    ("POST", "/windows", [SIGN_IN, 403, 403, 403, 303, 303, 403]),
    ("GET", "/windows/{id}", LOOK_AT),
    ("GET", "/windows/{id}/edit", [SIGN_IN, 404, 403, 403, 200, 200, 403]),
    ("POST", "/windows/{id}/edit", PLAN),
    ("POST", "/windows/{id}/announce", PLAN),
    ("POST", "/windows/{id}/cancel", PLAN),
    ("GET", "/audit", [SIGN_IN, 403, 200, 403, 200, 200, 403]),
    ("GET", "/releases", LOOK),
    ("GET", "/releases/new", [SIGN_IN, 404, 403, 200, 403, 403, 403]),
    ("POST", "/releases", REQUEST),
    ("GET", "/releases/{number}", LOOK_AT),
    ("GET", "/releases/{number}/edit", [SIGN_IN, 404, 403, 200, 403, 403, 403]),
    ("POST", "/releases/{number}/edit", REQUEST),
    ("POST", "/releases/{number}/signoff", SIGN),
    ("POST", "/releases/{number}/reject", SIGN),
    ("POST", "/releases/{number}/start", OPERATE),
    ("POST", "/releases/{number}/cancel", OPERATE),
    ("POST", "/releases/{number}/rollback", OPERATE),
    ("POST", "/releases/{number}/withdraw", [SIGN_IN, 404, 403, 303, 303, 403, 403]),
    ("POST", "/releases/{number}/plan", REQUEST),
    ("GET", "/services", LOOK),
    ("POST", "/services", MANAGE),
    ("GET", "/services/new", SEE),
    ("GET", "/services/{name}", LOOK),
    ("GET", "/services/{name}/edit", SEE),
    ("POST", "/services/{name}/edit", MANAGE),
    ("POST", "/services/{name}/archive", MANAGE),
    ("POST", "/services/{name}/restore", MANAGE),
    ("GET", "/services/{name}/targets/new", SEE),
    ("POST", "/services/{name}/targets", MANAGE),
    ("GET", "/targets/{id}/edit", SEE_IN),
    ("POST", "/targets/{id}/edit", MANAGE_IN),
    ("POST", "/targets/{id}/archive", MANAGE_IN),
    ("POST", "/targets/{id}/restore", MANAGE_IN),
    ("GET", "/environments", LOOK),
    ("POST", "/environments", MANAGE),
    ("GET", "/environments/new", SEE),
    ("GET", "/environments/{name}", LOOK_AT),
    ("GET", "/environments/{name}/edit", SEE_IN),
    ("POST", "/environments/{name}/edit", MANAGE_IN),
    ("POST", "/environments/{name}/archive", MANAGE),
    ("POST", "/environments/{name}/restore", MANAGE),
    ("GET", "/clusters", LOOK),
    ("POST", "/clusters", MANAGE),
    ("GET", "/clusters/new", SEE),
    ("GET", "/clusters/{name}", LOOK),
    ("GET", "/clusters/{name}/edit", SEE),
    ("POST", "/clusters/{name}/edit", MANAGE),
    ("POST", "/clusters/{name}/archive", MANAGE),
    ("POST", "/clusters/{name}/restore", MANAGE),
    ("POST", "/clusters/{name}/probe", MANAGE),
    ("GET", "/clusters/{name}/credential", SEE),
    ("POST", "/clusters/{name}/credential", MANAGE),
    ("POST", "/clusters/{name}/credential/drop", MANAGE),
    // There is none of this id; 409 says that they came through.
    ("POST", "/clusters/{name}/credential/{id}/confirm", [SIGN_IN, 403, 403, 403, 403, 409, 403]),
    ("POST", "/clusters/{name}/credential/{id}/drop", [SIGN_IN, 403, 403, 403, 403, 409, 403]),
    ("GET", "/clusters/{name}/script", SEE),
    ("GET", "/groups", LOOK),
    ("POST", "/groups", MANAGE),
    ("GET", "/groups/new", SEE),
    ("GET", "/groups/{name}", LOOK),
    ("GET", "/groups/{name}/edit", SEE),
    ("POST", "/groups/{name}/edit", MANAGE),
    ("POST", "/groups/{name}/archive", MANAGE),
    ("POST", "/groups/{name}/restore", MANAGE),
    ("GET", "/people", SEE),
    ("POST", "/people", MANAGE),
    ("GET", "/people/new", SEE),
    ("GET", "/people/{login}", SEE),
    ("GET", "/people/{login}/edit", SEE),
    ("POST", "/people/{login}/edit", MANAGE),
    ("POST", "/people/{login}/archive", MANAGE),
    ("POST", "/people/{login}/restore", MANAGE),
    // The link is shown, this once.
    ("POST", "/people/{login}/link", SEE),
    ("GET", "/tokens", OWN),
    ("GET", "/tokens/new", OWN),
    // So is a token.
    ("POST", "/tokens", OWN),
    ("GET", "/tokens/{id}/edit", [SIGN_IN, 404, 404, 404, 404, 200, 404]),
    ("POST", "/tokens/{id}/edit", [SIGN_IN, 404, 404, 404, 404, 303, 404]),
    ("POST", "/tokens/{id}/revoke", [SIGN_IN, 404, 404, 404, 404, 303, 404]),
    // Comes last: it ends everybody's sessions.
    ("POST", "/account/password", [SIGN_IN, 303, 303, 303, 303, 303, 303]),
];
