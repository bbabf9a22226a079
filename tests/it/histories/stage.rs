//! The real verbs on one side, the model on the other, and each step done on both.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use serde_json::json;
use tidegate::clock::Clock;
use tidegate::cluster::kubeconfig;
use tidegate::domain::address::AddressAllowance;
use tidegate::domain::cluster::{Probe, ProbeReport};
use tidegate::domain::deployment::{Outcome, TargetOutcome, TargetState, Verdict};
use tidegate::domain::id::{PersonId, ReleaseNumber, TargetId, WindowId};
use tidegate::domain::name::{Label, Login};
use tidegate::domain::person::Actor;
use tidegate::domain::plan::{ContainerChange, Plan, SetImage, Step};
use tidegate::domain::service::{Workload, WorkloadKind};
use tidegate::domain::time::Zone;
use tidegate::protocol::{ApplyRequest, DecisionSpec, GroupSpec, ImageSpec, ReleaseSpec, StartSpec, WindowSpec};
use tidegate::random::Random;
use tidegate::store::cluster::CredentialState;
use tidegate::store::session::Method;
use tidegate::store::view::gate::Gate;
use tidegate::store::{self, Options, Store};
use tidegate::vault::{self, KeyRing};
use tidegate::wake::Wakes;
use tidegate::workflow::{
    Caller, Save, Settings, Verb, Workflow, apply, cluster, deployment, group, image, person, release, signoff, window,
};

use super::model::{Group, Mode, Person, Release, Rules, Span, World};
use super::{Dice, mode_word};
use crate::support::field;
use crate::support::portal::{BEGIN, at};
use crate::support::town::REPOSITORY;

pub const PEOPLE: usize = 7;
pub const GROUPS: usize = 3;
/// Person 0 asks, person 1 writes; both administer, as does person 6, who stays active.
pub const ADMINISTRATORS: [Person; 3] = [0, 1, 6];
const KEEPER: Person = 6;

pub struct Stage {
    pub dice: Dice,
    pub world: World,
    pub release: Release,
    workflow: Workflow,
    clock: Clock,
    number: ReleaseNumber,
    window: Option<WindowId>,
    ids: Vec<PersonId>,
    digest: String,
    /// The content hash that was seen last, and of which revision.
    seen: (Option<String>, i64),
    tests: i64,
    fingerprint: String,
    _folder: tempfile::TempDir,
}

fn login(person: Person) -> String {
    format!("p{person}")
}

fn slug(group: Group) -> String {
    format!("g{group}")
}

