//! Releases in a list: what each is, and how it stands. A handful of queries, however many rows.

use std::collections::{BTreeMap, BTreeSet};

use super::super::signoff::Decision;
use super::super::{Conn, Error, all, environment, group};
use crate::domain::deployment::Verdict;
use crate::domain::environment::{Policy, StartMode, UnknownAuthor};
use crate::domain::id::{EnvironmentId, ImageId, PersonId, ReleaseNumber, ServiceId, WindowId};
use crate::domain::image::{Digest, Tag};
use crate::domain::name::{Slug, Title};
use crate::domain::person::Access;
use crate::domain::release::{Ended, Execution, Standing, State};
use crate::domain::signoff::{Membership, Signoff, SignoffFacts, Tally};
use crate::domain::time::{Timestamp, Zone};

/// A release as a list shows it.
#[derive(Clone, Debug)]
pub struct ReleaseLine {
    /// What is stored.
    pub row: Row,
    /// How it stands.
    pub state: State,
    /// How it stands with its signers, while it is open.
    pub tally: Option<Tally>,
}

/// The stored part of a line.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Row {
    /// Which.
    pub number: ReleaseNumber,
    /// What.
    pub service_id: ServiceId,
    /// Its short name.
    pub service_slug: Slug,
    /// Its title.
    pub service_title: Title,
    /// Where.
    pub environment_id: EnvironmentId,
    /// Its short name.
    pub environment_slug: Slug,
    /// Its title.
    pub environment_title: Title,
    /// Which image.
    pub image_id: ImageId,
    /// Its digest.
    pub digest: Digest,
    /// One tag it carries.
    pub tag: Option<Tag>,
    /// Who asked for it.
    pub requested_by: PersonId,
    token_made_by: Option<PersonId>,
    /// What they are called.
    pub requester: Title,
    /// When.
    pub requested_at: Timestamp,
    /// Its current revision.
    pub revision: i64,
    /// What is signed.
    pub content_hash: Option<String>,
    /// How it starts.
    pub start_mode: StartMode,
    /// In which window.
    pub window_id: Option<WindowId>,
    /// The window's title.
    pub window_title: Option<Title>,
    /// When it opens.
    pub window_starts_at: Option<Timestamp>,
    /// When it closes.
    pub window_ends_at: Option<Timestamp>,
    /// Its zone.
    pub window_zone: Option<Zone>,
    policy_version: i64,
    ended: Option<Ended>,
    /// When it ended, whichever way.
    pub done_at: Option<Timestamp>,
    deployment_id: Option<i64>,
    verdict: Option<Verdict>,
    drifted: Option<i64>,
    superseded_by: Option<ReleaseNumber>,
}

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Whether those that may still start or run, or those that are done; all when absent.
    pub open: Option<bool>,
    /// Of one service.
    pub service: Option<ServiceId>,
    /// In one environment.
    pub environment: Option<EnvironmentId>,
    /// Of one image.
    pub image: Option<ImageId>,
    /// In any of these environments.
    pub environments: Option<BTreeSet<EnvironmentId>>,
    /// On the agenda of one of these windows.
    pub windows: Option<Vec<WindowId>>,
    /// Only those that no newer one has superseded.
    pub standing: bool,
    /// Only those whose content is known.
    pub planned: bool,
    /// Words in service, tag, digest or requester, as a LIKE pattern in lower case.
    pub pattern: Option<String>,
    /// Before this number.
    pub before: Option<ReleaseNumber>,
    /// At most so many.
    pub limit: i64,
}

