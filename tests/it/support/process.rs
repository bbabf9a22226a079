//! The portal as users run it: the binary, as a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::api::Api;

/// A portal process with a data folder of its own. It is killed when dropped.
pub struct Portal {
    child: Child,
    folder: tempfile::TempDir,
    /// Where it is.
    pub url: String,
    port: u16,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Portal {
    /// Starts one on an empty folder, for clusters on loopback.
    pub async fn start() -> Self {
        Self::start_with(&[], &[]).await
    }

    /// Starts one with further arguments and environment.
    pub async fn start_with(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        super::prepare();
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let arguments: Vec<String> = arguments.iter().map(|one| (*one).to_owned()).collect();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut portal =
            Self { child: no_child(), folder, url: format!("http://127.0.0.1:{port}"), port, arguments, environment };
        portal.launch().await;
        portal
    }

    /// Starts one that serves TLS, as `localhost`.
    pub async fn start_with_tls(certificate: &Path, key: &Path) -> Self {
        super::prepare();
        let port = free_port();
        let url = format!("https://localhost:{port}");
        let arguments =
            ["--public-url", &url, "--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()]
                .map(str::to_owned)
                .to_vec();
        let folder = tempfile::tempdir().unwrap();
        let mut portal = Self { child: no_child(), folder, url, port, arguments, environment: Vec::new() };
        portal.spawn();
        super::eventually("the portal to listen", 20, || async {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        })
        .await;
        portal
    }

    /// Starts the process again on the same folder and port.
    pub async fn launch(&mut self) {
        self.spawn();
        self.wait_until_ready().await;
    }

    /// Starts the process without waiting for it.
    pub fn spawn(&mut self) {
        let log = |name: &str| {
            Stdio::from(std::fs::File::options().create(true).append(true).open(self.folder.path().join(name)).unwrap())
        };
        self.child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(["serve", "--allow-local-clusters", "--port", &self.port.to_string()])
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log("out"))
            .stderr(log("err"))
            .spawn()
            .unwrap();
    }

    async fn wait_until_ready(&mut self) {
        let client = reqwest::Client::new();
        let until = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            if let Ok(answer) = client.get(format!("{}/readyz", self.url)).send().await
                && answer.status().is_success()
            {
                return;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "the portal ended with {ended:?}: {}", self.log());
            assert!(tokio::time::Instant::now() < until, "the portal does not come up: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Changes the environment of the next launch.
    pub fn set_environment(&mut self, environment: &[(&str, &str)]) {
        self.environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    }

    /// Process id.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal by name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let done = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// Waits for the process to end by itself, and says how.
    pub async fn ended(&mut self, seconds: u64) -> std::process::ExitStatus {
        let until = tokio::time::Instant::now() + Duration::from_secs(seconds);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(tokio::time::Instant::now() < until, "the portal goes on after {seconds} s: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the process has stopped itself at a named point.
    pub async fn halted(&self) {
        let stat = format!("/proc/{}/stat", self.pid());
        super::eventually("the process to halt", 30, || async {
            let text = std::fs::read_to_string(&stat).ok()?;
            let state = text.rsplit(')').next()?.trim().chars().next()?;
            (state == 'T').then_some(())
        })
        .await;
    }

    /// Its data folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it printed.
    pub fn output(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("out")).unwrap_or_default()
    }

    /// What it logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("err")).unwrap_or_default()
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("tidegate.db")
    }

    /// The secret of the setup link it printed last.
    pub fn setup_secret(&self) -> String {
        let output = self.output();
        let link = output.lines().rev().find_map(|line| line.split("/setup/").nth(1));
        link.expect("a setup link is printed").trim().to_owned()
    }

    /// A client of it, nobody yet.
    pub fn api(&self) -> Api {
        Api::new(&self.url)
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- log of the portal\n{}", self.log());
        }
    }
}

fn no_child() -> Child {
    let mut child = Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    child
}

/// A port that is free now. It stays the portal's over restarts.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