impl Stage {
    /// People, groups, a place to deploy to; everybody may look, request and start.
    pub async fn set(dice: Dice) -> Self {
        crate::support::prepare();
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("tidegate.db").display());
        let clock = Clock::manual(at(BEGIN));
        let options = Options { durable: false, ..Options::new(url) };
        let store = Store::open(&options, Wakes::default(), clock.now()).await.unwrap();
        let (sealer, _) = vault::hands(KeyRing::generate(Random));
        let settings = Settings { zone: Zone::UTC, allow_local_clusters: true };
        let workflow = Workflow::new(store, clock.clone(), Random, sealer, settings);
        let mut documents = vec![json!({ "kind": "Cluster", "name": "main", "title": "Main" })];
        for person in 0..PEOPLE {
            let mut roles =
                vec![json!({ "role": "viewer" }), json!({ "role": "requester" }), json!({ "role": "operator" })];
            if ADMINISTRATORS.contains(&person) {
                roles.push(json!({ "role": "admin" }));
            }
            documents.push(json!({ "kind": "Person", "login": login(person), "name": login(person), "roles": roles }));
        }
        for group in 0..GROUPS {
            documents.push(json!({ "kind": "Group", "name": slug(group), "title": slug(group) }));
        }
        documents.push(json!({ "kind": "Environment", "name": "production", "title": "Production", "cluster": "main", "policy": { "rules": [] } }));
        documents.push(json!({
            "kind": "Service", "name": "checkout", "title": "Checkout", "repository": REPOSITORY,
            "targets": [{ "environment": "production", "namespace": "shop", "name": "checkout", "containers": ["app"] }],
        }));
        let request = ApplyRequest { dry_run: false, documents: serde_json::from_value(json!(documents)).unwrap() };
        workflow.act(Caller::console(), move |v| Box::pin(apply::apply(v, request))).await.unwrap();
        let fingerprint = connect(&workflow, &clock).await;
        let mut conn = workflow.store().read().await.unwrap();
        let mut ids = Vec::new();
        for person in 0..PEOPLE {
            let name = Login::parse(&login(person)).unwrap();
            ids.push(store::person::by_login(&mut conn, &name).await.unwrap().unwrap().id);
        }
        drop(conn);
        let rules = Rules {
            wanted: BTreeMap::new(),
            requester_may_sign: false,
            author_may_sign: false,
            unknown_author_blocks: false,
            validity_hours: 336,
        };
        let world = World {
            now: clock.now().micros(),
            active: vec![true; PEOPLE],
            members: BTreeMap::new(),
            identities: BTreeMap::new(),
            rules,
        };
        let release = Release {
            requester: 0,
            requested_at: 0,
            authors: ["nobody".to_owned()].into(),
            mode: Mode::ByHand,
            window: None,
            planned: false,
            signoffs: Vec::new(),
            rejected: true,
            started: false,
        };
        let number = ReleaseNumber(0);
        let digest = String::new();
        let seen = (None, 1);
        Self {
            dice,
            world,
            release,
            workflow,
            clock,
            number,
            window: None,
            ids,
            digest,
            seen,
            tests: 0,
            fingerprint,
            _folder: folder,
        }
    }

    fn caller(&self, person: Person) -> Caller {
        Caller { actor: Actor::Person(self.ids[person]), proof: Some((Method::Link, self.clock.now())) }
    }

    /// Somebody does something; whether it was done.
    async fn act<T, F>(&self, caller: Caller, verb: F) -> Option<T>
    where
        T: Send + 'static,
        F: for<'v, 't> FnOnce(&'v mut Verb<'t>) -> BoxFuture<'v, tidegate::workflow::Result<T>> + Send + 'static,
    {
        match self.workflow.act(caller, verb).await {
            Ok(value) => Some(value),
            Err(tidegate::workflow::Error::Refused(_)) => None,
            Err(error) => panic!("{error:?}"),
        }
    }

    /// A new release, of an image with random authors, under random rules.
    pub async fn begin(&mut self, history: usize) {
        self.change_rules().await;
        for person in 0..PEOPLE {
            if !self.world.active[person] {
                self.toggle(person).await;
            }
        }
        for _ in 0..4 {
            let (group, person) = (self.dice.below(GROUPS), self.dice.below(PEOPLE));
            if !self.world.members.contains_key(&(group, person)) {
                self.regroup(KEEPER, group, person).await;
            }
        }
        self.pass(1);
        let authors: Vec<String> = (0..3).filter(|_| self.dice.one_in(2)).map(|name| format!("author{name}")).collect();
        self.digest = crate::support::images::good(&format!("history {history}"));
        self.tests = 0;
        self.register(&authors).await;
        let mode = self.dice.of(&[Mode::ByHand, Mode::AtOpening, Mode::WhenSigned]);
        let windowed = mode == Mode::AtOpening || mode == Mode::ByHand && self.dice.one_in(2);
        let span = if windowed { Some(self.plan_window().await) } else { None };
        let requester = self.dice.of(&[0, 0, 0, 2, 3]);
        let spec = ReleaseSpec {
            service: "checkout".to_owned(),
            environment: "production".to_owned(),
            image: json!(self.digest),
            start: StartSpec {
                mode: mode_word(mode).to_owned(),
                window: self.window.filter(|_| windowed).map(|id| id.0),
            },
            note: String::new(),
        };
        let asked = self.act(self.caller(requester), |v| Box::pin(release::request(v, spec))).await;
        self.number = asked.unwrap().number;
        self.release = Release {
            requester,
            requested_at: self.world.now,
            authors: authors.into_iter().collect(),
            mode,
            window: span,
            planned: false,
            signoffs: Vec::new(),
            rejected: false,
            started: false,
        };
        if self.dice.one_in(2) {
            self.pass(1);
        }
        self.seen = (None, 1);
        self.plan().await;
        self.compare().await;
    }

    /// Clears the place for the next history.
    pub async fn end(&mut self) {
        let number = self.number;
        if self.release.started {
            let mut conn = self.workflow.store().read().await.unwrap();
            let running = store::deployment::running(&mut conn).await.unwrap().remove(0);
            drop(conn);
            let id = running.id;
            let epoch = self
                .act(Caller::runner(), move |v| Box::pin(async move { deployment::claim(v, &running, "here").await }));
            let epoch = epoch.await.unwrap();
            let target = TargetOutcome {
                target: TargetId(1),
                workload: workload(),
                state: TargetState::Serving,
                reasons: Vec::new(),
            };
            let outcome =
                Outcome { verdict: Verdict::Succeeded, reasons: Vec::new(), targets: vec![target], drifted: false };
            self.act(Caller::runner(), move |v| Box::pin(deployment::end(v, id, epoch, outcome))).await.unwrap();
        } else if !self.release.rejected {
            self.act(self.caller(KEEPER), move |v| Box::pin(release::withdraw(v, number, String::new())))
                .await
                .unwrap();
        }
    }

    /// The model and the portal say the same.
    pub async fn compare(&mut self) {
        let mut conn = self.workflow.store().read().await.unwrap();
        let gate = Gate::load(&mut conn, self.number, self.clock.now()).await.unwrap().unwrap();
        drop(conn);
        self.seen = (gate.revision.content_hash.clone(), gate.revision.revision);
        let tally = gate.signoff_facts(self.clock.now()).tally();
        assert_eq!(
            gate.state(&tally).as_str(),
            self.world.state(&self.release),
            "{:?}\n{:?}",
            self.world,
            self.release
        );
        let seated: Vec<PersonId> = tally.rules.iter().flat_map(|rule| rule.signed.clone()).collect();
        let distinct: std::collections::BTreeSet<&PersonId> = seated.iter().collect();
        assert_eq!(distinct.len(), seated.len(), "somebody counts twice: {tally:?}");
    }

    pub async fn sign(&mut self, person: Person) {
        let hash = self.seen.0.clone().unwrap_or_else(|| "0".repeat(64));
        let (number, spec) = (self.number, DecisionSpec { content_hash: hash, comment: String::new() });
        let done = self.act(self.caller(person), move |v| Box::pin(signoff::approve(v, number, spec))).await;
        let done = done.is_some_and(|decided| decided.is_ok());
        let already = self.release.signoffs.iter().any(|(other, at)| *other == person && self.world.holds(*at));
        let may = self.world.open(&self.release)
            && self.release.planned
            && !self.world.stands_for(&self.release, person).is_empty()
            && !already;
        assert_eq!(done, may, "p{person} signs\n{:?}\n{:?}", self.world, self.release);
        if done {
            self.release.signoffs.push((person, self.world.now));
        }
    }

    pub async fn sign_stale(&mut self, person: Person) {
        let (number, spec) = (self.number, DecisionSpec { content_hash: "f".repeat(64), comment: String::new() });
        let done = self.act(self.caller(person), move |v| Box::pin(signoff::approve(v, number, spec))).await;
        assert!(done.is_none_or(|decided| decided.is_err()), "nobody signs what is not there");
    }

    pub async fn reject(&mut self, person: Person) {
        let hash = self.seen.0.clone().unwrap_or_else(|| "0".repeat(64));
        let (number, spec) = (self.number, DecisionSpec { content_hash: hash, comment: "no".to_owned() });
        let done = self.act(self.caller(person), move |v| Box::pin(signoff::reject(v, number, spec))).await;
        let done = done.is_some_and(|decided| decided.is_ok());
        assert_eq!(done, self.release.planned && self.world.is_asked(person), "p{person} rejects");
        self.release.rejected |= done;
    }

    fn start_agrees(&mut self, done: bool, by_hand: bool) {
        assert_eq!(done, self.world.may_start(&self.release, by_hand), "{:?}\n{:?}", self.world, self.release);
        self.release.started |= done;
    }

    pub async fn start_by_hand(&mut self) {
        let number = self.number;
        let done = self.act(self.caller(KEEPER), move |v| Box::pin(deployment::start(v, number))).await;
        self.start_agrees(done.is_some(), true);
    }

    pub async fn start_by_clock(&mut self) {
        let number = self.number;
        let done = self.act(Caller::runner(), move |v| Box::pin(deployment::start_by_clock(v, number))).await;
        self.start_agrees(done.unwrap().is_some(), false);
    }

    /// Puts a person into a group, or out of it.
    pub async fn regroup(&mut self, by: Person, group: Group, person: Person) {
        let mut members: Vec<Person> =
            self.world.members.keys().filter(|(one, _)| *one == group).map(|(_, who)| *who).collect();
        let joins = !members.contains(&person);
        members.retain(|one| *one != person);
        members.extend(joins.then_some(person));
        let spec = GroupSpec {
            name: slug(group),
            title: slug(group),
            members: Some(members.iter().map(|one| login(*one)).collect()),
            roles: None,
        };
        let done = self.act(self.caller(by), move |v| Box::pin(group::put(v, Save::Put, spec))).await;
        assert_eq!(done.is_some(), self.world.active[by]);
        if done.is_some() && joins {
            self.world.members.insert((group, person), (Some(by), self.world.now));
        } else if done.is_some() {
            self.world.members.remove(&(group, person));
        }
    }

    /// Deactivates a person, or activates them again.
    pub async fn toggle(&mut self, person: Person) {
        if person == KEEPER {
            return;
        }
        let (active, name) = (self.world.active[person], login(person));
        let done = self.act(self.caller(KEEPER), move |v| {
            Box::pin(async move {
                if active { person::deactivate(v, &name).await } else { person::reactivate(v, &name).await }
            })
        });
        done.await.unwrap();
        self.world.active[person] = !active;
    }

    /// What people signed has changed under their signatures.
    fn revised(&mut self) {
        if self.world.open(&self.release) {
            self.release.planned = false;
            self.release.signoffs.clear();
        }
    }

    pub async fn change_rules(&mut self) {
        let wanted = (0..GROUPS).filter(|_| self.dice.one_in(2)).collect::<Vec<_>>();
        let wanted = wanted.into_iter().map(|group| (group, self.dice.of(&[1, 1, 2]))).collect();
        let rules = Rules {
            wanted,
            requester_may_sign: self.dice.one_in(4),
            author_may_sign: self.dice.one_in(4),
            unknown_author_blocks: self.dice.one_in(3),
            validity_hours: self.dice.of(&[1, 2, 336]),
        };
        let policy = json!({
            "rules": rules.wanted.iter().map(|(group, count)| json!({ "group": slug(*group), "count": count })).collect::<Vec<_>>(),
            "requester_may_sign": rules.requester_may_sign, "author_may_sign": rules.author_may_sign,
            "unknown_author": if rules.unknown_author_blocks { "block" } else { "allow" },
            "validity_hours": rules.validity_hours,
        });
        let environment = json!({ "kind": "Environment", "name": "production", "title": "Production", "cluster": "main", "policy": policy });
        let request = ApplyRequest { dry_run: false, documents: serde_json::from_value(json!([environment])).unwrap() };
        self.act(self.caller(KEEPER), move |v| Box::pin(apply::apply(v, request))).await.unwrap();
        if rules != self.world.rules {
            self.world.rules = rules;
            self.revised();
        }
    }

    fn window_spec(&mut self) -> (WindowSpec, Span) {
        let start = self.clock.now().plus(TimeDelta::minutes(self.dice.of(&[0, 1, 60, 180])));
        let end = start.plus(TimeDelta::minutes(self.dice.of(&[30, 120, 600])));
        let spec = WindowSpec {
            title: "Window".to_owned(),
            starts_at: start.to_string(),
            ends_at: end.to_string(),
            ..WindowSpec::default()
        };
        (spec, Span { start: start.micros(), end: end.micros(), announced: false, cancelled: false })
    }

    async fn plan_window(&mut self) -> Span {
        let (spec, mut span) = self.window_spec();
        let id = self.act(self.caller(KEEPER), |v| Box::pin(window::create(v, spec))).await.unwrap().id;
        self.window = Some(id);
        if !self.dice.one_in(8) {
            self.act(self.caller(KEEPER), move |v| Box::pin(window::announce(v, id, None))).await.unwrap();
            span.announced = true;
        }
        span
    }

    pub async fn move_window(&mut self) {
        let (Some(span), Some(id)) = (self.release.window, self.window) else { return };
        let (spec, moved) = self.window_spec();
        let mut conn = self.workflow.store().read().await.unwrap();
        let version = store::window::by_id(&mut conn, id).await.unwrap().unwrap().version;
        drop(conn);
        let done = self.act(self.caller(KEEPER), move |v| Box::pin(window::edit(v, id, version, spec))).await;
        assert_eq!(done.is_some(), !span.cancelled && self.world.now < span.end, "a window is moved until its end");
        if done.is_some() && (span.start, span.end) != (moved.start, moved.end) {
            self.release.window = Some(Span { announced: span.announced, ..moved });
            self.revised();
        }
    }

    pub async fn cancel_window(&mut self) {
        let (Some(span), Some(id)) = (self.release.window, self.window) else { return };
        let done = self.act(self.caller(KEEPER), move |v| Box::pin(window::cancel(v, id))).await;
        assert_eq!(done.is_some(), !span.cancelled && self.world.now < span.end);
        self.release.window = Some(Span { cancelled: span.cancelled || done.is_some(), ..span });
    }

    async fn register(&mut self, authors: &[String]) {
        self.tests += 1;
        let spec = ImageSpec {
            repository: REPOSITORY.to_owned(),
            digest: Some(self.digest.clone()),
            authors: authors.to_vec(),
            tests: Some(tidegate::protocol::TestsSpec { passed: self.tests, failed: 0, skipped: 0 }),
            ..ImageSpec::default()
        };
        self.act(self.caller(KEEPER), |v| Box::pin(image::register(v, spec))).await.unwrap();
    }

    /// CI says something new, perhaps another author.
    pub async fn evidence(&mut self) {
        let authors: Vec<String> =
            if self.dice.one_in(2) { vec![format!("author{}", self.dice.below(3))] } else { Vec::new() };
        self.register(&authors).await;
        self.release.authors.extend(authors);
        self.revised();
    }

    /// A commit identity becomes somebody's, or nobody's.
    pub async fn rename(&mut self, person: Person) {
        let name = format!("author{}", self.dice.below(3));
        let mut own: Vec<String> =
            self.world.identities.iter().filter(|(_, owner)| **owner == person).map(|(name, _)| name.clone()).collect();
        let taken = self.world.identities.get(&name).is_some_and(|owner| *owner != person);
        if own.contains(&name) {
            own.retain(|one| *one != name)
        } else {
            own.push(name.clone())
        }
        let joined = own.contains(&name);
        let spec = tidegate::protocol::PersonSpec {
            login: login(person),
            name: login(person),
            commit_identities: Some(own),
            ..tidegate::protocol::PersonSpec::default()
        };
        let done = self.act(self.caller(KEEPER), move |v| Box::pin(person::put(v, Save::Put, spec))).await;
        // Nobody takes an identity off themselves.
        assert_eq!(done.is_some(), !taken && (joined || person != KEEPER));
        if done.is_some() && joined {
            self.world.identities.insert(name, person);
        } else if done.is_some() {
            self.world.identities.remove(&name);
        }
    }

    pub fn pass(&mut self, minutes: i64) {
        self.clock.advance(TimeDelta::minutes(minutes));
        self.world.now = self.clock.now().micros();
    }

    /// The runner plans what is not planned.
    pub async fn plan(&mut self) {
        if !self.world.open(&self.release) {
            return;
        }
        let (number, revision) = (self.number, self.seen.1);
        let change = ContainerChange {
            name: Label::parse("app").unwrap(),
            from: format!("{REPOSITORY}:old"),
            running: Default::default(),
            to: format!("{REPOSITORY}@{}", self.digest),
        };
        let step = Step::SetImage(SetImage {
            target: TargetId(1),
            workload: workload(),
            uid: "uid".to_owned(),
            containers: vec![change],
            all_containers: ["app".to_owned()].into(),
            replicas: 1,
            generation: 1,
        });
        let plan = Plan { cluster: self.fingerprint.clone(), steps: vec![step], warnings: Vec::new() };
        self.act(Caller::runner(), move |v| Box::pin(release::planned(v, number, revision, plan))).await.unwrap();
        self.release.planned = true;
    }
}

