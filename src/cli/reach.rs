//! How a command reaches the running portal: flags and environment, parsed into a client once.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use secrecy::SecretString;

use super::Usage;
use crate::outbound::guard::Address;
use crate::outbound::portal::{PortalClient, Settings};

/// Largest file of a token or of certificates, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// Where the portal is, and as whom to come.
#[derive(Args, Debug)]
#[command(next_help_heading = "Reaching the portal")]
pub(super) struct Reach {
    /// Address of the portal: https, or http on this machine
    #[arg(long, env = "TIDEGATE_URL", value_name = "URL")]
    url: Option<String>,
    /// File that holds the token; without it, the environment does, as TIDEGATE_TOKEN
    #[arg(long, env = "TIDEGATE_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Certificates (PEM) of the authority that vouches for the portal; then no other may
    #[arg(long, env = "TIDEGATE_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Proxy to go through; one that merely stands in the environment is not used
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// The token itself. No flag gives it: everybody on the machine can read those.
    #[arg(skip = std::env::var("TIDEGATE_TOKEN").ok())]
    token: Option<String>,
}

impl Reach {
    /// A client of the portal.
    ///
    /// # Errors
    /// [`Usage`] when something is not given or does not fit; else why a file cannot be read.
    pub(super) fn client(self) -> anyhow::Result<PortalClient> {
        let url = self.url.filter(|url| !url.trim().is_empty());
        let url =
            url.ok_or_else(|| Usage::new("no portal: set TIDEGATE_URL or give --url https://tidegate.example.com"))?;
        let address: Address = url.parse().map_err(Usage::new)?;
        let token = self.token.filter(|token| !token.trim().is_empty());
        let token = match (token, self.token_file) {
            (Some(_), Some(_)) => {
                return Err(Usage::new("two tokens: TIDEGATE_TOKEN is set and a token file is given; keep one").into());
            }
            (Some(token), None) => token,
            (None, Some(path)) => {
                let bytes = read(&path)?;
                String::from_utf8(bytes).ok().with_context(|| format!("{} is no text file", path.display()))?
            }
            (None, None) => {
                let words =
                    "no token: set TIDEGATE_TOKEN or give --token-file FILE; the portal's page about tokens makes one";
                return Err(Usage::new(words).into());
            }
        };
        let authorities = self.ca_file.map(|path| read(&path)).transpose()?;
        let token = SecretString::from(token.trim().to_owned());
        Ok(PortalClient::new(Settings { address, token, authorities, proxy: self.proxy }).map_err(Usage::new)?)
    }
}

/// Reads a small file.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let size = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?.len();
    anyhow::ensure!(size <= LARGEST, "{shown} is larger than 1 MiB; is it the right file?");
    std::fs::read(path).with_context(|| format!("cannot read {shown}"))
}
