//! Clusters: whether each answers, what its credential may do there, and what is on it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use chrono::TimeDelta;

use super::managed::{Asked, Field, Listing, Wanted, beside, managed};
use super::targets::asked_again;
use super::{Page, asks_password, see_other};
use crate::domain::cluster::{CredentialMethod, Probe, ProbeReport, Right};
use crate::domain::name::Slug;
use crate::domain::person::Access;
use crate::domain::refusal::Refusal;
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::http::Doors;
use crate::http::body::Query;
use crate::http::error::Failed;
use crate::http::form::{Form, Submit};
use crate::http::guard::{Visitor, Who};
use crate::http::shell::{Badge, Shell, page};
use crate::protocol::ClusterSpec;
use crate::store::cluster::{Cluster, Credential, CredentialState};
use crate::store::environment::Environment;
use crate::store::release::Concerned;
use crate::store::view::settings;
use crate::store::{self, Conn, Stored};
use crate::text;
use crate::workflow::cluster;

/// Before its end, a credential is warned about for so long.
const WARN: TimeDelta = TimeDelta::days(14);

/// How it stands with a cluster, in a word and a sentence.
pub struct Health {
    /// The word.
    pub badge: Badge,
    /// The sentence, where the word is not enough.
    pub why: Option<Text>,
}

impl Health {
    /// How it stands with a cluster, or with none.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn of(conn: &mut Conn, shell: &Shell, cluster: Option<&Cluster>) -> Result<Self, store::Error> {
        let said = |tone, word: &str, why| Self { badge: Badge { word: shell.t(word), tone }, why };
        let Some(cluster) = cluster else { return Ok(said("wait", "health-no-cluster", None)) };
        if cluster.archived_at.is_some() {
            return Ok(said("stop", "archived", None));
        }
        let Some(credential) = store::cluster::credential(conn, cluster.id, CredentialState::Confirmed).await? else {
            let waits = store::cluster::credential(conn, cluster.id, CredentialState::Unverified).await?.is_some();
            return Ok(said("wait", if waits { "health-unconfirmed" } else { "health-no-credential" }, None));
        };
        let now = shell.reader.now;
        let expires = credential.facts.0.expires_at;
        if let Some(at) = expires.filter(|at| *at <= now) {
            return Ok(said("stop", "health-expired", Some(text!("credential-expired", at = at))));
        }
        if let Some(since) = credential.unreachable_since {
            return Ok(said("stop", "health-unreachable", Some(text!("health-unreachable-since", at = since))));
        }
        let Some(Stored(Probe { outcome: Ok(report), .. })) = credential.probe else {
            return Ok(said("sea", "health-not-seen", None));
        };
        let missing = report.missing().count();
        if missing > 0 {
            return Ok(said("wait", "health-rights", Some(text!("health-rights-missing", count = missing))));
        }
        match expires.filter(|at| *at <= now.plus(WARN)) {
            Some(at) => Ok(said("wait", "health-expires", Some(text!("credential-expires", at = at)))),
            None => Ok(said("go", "health-reachable", None)),
        }
    }
}

#[derive(Template)]
#[template(path = "pages/clusters/clusters.html")]
struct ClustersPage {
    shell: Shell,
    list: Listing,
    lines: Vec<(Cluster, Health, Vec<String>)>,
}

#[derive(Template)]
#[template(path = "pages/clusters/cluster.html")]
struct ClusterPage {
    shell: Shell,
    form: Form,
    cluster: Cluster,
    health: Health,
    since: Option<Timestamp>,
    unverified: Option<Card>,
    confirmed: Option<Card>,
    another: bool,
    again: Option<Text>,
    places: Vec<(Environment, usize)>,
    may_edit: bool,
    asks_password: bool,
    refresh: bool,
}

/// A credential with what was seen with it.
struct Card {
    credential: Credential,
    handed_in_by: Option<String>,
    confirmed_by: Option<String>,
    method: Text,
    expires: Text,
    tone: &'static str,
    seen: Option<Seen>,
}

/// What the runner saw.
struct Seen {
    at: Timestamp,
    outcome: Result<Report, Text>,
}

/// A cluster that answered.
struct Report {
    version: Text,
    latency: Text,
    identity: Option<String>,
    rights: Vec<RightLine>,
    missing: usize,
    too_wide: Vec<Text>,
    managers: Vec<Text>,
}

/// One object, with the verbs that are needed on it.
struct RightLine {
    what: Text,
    object: String,
    namespace: String,
    verbs: Vec<String>,
    allowed: bool,
}

