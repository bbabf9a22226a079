//! What happened in the shop before you came, told by doing it: a week of releases, and what is to
//! go out next.

use chrono::{Datelike as _, Days, NaiveDate, NaiveTime, TimeDelta, Weekday};

use super::cast::Cast;
use super::shop::{self, DIEGO, Images, MINA, PRODUCTS, Turn};
use crate::domain::id::{ReleaseNumber, WindowId};
use crate::domain::release::State;
use crate::domain::time::{Timestamp, Zone};
use crate::protocol::{StartSpec, WindowSpec};

/// Where the story stops, for whoever goes on with it.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// Lacks exactly product's sign-off.
    pub next: ReleaseNumber,
    /// Goes out in the same window, and is ready.
    pub ready: ReleaseNumber,
    /// When that window opens.
    pub opens_at: Timestamp,
}

/// Days the story goes back.
pub(super) const DAYS: i64 = 7;

/// The story, with what it is told with.
pub(super) struct Story<'s> {
    /// Who acts.
    pub cast: &'s Cast<'s>,
    /// What can be deployed.
    pub images: &'s Images,
    /// The zone of the shop.
    pub zone: Zone,
    /// When you came: where the story ends.
    pub present: Timestamp,
}

fn start(mode: &str, window: Option<WindowId>) -> StartSpec {
    StartSpec { mode: mode.to_owned(), window: window.map(|id| id.0) }
}

/// Who can sign a release, and what they say.
type Signatures<'a> = [(&'a str, &'a str)];

