//! The audit tree, computed anew from the rows of the database: the definition of RFC 6962,
//! section 2.1, word for word, and none of the portal's own code.

use std::path::Path;

use sha2::{Digest, Sha256};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::database::{Database, Probe};

type Hash = [u8; 32];

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node(&root(left), &root(right))
        }
    }
}

/// A connection that reads only.
pub async fn reader(database: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(database).read_only(true);
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// Asserts that the tree the portal keeps is the one that its entries make, and that the positions
/// have no gap. Gives the entries: what was done, to what, and the leaf.
pub async fn verified(database: &Path) -> Vec<(String, String, String)> {
    let mut conn = reader(database).await;
    let mut view = conn.begin().await.unwrap();
    let rows: Vec<Row> =
        sqlx::query_as("SELECT position, verb, subject, leaf, leaf_hash FROM audit_entries ORDER BY position")
            .fetch_all(&mut *view)
            .await
            .unwrap();
    let tree = sqlx::query_as("SELECT size, frontier FROM audit_tree WHERE id = 1").fetch_one(&mut *view).await;
    sound(rows, tree.unwrap())
}

/// The same on either database, while nobody writes.
pub async fn verified_in(database: &Database) -> Vec<(String, String, String)> {
    let entries = "SELECT position, verb, subject, leaf, leaf_hash FROM audit_entries ORDER BY position";
    let tree = "SELECT size, frontier FROM audit_tree WHERE id = 1";
    let (rows, tree) = match &mut database.probe().await {
        Probe::Sqlite(conn) => {
            (sqlx::query_as(entries).fetch_all(&mut *conn).await, sqlx::query_as(tree).fetch_one(&mut *conn).await)
        }
        Probe::Postgres(conn) => {
            (sqlx::query_as(entries).fetch_all(&mut *conn).await, sqlx::query_as(tree).fetch_one(&mut *conn).await)
        }
    };
    sound(rows.unwrap(), tree.unwrap())
}

/// Position, verb, subject, leaf and its hash.
type Row = (i64, String, String, String, Vec<u8>);

fn sound(rows: Vec<Row>, (size, frontier): (i64, Vec<u8>)) -> Vec<(String, String, String)> {
    let mut leaves: Vec<Hash> = Vec::new();
    for (index, (position, _, _, leaf, hash)) in rows.iter().enumerate() {
        assert_eq!(usize::try_from(*position).unwrap(), index);
        leaves.push(Sha256::new().chain_update([0]).chain_update(leaf).finalize().into());
        assert_eq!(leaves[index][..], hash[..], "entry {index}");
    }
    assert_eq!(usize::try_from(size).unwrap(), leaves.len());
    // The frontier holds the roots of the full subtrees, the largest first.
    let mut roots = frontier.chunks_exact(32).rev().map(|root| Hash::try_from(root).unwrap());
    let kept = match roots.next() {
        Some(last) => roots.fold(last, |right, left| node(&left, &right)),
        None => root(&[]),
    };
    assert_eq!(kept, root(&leaves));
    rows.into_iter().map(|(_, verb, subject, leaf, _)| (verb, subject, leaf)).collect()
}
