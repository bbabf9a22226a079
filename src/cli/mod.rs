//! The roles of the one binary, by command. A command parses what it is given, calls the room that
//! does the work, and prints what came of it.
//!
//! `serve`, `demo` and `user` open the database themselves; `apply` speaks to a portal that runs. To add
//! a command: a file here with its `Args` and a `run`, a line in `Command` and in [`run`]; examples
//! go below its help with `after_help`.

mod apply;
mod demo;
mod reach;
mod serve;
mod user;
mod vault;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// People sign off what CI built, announce when it goes out, and have it deployed to Kubernetes
/// inside that window.
#[derive(Parser)]
#[command(name = "tidegate", version, about, max_term_width = 100, after_help = HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the portal
    #[command(after_long_help = serve::HELP)]
    Serve(Box<crate::config::ServeArgs>),
    /// Look around: a portal with a practice cluster and a small shop in it
    Demo(demo::DemoArgs),
    /// Make the portal's people, groups, environments and services be as files say
    Apply(Box<apply::ApplyArgs>),
    /// Look after accounts, on the server itself
    User(user::UserArgs),
    /// Look after the key ring that seals the credentials of clusters
    Vault(vault::VaultArgs),
}

const HELP: &str = "\
Examples:
  tidegate demo                             look around, with a practice cluster and a small shop
  tidegate serve --data-dir /var/lib/tidegate --public-url https://tidegate.example.com
  tidegate apply -f shop/ --dry-run         what would change in the running portal
  tidegate user recover ada                 a way back in

`tidegate COMMAND --help` tells more, with examples.";

/// A command that was called in a way it cannot be: told in one sentence, exit code 2.
#[derive(Debug)]
struct Usage(String);

impl Usage {
    fn new(words: impl std::fmt::Display) -> Self {
        Self(words.to_string())
    }
}

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Exit code of bad usage, as clap has it for what it finds out itself.
const BAD_USAGE: u8 = 2;

/// Runs the command of the process's arguments, prints what went wrong, and gives the exit code.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match start(cli.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tidegate: {error:#}");
            if error.is::<Usage>() { ExitCode::from(BAD_USAGE) } else { ExitCode::FAILURE }
        }
    }
}

fn start(command: Command) -> anyhow::Result<ExitCode> {
    harden();
    // One crypto provider for everything that speaks TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Whoever looks around reads what is printed, not what is logged.
    crate::telemetry::start(if matches!(command, Command::Demo(_)) { "error" } else { "info" });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Serve(args) => serve::run(*args).await.map(|()| ExitCode::SUCCESS),
            Command::Demo(args) => demo::run(args).await.map(|()| ExitCode::SUCCESS),
            Command::Apply(args) => apply::run(*args).await,
            Command::User(args) => user::run(args).await.map(|()| ExitCode::SUCCESS),
            Command::Vault(args) => vault::run(args).map(|()| ExitCode::SUCCESS),
        }
    })
}

/// No core dump holds a secret, and no file the portal makes is open to others.
fn harden() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = rustix::process::setrlimit(rustix::process::Resource::Core, none) {
        tracing::warn!(%error, "cli.harden");
    }
}