impl Story<'_> {
    /// An instant on one of the last working days: 1 is the one before today.
    fn workday(&self, back: usize, hour: u32, minute: u32) -> Timestamp {
        let today = self.zone.local(self.present).date_naive();
        let working = |day: &NaiveDate| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        let mut days = (1..).filter_map(|n| today.checked_sub_days(Days::new(n))).filter(working);
        let day = days.nth(back.saturating_sub(1)).unwrap_or(today);
        self.instant(day, hour, minute)
    }

    /// A wall-clock time; on a night when there is none, midnight UTC will do.
    fn instant(&self, day: NaiveDate, hour: u32, minute: u32) -> Timestamp {
        let wall = format!("{day}T{hour:02}:{minute:02}");
        let midnight = || day.and_time(NaiveTime::MIN).and_utc().into();
        self.zone.instant(&wall).unwrap_or_else(|_| midnight())
    }

    async fn build(&self, service: &str, version: &str, turn: Turn, authors: &[&str]) -> anyhow::Result<i64> {
        let built_at = self.cast.now().minus(TimeDelta::minutes(4)).to_string();
        self.cast.build(self.images.built(service, version, turn, authors, built_at)).await
    }

    /// Brings an image to staging, where nobody has to sign.
    async fn stage(&self, service: &str, image: i64) -> anyhow::Result<ReleaseNumber> {
        self.cast.request(service, "staging", image, start("when_signed", None), "").await
    }

    /// Asks for a release to production, plans it, and has it signed.
    async fn ask(
        &self,
        (service, image): (&str, i64),
        when: StartSpec,
        note: &str,
        signatures: &Signatures<'_>,
    ) -> anyhow::Result<ReleaseNumber> {
        let number = self.cast.request(service, "production", image, when, note).await?;
        self.cast.settle().await?;
        for (login, comment) in signatures {
            self.cast.at(self.cast.now().plus(TimeDelta::minutes(3)));
            self.cast.sign(login, number, comment).await?;
        }
        Ok(number)
    }

    fn window(&self, title: &str, from: Timestamp, minutes: i64, audience: &str, public: bool) -> WindowSpec {
        WindowSpec {
            title: title.to_owned(),
            starts_at: from.to_string(),
            ends_at: from.plus(TimeDelta::minutes(minutes)).to_string(),
            zone: Some(self.zone.name().to_owned()),
            audience: audience.to_owned(),
            public,
        }
    }

    /// Everything up to the present. `opens_in` is how long it is until the next window then.
    pub async fn tell(&self, opens_in: TimeDelta) -> anyhow::Result<Told> {
        self.first_week().await?;
        self.a_hotfix_that_failed().await?;
        self.a_rejection().await?;
        self.what_comes_next(opens_in).await
    }

    /// All services go to staging, and in an announced window to production.
    async fn first_week(&self) -> anyhow::Result<()> {
        let cast = self.cast;
        cast.at(self.workday(4, 10, 12));
        let versions = [("checkout", "1.40.0"), ("catalog", "2.7.0"), ("search", "0.17.2"), ("mailer", "3.1.4")];
        let (mut images, mut numbers) = (Vec::new(), Vec::new());
        for (service, version) in versions {
            let image = self.build(service, version, Turn::Last, &[MINA]).await?;
            images.push((service, image));
            numbers.push(self.stage(service, image).await?);
            cast.at(cast.now().plus(TimeDelta::minutes(11)));
        }
        cast.settle().await?;
        let opens = self.workday(4, 17, 0);
        let audience = "Nothing should be noticed. If the shop is slow for a minute, that is us.";
        let window = self.window("Weekly storefront release", opens, 60, audience, true);
        let window = cast.plan_window(window, true).await?;
        for (service, image) in images {
            let signatures = [("deploy-1", "Looked at it on staging."), ("product-1", "")];
            numbers.push(
                self.ask((service, image), start("at_opening", Some(window)), "Weekly release", &signatures).await?,
            );
        }
        cast.at(opens.plus(TimeDelta::seconds(1)));
        cast.settle().await?;
        for number in numbers {
            cast.expect(number, State::Succeeded).await?;
        }
        Ok(())
    }

    /// A hotfix skips staging, crashes, and is rolled back; the next one works.
    async fn a_hotfix_that_failed(&self) -> anyhow::Result<()> {
        let cast = self.cast;
        cast.at(self.workday(2, 11, 20));
        let image = self.build("search", "0.18.0", Turn::Broken, &[MINA]).await?;
        let note = "Hotfix: searches with an umlaut find nothing. Not tried on staging, it is urgent.";
        let signatures = [("product-2", "Customers are calling. Go."), ("deploy-2", "")];
        let failed = self.ask(("search", image), start("by_hand", None), note, &signatures).await?;
        cast.start(failed).await?;
        cast.settle().await?;
        cast.expect(failed, State::Failed).await?;
        cast.at(cast.now().plus(TimeDelta::minutes(2)));
        cast.roll_back(failed).await?;
        cast.settle().await?;

        cast.at(self.workday(2, 14, 40));
        let image = self.build("search", "0.18.1", Turn::Recent, &[MINA]).await?;
        let staged = self.stage("search", image).await?;
        cast.settle().await?;
        cast.expect(staged, State::Succeeded).await?;
        let note = "The hotfix once more, with the missing dictionary in the image. Runs on staging.";
        let signatures = [("deploy-2", "Tried searches with umlauts on staging."), ("product-2", "Thank you!")];
        let fixed = self.ask(("search", image), start("by_hand", None), note, &signatures).await?;
        cast.start(fixed).await?;
        cast.settle().await?;
        cast.expect(fixed, State::Succeeded).await
    }

    /// Product says no.
    async fn a_rejection(&self) -> anyhow::Result<()> {
        let cast = self.cast;
        cast.at(self.workday(1, 15, 5));
        let image = self.build("mailer", "3.2.0", Turn::Recent, &[MINA]).await?;
        let staged = self.stage("mailer", image).await?;
        cast.settle().await?;
        cast.expect(staged, State::Succeeded).await?;
        let when = start("when_signed", None);
        let rejected = self.ask(("mailer", image), when, "New footer", &[("deploy-1", "")]).await?;
        cast.at(cast.now().plus(TimeDelta::minutes(25)));
        cast.reject("product-2", rejected, "The footer has last year's address. Please fix it, then we can go.")
            .await?;
        cast.expect(rejected, State::Rejected).await
    }

    /// What is planned: one release that lacks one signature, one that is ready, one for next week,
    /// and one in a window that is not announced yet.
    async fn what_comes_next(&self, opens_in: TimeDelta) -> anyhow::Result<Told> {
        let cast = self.cast;
        cast.at(self.present.minus(TimeDelta::hours(3)));
        let new = [
            ("checkout", "1.42.0", Turn::Star, &[MINA, DIEGO][..]),
            ("catalog", "2.8.0", Turn::Next, &[MINA]),
            ("search", "0.19.0", Turn::Next, &[MINA]),
            ("mailer", "3.3.0", Turn::Next, &[MINA]),
        ];
        let (mut images, mut staged) = (Vec::new(), Vec::new());
        for (service, version, turn, authors) in new {
            let image = self.build(service, version, turn, authors).await?;
            images.push(image);
            staged.push(self.stage(service, image).await?);
            cast.settle().await?;
            cast.at(cast.now().plus(TimeDelta::minutes(6)));
        }
        for number in staged {
            cast.expect(number, State::Succeeded).await?;
        }
        let [checkout, catalog, search, mailer] = images[..] else { anyhow::bail!("an image is missing") };
        debug_assert_eq!(images.len(), PRODUCTS.len());

        // From now on new pods have to serve for a while before a release counts as done.
        cast.at(self.present.minus(TimeDelta::hours(2)));
        cast.apply(vec![shop::production(3)]).await?;
        let today = self.zone.local(self.present).date_naive();
        let day = |after: u64| today.checked_add_days(Days::new(after)).unwrap_or(today);
        let next_week = self.instant(day(7), 20, 0);
        let audience = "Search results may look different afterwards.";
        let next_week = self.window("Search relevance", next_week, 60, audience, true);
        let next_week = cast.plan_window(next_week, true).await?;
        let draft = self.window("Mail templates", self.instant(day(9), 9, 0), 120, "", false);
        let draft = cast.plan_window(draft, false).await?;
        let when = start("at_opening", Some(next_week));
        let note = "New ranking. The week before, product compares results on staging.";
        self.ask(("search", search), when, note, &[]).await?;
        let when = start("at_opening", Some(draft));
        self.ask(
            ("mailer", mailer),
            when,
            "New footer, with this year's address",
            &[("product-2", "That is the one.")],
        )
        .await?;

        cast.at(self.present.minus(TimeDelta::minutes(40)));
        let opens_at = crate::clock::Clock::system().now().plus(opens_in);
        let audience = "Vouchers can be used at the checkout from then on. The shop stays open.";
        let window = self.window("Vouchers at the checkout", opens_at, 60, audience, true);
        let window = cast.plan_window(window, true).await?;
        let when = || start("at_opening", Some(window));
        let signatures = [("deploy-2", ""), ("product-2", "Looks good on staging.")];
        let ready = self.ask(("catalog", catalog), when(), "Prices with vouchers in the list", &signatures).await?;
        let note = "Vouchers at the checkout. Can be switched off in the settings of the shop.";
        let signatures = [("deploy-1", "Tried it on staging, and the way back too.")];
        let next = self.ask(("checkout", checkout), when(), note, &signatures).await?;
        cast.expect(ready, State::Ready).await?;
        cast.expect(next, State::Waiting).await?;
        Ok(Told { next, ready, opens_at })
    }
}
