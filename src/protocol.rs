//! The words that portal, command line and CI exchange: what is sent to the API, in the same form
//! whether it comes as JSON, as YAML for `tidegate apply`, or from a form of a page. Values are
//! still as typed here; the verbs parse them, once, and say what is wrong with which.
//!
//! Version 1. Fields are only ever added; a field that is not known is refused, because a
//! misspelt one that is silently dropped would be worse.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonSpec {
    /// What they sign in with.
    pub login: String,
    /// What they are called.
    pub name: String,
    /// Where mail reaches them.
    #[serde(default)]
    pub email: Option<String>,
    /// IANA name of the zone they read times in; the portal's zone when absent.
    #[serde(default)]
    pub zone: Option<String>,
    /// E-mail addresses and logins their commits carry. Absent leaves them as they are.
    #[serde(default)]
    pub commit_identities: Option<Vec<String>>,
    /// What they may do. Absent leaves it as it is.
    #[serde(default)]
    pub roles: Option<Vec<RoleSpec>>,
}

/// A role, for one environment or for all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleSpec {
    /// `viewer`, `requester`, `operator` or `admin`.
    pub role: String,
    /// Name of the environment; all of them when absent.
    #[serde(default)]
    pub environment: Option<String>,
}

/// A group of people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupSpec {
    /// Short name.
    pub name: String,
    /// Title.
    pub title: String,
    /// Logins of its members. Absent leaves them as they are.
    #[serde(default)]
    pub members: Option<Vec<String>>,
    /// What its members may do. Absent leaves it as it is.
    #[serde(default)]
    pub roles: Option<Vec<RoleSpec>>,
}

/// A Kubernetes cluster. Its credential is handed in by a person, on its page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterSpec {
    /// Short name.
    pub name: String,
    /// Title.
    pub title: String,
}

/// An environment with its policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentSpec {
    /// Short name.
    pub name: String,
    /// Title.
    pub title: String,
    /// Place in the promotion order, lowest first.
    #[serde(default)]
    pub rank: i64,
    /// Name of the cluster it deploys to.
    #[serde(default)]
    pub cluster: Option<String>,
    /// Its rules. Absent leaves them as they are; a new environment then has none.
    #[serde(default)]
    pub policy: Option<PolicySpec>,
}

/// The rules of an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicySpec {
    /// Who has to agree; all of these. Nobody when empty.
    #[serde(default)]
    pub rules: Vec<RuleSpec>,
    /// `by_hand`, `at_opening`, `when_signed`; all three when absent.
    #[serde(default)]
    pub start_modes: Option<Vec<String>>,
    /// Whether who asked for a release may sign it.
    #[serde(default)]
    pub requester_may_sign: bool,
    /// Whether an author of the commits may sign it.
    #[serde(default)]
    pub author_may_sign: bool,
    /// `allow` or `block`; `block` when absent and there are rules.
    #[serde(default)]
    pub unknown_author: Option<String>,
    /// Hours for which a sign-off holds; 336 when absent.
    #[serde(default)]
    pub validity_hours: Option<i64>,
    /// Whether signing asks for a recent sign-in.
    #[serde(default)]
    pub fresh_signoff: bool,
    /// Seconds a rollout may take; the workload's own progress deadline and 60 when absent.
    #[serde(default)]
    pub deadline_seconds: Option<i64>,
    /// Seconds new pods have to serve without a restart; 10 when absent.
    #[serde(default)]
    pub watch_seconds: Option<i64>,
}

/// One sign-off rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// Name of the group.
    pub group: String,
    /// How many of its members.
    pub count: i64,
}

/// A service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceSpec {
    /// Short name.
    pub name: String,
    /// Title.
    pub title: String,
    /// Where its images come from: registry host and path.
    pub repository: String,
    /// Name of the group to ask about it.
    #[serde(default)]
    pub owner: Option<String>,
    /// Whether the public page may name it.
    #[serde(default)]
    pub public: bool,
    /// Its targets. Absent leaves them as they are; those not listed are archived.
    #[serde(default)]
    pub targets: Option<Vec<TargetSpec>>,
}

/// A workload of a service in an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetSpec {
    /// Name of the environment.
    pub environment: String,
    /// Kubernetes namespace.
    pub namespace: String,
    /// Kind of the workload: `Deployment`.
    #[serde(default = "deployment")]
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Containers that get the image.
    pub containers: Vec<String>,
}

fn deployment() -> String {
    "Deployment".to_owned()
}

/// A bearer token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenSpec {
    /// What it is for.
    pub title: String,
    /// Login of the person whose requests its requests are; whoever makes it, when absent.
    #[serde(default)]
    pub person: Option<String>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Days until it stops working, 1 to 366; 90 when absent.
    #[serde(default)]
    pub days: Option<i64>,
}

/// What can be changed of a token: what it is for, and less of what it may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenEdit {
    /// What it is for.
    pub title: String,
    /// What it may still do; nothing that it may not do now.
    pub scopes: Vec<String>,
}

