//! The one writer of a SQLite database. It drains its queue into a shared transaction, gives each
//! verb a savepoint of its own, commits once, and only then answers: many decisions share one
//! fdatasync, and nobody is told that something stands before it does.

use std::fs::File;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::{Conn, Error, Tx, audit};
use crate::halt;
use crate::wake::Wakes;

/// Most verbs that share a commit.
const BATCH: usize = 256;

/// Verbs that may wait for the writer before callers have to wait to queue up.
const QUEUE: usize = 1024;

/// What became of a verb, once that is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Its transaction is committed, or it wanted no change.
    Stands,
    /// The shared transaction was lost, by another verb or at the commit. What the verb found may
    /// have been somebody's change that never came to be, so not even its refusal holds.
    Lost,
    /// The shared transaction broke while the verb ran; it knows best why.
    Broke,
}

/// What a verb leaves behind: whether to keep its changes, and how to answer once its fate is known.
struct Done {
    keep: bool,
    answer: Box<dyn FnOnce(Fate) + Send>,
}

type Job = Box<dyn for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Done> + Send>;

enum Message {
    Run(Job),
    Close(oneshot::Sender<()>),
}

/// A handle on the writer task.
#[derive(Clone)]
pub(super) struct Writer(mpsc::Sender<Message>);

impl Writer {
    /// Starts the task on a connection of its own; it keeps the lock until it has closed it.
    pub(super) fn start(conn: SqliteConnection, lock: File, wakes: Wakes) -> Self {
        let (sender, queue) = mpsc::channel(QUEUE);
        tokio::spawn(work(Tx::new(Conn::Writer(conn)), lock, queue, wakes));
        Self(sender)
    }

    pub(super) async fn run<T, E, F>(&self, verb: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |tx| {
            Box::pin(async move {
                let result = AssertUnwindSafe(verb(tx)).catch_unwind().await;
                let result = result.unwrap_or_else(|_| Err(Error::Panicked.into()));
                Done {
                    keep: result.is_ok(),
                    answer: Box::new(move |fate| {
                        let result = match fate {
                            Fate::Stands => result,
                            Fate::Broke => result.and(Err(Error::NotCommitted.into())),
                            Fate::Lost => Err(Error::NotCommitted.into()),
                        };
                        // The caller may have stopped waiting.
                        let _ = sender.send(result);
                    }),
                }
            })
        });
        self.0.send(Message::Run(job)).await.map_err(|_| Error::Closed)?;
        // A job that was dropped unrun: the transaction it should have shared could not begin, or broke.
        receiver.await.unwrap_or_else(|_| Err(Error::NotCommitted.into()))
    }

    pub(super) async fn close(&self) {
        let (sender, closed) = oneshot::channel();
        if self.0.send(Message::Close(sender)).await.is_ok() {
            let _ = closed.await;
        }
    }
}

async fn work(mut tx: Tx, lock: File, mut queue: mpsc::Receiver<Message>, wakes: Wakes) {
    let mut close = None;
    while close.is_none() {
        let Some(first) = queue.recv().await else { return };
        let mut jobs = Vec::new();
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Run(job) => jobs.push(job),
                Message::Close(closed) => {
                    close = Some(closed);
                    queue.close();
                }
            }
            next = if jobs.len() < BATCH { queue.try_recv().ok() } else { None };
        }
        if !jobs.is_empty() {
            batch(&mut tx, jobs, &wakes).await;
        }
    }
    if let Conn::Writer(conn) = tx.conn
        && let Err(error) = conn.close().await
    {
        tracing::warn!(error = &error as &dyn std::error::Error, "store.writer.close");
    }
    drop(lock);
    if let Some(closed) = close {
        let _ = closed.send(());
    }
}

/// Runs the jobs in one transaction and answers them after its commit.
async fn batch(tx: &mut Tx, jobs: Vec<Job>, wakes: &Wakes) {
    tx.frontier = None;
    tx.wakes.clear();
    if let Err(error) = sql(tx, "BEGIN IMMEDIATE").await {
        tracing::error!(error = &error as &dyn std::error::Error, "store.writer.begin");
        return;
    }
    let mut answers = Vec::with_capacity(jobs.len());
    let mut sound = true;
    for job in jobs {
        if sound {
            let (done, still_sound) = savepoint(tx, job).await;
            answers.push((done.answer, if still_sound { Fate::Lost } else { Fate::Broke }));
            sound = still_sound;
        }
    }
    let committed = sound
        && match commit(tx).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "store.writer.commit");
                false
            }
        };
    if !committed {
        // After some failures (a full disk) SQLite has rolled back by itself and says so here.
        let _ = sql(tx, "ROLLBACK").await;
    }
    for (answer, otherwise) in answers {
        answer(if committed { Fate::Stands } else { otherwise });
    }
    if committed {
        for wake in tx.wakes.drain(..) {
            wakes.send(wake);
        }
    }
}

/// One verb in its savepoint. The second value is false when the shared transaction cannot go on.
async fn savepoint(tx: &mut Tx, job: Job) -> (Done, bool) {
    let (frontier, rings) = (tx.frontier.clone(), tx.wakes.len());
    if let Err(error) = sql(tx, "SAVEPOINT verb").await {
        tracing::error!(error = &error as &dyn std::error::Error, "store.writer.savepoint");
        return (Done { keep: false, answer: Box::new(|_| ()) }, false);
    }
    let done = job(tx).await;
    let end = if done.keep {
        sql(tx, "RELEASE verb").await
    } else {
        tx.frontier = frontier;
        tx.wakes.truncate(rings);
        match sql(tx, "ROLLBACK TO verb").await {
            Ok(()) => sql(tx, "RELEASE verb").await,
            Err(error) => Err(error),
        }
    };
    if let Err(error) = &end {
        tracing::error!(error = error as &dyn std::error::Error, "store.writer.savepoint");
    }
    (done, end.is_ok())
}

async fn commit(tx: &mut Tx) -> Result<(), Error> {
    audit::save_frontier(tx).await?;
    halt::point("store.before_commit");
    sql(tx, "COMMIT").await?;
    halt::point("store.after_commit");
    Ok(())
}

async fn sql(tx: &mut Tx, statement: &'static str) -> Result<(), Error> {
    let Conn::Writer(conn) = &mut tx.conn else { return Err(Error::Closed) };
    sqlx::query(AssertSqlSafe(statement)).execute(conn).await?;
    Ok(())
}
