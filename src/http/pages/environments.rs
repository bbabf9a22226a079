//! Environments: each with its policy in sentences, its cluster, and what is open there.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;

use super::Page;
use super::board::Titles;
use super::clusters::Health;
use super::managed::{Asked, Field, Listing, Wanted, managed};
use super::releases::Line;
use super::targets::asked_again;
use crate::domain::environment::{Policy, StartMode, UnknownAuthor};
use crate::domain::name::Slug;
use crate::domain::person::Access;
use crate::domain::refusal::{Check, Refusal};
use crate::domain::text::Text;
use crate::http::Doors;
use crate::http::body::Query;
use crate::http::error::Failed;
use crate::http::form::Form;
use crate::http::guard::{Visitor, Who};
use crate::http::shell::{Shell, page};
use crate::http::when;
use crate::protocol::{EnvironmentSpec, PolicySpec, RuleSpec};
use crate::store::environment::Environment;
use crate::store::release::Concerned;
use crate::store::service::{Service, Target};
use crate::store::view::releases;
use crate::store::{self, Conn};
use crate::text;
use crate::workflow::environment;

#[derive(Template)]
#[template(path = "pages/environments/environments.html")]
struct EnvironmentsPage {
    shell: Shell,
    list: Listing,
    lines: Vec<EnvironmentLine>,
}

/// An environment in a list.
struct EnvironmentLine {
    row: Environment,
    rules: Vec<Text>,
    cluster: Option<store::cluster::Cluster>,
    health: Health,
}

#[derive(Template)]
#[template(path = "pages/environments/environment.html")]
struct EnvironmentPage {
    shell: Shell,
    form: Form,
    environment: Environment,
    rules: Vec<Rule>,
    policy: Vec<Text>,
    cluster: Option<store::cluster::Cluster>,
    health: Health,
    open: Vec<Line>,
    targets: Vec<(Service, Target)>,
    may_edit: bool,
}

/// One sign-off rule with the people who could meet it.
struct Rule {
    group: store::group::Group,
    text: Text,
    short: Option<Text>,
}

#[derive(Template)]
#[template(path = "pages/environments/edit.html")]
struct EditPage {
    shell: Shell,
    asked: Asked,
    rows: Vec<RuleRow>,
    groups: Vec<(String, String)>,
    clusters: Vec<(String, String)>,
    modes: Vec<(StartMode, Text)>,
    again: Option<Text>,
}

/// A rule as it is typed.
struct RuleRow {
    group: String,
    count: String,
    wrong: Vec<Text>,
}

/// How long, in the largest unit in which it is a whole number.
fn exactly(seconds: u32) -> Text {
    let seconds = i64::from(seconds);
    match seconds {
        _ if seconds >= 172_800 && seconds % 86_400 == 0 => text!("length-days", days = seconds / 86_400),
        _ if seconds >= 7_200 && seconds % 3_600 == 0 => {
            text!("length-hours", hours = seconds / 3_600, minutes = 0_i64)
        }
        _ if seconds >= 120 && seconds % 60 == 0 => text!("length-minutes", minutes = seconds / 60),
        _ => text!("length-seconds", seconds = seconds),
    }
}

/// A policy's rules besides who has to agree, in sentences.
fn sentences(shell: &Shell, policy: &Policy) -> Vec<Text> {
    let mut said = Vec::new();
    if !policy.rules.is_empty() {
        said.push(match (policy.requester_may_sign, policy.author_may_sign) {
            (false, false) => text!("policy-neither-signs"),
            (true, false) => text!("policy-requester-signs"),
            (false, true) => text!("policy-author-signs"),
            (true, true) => text!("policy-both-sign"),
        });
        said.push(text!("policy-validity", length = exactly(policy.validity_hours.saturating_mul(3_600))));
        if policy.fresh_signoff {
            said.push(text!("policy-fresh", length = when::length(crate::workflow::FRESH.num_seconds())));
        }
    }
    said.push(match policy.unknown_author {
        UnknownAuthor::Allow => text!("policy-unknown-allow"),
        UnknownAuthor::Block => text!("policy-unknown-block"),
    });
    let modes: Vec<String> = policy.start_modes.iter().map(|mode| shell.start_mode(mode)).collect();
    said.push(text!("policy-starts", count = modes.len(), modes = modes.join("; ")));
    said.push(match policy.deadline_seconds {
        Some(seconds) => text!("policy-deadline", length = exactly(seconds)),
        None => text!("policy-deadline-own"),
    });
    said.push(match policy.watch_seconds {
        0 => text!("policy-watch-none"),
        seconds => text!("policy-watch", length = exactly(seconds)),
    });
    said
}

