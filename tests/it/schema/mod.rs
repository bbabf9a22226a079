//! The schema: the same on both databases, made on an empty one, brought up to date after a backup,
//! and never used by a binary that does not know it.

mod described;

use std::sync::Arc;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};
use tidegate::clock::Clock;
use tidegate::store::{Conn, OpenError, Options, Store};
use tidegate::wake::Wakes;

use crate::support::command::tidegate;
use crate::support::database::{Database, Kind, Probe};
use crate::support::portal::{BEGIN, TestPortal, at, both};

/// The settings of a binary that is one step ahead of this one.
fn ahead(database: &Database, step: &'static str) -> Options {
    let now = Options::new(&database.url);
    let with = |migrator: &Migrator| -> &'static Migrator {
        let mut steps: Vec<Migration> = migrator.iter().cloned().collect();
        let sql = AssertSqlSafe(step).into_sql_str();
        let version = steps.iter().map(|step| step.version).max().unwrap() + 1;
        steps.push(Migration::new(version, "later".into(), MigrationType::Simple, sql, false));
        Box::leak(Box::new(Migrator::with_migrations(steps)))
    };
    Options { sqlite: with(now.sqlite), postgres: with(now.postgres), ..now }
}

/// The newest schema this binary knows.
fn newest() -> i64 {
    Options::new("").sqlite.iter().map(|step| step.version).max().unwrap()
}

async fn open(options: &Options) -> Result<(), OpenError> {
    let store = Store::open(options, Wakes::default(), at(BEGIN)).await?;
    store.close().await;
    Ok(())
}

/// A database that a portal of this binary made and was at work on.
async fn lived_in(kind: Kind) -> Arc<Database> {
    let database = Arc::new(Database::empty(kind).await);
    let mut portal = TestPortal::open(database.clone(), Clock::manual(at(BEGIN))).await.unwrap();
    portal.settle().await;
    portal.image("first").await;
    portal.finish().await;
    database
}

/// The backups of a database, by name.
async fn backups(database: &Database) -> Vec<String> {
    let mut found = match database.kind {
        Kind::Sqlite => {
            let files = std::fs::read_dir(database.folder.path()).unwrap().flatten();
            let names = files.map(|file| file.file_name().into_string().unwrap());
            names.filter(|name| name.contains(".schema-")).collect()
        }
        Kind::Postgres => {
            let sql = "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'tidegate%'";
            database.probe().await.texts(sql).await
        }
    };
    found.sort();
    found
}

/// A look into a backup.
async fn backup(database: &Database, name: &str) -> Probe {
    match database.kind {
        Kind::Sqlite => Probe::of_file(&database.folder.path().join(name)).await,
        Kind::Postgres => {
            let mut probe = database.probe().await;
            probe.execute(&format!("SET search_path TO {name}")).await.unwrap();
            probe
        }
    }
}

const STEP: &str = "CREATE TABLE later (id BIGINT PRIMARY KEY); ALTER TABLE people ADD COLUMN later TEXT";
const BROKEN: &str = "CREATE TABLE later (id BIGINT PRIMARY KEY); INSERT INTO nothing_of_this_name VALUES (1)";

#[tokio::test(flavor = "multi_thread")]
async fn both_databases_have_the_same_tables_columns_keys_and_conditions() {
    let mut described = Vec::new();
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let database = Database::empty(kind).await;
        open(&Options::new(&database.url)).await.unwrap();
        described.push(described::schema(&mut database.probe().await).await);
        database.discard().await;
    }
    let [sqlite, postgres] = described.try_into().unwrap();
    let one: Vec<&String> = sqlite.iter().filter(|line| !postgres.contains(line)).collect();
    let other: Vec<&String> = postgres.iter().filter(|line| !sqlite.contains(line)).collect();
    assert!(one.is_empty() && other.is_empty(), "only on SQLite: {one:#?}\nonly on PostgreSQL: {other:#?}");
    assert_eq!(sqlite, postgres);
    for kind in [" integer", " unique ", " FOREIGN KEY ", " CHECK ", "index ", "trigger "] {
        assert!(sqlite.iter().any(|line| line.contains(kind)), "nothing was read of {kind}");
    }
}

