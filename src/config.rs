//! Every setting of `tidegate serve`, parsed into types once. A flag, an environment variable or a
//! default gives each; what does not fit is refused at start, in words.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use crate::domain::time::Zone;

/// The settings as given.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// Folder of the database and the key ring.
    #[arg(long, env = "TIDEGATE_DATA_DIR", default_value = ".")]
    pub data_dir: PathBuf,
    /// Database: sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME [default: tidegate.db in the data folder]
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// File of the key ring that seals credentials [default: tidegate.keys in the data folder]
    #[arg(long, env = "TIDEGATE_KEYRING_FILE")]
    pub keyring_file: Option<PathBuf>,
    /// The key ring itself, instead of a file
    #[arg(skip = std::env::var("TIDEGATE_KEYRING").ok())]
    pub keyring: Option<String>,
    /// Drop every sealed credential, because its key ring is lost; everything else stays
    #[arg(long)]
    pub forget_sealed: bool,
    /// Address to listen on
    #[arg(long, env = "TIDEGATE_BIND", default_value = "127.0.0.1")]
    pub bind: IpAddr,
    /// Port to listen on; 0 takes any free one
    #[arg(long, env = "TIDEGATE_PORT", default_value_t = 8080)]
    pub port: u16,
    /// Address people reach the portal at [default: http://127.0.0.1:PORT]
    #[arg(long, env = "TIDEGATE_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Zone of people who have not set one, as an IANA name
    #[arg(long, env = "TIDEGATE_ZONE", default_value = "UTC", value_parser = zone)]
    pub zone: Zone,
    /// Address of a proxy whose X-Forwarded-For counts; may be given several times
    #[arg(long, env = "TIDEGATE_TRUSTED_PROXY", value_delimiter = ',')]
    pub trusted_proxy: Vec<IpAddr>,
    /// Certificate chain (PEM) to serve TLS with; needs --tls-key
    #[arg(long, env = "TIDEGATE_TLS_CERT", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key (PEM) to serve TLS with; needs --tls-cert
    #[arg(long, env = "TIDEGATE_TLS_KEY", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Let clusters be on loopback and link-local addresses, for trying things out
    #[arg(long, env = "TIDEGATE_ALLOW_LOCAL_CLUSTERS")]
    pub allow_local_clusters: bool,
}

/// Parses a zone as it is typed.
///
/// # Errors
/// In words for whoever typed it.
pub fn zone(name: &str) -> Result<Zone, String> {
    Zone::parse(name).map_err(|_| format!("{name} is not an IANA time zone, such as Europe/Berlin"))
}

/// The settings as they hold.
#[derive(Clone, Debug)]
pub struct Config {
    /// `sqlite:…` or `postgres:…`.
    pub database_url: String,
    /// Whether a commit waits for the disk; always, outside tests and the demo.
    pub durable: bool,
    /// Where the key ring is.
    pub keyring: KeyRingSource,
    /// Whether to drop sealed credentials.
    pub forget_sealed: bool,
    /// Where to listen.
    pub listen: SocketAddr,
    /// TLS certificate and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Where people reach the portal; its port may still be 0.
    pub public_url: PublicUrl,
    /// Zone of people who have not set one.
    pub zone: Zone,
    /// Proxies whose forwarded headers count.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether clusters may be on loopback and link-local addresses.
    pub allow_local_clusters: bool,
}

/// Where the key ring is.
#[derive(Clone)]
pub enum KeyRingSource {
    /// In a file; made when there is none and nothing is sealed yet.
    File(PathBuf),
    /// Given as it is.
    Given(secrecy::SecretString),
}

impl std::fmt::Debug for KeyRingSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Given(_) => f.write_str("Given"),
        }
    }
}

/// A setting that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Not an address of a portal.
    #[error("--public-url {0} is not an address such as https://tidegate.example.com")]
    PublicUrl(String),
    /// It has a path.
    #[error("--public-url {0} has a path; the portal needs a host name of its own")]
    PublicUrlPath(String),
    /// Plain http beyond this machine.
    #[error(
        "--public-url {0}: plain http is for loopback only; give --tls-cert and --tls-key, or put a proxy with TLS in front and use its https address"
    )]
    PlainHttp(String),
}

impl ServeArgs {
    /// # Errors
    /// When a setting does not fit, or two do not fit together.
    pub fn config(self) -> Result<Config, ConfigError> {
        let database_url =
            self.database_url.unwrap_or_else(|| format!("sqlite:{}", self.data_dir.join("tidegate.db").display()));
        let keyring = match self.keyring {
            Some(ring) => KeyRingSource::Given(ring.into()),
            None => KeyRingSource::File(self.keyring_file.unwrap_or_else(|| self.data_dir.join("tidegate.keys"))),
        };
        let tls = self.tls_cert.zip(self.tls_key);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let given = self.public_url.unwrap_or_else(|| format!("{scheme}://127.0.0.1:{}", self.port));
        Ok(Config {
            database_url,
            durable: true,
            keyring,
            forget_sealed: self.forget_sealed,
            listen: SocketAddr::new(self.bind, self.port),
            tls,
            public_url: given.parse()?,
            zone: self.zone,
            trusted_proxies: self.trusted_proxy,
            allow_local_clusters: self.allow_local_clusters,
        })
    }
}

/// Where people reach the portal: scheme, host and port, nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    https: bool,
    host: String,
    port: Option<u16>,
}

impl PublicUrl {
    /// Whether cookies are secure and TLS is demanded of browsers.
    pub fn is_https(&self) -> bool {
        self.https
    }
    /// What a browser sends as `Origin`.
    pub fn origin(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        match self.port {
            Some(port) => format!("{scheme}://{}:{port}", self.host),
            None => format!("{scheme}://{}", self.host),
        }
    }
    /// A link to a path of the portal.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }
    /// The host's name, without the port.
    pub fn host(&self) -> &str {
        &self.host
    }
    /// Puts the port in that was found free, where 0 was asked for.
    pub fn with_bound_port(mut self, bound: u16) -> Self {
        if self.port == Some(0) {
            self.port = Some(bound);
        }
        self
    }
}

impl FromStr for PublicUrl {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let wrong = || ConfigError::PublicUrl(text.to_owned());
        let uri: http::Uri = text.parse().map_err(|_| wrong())?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(wrong());
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(ConfigError::PublicUrlPath(text.to_owned()));
        }
        let host = authority.host().to_lowercase();
        let loopback = host == "localhost"
            || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if !https && !loopback {
            return Err(ConfigError::PlainHttp(text.to_owned()));
        }
        let default = if https { 443 } else { 80 };
        Ok(Self { https, host, port: authority.port_u16().filter(|port| *port != default) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_https_or_loopback_and_has_no_path() {
        let parsed = |text: &str| text.parse::<PublicUrl>().map(|url| url.origin());
        assert_eq!(parsed("https://gate.example.com/").unwrap(), "https://gate.example.com");
        assert_eq!(parsed("https://gate.example.com:443").unwrap(), "https://gate.example.com");
        assert_eq!(parsed("http://127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080");
        assert_eq!(parsed("http://[::1]:80").unwrap(), "http://[::1]");
        assert!(matches!(parsed("http://gate.example.com"), Err(ConfigError::PlainHttp(_))));
        assert!(matches!(parsed("https://gate.example.com/x"), Err(ConfigError::PublicUrlPath(_))));
        for wrong in ["gate.example.com", "ftp://gate.example.com", "https://a:b@gate.example.com", "https://"] {
            assert!(matches!(parsed(wrong), Err(ConfigError::PublicUrl(_))), "{wrong}");
        }
    }
}