async fn rules(conn: &mut Conn, policy: &Policy) -> Result<Vec<Rule>, store::Error> {
    let mut rules = Vec::new();
    for rule in &policy.rules {
        let Some(group) = store::group::by_id(conn, rule.group).await? else { continue };
        let members = store::view::settings::members(conn, group.id).await?;
        let active = members.iter().filter(|member| member.deactivated_at.is_none()).count();
        let short = (active < rule.count as usize).then(|| text!("policy-rule-short", count = active));
        let text = text!("policy-rule", count = rule.count, group = group.title.as_str());
        rules.push(Rule { group, text, short });
    }
    Ok(rules)
}

async fn cluster_of(
    conn: &mut Conn,
    shell: &Shell,
    environment: &Environment,
) -> Result<(Option<store::cluster::Cluster>, Health), store::Error> {
    let cluster = match environment.cluster_id {
        Some(id) => store::cluster::by_id(conn, id).await?,
        None => None,
    };
    let health = Health::of(conn, shell, cluster.as_ref()).await?;
    Ok((cluster, health))
}

/// Lists environments in promotion order.
pub async fn list_all(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, wanted: Query<Wanted>) -> Page {
    let access = &visitor.0.access;
    access.look_somewhere()?;
    let shell = Shell::of(&doors, &visitor.0, &request, "settings").await?;
    let mut conn = doors.workflow.store().read().await?;
    let mut rows = store::environment::list(&mut conn).await?;
    let archived = wanted.0.part().archived;
    rows.retain(|row| access.may_look(row.id) && row.archived_at.is_some() == archived);
    let mut lines = Vec::new();
    for row in rows {
        let policy = store::environment::policy(&mut conn, row.id, row.policy_version).await?;
        let rules = rules(&mut conn, &policy).await?.into_iter().map(|rule| rule.text).collect();
        let (cluster, health) = cluster_of(&mut conn, &shell, &row).await?;
        lines.push(EnvironmentLine { row, rules, cluster, health });
    }
    let list = Listing::whole("/environments", archived);
    Ok(page(&EnvironmentsPage { shell, list, lines }, StatusCode::OK)?)
}

async fn known(conn: &mut Conn, access: &Access, name: &str) -> Result<Environment, Failed> {
    let slug = Slug::parse(name).map_err(|_| Refusal::absent())?;
    let environment = store::environment::by_slug(conn, &slug).await?.ok_or_else(Refusal::absent)?;
    access.look(environment.id)?;
    Ok(environment)
}

/// Shows an environment.
pub async fn show(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, name: web::Path<String>) -> Page {
    shown(&doors, &request, &visitor.0, &name, Form::default(), StatusCode::OK).await
}

async fn shown(doors: &Doors, request: &HttpRequest, who: &Who, name: &str, form: Form, status: StatusCode) -> Page {
    let shell = Shell::of(doors, who, request, "settings").await?;
    let mut conn = doors.workflow.store().read().await?;
    let environment = known(&mut conn, &who.access, name).await?;
    let policy = store::environment::policy(&mut conn, environment.id, environment.policy_version).await?;
    let (cluster, health) = cluster_of(&mut conn, &shell, &environment).await?;
    let titles = Titles::load(&mut conn).await?;
    let filter = releases::Filter {
        open: Some(true),
        environment: Some(environment.id),
        limit: 20,
        ..releases::Filter::default()
    };
    let open = releases::list(&mut conn, &who.access, &filter, shell.reader.now).await?;
    let mut targets = Vec::new();
    for target in store::service::targets_in(&mut conn, environment.id).await? {
        if let Some(service) = store::service::by_id(&mut conn, target.service_id).await? {
            targets.push((service, target));
        }
    }
    targets.sort_by(|one, other| (&one.0.title, one.1.id).cmp(&(&other.0.title, other.1.id)));
    let shown = EnvironmentPage {
        rules: rules(&mut conn, &policy).await?,
        policy: sentences(&shell, &policy),
        open: open.into_iter().map(|line| Line::of(&shell, line, &titles)).collect(),
        may_edit: who.access.administer_environment(environment.id).is_ok(),
        shell,
        form,
        environment,
        cluster,
        health,
        targets,
    };
    Ok(page(&shown, status)?)
}