fn workload() -> Workload {
    Workload {
        namespace: Label::parse("shop").unwrap(),
        kind: WorkloadKind::Deployment,
        name: tidegate::domain::name::WorkloadName::parse("checkout").unwrap(),
    }
}

/// A confirmed credential, of a cluster that nobody ever calls.
async fn connect(workflow: &Workflow, clock: &Clock) -> String {
    let file = field::practice().admin_kubeconfig();
    let credential = kubeconfig::read(file.as_bytes(), None, AddressAllowance::LOCAL, clock.now()).unwrap();
    let console = Caller::console;
    let id = workflow.act(console(), move |v| Box::pin(cluster::hand_in(v, "main", credential))).await.unwrap();
    let report = ProbeReport {
        version: "v1.36.0".to_owned(),
        latency_ms: 1,
        identity: None,
        rights: Vec::new(),
        too_wide: Vec::new(),
        managers: Vec::new(),
    };
    let probe = Probe { at: clock.now(), outcome: Ok(report) };
    let later = clock.now().plus(TimeDelta::days(10_000));
    workflow.act(Caller::runner(), move |v| Box::pin(cluster::probed(v, id, probe, later))).await.unwrap();
    workflow.act(console(), move |v| Box::pin(cluster::confirm(v, "main", id))).await.unwrap();
    let mut conn = workflow.store().read().await.unwrap();
    let cluster = tidegate::domain::id::ClusterId(1);
    store::cluster::credential(&mut conn, cluster, CredentialState::Confirmed).await.unwrap().unwrap().fingerprint
}
