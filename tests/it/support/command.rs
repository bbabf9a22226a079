//! The command line as users run it: the binary, with nothing of the test's environment that could
//! tell it where a portal is.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// A command that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; -1 when a signal ended it.
    pub code: i32,
    /// What it printed.
    pub out: String,
    /// What it complained about.
    pub err: String,
}

impl Ended {
    /// Its output, once it has ended with this code.
    #[track_caller]
    pub fn with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

/// A command line that is not run yet.
pub struct Line {
    command: Command,
    input: Vec<u8>,
}

/// `tidegate` with these arguments.
pub fn tidegate<I: IntoIterator<Item = S>, S: AsRef<std::ffi::OsStr>>(arguments: I) -> Line {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(arguments).current_dir(std::env::temp_dir());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TIDEGATE_") || name.ends_with("_proxy")) {
        if name != "TIDEGATE_CLUSTER_CACHE" {
            command.env_remove(name);
        }
    }
    Line { command, input: Vec::new() }
}

impl Line {
    /// With a variable of the environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// In this folder.
    pub fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// With this on standard input.
    pub fn input(mut self, text: &str) -> Self {
        self.input = text.as_bytes().to_vec();
        self
    }

    /// Runs it to its end.
    pub async fn run(self) -> Ended {
        let Self { mut command, input } = self;
        tokio::task::spawn_blocking(move || {
            let mut child =
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            // A command that does not read closes its end; that is its right.
            let feeder = std::thread::spawn(move || stdin.write_all(&input).is_ok());
            let done = child.wait_with_output().unwrap();
            feeder.join().unwrap();
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            Ended { code: done.status.code().unwrap_or(-1), out: text(done.stdout), err: text(done.stderr) }
        })
        .await
        .unwrap()
    }
}