/// Lists releases that somebody may look at, newest first.
pub async fn list(
    conn: &mut Conn,
    access: &Access,
    filter: &Filter,
    now: Timestamp,
) -> Result<Vec<ReleaseLine>, Error> {
    let sql = "SELECT r.number, r.service_id, s.slug AS service_slug, s.title AS service_title, r.environment_id,
                   e.slug AS environment_slug, e.title AS environment_title, r.image_id, i.digest,
                   (SELECT max(t.tag) FROM image_tags t WHERE t.image_id = i.id AND t.moved_at IS NULL) AS tag,
                   r.requested_by, k.created_by AS token_made_by, p.name AS requester, r.requested_at, r.revision, v.content_hash, v.start_mode,
                   v.window_id, w.title AS window_title, w.starts_at AS window_starts_at, w.ends_at AS window_ends_at,
                   w.zone AS window_zone, v.policy_version, r.ended, coalesce(r.ended_at, d.ended_at) AS done_at,
                   d.id AS deployment_id, d.verdict, d.drifted,
                   CASE WHEN r.ended IS NULL AND (d.id IS NULL OR d.drifted = 1) THEN (
                       SELECT max(n.number) FROM releases n
                       WHERE n.service_id = r.service_id AND n.environment_id = r.environment_id AND n.number > r.number
                         AND n.ended IS NULL AND NOT EXISTS (
                             SELECT 1 FROM deployments x WHERE x.release_number = n.number AND x.direction = 'forward'
                             AND x.revision = n.revision AND x.drifted = 0 AND x.verdict IN ('cancelled', 'failed'))
                   ) END AS superseded_by
               FROM releases r
               JOIN revisions v ON v.release_number = r.number AND v.revision = r.revision
               JOIN services s ON s.id = r.service_id
               JOIN environments e ON e.id = r.environment_id
               JOIN images i ON i.id = r.image_id
               JOIN people p ON p.id = r.requested_by
               LEFT JOIN tokens k ON k.id = r.token_id
               LEFT JOIN windows w ON w.id = v.window_id
               LEFT JOIN deployments d ON d.release_number = r.number AND d.revision = r.revision AND d.direction = 'forward'
               WHERE r.number < coalesce($1, 9223372036854775807)
                 AND r.service_id = coalesce($2, r.service_id) AND r.environment_id = coalesce($3, r.environment_id)
                 AND r.image_id = coalesce($4, r.image_id)
                 AND ($5 IS NULL OR $5 LIKE '%,' || v.window_id || ',%')
                 AND ($6 IS NULL OR $6 = CASE WHEN r.ended IS NULL AND (d.verdict IS NULL OR d.drifted = 1) THEN 1 ELSE 0 END)
                 AND ($7 IS NULL OR lower(s.slug || ' ' || s.title || ' ' || i.digest || ' ' || p.name || ' r-' || r.number) LIKE $7 ESCAPE '!'
                      OR EXISTS (SELECT 1 FROM image_tags t WHERE t.image_id = i.id AND lower(t.tag) LIKE $7 ESCAPE '!'))
                 AND ($9 IS NULL OR $9 LIKE '%,' || r.environment_id || ',%')
                 AND ($10 = 0 OR d.id IS NOT NULL AND d.drifted = 0 OR NOT EXISTS (
                     SELECT 1 FROM releases n
                     WHERE n.service_id = r.service_id AND n.environment_id = r.environment_id AND n.number > r.number
                       AND n.ended IS NULL AND NOT EXISTS (
                           SELECT 1 FROM deployments x WHERE x.release_number = n.number AND x.direction = 'forward'
                           AND x.revision = n.revision AND x.drifted = 0 AND x.verdict IN ('cancelled', 'failed'))))
                 AND ($11 = 0 OR v.content_hash IS NOT NULL)
               ORDER BY r.number DESC LIMIT $8";
    let Filter { open, service, environment, image, pattern, before, limit, .. } = filter;
    let open = open.map(i64::from);
    let windows = filter.windows.as_ref().map(listed);
    let environments = filter.environments.as_ref().map(listed);
    let (standing, planned) = (i64::from(filter.standing), i64::from(filter.planned));
    // Rows that one may not look at are left out before they are counted, so that a page is full as
    // long as there is more.
    let (mut rows, mut before): (Vec<Row>, _) = (Vec::new(), *before);
    let wanted = usize::try_from(*limit).unwrap_or(usize::MAX);
    loop {
        let found = all!(
            conn,
            Row,
            sql,
            before,
            service,
            environment,
            image,
            &windows,
            open,
            pattern,
            limit,
            &environments,
            standing,
            planned,
        )?;
        before = found.last().map(|row| row.number);
        let last = found.len() < wanted;
        rows.extend(found.into_iter().filter(|row| access.may_look(row.environment_id)).take(wanted - rows.len()));
        if last || rows.len() >= wanted {
            break;
        }
    }
    judge(conn, rows, now).await
}

/// Open releases in which a person's sign-off would count now.
pub async fn waiting_for(
    conn: &mut Conn,
    access: &Access,
    person: PersonId,
    now: Timestamp,
) -> Result<Vec<ReleaseLine>, Error> {
    if access.signs_in.is_empty() {
        return Ok(Vec::new());
    }
    let environments = Some(access.signs_in.clone());
    let filter =
        Filter { open: Some(true), environments, standing: true, planned: true, limit: 500, ..Filter::default() };
    let lines = list(conn, access, &filter, now).await?;
    let wants = |line: &ReleaseLine| {
        line.state == State::Waiting && line.tally.as_ref().is_some_and(|tally| tally.can().contains(&person))
    };
    let mut wanted: Vec<ReleaseLine> = lines.into_iter().filter(wants).collect();
    // What goes out first is asked for first; what has no window comes last.
    wanted.sort_by_key(|line| (line.row.window_starts_at.is_none(), line.row.window_starts_at, line.row.number));
    Ok(wanted)
}