both! {
    async fn a_start_on_an_empty_database_makes_everything_and_backs_nothing_up(kind: Kind) {
        let database = Arc::new(Database::empty(kind).await);
        for _ in 0..2 {
            let portal = TestPortal::open(database.clone(), Clock::manual(at(BEGIN))).await.unwrap();
            portal.nobody().get("/api/v1/session").await.is(401);
            assert!(portal.database.sizes().await["audit_tree"] == 1);
            portal.finish().await;
        }
        assert!(backups(&database).await.is_empty());
        database.discard().await;
    }

    async fn a_start_on_an_older_schema_backs_up_first_and_loses_nothing(kind: Kind) {
        let database = lived_in(kind).await;
        let before = database.contents().await;
        assert_eq!(before["images"].len(), 1);
        let options = ahead(&database, STEP);
        open(&options).await.unwrap();

        let found = backups(&database).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(&newest().to_string()), "it is named after the schema it holds: {found:?}");
        assert_eq!(backup(&database, &found[0]).await.contents().await, before, "it can be read, and holds what was there");
        let mut after = database.contents().await;
        assert!(after.remove("later").unwrap().is_empty());
        assert_eq!(after["images"], before["images"]);
        assert_eq!(after["audit_entries"], before["audit_entries"]);
        assert_eq!(after["people"].len(), before["people"].len());

        open(&options).await.unwrap();
        assert_eq!(backups(&database).await, found, "the next start has nothing to back up");
        database.discard().await;
    }

    async fn a_step_that_fails_changes_nothing_and_its_backup_is_kept(kind: Kind) {
        let database = lived_in(kind).await;
        let before = database.contents().await;
        let failed = open(&ahead(&database, BROKEN)).await.unwrap_err();
        assert_eq!(failed.to_string(), "cannot bring the database's schema up to date");
        assert_eq!(database.contents().await, before);
        let first = backups(&database).await;

        // The binary of before still runs on it, and the next try makes another backup.
        let portal = TestPortal::open(database.clone(), Clock::manual(at(BEGIN))).await.unwrap();
        portal.finish().await;
        let between = database.contents().await;
        open(&ahead(&database, STEP)).await.unwrap();
        let found = backups(&database).await;
        assert!(found.contains(&first[0]));
        let newest = if kind == Kind::Sqlite { found.iter().find(|name| !first.contains(name)).unwrap() } else { &found[0] };
        assert_eq!(backup(&database, newest).await.contents().await, between);
        database.discard().await;
    }

    async fn an_older_binary_refuses_a_newer_schema_in_words_and_changes_nothing(kind: Kind) {
        let database = lived_in(kind).await;
        open(&ahead(&database, STEP)).await.unwrap();
        let before = database.contents().await;
        let refused = TestPortal::open(database.clone(), Clock::manual(at(BEGIN))).await.err().unwrap().to_string();
        let (found, known) = (newest() + 1, newest());
        let words = format!("the database was last used by a newer Tidegate (schema {found}, this one knows {known}); start that one");
        assert_eq!(refused, words);
        let ring = database.folder.path().join("tidegate.keys");
        let serve = tidegate(["serve", "--port", "0", "--keyring-file", ring.to_str().unwrap()]);
        let ended = serve.within(database.folder.path()).env("DATABASE_URL", &database.url).run().await.with(1);
        assert!(ended.err.contains(&words), "{}", ended.err);
        assert_eq!(database.contents().await, before);
        database.discard().await;
    }

    async fn what_may_only_grow_cannot_be_changed_taken_away_or_replaced(portal: &mut TestPortal) {
        let number = portal.release("first", crate::support::town::by_hand()).await;
        portal.sign_all(number).await;
        portal.window(chrono::TimeDelta::hours(1), chrono::TimeDelta::hours(1)).await;
        let before = portal.database.contents().await;
        let mut probe = portal.database.probe().await;
        for (table, column) in [
            ("audit_entries", "leaf"),
            ("decisions", "comment"),
            ("evidence", "evidence"),
            ("policies", "policy"),
            ("announcements", "title"),
        ] {
            assert!(!before[table].is_empty(), "{table} is empty, which proves nothing");
            let key = match table {
                "audit_entries" => "position",
                "evidence" => "image_id, position",
                "policies" => "environment_id, version",
                _ => "id",
            };
            let mut attempts = vec![
                format!("UPDATE {table} SET {column} = 'forged'"),
                format!("DELETE FROM {table}"),
                format!("INSERT INTO {table} SELECT * FROM {table} WHERE true ON CONFLICT ({key}) DO UPDATE SET {column} = 'forged'"),
            ];
            attempts.extend(match portal.database.kind {
                Kind::Sqlite => vec![
                    format!("INSERT OR REPLACE INTO {table} SELECT * FROM {table}"),
                    format!("REPLACE INTO {table} SELECT * FROM {table}"),
                    format!("UPDATE OR IGNORE {table} SET {column} = 'forged'"),
                    format!("UPDATE OR REPLACE {table} SET {column} = 'forged'"),
                ],
                Kind::Postgres => vec![format!("TRUNCATE {table} CASCADE")],
            });
            for attempt in attempts {
                let refused = probe.execute(&attempt).await.err().unwrap_or_else(|| panic!("{attempt} was let through"));
                assert!(refused.to_string().contains("append-only"), "{attempt}: {refused}");
            }
        }
        assert_eq!(portal.database.contents().await, before);
    }
}

/// What a connection of the portal's own says of one setting.
async fn pragma(conn: &mut Conn, name: &str) -> String {
    let sql = AssertSqlSafe(format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"));
    let conn = match conn {
        Conn::Writer(conn) => conn,
        Conn::Reader(transaction) => &mut **transaction,
        Conn::Postgres(_) => unreachable!("this is SQLite"),
    };
    sqlx::query_as::<_, (String,)>(sql).fetch_one(conn).await.unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_to_sqlite_has_the_settings_that_safety_asks_for() {
    let database = Database::new(Kind::Sqlite).await;
    let store = Store::open(&Options::new(&database.url), Wakes::default(), at(BEGIN)).await.unwrap();
    let wanted = [
        ("journal_mode", "wal"),
        ("synchronous", "2"),
        ("foreign_keys", "1"),
        ("recursive_triggers", "1"),
        ("trusted_schema", "0"),
    ];
    let mut reader = store.read().await.unwrap();
    for (name, value) in wanted.into_iter().chain([("query_only", "1")]) {
        assert_eq!(pragma(&mut reader, name).await, value, "{name} of a reader");
    }
    drop(reader);
    let said = store.write::<_, tidegate::store::Error, _>(move |tx| {
        Box::pin(async move {
            let mut said = Vec::new();
            for (name, _) in wanted {
                said.push(pragma(tx, name).await);
            }
            Ok(said)
        })
    });
    assert_eq!(said.await.unwrap(), wanted.map(|(_, value)| value), "of the writer");
    store.close().await;
}
