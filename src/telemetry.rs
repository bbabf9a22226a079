//! The log: one line an event, as text for a terminal or JSON for a collector. Spans and events are
//! named `room.stage.verb`. Secrets never come here: types that hold one do not show it.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts the log on standard error. `TIDEGATE_LOG` chooses what is told, in the form of the crate
/// `tracing-subscriber`; `level` does when it is absent.
pub fn start(level: &str) {
    // kube and hyper speak of every request; what matters of that is told by the runner.
    let quiet = match level {
        "info" => "info,kube=warn,kube_client=error,kube_runtime=error,hyper=warn,sqlx=warn,actix_server=warn",
        other => other,
    };
    let filter = EnvFilter::try_from_env("TIDEGATE_LOG").unwrap_or_else(|_| EnvFilter::new(quiet));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start (tests) keeps the first.
    let _ = if std::io::stderr().is_terminal() { log.try_init() } else { log.json().try_init() };
}
