//! A real PostgreSQL server, one for all tests of this process, each test with a database of its
//! own. It runs as an unprivileged user (`initdb` and `postgres` refuse root), listens on a Unix
//! socket in a temporary folder and keeps nothing safe.
//!
//! It ends with this process, however that ends: a shell between the two holds the other end of a
//! pipe, and stops the server and removes the folder when the pipe breaks. (A parent-death signal
//! would go off when the *thread* ends that started it, and threads of tests end all the time.)

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::sync::OnceCell;

/// The running server.
struct Server {
    folder: PathBuf,
    /// Holds the pipe that keeps the server alive.
    _guard: Child,
}

/// Users that may own the server when the tests run as root, in order of preference.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// Sets the server up, runs it, and ends it when nothing can be read from the pipe any more.
const SCRIPT: &str = r#"
set -u
bin=$1 folder=$2
cd "$folder" || exit 1
"$bin/initdb" -D data -U tidegate -A trust -E UTF8 --locale=C --no-sync >initdb.log 2>&1 || exit 1
"$bin/postgres" -D data -c listen_addresses= -c unix_socket_directories="$folder" \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 \
    -c autovacuum=off -c max_connections=400 -c shared_buffers=64MB -c log_min_messages=fatal >postgres.log 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -QUIT "$server"
wait "$server"
cd / && rm -rf "$folder"
"#;

static SERVER: LazyLock<Result<Server, String>> = LazyLock::new(Server::start);
static TEMPLATE: OnceCell<()> = OnceCell::const_new();
static COUNT: AtomicU32 = AtomicU32::new(0);

impl Server {
    fn start() -> Result<Self, String> {
        let bin = programs().ok_or(
            "PostgreSQL is not installed: neither pg_config nor /usr/lib/postgresql/*/bin leads to initdb and \
             postgres. Install it (apt-get install postgresql); the tests on PostgreSQL do not run without.",
        )?;
        let folder = tempfile::Builder::new().prefix("tidegate-pg-").tempdir_in(place());
        let folder = folder.map_err(|error| format!("no folder for PostgreSQL: {error}"))?.keep();
        let mut command = Command::new("sh");
        if let Some((user, group)) = unprivileged()? {
            chown(&folder, Some(user), Some(group)).map_err(|error| format!("cannot hand {folder:?} over: {error}"))?;
            command.uid(user).gid(group);
        }
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).map_err(|error| error.to_string())?;
        let guard = command
            .args(["-c", SCRIPT, "sh"])
            .args([&bin, &folder])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C ends the tests, and with them the pipe; the shell has to live to tidy up.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("cannot start PostgreSQL: {error}"))?;
        Ok(Self { folder, _guard: guard })
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://tidegate@localhost/{database}?host={}", self.folder.display())
    }

    /// A connection to the server's own database, once it answers.
    async fn administrator(&self) -> PgConnection {
        let until = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            match PgConnection::connect(&self.url("postgres")).await {
                Ok(connection) => return connection,
                Err(error) if tokio::time::Instant::now() > until => {
                    let log = |name| std::fs::read_to_string(self.folder.join(name)).unwrap_or_default();
                    panic!("PostgreSQL does not come up: {error}\n{}{}", log("initdb.log"), log("postgres.log"));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

/// Where its files stand: in memory where there is enough of it, because making a database there
/// takes a fifth of the time.
fn place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let free = rustix::fs::statvfs(memory).map_or(0, |told| told.f_bavail * told.f_frsize);
    if free > 2 << 30 { memory.to_owned() } else { std::env::temp_dir() }
}

/// The folder with `initdb` and `postgres`.
fn programs() -> Option<PathBuf> {
    let complete = |bin: &Path| bin.join("initdb").is_file() && bin.join("postgres").is_file();
    let told = Command::new("pg_config").arg("--bindir").output().ok().filter(|told| told.status.success());
    let told = told.and_then(|told| String::from_utf8(told.stdout).ok()).map(|path| PathBuf::from(path.trim()));
    if let Some(bin) = told.filter(|bin| complete(bin)) {
        return Some(bin);
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<(u32, PathBuf)> = versions
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| complete(bin))
        .collect();
    found.sort();
    found.pop().map(|(_, bin)| bin)
}

/// The user and group to run as, when these tests are root's.
fn unprivileged() -> Result<Option<(u32, u32)>, String> {
    let id = |arguments: &[&str]| -> Option<u32> {
        let told = Command::new("id").args(arguments).output().ok().filter(|told| told.status.success())?;
        String::from_utf8(told.stdout).ok()?.trim().parse().ok()
    };
    if id(&["-u"]) != Some(0) {
        return Ok(None);
    }
    let found = USERS.iter().find_map(|user| Some((id(&["-u", user])?, id(&["-g", user])?)));
    found
        .map(Some)
        .ok_or_else(|| format!("PostgreSQL refuses to run as root, and there is none of the users {USERS:?}"))
}

fn server() -> &'static Server {
    SERVER.as_ref().unwrap_or_else(|why| panic!("{why}"))
}

/// The address of a new database: empty, or with this binary's schema in it already.
pub async fn database(empty: bool) -> String {
    let server = server();
    let mut admin = server.administrator().await;
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    if empty {
        create(&mut admin, &name, "template0").await;
    } else {
        TEMPLATE
            .get_or_init(|| async {
                let mut admin = server.administrator().await;
                create(&mut admin, "ready", "template0").await;
                let mut ready = PgConnection::connect(&server.url("ready")).await.unwrap();
                tidegate::store::Options::new("").postgres.run(&mut ready).await.unwrap();
                ready.close().await.unwrap();
            })
            .await;
        create(&mut admin, &name, "ready").await;
    }
    server.url(&name)
}

async fn create(admin: &mut PgConnection, name: &str, from: &str) {
    let create = format!("CREATE DATABASE {name} TEMPLATE {from}");
    sqlx::query(AssertSqlSafe(create)).execute(admin).await.unwrap();
}

/// Throws a database of a test's away, whoever is still connected to it.
pub async fn discard(url: &str) {
    let name = url.split(['/', '?']).nth(3).unwrap_or_default();
    let mut admin = server().administrator().await;
    let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    sqlx::query(AssertSqlSafe(drop)).execute(&mut admin).await.unwrap();
}
