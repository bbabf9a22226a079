//! What can go wrong with the database.

/// An error of the store. Its text is for the log; a person is told that it was not their fault.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused or failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// A guarded update found its row in another state: somebody else was faster. Not a bug.
    #[error("lost a race for {what}")]
    LostRace {
        /// Which row.
        what: &'static str,
    },
    /// A stored value does not read as what it should be.
    #[error("a stored {what} cannot be read")]
    Corrupt {
        /// Which value.
        what: &'static str,
    },
    /// The change was not committed; nothing of it stands.
    #[error("the change could not be committed")]
    NotCommitted,
    /// The writer is gone: the portal is shutting down.
    #[error("the store is closed")]
    Closed,
    /// A verb panicked; it was rolled back.
    #[error("the change was abandoned by a panic")]
    Panicked,
}

/// Why the store cannot be opened, in words for whoever starts the portal.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the database.
    #[error("another Tidegate process uses {0}; one process per SQLite database")]
    InUse(String),
    /// The schema is newer than this binary knows.
    #[error("the database was last used by a newer Tidegate (schema {found}, this one knows {known}); start that one")]
    Newer {
        /// Schema of the database.
        found: i64,
        /// Newest schema this binary knows.
        known: i64,
    },
    /// The SQLite library is one with a known corruption bug.
    #[error("SQLite {0} has a bug that can corrupt a database with a write-ahead log; 3.51.3 or newer is needed")]
    OldSqlite(String),
    /// The address of the database makes no sense.
    #[error("DATABASE_URL must begin with sqlite: or postgres:, not {0}:")]
    UnknownScheme(String),
    /// A file cannot be used.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database refused or failed.
    #[error("cannot open the database")]
    Database(#[from] sqlx::Error),
    /// A migration failed.
    #[error("cannot bring the database's schema up to date")]
    Migration(#[from] sqlx::migrate::MigrateError),
}
