//! A release: what will change, who has to agree, why it is not going out yet, its story; and, once
//! it has started, the rollout as it happens.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::agreement::{Rule, Sign, Void, join_or, rules, sign, void};
use super::proposal::{Change, Evidence, changes, evidence};
use super::rollout::{self, Rollout};
use super::story::{self, Item, People};
use super::{Page, PageFailed, asks_password, freshen, refusal, see_other};
use crate::domain::clearance::{Cause, Clearance, Who as Supplier};
use crate::domain::id::ReleaseNumber;
use crate::domain::refusal::Refusal;
use crate::domain::release::State;
use crate::domain::signoff::Tally;
use crate::domain::text::Text;
use crate::domain::time::{Interval, Timestamp};
use crate::http::Doors;
use crate::http::api::release::parse;
use crate::http::error::Failed;
use crate::http::form::{Form, Submit};
use crate::http::guard::{Visitor, Who};
use crate::http::shell::{Badge, Shell, page};
use crate::http::when;
use crate::protocol::{DecisionSpec, RollbackSpec};
use crate::store::view::board::version;
use crate::store::view::gate::Gate;
use crate::store::{self, Conn, Stored};
use crate::text;
use crate::workflow::{deployment, release, signoff};

#[derive(Template)]
#[template(path = "pages/release/release.html")]
struct ReleasePage {
    shell: Shell,
    form: Form,
    gate: Gate,
    state: State,
    badge: Badge,
    version: String,
    requester: String,
    interval: Option<Interval>,
    changes: Vec<Change>,
    warnings: Vec<Text>,
    evidence: Evidence,
    story: Vec<Item>,
    sign: Sign,
    rules: Vec<Rule>,
    void: Vec<Void>,
    missing: Vec<Missing>,
    edits: Vec<Edit>,
    acts: Acts,
    rollouts: Vec<Rollout>,
    /// Whether more may still happen to it, which the page then follows.
    live: bool,
    /// Whether something happens by itself now: without scripts the page comes anew. A form that
    /// was refused stays, with what was typed.
    moves: bool,
    asks_password: bool,
}

impl ReleasePage {
    fn before(&self) -> &'static str {
        if self.state.is_open() { "runs-now" } else { "ran-before" }
    }
    fn after(&self) -> &'static str {
        if self.state.is_open() { "will-run" } else { "new-image" }
    }
}

struct Missing {
    tone: &'static str,
    text: Text,
    who: Option<Text>,
    /// When time alone supplies it: the page counts down.
    until: Option<Timestamp>,
}

struct Edit {
    at: Timestamp,
    text: Text,
}

/// What the reader can do now.
struct Acts {
    start: Option<Text>,
    cancel: bool,
    withdraw: bool,
    revise: bool,
    plan_again: bool,
    reject: bool,
    rollback: Option<Back>,
}

/// The way back.
struct Back {
    text: Text,
    tags: Option<Text>,
}

/// Shows it.
pub async fn show(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor, number: web::Path<String>) -> Page {
    shown(&doors, &request, &visitor.0, parse(&number)?, Form::default(), StatusCode::OK).await
}

