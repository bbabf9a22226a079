//! A temporary database of either kind, and a look into it past the portal.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, SqliteConnection};

use super::postgres;

/// The two databases that everything runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// A database of one test.
pub struct Database {
    pub kind: Kind,
    /// What the portal is told.
    pub url: String,
    /// The key ring stands here too.
    pub folder: tempfile::TempDir,
}

/// A connection of the test's own.
pub enum Probe {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Database {
    /// A new one. On SQLite the portal makes it; on PostgreSQL it has the schema already.
    pub async fn new(kind: Kind) -> Self {
        Self::make(kind, false).await
    }

    /// One without any table.
    pub async fn empty(kind: Kind) -> Self {
        Self::make(kind, true).await
    }

    async fn make(kind: Kind, empty: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = match kind {
            Kind::Sqlite => format!("sqlite:{}", folder.path().join("tidegate.db").display()),
            Kind::Postgres => postgres::database(empty).await,
        };
        Self { kind, url, folder }
    }

    /// The file of a SQLite database.
    pub fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("tidegate.db")
    }

    /// Connects past the portal, with the settings that the portal's own connections have.
    pub async fn probe(&self) -> Probe {
        match self.kind {
            Kind::Sqlite => Probe::of_file(&self.file()).await,
            Kind::Postgres => Probe::Postgres(PgConnection::connect(&self.url).await.unwrap()),
        }
    }

    /// Everything in it, table by table, one text a row. Left out is what use alone changes.
    pub async fn contents(&self) -> BTreeMap<String, Vec<String>> {
        self.probe().await.contents().await
    }

    /// Numbers of rows, table by table.
    pub async fn sizes(&self) -> BTreeMap<String, usize> {
        self.contents().await.into_iter().map(|(table, rows)| (table, rows.len())).collect()
    }

    /// Throws it away.
    pub async fn discard(&self) {
        if self.kind == Kind::Postgres {
            postgres::discard(&self.url).await;
        }
    }
}

/// Columns that note use: a session or token that was used, a cluster that was looked at.
const NOTES_OF_USE: [&str; 2] = ["seen_at", "used_at"];

impl Probe {
    /// Connects to the file of a SQLite database.
    pub async fn of_file(file: &std::path::Path) -> Self {
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(file)
            .foreign_keys(true)
            .pragma("recursive_triggers", "ON")
            .busy_timeout(std::time::Duration::from_secs(10));
        Self::Sqlite(SqliteConnection::connect_with(&options).await.unwrap())
    }

    /// Everything in the database, as [`Database::contents`] gives it.
    pub async fn contents(&mut self) -> BTreeMap<String, Vec<String>> {
        let mut contents = BTreeMap::new();
        for table in self.tables().await {
            let rows = self.rows(&table).await;
            contents.insert(table, rows);
        }
        contents
    }

    /// Runs a statement; gives the number of rows it changed.
    pub async fn execute(&mut self, sql: &str) -> Result<u64, sqlx::Error> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(conn) => sqlx::query(sql).execute(conn).await.map(|done| done.rows_affected()),
            Self::Postgres(conn) => sqlx::query(sql).execute(conn).await.map(|done| done.rows_affected()),
        }
    }

    /// The first column of every row, as text.
    pub async fn texts(&mut self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(conn) => {
                let rows = sqlx::query(sql).fetch_all(conn).await.unwrap();
                rows.iter().map(|row| row.get::<String, _>(0)).collect()
            }
            Self::Postgres(conn) => {
                let rows = sqlx::query(sql).fetch_all(conn).await.unwrap();
                rows.iter().map(|row| row.get::<String, _>(0)).collect()
            }
        }
    }

    /// One number.
    pub async fn number(&mut self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(conn) => sqlx::query(sql).fetch_one(conn).await.unwrap().get(0),
            Self::Postgres(conn) => sqlx::query(sql).fetch_one(conn).await.unwrap().get(0),
        }
    }

    /// Its own tables.
    pub async fn tables(&mut self) -> Vec<String> {
        let sql = match self {
            Self::Sqlite(_) => {
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_sqlx%'
                 ORDER BY name"
            }
            Self::Postgres(_) => {
                "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT LIKE '\\_sqlx%'
                 ORDER BY tablename"
            }
        };
        self.texts(sql).await
    }

    async fn rows(&mut self, table: &str) -> Vec<String> {
        let sql = match self {
            Self::Sqlite(_) => {
                let columns = self.texts(&format!("SELECT name FROM pragma_table_info('{table}')")).await;
                let quoted: Vec<String> = columns
                    .iter()
                    .filter(|column| !NOTES_OF_USE.contains(&column.as_str()))
                    .map(|column| format!("'{column}=' || quote(\"{column}\")"))
                    .collect();
                format!("SELECT {} AS line FROM \"{table}\" ORDER BY line", quoted.join(" || ' ' || "))
            }
            Self::Postgres(_) => {
                let left_out: Vec<String> = NOTES_OF_USE.iter().map(|column| format!("- '{column}'")).collect();
                format!("SELECT (to_jsonb(t) {})::text AS line FROM \"{table}\" t ORDER BY line", left_out.join(" "))
            }
        };
        self.texts(&sql).await
    }
}
