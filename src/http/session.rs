//! Cookies, and the CSRF token that goes with one. The session's secret stands in its cookie and
//! nowhere else; the database knows its hash.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::config::PublicUrl;
use crate::domain::canonical::hex;

/// Names and flags of the portal's cookies, which follow from its address.
#[derive(Clone, Copy, Debug)]
pub struct Cookies {
    https: bool,
}

impl Cookies {
    /// For a portal at this address.
    pub fn of(url: &PublicUrl) -> Self {
        Self { https: url.is_https() }
    }

    /// Of a signed-in person. The prefix `__Host-` binds it to this host and to TLS.
    fn session(self) -> &'static str {
        if self.https { "__Host-tidegate" } else { "tidegate" }
    }

    /// Of anybody who was shown a form before signing in.
    fn form(self) -> &'static str {
        if self.https { "__Host-tidegate-form" } else { "tidegate-form" }
    }

    fn cookie(self, name: &'static str, value: String) -> Cookie<'static> {
        Cookie::build(name, value).path("/").http_only(true).secure(self.https).same_site(SameSite::Lax).finish()
    }

    /// The cookie of a new session.
    pub fn begin(self, secret: String) -> Cookie<'static> {
        self.cookie(self.session(), secret)
    }

    /// Takes the session's cookie away.
    pub fn end(self) -> Cookie<'static> {
        let mut cookie = self.cookie(self.session(), String::new());
        cookie.make_removal();
        cookie
    }

    /// The cookie of somebody who is shown a form before signing in.
    pub fn begin_form(self, secret: String) -> Cookie<'static> {
        self.cookie(self.form(), secret)
    }

    /// The session's secret in a request.
    pub fn session_secret(self, request: &HttpRequest) -> Option<String> {
        secret(request, self.session())
    }

    /// The form's secret in a request.
    pub fn form_secret(self, request: &HttpRequest) -> Option<String> {
        secret(request, self.form())
    }
}

fn secret(request: &HttpRequest, name: &str) -> Option<String> {
    request.cookie(name).map(|cookie| cookie.value().to_owned()).filter(|value| (16..=200).contains(&value.len()))
}

/// The CSRF token of a cookie's secret: another site cannot read the page that holds it, and
/// without the secret nobody can make it.
pub fn csrf_token(secret: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(b"tidegate.csrf/1");
    hex(&mac.finalize().into_bytes())
}

/// Whether a token is that of the secret, in a time that does not tell how nearly.
pub fn csrf_fits(secret: &str, token: &str) -> bool {
    csrf_token(secret).as_bytes().ct_eq(token.as_bytes()).into()
}
