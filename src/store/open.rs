//! Opening the database: one process per SQLite file, the settings that safety asks for, a backup
//! before the schema changes, and a refusal to run on a schema from the future.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::{Migrate, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use super::writer::Writer;
use super::{Backend, OpenError, Store, one};
use crate::domain::time::Timestamp;
use crate::wake::Wakes;

/// The schema's steps on SQLite.
pub static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
/// The schema's steps on PostgreSQL.
pub static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// A replica that freezes in the middle of a write holds the lock of all writers. The server takes
/// it back; no verb waits for anything but the database for so long.
const GIVE_UP: &str = "SET idle_in_transaction_session_timeout = '10s'";

/// How to open the database.
#[derive(Clone, Debug)]
pub struct Options {
    /// `sqlite:PATH` or `postgres://…`.
    pub url: String,
    /// Whether a commit waits for the disk. Only tests and the demo give this up.
    pub durable: bool,
    /// The schema's steps on SQLite; tests add one.
    pub sqlite: &'static Migrator,
    /// The schema's steps on PostgreSQL.
    pub postgres: &'static Migrator,
}

impl Options {
    /// Durable, with this binary's schema.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), durable: true, sqlite: &SQLITE, postgres: &POSTGRES }
    }
}

impl Store {
    /// Opens the database, creating it or bringing its schema up to date when needed.
    ///
    /// # Errors
    /// In words for whoever starts the portal.
    pub async fn open(options: &Options, wakes: Wakes, now: Timestamp) -> Result<Self, OpenError> {
        let store = match options.url.split_once(':') {
            Some(("sqlite", path)) => open_sqlite(Path::new(path.trim_start_matches("//")), options, wakes).await?,
            Some(("postgres" | "postgresql", _)) => open_postgres(options, wakes).await?,
            other => {
                return Err(OpenError::UnknownScheme(other.map_or(String::new(), |(scheme, _)| scheme.to_owned())));
            }
        };
        store
            .write(move |tx| {
                Box::pin(async move {
                    let insert = "INSERT INTO portal (id, epoch, created_at) VALUES (1, 1, $1) ON CONFLICT DO NOTHING";
                    super::exec!(tx, insert, now).map(|_| ())
                })
            })
            .await
            .map_err(|error: super::Error| match error {
                super::Error::Database(error) => OpenError::Database(error),
                _ => OpenError::Database(sqlx::Error::WorkerCrashed),
            })?;
        Ok(store)
    }

    /// Raised by a restore from a backup: what was handed out before it no longer counts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn epoch(&self) -> Result<i64, super::Error> {
        let mut conn = self.read().await?;
        one!(&mut conn, (i64,), "SELECT epoch FROM portal WHERE id = 1").map(|(epoch,)| epoch)
    }
}

async fn open_sqlite(path: &Path, options: &Options, wakes: Wakes) -> Result<Store, OpenError> {
    let lock = lock(path)?;
    let connect = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(if options.durable { SqliteSynchronous::Full } else { SqliteSynchronous::Off })
        .foreign_keys(true)
        .pragma("recursive_triggers", "ON")
        .pragma("trusted_schema", "OFF")
        .busy_timeout(Duration::from_secs(5));
    let mut conn = SqliteConnection::connect_with(&connect).await?;
    let (version,): (String,) = sqlx::query_as("SELECT sqlite_version()").fetch_one(&mut conn).await?;
    if numbers(&version) < vec![3, 51, 3] {
        return Err(OpenError::OldSqlite(version));
    }
    if let Some(from) = pending(&mut conn, options.sqlite).await? {
        let backup = back_up_file(&mut conn, path, from).await?;
        tracing::info!(backup, "store.open.backed_up");
    }
    options.sqlite.run_direct(None, &mut conn, false).await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(4)
        .connect_with(connect.create_if_missing(false).pragma("query_only", "ON"))
        .await?;
    Ok(Store { backend: Backend::Sqlite { writer: Writer::start(conn, lock, wakes.clone()), readers }, wakes })
}

