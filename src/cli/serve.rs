//! `tidegate serve`.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::clock::Clock;
use crate::config::ServeArgs;
use crate::portal::Portal;
use crate::random::Random;

/// Below the help of the command.
pub(super) const HELP: &str = "\
On an empty folder a database and a key ring are made, and a link for the first setup is printed. The
key ring opens the credentials of your clusters: back it up, apart from the database. It can be given
as it is in TIDEGATE_KEYRING instead of a file. TIDEGATE_LOG chooses what is logged (info, warn, …).

People reach the portal at --public-url: https, with --tls-cert and --tls-key or with a proxy in
front; plain http only on this machine. SIGTERM ends it within 20 s: no new starts, and deployments
that run are taken up again by the next start.

Exit codes: 0 ended as asked; 1 it could not start, or a part of it failed; 2 bad usage.

Examples:
  tidegate serve
  tidegate serve --data-dir /var/lib/tidegate --bind 0.0.0.0 --public-url https://tidegate.example.com \\
      --trusted-proxy 10.0.0.7 --zone Europe/Berlin
  DATABASE_URL=postgres://tidegate:…@db.example.com/tidegate tidegate serve --tls-cert tls.crt --tls-key tls.key \\
      --public-url https://tidegate.example.com:8443 --port 8443 --bind 0.0.0.0";

/// Runs the portal until it is asked to end.
pub(super) async fn run(args: ServeArgs) -> anyhow::Result<()> {
    let folder = args.data_dir.clone();
    let config = args.config().map_err(super::Usage::new)?;
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the data folder {}", folder.display()))?;
    let portal = Portal::open(&config, Clock::system(), Random).await?;
    if let Some(path) = &portal.new_keyring {
        println!("A key ring was made: {}", path.display());
        println!("  It opens the credentials of your clusters. Back it up, and keep that backup apart from the");
        println!("  database's: with both, whoever has them has your clusters; without it, the credentials are lost.");
    }
    let link = portal.workflow.setup_link().await.map_err(crate::portal::StartError::from)?;
    let running = portal.start()?;
    println!("Tidegate is at {}", running.public_url.origin());
    if let Some(link) = link {
        println!("First setup, works once and for a day: {}", running.public_url.link(&format!("/setup/{link}")));
    }
    wait(&running).await?;
    running.stop().await;
    Ok(())
}

/// Waits for a signal to end, or for something that must not end to do so.
pub(super) async fn wait(running: &crate::portal::Running) -> anyhow::Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut look = tokio::time::interval(std::time::Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = term.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = look.tick() => anyhow::ensure!(!running.is_broken(), "a part of the portal has ended; see the log"),
        }
    }
}
