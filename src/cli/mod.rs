//! The roles of the one binary, by command.

mod serve;
mod user;

use clap::{Parser, Subcommand};

/// People sign off what CI built, announce when it goes out, and have it deployed to Kubernetes
/// inside that window.
#[derive(Parser)]
#[command(name = "tidegate", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the portal
    Serve(Box<crate::config::ServeArgs>),
    /// Look after accounts, on the server itself
    User(user::UserArgs),
}

/// Runs the command of the process's arguments.
///
/// # Errors
/// In words for whoever typed it.
pub fn run() -> anyhow::Result<()> {
    let cli = Cli::parse();
    harden();
    // One crypto provider for everything that speaks TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    crate::telemetry::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Serve(args) => serve::run(*args).await,
            Command::User(args) => user::run(args).await,
        }
    })
}

/// No core dump holds a secret.
fn harden() {
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = rustix::process::setrlimit(rustix::process::Resource::Core, none) {
        tracing::warn!(%error, "cli.harden");
    }
}
