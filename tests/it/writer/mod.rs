//! Write transactions: they share a commit, fail alone, and are whole or nothing, whatever becomes
//! of a verb, of its caller, of the disk or of the connection.

mod replicas;

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use sqlx::AssertSqlSafe;
use tidegate::store::audit::{NewEntry, append};
use tidegate::store::{Conn, Error, Store, Tx};
use tokio::sync::{Semaphore, oneshot};

use crate::support::database::Database;
use crate::support::portal::{BEGIN, TestPortal, at, both};
use crate::support::{audit, images};

/// A change that can be told apart: one entry of the audit log.
async fn note(tx: &mut Tx, subject: &str) -> Result<(), Error> {
    let facts = serde_json::json!({});
    let entry = NewEntry { actor: "console", person: None, verb: "test.note", subject, release: None, facts: &facts };
    append(tx, &entry, at(BEGIN)).await
}

/// Makes the writer wait, so that what is written meanwhile queues up behind it. Dropping the
/// sender lets it go on.
async fn held(store: &Store) -> (oneshot::Sender<()>, tokio::task::JoinHandle<Result<(), Error>>) {
    let (release, released) = oneshot::channel::<()>();
    let (sender, begun) = oneshot::channel();
    let store = store.clone();
    let task = tokio::spawn(async move {
        let verb = store.write(move |_| {
            Box::pin(async move {
                let _ = sender.send(());
                let _ = released.await;
                Ok(())
            })
        });
        verb.await
    });
    begun.await.unwrap();
    (release, task)
}

/// What a verb does after it has written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Well,
    Refused,
    Panicked,
}

async fn write(store: &Store, subject: String, end: End) -> Result<(), Error> {
    let verb = store.write(move |tx| {
        Box::pin(async move {
            note(tx, &subject).await?;
            match end {
                End::Well => Ok(()),
                End::Refused => Err(Error::LostRace { what: "test" }),
                End::Panicked => panic!("a verb of the test's panics, on purpose"),
            }
        })
    });
    verb.await
}

/// Subjects of the test's entries, once the tree was found sound.
async fn noted(database: &Database) -> Vec<String> {
    let entries = audit::verified_in(database).await;
    entries.into_iter().filter(|(verb, ..)| verb == "test.note").map(|(_, subject, _)| subject).collect()
}