const INPUTS: &[&str] = &[
    "name",
    "title",
    "rank",
    "cluster",
    "rules",
    "start_modes",
    "unknown_author",
    "validity_hours",
    "deadline_seconds",
    "watch_seconds",
];
const FIELDS: &[Field] = &[
    ("title", &["title"]),
    ("environment-rank", &["rank"]),
    ("cluster", &["cluster"]),
    ("policy-rules", &["rule_group", "rule_count"]),
    ("policy-requester-may", &["requester_may_sign"]),
    ("policy-author-may", &["author_may_sign"]),
    ("policy-unknown", &["unknown_author"]),
    ("policy-validity-hours", &["validity_hours"]),
    ("policy-fresh-tick", &["fresh_signoff"]),
    ("policy-start-modes", &["start_modes"]),
    ("policy-deadline-seconds", &["deadline_seconds"]),
    ("policy-watch-seconds", &["watch_seconds"]),
];

fn number(check: &mut Check, form: &Form, name: &'static str, pointer: &'static str) -> Option<i64> {
    match form.number(name) {
        Ok(number) => number,
        Err(refusal) => {
            for field in refusal.fields {
                check.complain(pointer, field.text);
            }
            None
        }
    }
}

fn spec(name: String, form: &Form) -> Result<EnvironmentSpec, Refusal> {
    let mut check = Check::new();
    let mut rules = Vec::new();
    for (row, [group, count]) in form.rows(["rule_group", "rule_count"]).into_iter().enumerate() {
        match if count.is_empty() { Ok(1) } else { count.parse() } {
            Ok(count) => rules.push(RuleSpec { group, count }),
            Err(_) => check.complain(format!("/policy/rules/{row}/count"), text!("number-not-a-number")),
        }
    }
    let policy = PolicySpec {
        rules,
        start_modes: Some(form.all("start_modes").map(str::to_owned).collect()),
        requester_may_sign: form.ticked("requester_may_sign"),
        author_may_sign: form.ticked("author_may_sign"),
        unknown_author: form.text("unknown_author"),
        validity_hours: number(&mut check, form, "validity_hours", "/policy/validity_hours"),
        fresh_signoff: form.ticked("fresh_signoff"),
        deadline_seconds: number(&mut check, form, "deadline_seconds", "/policy/deadline_seconds"),
        watch_seconds: number(&mut check, form, "watch_seconds", "/policy/watch_seconds"),
    };
    let rank = number(&mut check, form, "rank", "/rank").unwrap_or(0);
    check.done()?;
    let title = form.value("title").to_owned();
    Ok(EnvironmentSpec { name, title, rank, cluster: form.text("cluster"), policy: Some(policy) })
}

fn filled(spec: EnvironmentSpec) -> Form {
    let policy = spec.policy.unwrap_or_default();
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    let mut form = Form::with([
        ("title", spec.title),
        ("rank", spec.rank.to_string()),
        ("cluster", spec.cluster.unwrap_or_default()),
        ("unknown_author", policy.unknown_author.unwrap_or_default()),
        ("validity_hours", number(policy.validity_hours)),
        ("deadline_seconds", number(policy.deadline_seconds)),
        ("watch_seconds", number(policy.watch_seconds)),
    ]);
    for rule in policy.rules {
        form.add("rule_group", rule.group);
        form.add("rule_count", rule.count.to_string());
    }
    for mode in policy.start_modes.unwrap_or_default() {
        form.add("start_modes", mode);
    }
    let ticks = [
        ("requester_may_sign", policy.requester_may_sign),
        ("author_may_sign", policy.author_may_sign),
        ("fresh_signoff", policy.fresh_signoff),
    ];
    for (name, _) in ticks.into_iter().filter(|(_, ticked)| *ticked) {
        form.set(name, "on");
    }
    form
}

