//! Named points at which a test stops the process, to kill it there and see what the next one
//! finds. Outside tests a point costs one comparison.

use std::sync::OnceLock;

static AT: OnceLock<Option<String>> = OnceLock::new();

/// Stops the whole process (SIGSTOP) when `TIDEGATE_HALT_AT` names this point, so that whoever
/// waits for it can send SIGKILL to a process that is exactly there, or let it go on.
pub fn point(name: &str) {
    let at = AT.get_or_init(|| std::env::var("TIDEGATE_HALT_AT").ok());
    if at.as_deref() == Some(name) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
    }
}