/// How many transactions the write-ahead log of a SQLite database holds: its frames that end one
/// (SQLite's file format, section 4.1).
fn commits(database: &Database) -> usize {
    let log = std::fs::read(format!("{}-wal", database.file().display())).unwrap();
    let word = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let page = word(8) as usize;
    let frames = (32..log.len()).step_by(24 + page).take_while(|at| at + 24 <= log.len());
    frames.filter(|at| log[at + 8..at + 16] == log[16..24] && word(at + 4) != 0).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_come_together_share_a_commit() {
    let portal = TestPortal::start(crate::support::database::Kind::Sqlite).await;
    let store = portal.workflow().store().clone();
    let (release, holding) = held(&store).await;
    let mut probe = portal.database.probe().await;
    let verbs: Vec<_> = (0..200)
        .map(|turn| {
            let store = store.clone();
            tokio::spawn(async move { write(&store, format!("turn:{turn}"), End::Well).await })
        })
        .collect();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let before = commits(&portal.database);
    drop(release);
    holding.await.unwrap().unwrap();
    for verb in verbs {
        verb.await.unwrap().unwrap();
    }
    let made = commits(&portal.database) - before;
    assert!((1..=4).contains(&made), "200 changes were made in {made} transactions");
    assert_eq!(noted(&portal.database).await.len(), 200);
    // The measure itself: changes one after the other are a transaction each.
    probe.execute("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
    for turn in 0..5 {
        write(&store, format!("later:{turn}"), End::Well).await.unwrap();
    }
    assert_eq!(commits(&portal.database), 5);
    portal.finish().await;
}

both! {
    async fn a_verb_that_fails_or_panics_takes_nothing_with_it_but_itself(portal: &mut TestPortal) {
        let store = portal.workflow().store().clone();
        let (release, holding) = held(&store).await;
        let ends = [End::Well, End::Refused, End::Well, End::Panicked];
        let verbs: Vec<_> = (0..60)
            .map(|turn| {
                let (store, end) = (store.clone(), ends[turn % ends.len()]);
                tokio::spawn(async move { (turn, end, write(&store, format!("turn:{turn}"), end).await) })
            })
            .collect();
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        drop(release);
        holding.await.unwrap().unwrap();
        let mut wanted = BTreeSet::new();
        for verb in join_all(verbs).await {
            let (turn, end, result) = verb.unwrap();
            match end {
                End::Well => {
                    result.unwrap();
                    wanted.insert(format!("turn:{turn}"));
                }
                End::Refused => assert!(matches!(result, Err(Error::LostRace { .. })), "{result:?}"),
                End::Panicked => assert!(matches!(result, Err(Error::Panicked)), "{result:?}"),
            }
        }
        let kept: BTreeSet<String> = noted(&portal.database).await.into_iter().collect();
        assert_eq!(kept, wanted);
        write(&store, "after".to_owned(), End::Well).await.unwrap();
        portal.image("after").await;
    }

    async fn a_change_goes_on_to_its_end_when_nobody_waits_for_it_any_more(portal: &mut TestPortal) {
        let store = portal.workflow().store().clone();
        let (release, holding) = held(&store).await;
        let left = tokio::spawn({
            let store = store.clone();
            async move { write(&store, "left".to_owned(), End::Well).await }
        });
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        left.abort();
        assert!(left.await.unwrap_err().is_cancelled());
        drop(release);
        holding.await.unwrap().unwrap();
        write(&store, "next".to_owned(), End::Well).await.unwrap();
        crate::support::eventually("the change that was left alone", 10, || async {
            (noted(&portal.database).await.len() == 2).then_some(())
        })
        .await;
    }
}

/// Lets the database grow by so many pages more; for ever when there is no number.
async fn let_grow(store: &Store, pages: Option<u32>) {
    let verb = store.write::<_, Error, _>(move |tx| {
        Box::pin(async move {
            let Conn::Writer(conn) = &mut **tx else { unreachable!("this is SQLite") };
            let (now,): (i64,) =
                sqlx::query_as("SELECT page_count FROM pragma_page_count").fetch_one(&mut *conn).await?;
            let most = pages.map_or(1 << 30, |more| now + i64::from(more));
            sqlx::query(AssertSqlSafe(format!("PRAGMA max_page_count = {most}"))).execute(&mut *conn).await?;
            Ok(())
        })
    });
    verb.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_what_is_answered_stands_and_nothing_is_half_done() {
    let mut portal = TestPortal::start(crate::support::database::Kind::Sqlite).await;
    portal.settle().await;
    let store = portal.workflow().store().clone();
    let_grow(&store, Some(12)).await;
    // At most so many at a time, so that several transactions fit before the disk is full.
    let gate = Arc::new(Semaphore::new(6));
    let asked = (0..150).map(|turn| {
        let (gate, ci) = (gate.clone(), portal.ci().clone());
        async move {
            let _turn = gate.acquire().await;
            let mut spec = TestPortal::image_spec(&format!("full-{turn}"));
            spec["branch"] = serde_json::json!("b".repeat(150));
            (images::good(&format!("full-{turn}")), ci.post("/api/v1/images", spec).await)
        }
    });
    let answers = join_all(asked).await;
    let mut probe = portal.database.probe().await;
    let kept: BTreeSet<String> = probe.texts("SELECT digest FROM images").await.into_iter().collect();
    let registered = probe.texts("SELECT leaf FROM audit_entries WHERE verb = 'image.register'").await.concat();
    let mut full = 0;
    for (digest, answer) in answers {
        let stands = kept.contains(&digest);
        match answer.status {
            201 => assert!(stands, "{digest} was answered and is lost"),
            500 => {
                full += 1;
                assert!(!stands, "{digest} was refused and is there");
                assert_eq!(answer.body["type"], "/problems/refusal-fault");
                assert!(answer.body["detail"].as_str().unwrap().contains("Nothing was changed"), "{}", answer.body);
            }
            other => panic!("{digest}: {other} {}", answer.body),
        }
        assert_eq!(registered.contains(&digest), stands, "{digest} and its entry of the log go together");
    }
    assert!(full > 0 && !kept.is_empty(), "{full} of 150 were refused, {} are there", kept.len());
    audit::verified_in(&portal.database).await;
    assert_eq!(probe.number("SELECT count(*) FROM evidence").await, i64::try_from(kept.len()).unwrap());
    assert_eq!(probe.texts("SELECT integrity_check FROM pragma_integrity_check").await, ["ok"]);

    // What is there can still be read, and once there is room again everything works.
    let vera = portal.nobody().clone();
    assert_eq!(vera.get("/readyz").await.status, 200);
    let_grow(&store, None).await;
    portal.image("after").await;
    let number = portal.release("released", crate::support::town::by_hand()).await;
    portal.sign_all(number).await;
    audit::verified_in(&portal.database).await;
    portal.run_until_idle().await;
    portal.finish().await;
}
