//! Images in a list.

use super::super::{Conn, Error, Stored, all};
use crate::domain::id::{ImageId, ServiceId};
use crate::domain::image::{Digest, Evidence, Repository};
use crate::domain::name::{Slug, Title};
use crate::domain::time::Timestamp;

/// An image as a list shows it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ImageLine {
    /// Which.
    pub id: ImageId,
    /// Registry host and path.
    pub repository: Repository,
    /// What exactly.
    pub digest: Digest,
    /// When it was first registered.
    pub created_at: Timestamp,
    /// What CI said last.
    pub evidence: Option<Stored<Evidence>>,
    /// Tags it carries, separated by blanks.
    pub tags: Option<String>,
    /// The service that uses its repository.
    pub service_id: Option<ServiceId>,
    /// That service's short name.
    pub service_slug: Option<Slug>,
    /// That service's title.
    pub service_title: Option<Title>,
}

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of one service.
    pub service: Option<ServiceId>,
    /// Words in repository, tag, digest, commit or branch, as a LIKE pattern in lower case.
    pub pattern: Option<String>,
    /// Before this id.
    pub before: Option<ImageId>,
    /// At most so many.
    pub limit: i64,
}

/// Lists images, newest first.
pub async fn list(conn: &mut Conn, filter: &Filter) -> Result<Vec<ImageLine>, Error> {
    let sql = "SELECT i.id, i.repository, i.digest, i.created_at, v.evidence, t.tags,
                   s.id AS service_id, s.slug AS service_slug, s.title AS service_title
               FROM images i
               LEFT JOIN evidence v ON v.image_id = i.id AND v.position = i.evidence_count
               LEFT JOIN services s ON s.id = (SELECT min(x.id) FROM services x
                                               WHERE x.repository = i.repository AND x.archived_at IS NULL)
               LEFT JOIN (SELECT image_id, string_agg(tag, ' ') AS tags FROM image_tags WHERE moved_at IS NULL GROUP BY image_id) t
                   ON t.image_id = i.id
               WHERE i.id < coalesce($1, 9223372036854775807)
                 AND ($2 IS NULL OR i.repository = (SELECT x.repository FROM services x WHERE x.id = $2))
                 AND ($3 IS NULL OR lower(i.repository || ' ' || i.digest || ' ' || coalesce(t.tags, '') || ' '
                      || coalesce(v.commit_id, '') || ' ' || coalesce(v.branch, '')) LIKE $3 ESCAPE '!')
               ORDER BY i.id DESC LIMIT $4";
    let Filter { service, pattern, before, limit } = filter;
    all!(conn, ImageLine, sql, before, service, pattern, limit)
}
