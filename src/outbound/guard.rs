//! What holds for every request that leaves: https, or plain http on this machine; no redirects; no
//! proxy that merely stands in the environment; an end after ten seconds; answers of one MiB.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use http::Uri;

/// Longest wait for an answer, all in all.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Largest answer, in bytes.
pub const LARGEST: usize = 1024 * 1024;

/// Where a service is: scheme, host and port, and nothing behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    https: bool,
    /// As in a URL: an IPv6 address stands in brackets.
    host: String,
    port: Option<u16>,
}

/// An address that no request goes to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No address at all.
    #[error("{0} is not an address such as https://tidegate.example.com")]
    Form(String),
    /// It goes on behind the host.
    #[error("{0} has a path; give scheme, host and port only, such as https://tidegate.example.com")]
    Path(String),
    /// It holds a name or a password, which is not repeated.
    #[error("the address holds a name or a password before the host; a token is how one signs in")]
    UserInfo,
    /// Plain http to another machine.
    #[error(
        "{0}: plain http is for this machine only (127.0.0.1, localhost), since a token would be readable on the way; use https"
    )]
    PlainHttp(String),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.contains('@') {
            return Err(AddressError::UserInfo);
        }
        let wrong = || AddressError::Form(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().filter(|authority| !authority.host().is_empty()).ok_or_else(wrong)?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(AddressError::Path(text.to_owned()));
        }
        let address = Self { https, host: authority.host().to_lowercase(), port: authority.port_u16() };
        if !https && !address.is_this_machine() {
            return Err(AddressError::PlainHttp(text.to_owned()));
        }
        Ok(address)
    }
}

impl Address {
    fn is_this_machine(&self) -> bool {
        let address = self.host.trim_matches(['[', ']']).parse::<IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    /// Where a path of it is.
    pub fn url(&self, path: &str) -> String {
        format!("{self}{path}")
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        match self.port {
            Some(port) => write!(f, "{scheme}://{}:{port}", self.host),
            None => write!(f, "{scheme}://{}", self.host),
        }
    }
}

/// A client under these rules. What vouches for a server is the machine's own list of authorities,
/// or `authorities` alone when it is given.
///
/// # Errors
/// When the parts do not make a client.
pub fn client(
    authorities: Option<Vec<reqwest::Certificate>>,
    proxy: Option<reqwest::Proxy>,
) -> Result<reqwest::Client, reqwest::Error> {
    // Whatever a resolver says: `localhost` is this machine. (The port is the URL's.)
    let loopback = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT)
        .timeout(TIMEOUT)
        .resolve_to_addrs("localhost", &loopback);
    if let Some(authorities) = authorities {
        builder = builder.tls_certs_only(authorities);
    }
    if let Some(proxy) = proxy {
        builder = builder.proxy(proxy);
    }
    builder.build()
}

/// Why an answer was not read.
#[derive(Debug)]
pub enum ReadError {
    /// It is larger than [`LARGEST`].
    TooLarge,
    /// The connection broke, or time was up.
    Broken(reqwest::Error),
}

/// Reads an answer up to the limit.
///
/// # Errors
/// When it is larger, or does not come to its end.
pub async fn read(mut answer: reqwest::Response) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(ReadError::Broken)? {
        if bytes.len() + chunk.len() > LARGEST {
            return Err(ReadError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_on_this_machine_and_has_no_path() {
        let parsed = |text: &str| text.parse::<Address>().map(|address| address.to_string());
        assert_eq!(parsed(" https://Gate.example.com/ ").unwrap(), "https://gate.example.com");
        assert_eq!(parsed("http://127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080");
        assert_eq!(parsed("http://localhost:8080").unwrap(), "http://localhost:8080");
        assert_eq!(parsed("http://[::1]:8080").unwrap(), "http://[::1]:8080");
        for other in ["http://gate.example.com", "http://10.0.0.1", "http://localhost.example.com", "http://0.0.0.0:1"]
        {
            assert!(matches!(parsed(other), Err(AddressError::PlainHttp(_))), "{other}");
        }
        assert!(matches!(parsed("https://gate.example.com/x"), Err(AddressError::Path(_))));
        assert!(matches!(parsed("https://gate.example.com?x"), Err(AddressError::Path(_))));
        for wrong in ["", "gate.example.com", "ftp://gate.example.com", "https://", "https:///x", "unix:/run/x"] {
            assert!(matches!(parsed(wrong), Err(AddressError::Form(_))), "{wrong}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        let refused = "https://ada:hunter2@gate.example.com".parse::<Address>().unwrap_err();
        assert_eq!(refused, AddressError::UserInfo);
        assert!(!refused.to_string().contains("hunter2"));
    }
}