/// One document of `tidegate apply`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind")]
pub enum Document {
    /// A person.
    Person(PersonSpec),
    /// A group.
    Group(GroupSpec),
    /// A cluster.
    Cluster(ClusterSpec),
    /// An environment.
    Environment(EnvironmentSpec),
    /// A service with its targets.
    Service(ServiceSpec),
    /// A token; made when its person has no valid one with the same title.
    Token(TokenSpec),
}

/// Most documents of one call: they share a transaction, and others wait for it.
pub const APPLY_MOST: usize = 1000;

/// What `tidegate apply` sends.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyRequest {
    /// Whether only the difference is wanted.
    #[serde(default)]
    pub dry_run: bool,
    /// What should be there.
    pub documents: Vec<Document>,
}

/// What `tidegate apply` gets back: one line a document, in the order sent.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ApplyAnswer {
    /// Whether nothing was changed because only the difference was wanted.
    pub dry_run: bool,
    /// What was, or would be, done.
    pub changes: Vec<Change>,
}

/// What one document changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// Kind of the document.
    pub kind: String,
    /// Name of the thing.
    pub name: String,
    /// `create`, `update` or `unchanged`.
    pub action: Action,
    /// The fields that differ.
    pub fields: Vec<FieldChange>,
    /// The secret of a token that was made; shown this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// What a change does to the thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It was not there.
    Create,
    /// It differed.
    Update,
    /// It was as wanted.
    Unchanged,
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldChange {
    /// Its name.
    pub field: String,
    /// What it was; null when it was not there.
    #[schema(value_type = Object)]
    pub before: serde_json::Value,
    /// What it is.
    #[schema(value_type = Object)]
    pub after: serde_json::Value,
}

/// An image that CI built.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageSpec {
    /// Registry host and path.
    pub repository: String,
    /// `sha256:` and 64 hex digits.
    #[serde(default)]
    pub digest: Option<String>,
    /// Tags it was pushed with.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The commit it was built from.
    #[serde(default)]
    pub commit: Option<String>,
    /// Author, committer and co-authors: e-mail addresses, logins, or `Name <address>`.
    #[serde(default)]
    pub authors: Vec<String>,
    /// Branch it was built from.
    #[serde(default)]
    pub branch: Option<String>,
    /// Link to the CI run.
    #[serde(default)]
    pub run_url: Option<String>,
    /// Test results.
    #[serde(default)]
    pub tests: Option<TestsSpec>,
    /// When it was built, RFC 3339.
    #[serde(default)]
    pub built_at: Option<String>,
}

/// Counts of a test run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestsSpec {
    /// Tests that passed.
    pub passed: i64,
    /// Tests that failed.
    #[serde(default)]
    pub failed: i64,
    /// Tests that did not run.
    #[serde(default)]
    pub skipped: i64,
}

/// A release that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseSpec {
    /// Name of the service.
    pub service: String,
    /// Name of the environment.
    pub environment: String,
    /// The image: its id, its digest, or `repository@digest`.
    #[schema(value_type = String)]
    pub image: serde_json::Value,
    /// How and when it starts.
    pub start: StartSpec,
    /// What signers should know.
    #[serde(default)]
    pub note: String,
}

/// How and when a release starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartSpec {
    /// `by_hand`, `at_opening` or `when_signed`.
    pub mode: String,
    /// Id of the window.
    #[serde(default)]
    pub window: Option<i64>,
}

/// What can be changed of a release that waits; each change voids its sign-offs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviseSpec {
    /// How and when it starts; as it was when absent.
    #[serde(default)]
    pub start: Option<StartSpec>,
    /// What signers should know; as it was when absent.
    #[serde(default)]
    pub note: Option<String>,
}

/// A decision on a release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionSpec {
    /// The content hash that was on the screen.
    pub content_hash: String,
    /// Why; needed for a rejection.
    #[serde(default)]
    pub comment: String,
}

/// A reason, for what asks for one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReasonSpec {
    /// The reason.
    pub reason: String,
}

/// A rollback that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RollbackSpec {
    /// Said once more where only a tag of what ran before is known.
    pub accept_tag: bool,
}

/// A window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowSpec {
    /// Title.
    pub title: String,
    /// When it opens: RFC 3339, or a wall-clock time in the zone.
    pub starts_at: String,
    /// When it closes, likewise.
    pub ends_at: String,
    /// IANA name of the zone it is planned in; the portal's zone when absent.
    #[serde(default)]
    pub zone: Option<String>,
    /// What people who are affected should know.
    #[serde(default)]
    pub audience: String,
    /// Whether the public page shows it.
    #[serde(default)]
    pub public: bool,
}

/// Where in a document something was found, as a JSON pointer (RFC 6901).
pub fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path.iter() {
        match segment {
            serde_path_to_error::Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            serde_path_to_error::Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            _ => {}
        }
    }
    pointer
}