/// Judges rows with what they need, loaded together.
async fn judge(conn: &mut Conn, rows: Vec<Row>, now: Timestamp) -> Result<Vec<ReleaseLine>, Error> {
    let is_open = |row: &Row| row.ended.is_none() && (row.deployment_id.is_none() || row.drifted == Some(1));
    let numbers: Vec<ReleaseNumber> = rows.iter().filter(|row| is_open(row)).map(|row| row.number).collect();
    let range = numbers.iter().min().copied().zip(numbers.iter().max().copied());
    let mut bench = Bench::default();
    if let Some((least, most)) = range {
        for row in rows.iter().filter(|row| is_open(row)) {
            bench.load(conn, row.environment_id, row.policy_version).await?;
        }
        let sql =
            "SELECT d.* FROM decisions d JOIN releases r ON r.number = d.release_number AND r.revision = d.revision
                   WHERE d.release_number BETWEEN $1 AND $2 AND r.ended IS NULL";
        for decision in all!(conn, Decision, sql, least, most)? {
            bench.signoffs.entry(decision.release_number).or_default().extend(decision.signoff());
        }
        let sql =
            "SELECT r.number, a.identity, c.person_id FROM releases r JOIN image_authors a ON a.image_id = r.image_id
                   LEFT JOIN commit_identities c ON c.identity = a.identity
                   WHERE r.number BETWEEN $1 AND $2 AND r.ended IS NULL";
        for (number, _, person) in all!(conn, (ReleaseNumber, String, Option<PersonId>), sql, least, most)? {
            bench.authors.entry(number).or_default().push(person);
        }
    }
    Ok(rows.into_iter().map(|row| bench.line(row, now)).collect())
}

#[derive(Default)]
struct Bench {
    policies: BTreeMap<(EnvironmentId, i64), Policy>,
    memberships: BTreeMap<EnvironmentId, Vec<Membership>>,
    signoffs: BTreeMap<ReleaseNumber, Vec<Signoff>>,
    authors: BTreeMap<ReleaseNumber, Vec<Option<PersonId>>>,
}

impl Bench {
    async fn load(&mut self, conn: &mut Conn, environment: EnvironmentId, version: i64) -> Result<(), Error> {
        if let std::collections::btree_map::Entry::Vacant(vacant) = self.policies.entry((environment, version)) {
            vacant.insert(environment::policy(conn, environment, version).await?);
        }
        if let std::collections::btree_map::Entry::Vacant(vacant) = self.memberships.entry(environment) {
            vacant.insert(group::memberships_for(conn, environment).await?);
        }
        Ok(())
    }

    fn line(&self, row: Row, now: Timestamp) -> ReleaseLine {
        let execution = match (row.deployment_id, row.verdict, row.drifted) {
            (None, ..) => Execution::None,
            (Some(_), _, Some(1)) => Execution::Drifted,
            (Some(_), Some(verdict), _) => Execution::Ended(verdict),
            (Some(_), None, _) => Execution::Running,
        };
        let tally =
            self.policies.get(&(row.environment_id, row.policy_version)).map(|policy| self.tally(&row, policy, now));
        let signed = tally.as_ref().is_some_and(|(tally, known)| tally.met() && *known);
        let state = State::of(Standing {
            ended: row.ended,
            execution,
            planned: row.content_hash.is_some(),
            signed,
            superseded_by: row.superseded_by,
        });
        ReleaseLine { row, state, tally: tally.map(|(tally, _)| tally) }
    }

    fn tally(&self, row: &Row, policy: &Policy, now: Timestamp) -> (Tally, bool) {
        let authors = self.authors.get(&row.number).map(Vec::as_slice).unwrap_or_default();
        let people: BTreeSet<PersonId> = authors.iter().filter_map(|person| *person).collect();
        let known =
            policy.unknown_author == UnknownAuthor::Allow || !authors.is_empty() && authors.iter().all(Option::is_some);
        let requesters: Vec<PersonId> = std::iter::once(row.requested_by).chain(row.token_made_by).collect();
        let facts = SignoffFacts {
            rules: &policy.rules,
            signoffs: self.signoffs.get(&row.number).map(Vec::as_slice).unwrap_or_default(),
            memberships: self.memberships.get(&row.environment_id).map(Vec::as_slice).unwrap_or_default(),
            requesters: &requesters,
            authors: &people,
            requested_at: row.requested_at,
            content_hash: row.content_hash.as_deref().unwrap_or_default(),
            requester_may_sign: policy.requester_may_sign,
            author_may_sign: policy.author_may_sign,
            validity: policy.validity(),
            now,
        };
        (facts.tally(), known)
    }
}

/// Ids as one text, which is a parameter like any other: `,3,17,`.
fn listed<T: std::fmt::Display>(ids: impl IntoIterator<Item = T>) -> String {
    ids.into_iter().fold(",".to_owned(), |list, id| list + &id.to_string() + ",")
}

/// Words as a LIKE pattern in lower case that looks for them anywhere.
pub fn pattern(words: &str) -> Option<String> {
    let words = words.trim().to_lowercase();
    if words.is_empty() {
        return None;
    }
    let escaped: String =
        words.chars().flat_map(|c| if matches!(c, '%' | '_' | '!') { vec!['!', c] } else { vec![c] }).collect();
    Some(format!("%{escaped}%"))
}