async fn shown(
    doors: &Doors,
    request: &HttpRequest,
    who: &Who,
    number: ReleaseNumber,
    form: Form,
    status: StatusCode,
) -> Page {
    let shell = Shell::of(doors, who, request, "releases").await?;
    let now = shell.reader.now;
    let mut conn = doors.workflow.store().read().await?;
    let gate = Gate::load(&mut conn, number, now).await?.ok_or_else(Refusal::absent)?;
    who.access.look(gate.release.environment_id)?;
    let mut people = People::default();
    let tally = gate.signoff_facts(now).tally();
    let state = gate.state(&tally);
    let interval = gate.revision.start().window.map(|window| window.interval);
    let (version, _) = version(&mut conn, &gate.image.reference().pull_string()).await?;
    let story = told(&mut conn, &gate, &mut people, state).await?;
    let rollouts = rollout::of(&mut conn, &gate, &mut people).await?;
    let missing = if state.is_open() { missing(&mut conn, &gate, &tally, &mut people, now).await? } else { Vec::new() };
    let running = state == State::Deploying || gate.deployments.iter().any(|one| one.verdict.is_none());
    let asks = gate.policy.fresh_signoff && asks_password(doors, who);
    let page_of = ReleasePage {
        badge: badge(&shell, &gate, &tally, state),
        requester: people.name(&mut conn, gate.release.requested_by).await?,
        changes: changes(&mut conn, &gate).await?,
        warnings: gate.revision.plan.iter().flat_map(|Stored(plan)| plan.warnings.clone()).collect(),
        evidence: evidence(&mut conn, &gate, &mut people).await?,
        sign: sign(&shell, &gate, &tally, who.person.id, state, interval),
        rules: rules(&mut conn, &gate, &tally, &mut people).await?,
        void: void(&mut conn, &gate, &tally, &mut people).await?,
        edits: edits(&mut conn, &gate, &mut people).await?,
        acts: acts(&gate, &tally, who, state, interval, now),
        live: running || state.is_open(),
        moves: (running || about_to(&gate, &tally, state, now)) && !form.is_wrong(),
        asks_password: asks,
        shell,
        form,
        gate,
        state,
        version,
        interval,
        story,
        missing,
        rollouts,
    };
    Ok(page(&page_of, status)?)
}

/// Whether the portal itself takes the next step at once: it plans, or starts what is cleared.
fn about_to(gate: &Gate, tally: &Tally, state: State, now: Timestamp) -> bool {
    match state {
        State::Planning => gate.revision.plan_error.is_none(),
        State::Ready => gate.judge(tally, now, |facts| Clearance::signed_off(facts, Cause::Clock)).is_ok(),
        _ => false,
    }
}

fn badge(shell: &Shell, gate: &Gate, tally: &Tally, state: State) -> Badge {
    let mut badge = shell.state(&state);
    if state == State::Waiting {
        let groups: Vec<&str> = tally
            .rules
            .iter()
            .filter(|rule| rule.missing() > 0)
            .filter_map(|rule| gate.group_titles.get(&rule.rule.group).map(|title| title.as_str()))
            .collect();
        if !groups.is_empty() {
            badge.word = shell.say(&text!("release-waits-for", groups = groups.join(", ")));
        }
    }
    badge
}

async fn told(conn: &mut Conn, gate: &Gate, people: &mut People, state: State) -> Result<Vec<Item>, store::Error> {
    let mut story = story::tell(conn, gate, people).await?;
    if matches!(state, State::Waiting | State::Ready | State::Planning)
        && let Some(window) = gate.revision.start().window
    {
        let text = match gate.revision.start_mode {
            crate::domain::environment::StartMode::AtOpening => text!("story-starts-at-opening"),
            _ => text!("story-window-opens"),
        };
        story.push(Item { at: window.interval.start, tone: "plain", text, quote: None, to_come: true });
        let text = text!("story-window-closes");
        story.push(Item { at: window.interval.end, tone: "plain", text, quote: None, to_come: true });
    }
    Ok(story)
}

async fn missing(
    conn: &mut Conn,
    gate: &Gate,
    tally: &Tally,
    people: &mut People,
    now: Timestamp,
) -> Result<Vec<Missing>, store::Error> {
    let mut lines = Vec::new();
    for unmet in gate.judge(tally, now, |facts| facts.unmet()) {
        let who = match &unmet.who {
            Supplier::People(ids) if ids.is_empty() => Some(text!("who-nobody")),
            Supplier::People(ids) => {
                let names = people.names(conn, ids).await?;
                Some(text!("who-people", names = join_or(&names)))
            }
            Supplier::Role(role) => Some(Text { key: format!("who-{role}").into(), args: Vec::new() }),
            Supplier::Time(at) => Some(when::distance(*at, now)),
            Supplier::Portal => Some(text!("who-portal")),
        };
        let tone = if matches!(unmet.who, Supplier::Portal) { "sea" } else { "wait" };
        let until = match unmet.who {
            Supplier::Time(at) => Some(at),
            _ => None,
        };
        lines.push(Missing { tone, text: unmet.text, who, until });
    }
    Ok(lines)
}

