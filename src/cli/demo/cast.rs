//! The people of the shop at work: each does what they do in a browser, through the same verbs and
//! with the same permissions, and the background tasks do theirs in between.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, anyhow, ensure};

use super::shop::{ADMIN, MEMBERS};
use crate::clock::Clock;
use crate::domain::id::{PersonId, ReleaseNumber, TokenId, WindowId};
use crate::domain::person::{Actor, Scope};
use crate::domain::refusal::Refusal;
use crate::domain::release::State;
use crate::domain::time::Timestamp;
use crate::portal::Portal;
use crate::protocol::{
    ApplyRequest, DecisionSpec, Document, ImageSpec, ReleaseSpec, RollbackSpec, StartSpec, TokenSpec, WindowSpec,
};
use crate::texts::{Language, Reader, Texts};
use crate::workflow::{self, Caller, Method, apply, deployment, image, person, release, signoff, token, window};

/// Everybody, and the portal they work with.
pub(super) struct Cast<'p> {
    portal: &'p Portal,
    clock: Clock,
    people: BTreeMap<&'static str, PersonId>,
    ci: Option<(TokenId, PersonId)>,
}

/// A refusal in words for whoever started the demo.
pub(super) fn said(error: workflow::Error) -> anyhow::Error {
    match error {
        workflow::Error::Refused(refusal) => anyhow!(words(&refusal)),
        workflow::Error::Store(error) => anyhow::Error::new(error),
        workflow::Error::DryRun(_) => anyhow!("only the difference was told"),
    }
}

/// A sentence of the catalogue.
pub(super) fn sentence(text: &crate::domain::text::Text) -> String {
    let reader = Reader { language: Language::En, zone: crate::domain::time::Zone::UTC, now: Clock::system().now() };
    Texts::get().render(text, &reader)
}

fn words(refusal: &Refusal) -> String {
    let details: Vec<String> =
        refusal.fields.iter().map(|field| format!("{}: {}", field.pointer, sentence(&field.text))).collect();
    if details.is_empty() { sentence(&refusal.text) } else { details.join("; ") }
}

impl<'p> Cast<'p> {
    /// Sets the portal up, as its first person does, and lets everybody in.
    pub async fn gather(portal: &'p Portal, clock: Clock, documents: Vec<Document>) -> anyhow::Result<Self> {
        let mut cast = Self { portal, clock, people: BTreeMap::new(), ci: None };
        let workflow = &portal.workflow;
        let link = workflow.setup_link().await.map_err(said)?;
        let link = link.context("the data folder holds a portal already; give --keep another folder")?;
        // Nobody knows this password: people come by one-time links.
        let (name, password) = ("Administrator".to_owned(), workflow.random.token());
        let first = workflow.set_up(link, ADMIN.to_owned(), name, password).await.map_err(said)?;
        cast.people.insert(ADMIN, first.person);
        cast.apply(documents).await?;
        for member in MEMBERS.iter().filter(|member| member.login != ADMIN) {
            let link = cast.link(member.login).await?;
            let signed_in = workflow.sign_in_by_link(link, None).await.map_err(said)?;
            cast.people.insert(member.login, signed_in.person);
        }
        let scopes = vec![Scope::ImagesWrite.as_str().to_owned()];
        let spec = TokenSpec { title: "CI".to_owned(), scopes, ..TokenSpec::default() };
        let dev = cast.caller("dev")?;
        let (id, _) = workflow.act(dev, move |v| Box::pin(token::create(v, spec))).await.map_err(said)?;
        cast.ci = cast.people.get("dev").map(|person| (id, *person));
        Ok(cast)
    }

    /// Somebody in a browser who has just signed in.
    pub fn caller(&self, login: &str) -> anyhow::Result<Caller> {
        let person = *self.people.get(login).with_context(|| format!("nobody is called {login}"))?;
        Ok(Caller { actor: Actor::Person(person), proof: Some((Method::Link, self.clock.now())) })
    }

    /// The present instant of the story.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Goes on with the story at a later instant.
    pub fn at(&self, instant: Timestamp) {
        self.clock.advance(instant.since(self.clock.now()));
    }

    /// Lets the background tasks work until nothing is left for them to do.
    pub async fn settle(&self) -> anyhow::Result<()> {
        while self.portal.runner.tick().await.map_err(|error| anyhow!(error))? {}
        Ok(())
    }

    /// The administrator changes what there is.
    pub async fn apply(&self, documents: Vec<Document>) -> anyhow::Result<()> {
        let admin = self.caller(ADMIN)?;
        let request = ApplyRequest { dry_run: false, documents };
        self.portal.workflow.act(admin, move |v| Box::pin(apply::apply(v, request))).await.map_err(said)?;
        Ok(())
    }

    /// The administrator hands out a one-time sign-in link; gives its secret.
    pub async fn link(&self, login: &'static str) -> anyhow::Result<String> {
        let admin = self.caller(ADMIN)?;
        let made = self.portal.workflow.act(admin, move |v| Box::pin(person::hand_out_link(v, login))).await;
        made.map_err(said)
    }

