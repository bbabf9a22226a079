//! `tidegate user`: the way back in for whoever has a shell on the server.

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use crate::clock::Clock;
use crate::config::ServeArgs;
use crate::portal::Portal;
use crate::random::Random;
use crate::workflow::{Caller, person};

/// What to do.
#[derive(Args)]
pub(super) struct UserArgs {
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Subcommand)]
enum UserCommand {
    /// Print a one-time sign-in link for an account; on SQLite the portal must be stopped
    Recover {
        /// What the person signs in with
        login: String,
        #[command(flatten)]
        serve: Box<ServeArgs>,
    },
}

/// Opens the database as `serve` would, on any free port, and makes the link.
pub(super) async fn run(args: UserArgs) -> anyhow::Result<()> {
    let UserCommand::Recover { login, serve } = args.command;
    let config = serve.config()?;
    let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let portal = Portal::open(&crate::config::Config { listen, ..config }, Clock::system(), Random)
        .await
        .context("the database could not be opened; on SQLite, stop the portal first")?;
    let given = login.clone();
    let made = portal
        .workflow
        .act(Caller::console(), move |v| Box::pin(async move { person::hand_out_link(v, &given).await }))
        .await;
    let Ok(secret) = made else { bail!("there is no active account {login}") };
    portal.workflow.store().close().await;
    println!("Works once and for a day: {}", portal.public_url.link(&format!("/sign-in/{secret}")));
    Ok(())
}