impl Card {
    async fn of(conn: &mut Conn, now: Timestamp, credential: Credential) -> Result<Self, store::Error> {
        let (handed_in_by, confirmed_by) = settings::credential_by(conn, credential.id).await?;
        let facts = &credential.facts.0;
        let (expires, tone) = match facts.expires_at {
            None => (text!("credential-no-end"), "plain"),
            Some(at) if at <= now => (text!("credential-expired", at = at), "stop"),
            Some(at) if at <= now.plus(WARN) => (text!("credential-expires", at = at), "wait"),
            Some(at) => (text!("credential-until", at = at), "go"),
        };
        Ok(Self {
            handed_in_by: handed_in_by.map(|name| name.to_string()),
            confirmed_by: confirmed_by.map(|name| name.to_string()),
            method: match facts.method {
                CredentialMethod::Token => text!("credential-token"),
                CredentialMethod::Certificate => text!("credential-certificate"),
            },
            expires,
            tone,
            seen: credential.probe.as_ref().map(|Stored(probe)| Seen::of(probe)),
            credential,
        })
    }

    /// Whether the cluster was seen with it, so that it can be used.
    fn usable(&self) -> bool {
        self.seen.as_ref().is_some_and(|seen| seen.outcome.is_ok())
    }
}

impl Seen {
    fn of(probe: &Probe) -> Self {
        Self { at: probe.at, outcome: probe.outcome.as_ref().map(Report::of).map_err(Clone::clone) }
    }
}

impl Report {
    fn of(report: &ProbeReport) -> Self {
        let managed = |one: &crate::domain::cluster::Manager| {
            text!("cluster-managed", tool = one.tool.as_str(), workload = one.workload.to_string())
        };
        Self {
            version: text!("cluster-kubernetes", version = report.version.as_str()),
            latency: text!("length-milliseconds", milliseconds = report.latency_ms),
            identity: report.identity.clone(),
            rights: rights(&report.rights),
            missing: report.missing().count(),
            too_wide: report.too_wide.clone(),
            managers: report.managers.iter().map(managed).collect(),
        }
    }
}

/// Rights on the same object in one line, those that are missing first.
fn rights(all: &[Right]) -> Vec<RightLine> {
    let mut lines: Vec<RightLine> = Vec::new();
    for right in all {
        let object = match &right.name {
            Some(name) => format!("{}/{name}", right.resource),
            None => right.resource.clone(),
        };
        let what = match (right.resource.as_str(), &right.name) {
            ("deployments.apps", Some(_)) => text!("right-target"),
            ("deployments.apps", None) => text!("right-targets"),
            ("replicasets.apps", _) => text!("right-replicasets"),
            ("pods", _) => text!("right-pods"),
            ("events", _) => text!("right-events"),
            (other, _) => text!("names", names = other),
        };
        let same = |line: &&mut RightLine| {
            (&line.namespace, &line.object, line.allowed) == (&right.namespace, &object, right.allowed)
        };
        match lines.iter_mut().find(same) {
            Some(line) => line.verbs.push(right.verb.clone()),
            None => lines.push(RightLine {
                what,
                object,
                namespace: right.namespace.clone(),
                verbs: vec![right.verb.clone()],
                allowed: right.allowed,
            }),
        }
    }
    lines.sort_by_key(|line| line.allowed);
    lines
}

/// Lists clusters.
pub async fn list_all(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, wanted: Query<Wanted>) -> Page {
    visitor.0.access.look_somewhere()?;
    let shell = Shell::of(&doors, &visitor.0, &request, "settings").await?;
    let mut conn = doors.workflow.store().read().await?;
    let archived = wanted.0.part().archived;
    let mut rows = store::cluster::list(&mut conn).await?;
    rows.retain(|row| row.archived_at.is_some() == archived);
    let mut lines = Vec::new();
    for row in rows {
        let health = Health::of(&mut conn, &shell, Some(&row)).await?;
        let places = places(&mut conn, &visitor.0.access, &row).await?;
        lines.push((row, health, places.into_iter().map(|(place, _)| place.title.to_string()).collect()));
    }
    let list = Listing::whole("/clusters", archived);
    Ok(page(&ClustersPage { shell, list, lines }, StatusCode::OK)?)
}

/// Environments on a cluster that one may look at, each with how many targets.
async fn places(
    conn: &mut Conn,
    access: &Access,
    cluster: &Cluster,
) -> Result<Vec<(Environment, usize)>, store::Error> {
    let mut places = Vec::new();
    for environment in store::environment::list(conn).await? {
        let here = environment.cluster_id == Some(cluster.id) && environment.archived_at.is_none();
        if here && access.may_look(environment.id) {
            let targets = store::service::targets_in(conn, environment.id).await?.len();
            places.push((environment, targets));
        }
    }
    Ok(places)
}

/// The cluster of a name, for whoever may look.
pub(super) async fn known(conn: &mut Conn, access: &Access, name: &str) -> Result<Cluster, Failed> {
    access.look_somewhere()?;
    let slug = Slug::parse(name).map_err(|_| Refusal::absent())?;
    Ok(store::cluster::by_slug(conn, &slug).await?.ok_or_else(Refusal::absent)?)
}

