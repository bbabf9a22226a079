//! Images, the tags they were seen with, their authors, and what CI said about them.

use std::collections::BTreeSet;

use super::{Conn, Error, Stored, Tx, all, exec, first, guarded, one};
use crate::domain::id::{ImageId, PersonId, TokenId};
use crate::domain::image::{CommitIdentity, Digest, Evidence, ImageRef, Repository, Tag};
use crate::domain::time::Timestamp;

/// An image as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Image {
    /// Which.
    pub id: ImageId,
    /// Registry host and path.
    pub repository: Repository,
    /// What exactly.
    pub digest: Digest,
    /// When it was first registered.
    pub created_at: Timestamp,
    /// How many pieces of evidence there are.
    pub evidence_count: i64,
}

impl Image {
    /// As the cluster is told it.
    pub fn reference(&self) -> ImageRef {
        ImageRef { repository: self.repository.clone(), digest: self.digest.clone() }
    }
}

/// One image.
pub async fn by_id(conn: &mut Conn, id: ImageId) -> Result<Option<Image>, Error> {
    first!(conn, Image, "SELECT * FROM images WHERE id = $1", id)
}

/// One image by what it is.
pub async fn by_reference(conn: &mut Conn, image: &ImageRef) -> Result<Option<Image>, Error> {
    let sql = "SELECT * FROM images WHERE repository = $1 AND digest = $2";
    first!(conn, Image, sql, &image.repository, &image.digest)
}

/// Adds an image.
pub async fn insert(tx: &mut Tx, image: &ImageRef, now: Timestamp) -> Result<ImageId, Error> {
    let sql = "INSERT INTO images (repository, digest, created_at, evidence_count) VALUES ($1, $2, $3, 0) RETURNING id";
    one!(tx, (ImageId,), sql, &image.repository, &image.digest, now).map(|(id,)| id)
}

/// Notes that an image carries a tag. True when that is news.
pub async fn add_tag(tx: &mut Tx, id: ImageId, tag: &Tag, now: Timestamp) -> Result<bool, Error> {
    let sql = "INSERT INTO image_tags (image_id, tag, seen_at) VALUES ($1, $2, $3)
               ON CONFLICT (image_id, tag) DO UPDATE SET moved_at = NULL, seen_at = excluded.seen_at
               WHERE image_tags.moved_at IS NOT NULL";
    exec!(tx, sql, id, tag, now).map(|rows| rows == 1)
}

/// Takes a tag from the other images of the same repository; gives those that had it.
pub async fn move_tag(tx: &mut Tx, image: &Image, tag: &Tag, now: Timestamp) -> Result<Vec<ImageId>, Error> {
    let sql = "UPDATE image_tags SET moved_at = $4 WHERE tag = $3 AND image_id <> $1 AND moved_at IS NULL
               AND image_id IN (SELECT id FROM images WHERE repository = $2) RETURNING image_id";
    all!(tx, (ImageId,), sql, image.id, &image.repository, tag, now)
        .map(|rows| rows.into_iter().map(|(id,)| id).collect())
}

/// Tags an image carries now.
pub async fn tags(conn: &mut Conn, id: ImageId) -> Result<BTreeSet<Tag>, Error> {
    let sql = "SELECT tag FROM image_tags WHERE image_id = $1 AND moved_at IS NULL";
    all!(conn, (Tag,), sql, id).map(|rows| rows.into_iter().map(|(tag,)| tag).collect())
}

/// Notes an author. True when that is news; authors are never taken away.
pub async fn add_author(tx: &mut Tx, id: ImageId, author: &CommitIdentity) -> Result<bool, Error> {
    let sql = "INSERT INTO image_authors (image_id, identity) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    exec!(tx, sql, id, author).map(|rows| rows == 1)
}

/// Authors of an image's commits, each with the person it belongs to, where that is known.
pub async fn authors(conn: &mut Conn, id: ImageId) -> Result<Vec<(CommitIdentity, Option<PersonId>)>, Error> {
    let sql =
        "SELECT a.identity, c.person_id FROM image_authors a LEFT JOIN commit_identities c ON c.identity = a.identity
               WHERE a.image_id = $1 ORDER BY a.identity";
    all!(conn, (CommitIdentity, Option<PersonId>), sql, id)
}

/// Adds a piece of evidence.
pub async fn add_evidence(
    tx: &mut Tx,
    image: &Image,
    evidence: &Evidence,
    token: Option<TokenId>,
    now: Timestamp,
) -> Result<(), Error> {
    let position = image.evidence_count + 1;
    let sql = "INSERT INTO evidence (image_id, position, evidence, commit_id, branch, token_id, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    exec!(tx, sql, image.id, position, Stored(evidence), &evidence.commit, &evidence.branch, token, now)?;
    let sql = "UPDATE images SET evidence_count = $2 WHERE id = $1 AND evidence_count = $3";
    guarded!("image", tx, sql, image.id, position, image.evidence_count)
}

/// Everything CI said about an image, in order.
pub async fn evidence(conn: &mut Conn, id: ImageId) -> Result<Vec<Evidence>, Error> {
    let sql = "SELECT evidence FROM evidence WHERE image_id = $1 ORDER BY position";
    all!(conn, (Stored<Evidence>,), sql, id).map(|rows| rows.into_iter().map(|(Stored(one),)| one).collect())
}

/// The newest piece of evidence.
pub async fn latest_evidence(conn: &mut Conn, image: &Image) -> Result<Option<Evidence>, Error> {
    let sql = "SELECT evidence FROM evidence WHERE image_id = $1 AND position = $2";
    first!(conn, (Stored<Evidence>,), sql, image.id, image.evidence_count).map(|row| row.map(|(Stored(one),)| one))
}

/// The digest of all evidence shown for an image.
pub async fn evidence_digest(conn: &mut Conn, id: ImageId) -> Result<String, Error> {
    let all = evidence(conn, id).await?;
    let tags = tags(conn, id).await?;
    let authors = authors(conn, id).await?.into_iter().map(|(identity, _)| identity).collect();
    Ok(Evidence::digest(&all, &tags, &authors))
}
