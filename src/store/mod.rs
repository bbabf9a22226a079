//! MEMORY. The only room with SQL. One file per stage, each with the rows of its own tables;
//! [`view`] holds the read-only joins that pages are made of.
//!
//! Every query is one text that SQLite and PostgreSQL both understand, run through the macros
//! below on whichever is behind the connection. All writes are serial: on SQLite because one
//! writer task makes them, on PostgreSQL because each takes the same advisory lock. Both have to
//! pass through the one row of the audit tree anyway, so nothing is lost by it, and a verb may
//! read, judge and write without looking over its shoulder.
//!
//! To add a table: the same migration number in `migrations/sqlite` and `migrations/postgres`
//! (`tests/it/schema` compares them), then a file here.

pub mod audit;
pub mod cluster;
pub mod codec;
pub mod deployment;
pub mod environment;
mod error;
pub mod group;
pub mod image;
mod open;
pub mod person;
pub mod release;
pub mod service;
pub mod session;
pub mod signoff;
pub mod token;
pub mod view;
pub mod window;
mod writer;

use futures_util::future::BoxFuture;
use sqlx::{PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction};

pub use codec::Stored;
pub use error::{Error, OpenError};
pub use open::Options;

use crate::domain::audit::Frontier;
use crate::halt;
use crate::wake::{Wake, Wakes};

/// A connection of either kind, inside a transaction.
pub enum Conn {
    /// The one writer of a SQLite database.
    Writer(SqliteConnection),
    /// A reader of a SQLite database.
    Reader(Transaction<'static, Sqlite>),
    /// PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
}

/// The connection by its driver, for the query macros.
pub(crate) enum Driver<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl Conn {
    pub(crate) fn driver(&mut self) -> Driver<'_> {
        match self {
            Self::Writer(conn) => Driver::Sqlite(conn),
            Self::Reader(transaction) => Driver::Sqlite(transaction),
            Self::Postgres(transaction) => Driver::Postgres(transaction),
        }
    }
}

/// A write transaction: what verbs get. Reads go through it too.
pub struct Tx {
    conn: Conn,
    /// The audit tree as this transaction sees it, once it was asked for; `true` when it grew.
    pub(crate) frontier: Option<(Frontier, bool)>,
    wakes: Vec<Wake>,
}

impl Tx {
    fn new(conn: Conn) -> Self {
        Self { conn, frontier: None, wakes: Vec::new() }
    }

    /// Rings once the transaction is committed.
    pub fn wake(&mut self, wake: Wake) {
        if !self.wakes.contains(&wake) {
            self.wakes.push(wake);
        }
    }
}

impl std::ops::Deref for Tx {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl std::ops::DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

/// Runs one query text on whichever database is behind the connection.
/// `all!(conn, Row, "SELECT …", args)` gives a `Vec`, `first!` an `Option`, `one!` a row, `exec!`
/// the number of rows changed.
macro_rules! query {
    ($method:ident, $conn:expr, $row:ty, $sql:expr $(, $arg:expr)* $(,)?) => {
        match $crate::store::Conn::driver(&mut *$conn) {
            $crate::store::Driver::Sqlite(conn) => {
                sqlx::query_as::<sqlx::Sqlite, $row>($sql)$(.bind($arg))*.$method(conn).await
            }
            $crate::store::Driver::Postgres(conn) => {
                sqlx::query_as::<sqlx::Postgres, $row>($sql)$(.bind($arg))*.$method(conn).await
            }
        }
        .map_err($crate::store::Error::from)
    };
}
macro_rules! all {
    ($($tokens:tt)*) => { $crate::store::query!(fetch_all, $($tokens)*) };
}
macro_rules! first {
    ($($tokens:tt)*) => { $crate::store::query!(fetch_optional, $($tokens)*) };
}
macro_rules! one {
    ($($tokens:tt)*) => { $crate::store::query!(fetch_one, $($tokens)*) };
}
macro_rules! exec {
    ($conn:expr, $sql:expr $(, $arg:expr)* $(,)?) => {
        match $crate::store::Conn::driver(&mut *$conn) {
            $crate::store::Driver::Sqlite(conn) => sqlx::query::<sqlx::Sqlite>($sql)$(.bind($arg))*
                .execute(conn).await.map(|done| done.rows_affected()),
            $crate::store::Driver::Postgres(conn) => sqlx::query::<sqlx::Postgres>($sql)$(.bind($arg))*
                .execute(conn).await.map(|done| done.rows_affected()),
        }
        .map_err($crate::store::Error::from)
    };
}
/// An update that must change exactly one row; none means that somebody else was faster.
macro_rules! guarded {
    ($what:literal, $($tokens:tt)*) => {
        match $crate::store::exec!($($tokens)*) {
            Ok(1) => Ok(()),
            Ok(_) => Err($crate::store::Error::LostRace { what: $what }),
            Err(error) => Err(error),
        }
    };
}
pub(crate) use {all, exec, first, guarded, one, query};

/// The open database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    wakes: Wakes,
}

#[derive(Clone)]
enum Backend {
    Sqlite { writer: writer::Writer, readers: SqlitePool },
    Postgres { pool: PgPool },
}

/// The lock every writer of a PostgreSQL database takes: "tidegate" in ASCII.
const WRITER_LOCK: &str = "SELECT pg_advisory_xact_lock(8388065941487088741)";

impl Store {
    /// Does one write transaction: the change with its audit entries, or nothing. It goes on to
    /// its end even when the caller stops waiting.
    ///
    /// # Errors
    /// Those of the verb, and of the database.
    pub async fn write<T, E, F>(&self, verb: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        match &self.backend {
            Backend::Sqlite { writer, .. } => writer.run(verb).await,
            Backend::Postgres { pool } => {
                let (pool, wakes) = (pool.clone(), self.wakes.clone());
                let task = tokio::spawn(async move {
                    let mut transaction = pool.begin().await.map_err(Error::from)?;
                    sqlx::query(WRITER_LOCK).execute(&mut *transaction).await.map_err(Error::from)?;
                    let mut tx = Tx::new(Conn::Postgres(transaction));
                    let value = verb(&mut tx).await?;
                    audit::save_frontier(&mut tx).await?;
                    let Conn::Postgres(transaction) = tx.conn else { return Err(Error::Closed.into()) };
                    halt::point("store.before_commit");
                    transaction.commit().await.map_err(Error::from)?;
                    halt::point("store.after_commit");
                    for wake in tx.wakes {
                        wakes.send(wake);
                    }
                    Ok(value)
                });
                task.await.unwrap_or_else(|_| Err(Error::Panicked.into()))
            }
        }
    }

    /// A consistent view for reading. Dropping it ends it.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn read(&self) -> Result<Conn, Error> {
        Ok(match &self.backend {
            Backend::Sqlite { readers, .. } => Conn::Reader(readers.begin().await?),
            Backend::Postgres { pool } => {
                let mut transaction = pool.begin().await?;
                sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    .execute(&mut *transaction)
                    .await?;
                Conn::Postgres(transaction)
            }
        })
    }

    /// The bell that rings after commits.
    pub fn wakes(&self) -> &Wakes {
        &self.wakes
    }

    /// Whether other processes may be working on the same database.
    pub fn is_shared(&self) -> bool {
        matches!(self.backend, Backend::Postgres { .. })
    }

    /// Finishes the writes that were accepted and closes.
    pub async fn close(&self) {
        match &self.backend {
            Backend::Sqlite { writer, readers } => {
                writer.close().await;
                readers.close().await;
            }
            Backend::Postgres { pool } => pool.close().await,
        }
    }
}