/// Shows a cluster.
pub async fn show(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, name: web::Path<String>) -> Page {
    shown(&doors, &request, &visitor.0, &name, Form::default(), StatusCode::OK).await
}

pub(super) async fn shown(
    doors: &Doors,
    request: &HttpRequest,
    who: &Who,
    name: &str,
    form: Form,
    status: StatusCode,
) -> Page {
    let shell = Shell::of(doors, who, request, "settings").await?;
    let mut conn = doors.workflow.store().read().await?;
    let cluster = known(&mut conn, &who.access, name).await?;
    let health = Health::of(&mut conn, &shell, Some(&cluster)).await?;
    let (confirmed, unverified) = (CredentialState::Confirmed, CredentialState::Unverified);
    let mut confirmed = card(&mut conn, &shell, &cluster, confirmed).await?;
    let mut unverified = card(&mut conn, &shell, &cluster, unverified).await?;
    // What a credential reaches names the workloads of every environment.
    if !who.access.looks_everywhere() {
        for seen in [&mut confirmed, &mut unverified].into_iter().flatten().flat_map(|card| &mut card.seen) {
            if let Ok(report) = &mut seen.outcome {
                report.rights.clear();
                report.too_wide.clear();
                report.managers.clear();
            }
        }
    }
    let another = unverified
        .as_ref()
        .zip(confirmed.as_ref())
        .is_some_and(|(new, present)| new.credential.fingerprint != present.credential.fingerprint);
    let places = places(&mut conn, &who.access, &cluster).await?;
    let mut again = None;
    for (place, _) in places.iter().filter(|_| another) {
        let concerned = Concerned { environment: Some(place.id), ..Concerned::default() };
        again = again.or(asked_again(&mut conn, concerned).await?);
    }
    let looking = |card: &Option<Card>| card.as_ref().is_some_and(|card| card.seen.is_none());
    let shown = ClusterPage {
        since: settings::reachable_since(&mut conn, cluster.id).await?,
        refresh: looking(&unverified) || looking(&confirmed) || shell.says("notice-looking"),
        may_edit: who.access.administer().is_ok(),
        asks_password: asks_password(doors, who),
        shell,
        form,
        cluster,
        health,
        unverified,
        confirmed,
        another,
        again,
        places,
    };
    Ok(page(&shown, status)?)
}

async fn card(
    conn: &mut Conn,
    shell: &Shell,
    cluster: &Cluster,
    state: CredentialState,
) -> Result<Option<Card>, store::Error> {
    match store::cluster::credential(conn, cluster.id, state).await? {
        Some(credential) => Ok(Some(Card::of(conn, shell.reader.now, credential).await?)),
        None => Ok(None),
    }
}

/// Asks the runner for a look now.
pub async fn look(doors: web::Data<Doors>, request: HttpRequest, submit: Submit, name: web::Path<String>) -> Page {
    let (Submit { who, form }, given) = (submit, name.clone());
    let act = doors.workflow.act(who.caller.clone(), move |v| Box::pin(async move { cluster::look(v, &given).await }));
    match act.await {
        Ok(()) => Ok(see_other(&format!("/clusters/{name}?done=looking"))),
        Err(error) => {
            let (refused, status) = beside(error)?;
            shown(&doors, &request, &who, &name, form.refused(&refused, &[]), status).await
        }
    }
}

#[derive(Template)]
#[template(path = "pages/clusters/edit.html")]
struct EditPage {
    shell: Shell,
    asked: Asked,
}

const INPUTS: &[&str] = &["name", "title"];
const FIELDS: &[Field] = &[("title", &["title"])];

fn spec(name: String, form: &Form) -> Result<ClusterSpec, Refusal> {
    Ok(ClusterSpec { name, title: form.value("title").to_owned() })
}

async fn stored(conn: &mut Conn, access: &Access, name: &str) -> Result<(String, Form), Failed> {
    let row = known(conn, access, name).await?;
    let form = Form::with([("version", row.version.to_string()), ("title", row.title.to_string())]);
    Ok((format!("cluster:{}", row.id), form))
}

async fn form_page(doors: &Doors, request: &HttpRequest, who: &Who, asked: Asked, status: StatusCode) -> Page {
    who.access.administer()?;
    let shell = Shell::of(doors, who, request, "settings").await?;
    Ok(page(&EditPage { shell, asked }, status)?)
}

/// Shows the form for a new cluster.
pub async fn new(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor) -> Page {
    form_page(&doors, &request, &visitor.0, Asked::new(Form::default()), StatusCode::OK).await
}

managed!("/clusters", "name", cluster::put, cluster::archive);
