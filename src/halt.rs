//! Named points at which a test stops the process, to kill it there and see what the next one
//! finds. Outside tests a point costs one comparison.
//!
//! To add one: a call with a name of its own, and a line in `tests/it/crash.rs`, which reads every
//! call and fails on a name it has no case for.

use std::path::PathBuf;
use std::sync::OnceLock;

struct Halt {
    at: String,
    /// Only while this file is there: some points are passed by everything the portal does, and a
    /// test is after one particular time.
    when: Option<PathBuf>,
}

static HALT: OnceLock<Option<Halt>> = OnceLock::new();

/// Stops the whole process (SIGSTOP) when `TIDEGATE_HALT_AT` names this point, and the file that
/// `TIDEGATE_HALT_WHEN` names is there, if it names one. Whoever waits for that can send SIGKILL to
/// a process that is exactly here, or let it go on.
pub fn point(name: &str) {
    let halt = HALT.get_or_init(|| {
        let at = std::env::var("TIDEGATE_HALT_AT").ok()?;
        Some(Halt { at, when: std::env::var_os("TIDEGATE_HALT_WHEN").map(PathBuf::from) })
    });
    let Some(halt) = halt else { return };
    if halt.at == name && halt.when.as_ref().is_none_or(|file| file.exists()) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
        // The signal may reach another thread first; this one must not run on until it has.
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}