/// Edits of policy and groups since the request (rule 4).
async fn edits(conn: &mut Conn, gate: &Gate, people: &mut People) -> Result<Vec<Edit>, store::Error> {
    let since = gate.release.requested_at;
    let mut edits = Vec::new();
    for entry in store::audit::about(conn, &format!("environment:{}", gate.environment.id), since).await? {
        if entry.verb == "environment.edit" {
            let who = match entry.person_id {
                Some(id) => people.name(conn, id).await?,
                None => String::new(),
            };
            edits.push(Edit { at: entry.at, text: text!("edited-environment", who = who) });
        }
    }
    for (id, title) in &gate.group_titles {
        for entry in store::audit::about(conn, &format!("group:{id}"), since).await? {
            let who = match entry.person_id {
                Some(id) => people.name(conn, id).await?,
                None => String::new(),
            };
            edits.push(Edit { at: entry.at, text: text!("edited-group", who = who, group = title.as_str()) });
        }
    }
    edits.sort_by_key(|edit| edit.at);
    Ok(edits)
}

fn acts(gate: &Gate, tally: &Tally, who: &Who, state: State, interval: Option<Interval>, now: Timestamp) -> Acts {
    let environment = gate.release.environment_id;
    let operator = who.access.operate(who.person.id, environment).ok();
    let may_change = gate.release.requested_by == who.person.id || who.access.request(environment).is_ok();
    let running = gate.deployments.iter().any(|one| one.verdict.is_none());
    let start = operator.filter(|_| state.is_open()).and_then(|operator| {
        let cleared = gate.judge(tally, now, |facts| Clearance::signed_off(facts, Cause::ByHand(operator)));
        cleared.is_ok().then(|| match interval {
            Some(interval) => text!("start-now-window", length = when::length(interval.end.since(now).num_seconds())),
            None => text!("start-now"),
        })
    });
    let rollback = operator.and_then(|_| deployment::way_back(gate).ok()).map(|(_, undo)| {
        let images = undo.plan.changes().map(|change| change.to.rsplit('/').next().unwrap_or_default().to_owned());
        Back {
            text: text!("rollback-to", images = images.collect::<Vec<_>>().join(", ")),
            tags: (!undo.tags_only.is_empty()).then(|| text!("rollback-tag-only", images = undo.tags_only.join(", "))),
        }
    });
    Acts {
        start,
        cancel: running
            && operator.is_some()
            && gate.deployments.iter().all(|one| one.verdict.is_some() || one.cancel_at.is_none()),
        withdraw: state.is_open() && (may_change || operator.is_some()),
        revise: state.is_open() && may_change,
        plan_again: may_change
            && state.is_open()
            && (gate.execution() == crate::domain::release::Execution::Drifted || gate.revision.plan_error.is_some()),
        reject: state.is_open() && gate.memberships.iter().any(|one| one.person == who.person.id && one.active),
        rollback,
    }
}

/// Fields of the page's forms. The page holds several, therefore none shares its name.
const FIELDS: [&str; 4] = ["comment", "reason", "withdraw_reason", "password"];

/// The same refusal, with the complaint about one value of the verb at the form's own field.
fn at_field(error: crate::workflow::Error, pointer: &str, field: &'static str) -> crate::workflow::Error {
    match error {
        crate::workflow::Error::Refused(mut refused) => {
            for complaint in refused.fields.iter_mut().filter(|complaint| complaint.pointer == pointer) {
                complaint.pointer = field.into();
            }
            crate::workflow::Error::Refused(refused)
        }
        error => error,
    }
}

