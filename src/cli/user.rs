//! `tidegate user`: the way back in for whoever has a shell on the server.

use anyhow::{Context as _, anyhow, ensure};
use clap::{Args, Subcommand};

use super::Usage;
use crate::clock::Clock;
use crate::config::{Config, ServeArgs};
use crate::domain::refusal::Kind;
use crate::random::Random;
use crate::workflow::{Caller, Error, person};

/// What to do.
#[derive(Args)]
pub(super) struct UserArgs {
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Subcommand)]
enum UserCommand {
    /// Print a one-time sign-in link for an account
    #[command(after_long_help = RECOVER)]
    Recover {
        /// What the person signs in with
        login: String,
        #[command(flatten)]
        serve: Box<ServeArgs>,
    },
}

const RECOVER: &str = "\
For the day on which no administrator can sign in any more. It opens the database as `tidegate serve`
does, so give it the same settings; the key ring is not needed. On SQLite the portal has to be
stopped meanwhile, because one process has the database; on PostgreSQL it may run. The link works
once and for a day, and earlier ones of that account stop working; its password is forgotten, and a
new one can be set. It stands in the audit log.

Exit codes: 0 the link is printed; 1 it could not be made; 2 bad usage.

Example:
  systemctl stop tidegate
  tidegate user recover ada --data-dir /var/lib/tidegate --public-url https://tidegate.example.com
  systemctl start tidegate";

/// Opens the database and makes the link.
///
/// # Errors
/// Why there is no link.
pub(super) async fn run(args: UserArgs) -> anyhow::Result<()> {
    let UserCommand::Recover { login, serve } = args.command;
    let config = serve.config().map_err(Usage::new)?;
    ensure_there(&config)?;
    let verbs = crate::portal::verbs(&config, Clock::system(), Random).await;
    let verbs = verbs.context("the database cannot be opened; on SQLite, stop the portal first")?;
    let given = login.clone();
    let made = verbs.act(Caller::console(), move |v| Box::pin(async move { person::recover(v, &given).await })).await;
    verbs.store().close().await;
    let secret = made.map_err(|error| match error {
        Error::Refused(refusal) if refusal.kind == Kind::Absent => anyhow!("nobody signs in as {login}"),
        Error::Refused(_) => anyhow!("the account {login} is not active; an administrator can activate it"),
        Error::Store(error) => anyhow::Error::new(error).context("the database failed"),
        Error::DryRun(_) => anyhow!("only the difference was told"),
    })?;
    println!("Works once and for a day: {}", config.public_url.link(&format!("/sign-in/{secret}")));
    Ok(())
}

/// A new database would be made silently, in the wrong folder, and hold nobody.
fn ensure_there(config: &Config) -> anyhow::Result<()> {
    let Some(path) = config.database_url.strip_prefix("sqlite:") else { return Ok(()) };
    let path = path.trim_start_matches("//");
    let there = std::path::Path::new(path).exists();
    ensure!(there, "there is no database at {path}; give the settings that `tidegate serve` is started with");
    Ok(())
}
