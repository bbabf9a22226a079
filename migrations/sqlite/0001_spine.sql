-- From a CI-built image to a signed-off, announced release that runs.
-- Times are microseconds since 1970 in UTC; booleans are 0 and 1; JSON stands in TEXT.

CREATE TABLE portal (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- People ------------------------------------------------------------------------------------

CREATE TABLE people (
    id INTEGER PRIMARY KEY,
    login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    email TEXT,
    zone TEXT,
    password_hash TEXT,
    created_at INTEGER NOT NULL,
    deactivated_at INTEGER,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE commit_identities (
    identity TEXT PRIMARY KEY,
    person_id INTEGER NOT NULL REFERENCES people (id)
) STRICT;
CREATE INDEX commit_identities_person ON commit_identities (person_id);

CREATE TABLE groups (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    archived_at INTEGER,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE memberships (
    group_id INTEGER NOT NULL REFERENCES groups (id),
    person_id INTEGER NOT NULL REFERENCES people (id),
    granted_by INTEGER REFERENCES people (id),
    granted_at INTEGER NOT NULL,
    PRIMARY KEY (group_id, person_id)
) STRICT;
CREATE INDEX memberships_person ON memberships (person_id);

-- One-time links: the first setup (no person yet) and sign-in.
CREATE TABLE links (
    token_hash BLOB PRIMARY KEY,
    purpose TEXT NOT NULL CHECK (purpose IN ('setup', 'sign_in')),
    person_id INTEGER REFERENCES people (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    CHECK ((purpose = 'setup') = (person_id IS NULL))
) STRICT;

CREATE TABLE sessions (
    token_hash BLOB PRIMARY KEY,
    person_id INTEGER NOT NULL REFERENCES people (id),
    method TEXT NOT NULL CHECK (method IN ('password', 'link')),
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    fresh_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_person ON sessions (person_id);

-- Failed sign-ins by what was entered as login, whether there is such a person or not: so that
-- nobody learns from the pause after a few of them which logins there are.
CREATE TABLE sign_in_failures (
    login_hash BLOB PRIMARY KEY,
    failures INTEGER NOT NULL,
    failed_at INTEGER NOT NULL,
    locked_until INTEGER
) STRICT;

CREATE TABLE tokens (
    id INTEGER PRIMARY KEY,
    person_id INTEGER NOT NULL REFERENCES people (id),
    title TEXT NOT NULL,
    token_hash BLOB NOT NULL UNIQUE,
    hint TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_by INTEGER REFERENCES people (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE INDEX tokens_person ON tokens (person_id);

CREATE TABLE idempotency_keys (
    token_id INTEGER NOT NULL REFERENCES tokens (id),
    route TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    answer TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (token_id, route, idempotency_key)
) STRICT;

-- Places ------------------------------------------------------------------------------------

CREATE TABLE clusters (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    archived_at INTEGER,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE credentials (
    id INTEGER PRIMARY KEY,
    cluster_id INTEGER NOT NULL REFERENCES clusters (id),
    state TEXT NOT NULL CHECK (state IN ('unverified', 'confirmed', 'retired')),
    facts TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    sealed BLOB,
    key_id TEXT,
    uploaded_by INTEGER REFERENCES people (id),
    uploaded_at INTEGER NOT NULL,
    confirmed_by INTEGER REFERENCES people (id),
    confirmed_at INTEGER,
    probe TEXT,
    probed_at INTEGER,
    probe_due_at INTEGER,
    unreachable_since INTEGER,
    CHECK ((state = 'retired') = (sealed IS NULL)),
    CHECK ((sealed IS NULL) = (key_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX credentials_one_of_each ON credentials (cluster_id, state) WHERE state <> 'retired';

CREATE TABLE environments (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    rank INTEGER NOT NULL,
    cluster_id INTEGER REFERENCES clusters (id),
    policy_version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    archived_at INTEGER,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE policies (
    environment_id INTEGER NOT NULL REFERENCES environments (id),
    version INTEGER NOT NULL,
    policy TEXT NOT NULL,
    created_by INTEGER REFERENCES people (id),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (environment_id, version)
) STRICT;

-- The groups of each environment's present policy: who may sign there may look there.
CREATE TABLE policy_groups (
    environment_id INTEGER NOT NULL REFERENCES environments (id),
    group_id INTEGER NOT NULL REFERENCES groups (id),
    PRIMARY KEY (environment_id, group_id)
) STRICT;
CREATE INDEX policy_groups_group ON policy_groups (group_id);

CREATE TABLE grants (
    id INTEGER PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'requester', 'operator', 'admin')),
    person_id INTEGER REFERENCES people (id),
    group_id INTEGER REFERENCES groups (id),
    environment_id INTEGER REFERENCES environments (id),
    granted_by INTEGER REFERENCES people (id),
    granted_at INTEGER NOT NULL,
    CHECK ((person_id IS NULL) <> (group_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX grants_once
    ON grants (role, coalesce(person_id, 0), coalesce(group_id, 0), coalesce(environment_id, 0));

CREATE TABLE services (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    repository TEXT NOT NULL,
    owner_group_id INTEGER REFERENCES groups (id),
    is_public INTEGER NOT NULL CHECK (is_public IN (0, 1)),
    created_at INTEGER NOT NULL,
    archived_at INTEGER,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX services_repository ON services (repository);

CREATE TABLE targets (
    id INTEGER PRIMARY KEY,
    service_id INTEGER NOT NULL REFERENCES services (id),
    environment_id INTEGER NOT NULL REFERENCES environments (id),
    namespace TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('Deployment')),
    name TEXT NOT NULL,
    containers TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    archived_at INTEGER,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE UNIQUE INDEX targets_one_per_workload
    ON targets (environment_id, namespace, kind, name) WHERE archived_at IS NULL;
CREATE INDEX targets_place ON targets (service_id, environment_id);

-- Images ------------------------------------------------------------------------------------

CREATE TABLE images (
    id INTEGER PRIMARY KEY,
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    evidence_count INTEGER NOT NULL,
    UNIQUE (repository, digest)
) STRICT;

CREATE TABLE image_tags (
    image_id INTEGER NOT NULL REFERENCES images (id),
    tag TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    moved_at INTEGER,
    PRIMARY KEY (image_id, tag)
) STRICT;
CREATE INDEX image_tags_tag ON image_tags (tag);

CREATE TABLE image_authors (
    image_id INTEGER NOT NULL REFERENCES images (id),
    identity TEXT NOT NULL,
    PRIMARY KEY (image_id, identity)
) STRICT;

CREATE TABLE evidence (
    image_id INTEGER NOT NULL REFERENCES images (id),
    position INTEGER NOT NULL,
    evidence TEXT NOT NULL,
    commit_id TEXT,
    branch TEXT,
    token_id INTEGER REFERENCES tokens (id),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (image_id, position)
) STRICT;

-- Windows -----------------------------------------------------------------------------------

CREATE TABLE windows (
    id INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    audience TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    zone TEXT NOT NULL,
    is_public INTEGER NOT NULL CHECK (is_public IN (0, 1)),
    owner_id INTEGER REFERENCES people (id),
    created_at INTEGER NOT NULL,
    announced_at INTEGER,
    cancelled_at INTEGER,
    sequence INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 1,
    CHECK (ends_at > starts_at)
) STRICT;
CREATE INDEX windows_start ON windows (starts_at);

CREATE TABLE announcements (
    id INTEGER PRIMARY KEY,
    window_id INTEGER NOT NULL REFERENCES windows (id),
    kind TEXT NOT NULL CHECK (kind IN ('announced', 'moved', 'changed', 'cancelled')),
    sequence INTEGER NOT NULL,
    title TEXT NOT NULL,
    audience TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    zone TEXT NOT NULL,
    is_public INTEGER NOT NULL CHECK (is_public IN (0, 1)),
    announced_by INTEGER REFERENCES people (id),
    announced_at INTEGER NOT NULL
) STRICT;
CREATE INDEX announcements_window ON announcements (window_id);

-- Releases ----------------------------------------------------------------------------------

CREATE TABLE releases (
    number INTEGER PRIMARY KEY,
    service_id INTEGER NOT NULL REFERENCES services (id),
    environment_id INTEGER NOT NULL REFERENCES environments (id),
    image_id INTEGER NOT NULL REFERENCES images (id),
    requested_by INTEGER NOT NULL REFERENCES people (id),
    token_id INTEGER REFERENCES tokens (id),
    requested_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    ended TEXT CHECK (ended IN ('rejected', 'withdrawn')),
    ended_by INTEGER REFERENCES people (id),
    ended_at INTEGER,
    ended_reason TEXT,
    CHECK ((ended IS NULL) = (ended_at IS NULL))
) STRICT;
CREATE INDEX releases_place ON releases (service_id, environment_id, number);
CREATE INDEX releases_image ON releases (image_id);

CREATE TABLE revisions (
    release_number INTEGER NOT NULL REFERENCES releases (number),
    revision INTEGER NOT NULL,
    reason TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    start_mode TEXT NOT NULL CHECK (start_mode IN ('by_hand', 'at_opening', 'when_signed')),
    window_id INTEGER REFERENCES windows (id),
    window_starts_at INTEGER,
    window_ends_at INTEGER,
    window_zone TEXT,
    policy_version INTEGER NOT NULL,
    note TEXT NOT NULL,
    plan TEXT,
    content TEXT,
    content_hash TEXT,
    planned_at INTEGER,
    plan_error TEXT,
    plan_attempts INTEGER NOT NULL DEFAULT 0,
    plan_due_at INTEGER,
    PRIMARY KEY (release_number, revision),
    CHECK ((window_id IS NULL) = (window_starts_at IS NULL)),
    CHECK ((plan IS NULL) = (content_hash IS NULL)),
    CHECK ((plan IS NULL) <> (plan_due_at IS NULL))
) STRICT;
CREATE INDEX revisions_window ON revisions (window_id);
CREATE INDEX revisions_due ON revisions (plan_due_at) WHERE plan_due_at IS NOT NULL;

CREATE TABLE decisions (
    id INTEGER PRIMARY KEY,
    release_number INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    person_id INTEGER NOT NULL REFERENCES people (id),
    kind TEXT NOT NULL CHECK (kind IN ('signoff', 'rejection')),
    content_hash TEXT NOT NULL,
    comment TEXT NOT NULL,
    groups TEXT NOT NULL,
    method TEXT NOT NULL,
    decided_at INTEGER NOT NULL,
    FOREIGN KEY (release_number, revision) REFERENCES revisions (release_number, revision)
) STRICT;
CREATE INDEX decisions_release ON decisions (release_number);

-- Deployments -------------------------------------------------------------------------------

CREATE TABLE deployments (
    id INTEGER PRIMARY KEY,
    release_number INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('forward', 'rollback')),
    undoes INTEGER REFERENCES deployments (id),
    cluster_id INTEGER NOT NULL REFERENCES clusters (id),
    started_by INTEGER REFERENCES people (id),
    started_at INTEGER NOT NULL,
    basis TEXT NOT NULL,
    plan TEXT NOT NULL,
    deadline_seconds INTEGER,
    watch_seconds INTEGER NOT NULL,
    lease_holder TEXT,
    lease_epoch INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER,
    cancel_by INTEGER REFERENCES people (id),
    cancel_at INTEGER,
    verdict TEXT CHECK (verdict IN ('succeeded', 'failed', 'cancelled', 'needs_attention')),
    outcome TEXT,
    drifted INTEGER NOT NULL DEFAULT 0 CHECK (drifted IN (0, 1)),
    -- Whether the cluster may hold something else than before; known at the end.
    touched INTEGER NOT NULL DEFAULT 1 CHECK (touched IN (0, 1)),
    ended_at INTEGER,
    FOREIGN KEY (release_number, revision) REFERENCES revisions (release_number, revision),
    CHECK ((verdict IS NULL) = (ended_at IS NULL)),
    CHECK ((verdict IS NULL) = (outcome IS NULL)),
    CHECK ((direction = 'rollback') = (undoes IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX deployments_once ON deployments (release_number, revision) WHERE direction = 'forward';
CREATE INDEX deployments_release ON deployments (release_number);
CREATE INDEX deployments_running ON deployments (lease_until) WHERE verdict IS NULL;

CREATE TABLE target_locks (
    target_id INTEGER PRIMARY KEY REFERENCES targets (id),
    deployment_id INTEGER NOT NULL REFERENCES deployments (id)
) STRICT;
CREATE INDEX target_locks_deployment ON target_locks (deployment_id);

CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    deployment_id INTEGER NOT NULL REFERENCES deployments (id),
    epoch INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event TEXT NOT NULL
) STRICT;
CREATE INDEX journal_deployment ON journal (deployment_id, id);

-- Audit -------------------------------------------------------------------------------------

CREATE TABLE audit_entries (
    position INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    person_id INTEGER REFERENCES people (id),
    verb TEXT NOT NULL,
    subject TEXT NOT NULL,
    release_number INTEGER,
    leaf TEXT NOT NULL,
    leaf_hash BLOB NOT NULL
) STRICT;
CREATE INDEX audit_entries_release ON audit_entries (release_number, position) WHERE release_number IS NOT NULL;
CREATE INDEX audit_entries_subject ON audit_entries (subject, position);

CREATE TABLE audit_tree (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    size INTEGER NOT NULL,
    frontier BLOB NOT NULL
) STRICT;

INSERT INTO audit_tree (id, size, frontier) VALUES (1, 0, x'');

-- What may only grow -------------------------------------------------------------------------

CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries BEGIN SELECT raise(ABORT, 'append-only'); END;
CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries BEGIN SELECT raise(ABORT, 'append-only'); END;
CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions BEGIN SELECT raise(ABORT, 'append-only'); END;
CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions BEGIN SELECT raise(ABORT, 'append-only'); END;
CREATE TRIGGER evidence_no_update BEFORE UPDATE ON evidence BEGIN SELECT raise(ABORT, 'append-only'); END;
CREATE TRIGGER evidence_no_delete BEFORE DELETE ON evidence BEGIN SELECT raise(ABORT, 'append-only'); END;
CREATE TRIGGER policies_no_update BEFORE UPDATE ON policies BEGIN SELECT raise(ABORT, 'append-only'); END;
CREATE TRIGGER policies_no_delete BEFORE DELETE ON policies BEGIN SELECT raise(ABORT, 'append-only'); END;
CREATE TRIGGER announcements_no_update BEFORE UPDATE ON announcements BEGIN SELECT raise(ABORT, 'append-only'); END;
CREATE TRIGGER announcements_no_delete BEFORE DELETE ON announcements BEGIN SELECT raise(ABORT, 'append-only'); END;