/// The answer to an act on a release: its page, which says that it was done, or why not.
async fn answered(
    doors: &Doors,
    request: &HttpRequest,
    who: &Who,
    number: ReleaseNumber,
    form: Form,
    done: &str,
    result: Result<(), crate::workflow::Error>,
) -> Result<HttpResponse, PageFailed> {
    match result {
        Ok(()) => Ok(see_other(&format!("/releases/{number}?done={done}"))),
        Err(error) => {
            let refused = refusal(error)?;
            let status = Failed::from(refused.clone()).status();
            if status == StatusCode::NOT_FOUND {
                return Err(refused.into());
            }
            let mut form = form;
            form.forget("password");
            shown(doors, request, who, number, form.refused(&refused, &FIELDS), status).await
        }
    }
}

/// Signs it off.
pub async fn sign_off(
    doors: web::Data<Doors>,
    request: HttpRequest,
    submit: Submit,
    number: web::Path<String>,
) -> Page {
    decide(doors, request, submit, &number, true).await
}

/// Rejects it.
pub async fn reject(doors: web::Data<Doors>, request: HttpRequest, submit: Submit, number: web::Path<String>) -> Page {
    decide(doors, request, submit, &number, false).await
}

async fn decide(doors: web::Data<Doors>, request: HttpRequest, submit: Submit, number: &str, agrees: bool) -> Page {
    let (number, Submit { mut who, form }) = (parse(number)?, submit);
    let field = if agrees { "comment" } else { "reason" };
    let spec =
        DecisionSpec { content_hash: form.value("content_hash").to_owned(), comment: form.value(field).to_owned() };
    let mut result = freshen(&doors, &mut who, form.value("password")).await;
    if result.is_ok() {
        let caller = who.caller.clone();
        let act = doors.workflow.act(caller, move |v| {
            Box::pin(async move {
                if agrees { signoff::approve(v, number, spec).await } else { signoff::reject(v, number, spec).await }
            })
        });
        result = match act.await {
            Ok(decided) => decided.map_err(crate::workflow::Error::Refused),
            Err(error) => Err(error),
        };
    }
    if !agrees {
        result = result.map_err(|error| at_field(error, "/comment", "/reason"));
    }
    let done = if agrees { "signed" } else { "rejected" };
    answered(&doors, &request, &who, number, form, done, result).await
}

macro_rules! act {
    ($(#[$doc:meta])* $name:ident, $done:literal, |$v:ident, $number:ident, $form:ident| $verb:expr) => {
        $(#[$doc])*
        pub async fn $name(doors: web::Data<Doors>, request: HttpRequest, submit: Submit, number: web::Path<String>) -> Page {
            let ($number, Submit { who, form }) = (parse(&number)?, submit);
            let ($form, caller) = (form.clone(), who.caller.clone());
            let result = doors.workflow.act(caller, move |$v| Box::pin(async move { $verb.await.map(|_| ()) })).await;
            let result = result.map_err(|error| at_field(error, "/reason", "/withdraw_reason"));
            answered(&doors, &request, &who, $number, form, $done, result).await
        }
    };
}

act!(
    /// Starts it by hand.
    start, "started", |v, number, _form| deployment::start(v, number)
);
act!(
    /// Stops its deployment.
    cancel, "cancelled", |v, number, _form| deployment::cancel(v, number)
);
act!(
    /// Brings back what ran before.
    roll_back, "rollback",
    |v, number, form| deployment::roll_back(v, number, RollbackSpec { accept_tag: form.ticked("accept_tag") })
);
act!(
    /// Takes it back.
    withdraw, "withdrawn", |v, number, form| release::withdraw(v, number, form.value("withdraw_reason").to_owned())
);
act!(
    /// Reads the cluster again.
    plan_again, "planning", |v, number, _form| release::plan_again(v, number)
);