    /// The administrator makes a token for programs; gives its secret.
    pub async fn token(&self) -> anyhow::Result<String> {
        let scopes = Scope::ALL.iter().map(|scope| scope.as_str().to_owned()).collect();
        let spec = TokenSpec { title: "Demo".to_owned(), scopes, days: Some(1), ..TokenSpec::default() };
        let admin = self.caller(ADMIN)?;
        let (_, secret) =
            self.portal.workflow.act(admin, move |v| Box::pin(token::create(v, spec))).await.map_err(said)?;
        Ok(secret)
    }

    /// CI registers an image with a token of the developer's.
    pub async fn build(&self, spec: ImageSpec) -> anyhow::Result<i64> {
        let (token, person) = self.ci.context("CI has no token")?;
        let scopes = BTreeSet::from([Scope::ImagesWrite]);
        let caller = Caller { actor: Actor::Token { token, person, scopes }, proof: None };
        let made = self.portal.workflow.act(caller, move |v| Box::pin(image::register(v, spec))).await.map_err(said)?;
        Ok(made.id.0)
    }

    /// The developer asks for a release.
    pub async fn request(
        &self,
        service: &str,
        environment: &str,
        image: i64,
        start: StartSpec,
        note: &str,
    ) -> anyhow::Result<ReleaseNumber> {
        let spec = ReleaseSpec {
            service: service.to_owned(),
            environment: environment.to_owned(),
            image: image.into(),
            start,
            note: note.to_owned(),
        };
        let dev = self.caller("dev")?;
        let made = self.portal.workflow.act(dev, move |v| Box::pin(release::request(v, spec))).await.map_err(said)?;
        Ok(made.number)
    }

    /// A release's state, what is signed, and what is missing for it to start.
    async fn look(&self, number: ReleaseNumber) -> anyhow::Result<(State, Option<String>, Vec<&'static str>)> {
        let auditor = self.caller("auditor")?;
        let look = self.portal.workflow.act(auditor, move |v| {
            Box::pin(async move {
                let gate = release::known(v, number).await?;
                let tally = gate.signoff_facts(v.now).tally();
                let unmet = gate.judge(&tally, v.now, |facts| facts.unmet());
                let missing = unmet.iter().map(|one| one.code).collect();
                Ok((gate.state(&tally), gate.revision.content_hash, missing))
            })
        });
        look.await.map_err(said)
    }

    /// Somebody signs what is there, or rejects it.
    async fn decide(&self, login: &str, number: ReleaseNumber, comment: &str, sign: bool) -> anyhow::Result<()> {
        let (_, content_hash, _) = self.look(number).await?;
        let content_hash = content_hash.with_context(|| format!("{} could not be planned", number.label()))?;
        let spec = DecisionSpec { content_hash, comment: comment.to_owned() };
        let caller = self.caller(login)?;
        let decided = self.portal.workflow.act(caller, move |v| {
            Box::pin(async move {
                if sign { signoff::approve(v, number, spec).await } else { signoff::reject(v, number, spec).await }
            })
        });
        decided.await.map_err(said)?.map_err(|refusal| anyhow!("{login}: {}", words(&refusal)))
    }

    /// Somebody signs what is there.
    pub async fn sign(&self, login: &str, number: ReleaseNumber, comment: &str) -> anyhow::Result<()> {
        self.decide(login, number, comment, true).await
    }

    /// Somebody rejects what is there.
    pub async fn reject(&self, login: &str, number: ReleaseNumber, comment: &str) -> anyhow::Result<()> {
        self.decide(login, number, comment, false).await
    }

    /// The operator starts a release.
    pub async fn start(&self, number: ReleaseNumber) -> anyhow::Result<()> {
        let operator = self.caller("operator")?;
        self.portal.workflow.act(operator, move |v| Box::pin(deployment::start(v, number))).await.map_err(said)?;
        Ok(())
    }

    /// The operator brings back what ran before.
    pub async fn roll_back(&self, number: ReleaseNumber) -> anyhow::Result<()> {
        let (operator, spec) = (self.caller("operator")?, RollbackSpec::default());
        let act = self.portal.workflow.act(operator, move |v| Box::pin(deployment::roll_back(v, number, spec)));
        act.await.map_err(said)?;
        Ok(())
    }

    /// The operator plans a window, and announces it or keeps it as a draft.
    pub async fn plan_window(&self, spec: WindowSpec, announced: bool) -> anyhow::Result<WindowId> {
        let (operator, workflow) = (self.caller("operator")?, &self.portal.workflow);
        let made = workflow.act(operator.clone(), move |v| Box::pin(window::create(v, spec))).await.map_err(said)?;
        if announced {
            let announce = workflow.act(operator, move |v| Box::pin(window::announce(v, made.id, None)));
            announce.await.map_err(said)?;
        }
        Ok(made.id)
    }

    /// Fails unless a release stands as the story has it.
    pub async fn expect(&self, number: ReleaseNumber, state: State) -> anyhow::Result<()> {
        let (found, _, missing) = self.look(number).await?;
        ensure!(
            found == state,
            "{} should be {} and is {} ({})",
            number.label(),
            state.as_str(),
            found.as_str(),
            missing.join(", ")
        );
        Ok(())
    }
}