async fn open_postgres(options: &Options, wakes: Wakes) -> Result<Store, OpenError> {
    let connect = PgConnectOptions::from_str(&options.url)?.application_name("tidegate");
    let mut conn = PgConnection::connect_with(&connect).await?;
    // Two replicas that start together: one changes the schema, the other finds it done.
    conn.lock().await?;
    if let Some(from) = pending(&mut conn, options.postgres).await? {
        back_up_schema(&mut conn, from).await?;
    }
    conn.unlock().await?;
    options.postgres.run_direct(None, &mut conn, false).await?;
    conn.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(16)
        .acquire_timeout(Duration::from_secs(10))
        .after_connect(|conn, _| Box::pin(async move { sqlx::query(GIVE_UP).execute(conn).await.map(|_| ()) }))
        .connect_with(connect)
        .await?;
    Ok(Store { backend: Backend::Postgres { pool }, wakes })
}

/// Takes the operating system's lock on a file beside the database. The lock, not the file, means
/// *in use*: it goes with the process, however that ends.
fn lock(path: &Path) -> Result<File, OpenError> {
    let name: PathBuf = format!("{}.lock", path.display()).into();
    let failed = |source| OpenError::File { path: name.display().to_string(), source };
    let file = File::options().create(true).truncate(false).write(true).open(&name).map_err(failed)?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| OpenError::InUse(path.display().to_string()))?;
    Ok(file)
}

/// The schema the database has, when it is older than this binary's and holds anything.
async fn pending<C: Migrate>(conn: &mut C, migrator: &Migrator) -> Result<Option<i64>, OpenError> {
    conn.ensure_migrations_table(&migrator.table_name).await?;
    let applied = conn.list_applied_migrations(&migrator.table_name).await?;
    let Some(found) = applied.iter().map(|one| one.version).max() else { return Ok(None) };
    let known = latest(migrator);
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    Ok((found < known).then_some(found))
}

fn latest(migrator: &Migrator) -> i64 {
    migrator.iter().map(|one| one.version).max().unwrap_or(0)
}

/// Copies a SQLite database into a file beside it and gives its name. A copy that broke off is made
/// anew; one that was finished is never written over, since the start after it may have failed.
async fn back_up_file(conn: &mut SqliteConnection, path: &Path, from: i64) -> Result<String, OpenError> {
    let base = format!("{}.schema-{from}", path.display());
    let unfinished = format!("{base}.part");
    let failed = |name: &str, source| OpenError::File { path: name.to_owned(), source };
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(&unfinished, error)),
        _ => {}
    }
    sqlx::query("VACUUM INTO $1").bind(&unfinished).execute(conn).await?;
    File::open(&unfinished).and_then(|file| file.sync_all()).map_err(|error| failed(&unfinished, error))?;
    let names = std::iter::once(format!("{base}.bak")).chain((2..).map(|count| format!("{base}.{count}.bak")));
    let backup = names.into_iter().find(|name| !Path::new(name).exists()).unwrap_or_else(|| format!("{base}.bak"));
    std::fs::rename(&unfinished, &backup).map_err(|error| failed(&backup, error))?;
    Ok(backup)
}

/// Copies every table into a schema of its own inside the same PostgreSQL database, from which
/// they can be read back.
async fn back_up_schema(conn: &mut PgConnection, from: i64) -> Result<(), OpenError> {
    let schema = format!("tidegate_before_{from}");
    let tables: Vec<(String,)> =
        sqlx::query_as("SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()")
            .fetch_all(&mut *conn)
            .await?;
    let mut transaction = conn.begin().await?;
    sqlx::query(AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {schema} CASCADE"))).execute(&mut *transaction).await?;
    sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).execute(&mut *transaction).await?;
    for (table,) in tables {
        let copy = format!("CREATE TABLE {schema}.\"{table}\" AS TABLE \"{table}\"");
        sqlx::query(AssertSqlSafe(copy)).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    tracing::info!(schema, "store.open.backed_up");
    Ok(())
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').filter_map(|part| part.parse().ok()).collect()
}