async fn stored(conn: &mut Conn, access: &Access, name: &str) -> Result<(String, Form), Failed> {
    let row = known(conn, access, name).await?;
    access.administer_environment(row.id)?;
    let mut form = filled(environment::spec(conn, row.id).await?);
    form.set("version", row.version.to_string());
    Ok((format!("environment:{}", row.id), form))
}

/// The rules as typed, and two rows for more.
fn rule_rows(form: &Form) -> Vec<RuleRow> {
    let wrong = |row: usize, part: &str| form.complaint(&format!("/policy/rules/{row}/{part}")).cloned();
    let typed = form.rows(["rule_group", "rule_count"]).into_iter().enumerate();
    let mut rows: Vec<RuleRow> = typed
        .map(|(row, [group, count])| {
            let wrong = [wrong(row, "group"), wrong(row, "count")].into_iter().flatten().collect();
            RuleRow { group, count, wrong }
        })
        .collect();
    rows.extend((0..2).map(|_| RuleRow { group: String::new(), count: "1".to_owned(), wrong: Vec::new() }));
    rows
}

async fn form_page(doors: &Doors, request: &HttpRequest, who: &Who, asked: Asked, status: StatusCode) -> Page {
    let shell = Shell::of(doors, who, request, "settings").await?;
    let mut conn = doors.workflow.store().read().await?;
    let mut again = None;
    match &asked.name {
        None => who.access.administer()?,
        Some(name) => {
            let environment = known(&mut conn, &who.access, name).await?;
            who.access.administer_environment(environment.id)?;
            let concerned = Concerned { environment: Some(environment.id), ..Concerned::default() };
            again = asked_again(&mut conn, concerned).await?;
        }
    }
    let mut groups = store::group::list(&mut conn).await?;
    groups.retain(|group| group.archived_at.is_none());
    let mut clusters = store::cluster::list(&mut conn).await?;
    clusters.retain(|cluster| cluster.archived_at.is_none() || asked.form.value("cluster") == cluster.slug.as_str());
    let none = (String::new(), shell.t("environment-no-cluster"));
    let named = |slug: &Slug, title: &crate::domain::name::Title| (slug.to_string(), title.to_string());
    let edit = EditPage {
        rows: rule_rows(&asked.form),
        groups: groups.iter().map(|group| named(&group.slug, &group.title)).collect(),
        clusters: std::iter::once(none).chain(clusters.iter().map(|one| named(&one.slug, &one.title))).collect(),
        modes: vec![
            (StartMode::ByHand, text!("policy-by-hand-why")),
            (StartMode::AtOpening, text!("policy-at-opening-why")),
            (StartMode::WhenSigned, text!("policy-when-signed-why")),
        ],
        again,
        shell,
        asked,
    };
    Ok(page(&edit, status)?)
}

/// Shows the form for a new environment, filled with the rules one starts with.
pub async fn new(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor) -> Page {
    let mut conn = doors.workflow.store().read().await?;
    let ranks = store::environment::list(&mut conn).await?.into_iter().map(|one| one.rank);
    let rank = ranks.max().map_or(10, |rank| (rank + 10).min(1000));
    drop(conn);
    let open = Policy::open();
    let policy = PolicySpec {
        start_modes: Some(open.start_modes.iter().map(ToString::to_string).collect()),
        unknown_author: Some(UnknownAuthor::Block.as_str().to_owned()),
        validity_hours: Some(i64::from(open.validity_hours)),
        watch_seconds: Some(i64::from(open.watch_seconds)),
        ..PolicySpec::default()
    };
    let form = filled(EnvironmentSpec { rank, policy: Some(policy), ..EnvironmentSpec::default() });
    form_page(&doors, &request, &visitor.0, Asked::new(form), StatusCode::OK).await
}

managed!("/environments", "name", environment::put, environment::archive);
