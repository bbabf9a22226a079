//! The obvious version of the sign-off rules: small, slow, and written from product.md without a
//! look at the code it judges.

use std::collections::{BTreeMap, BTreeSet};

/// People and groups are numbered; so are microseconds.
pub type Person = usize;
pub type Group = usize;

#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    pub wanted: BTreeMap<Group, u32>,
    pub requester_may_sign: bool,
    pub author_may_sign: bool,
    pub unknown_author_blocks: bool,
    pub validity_hours: i64,
}

#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub start: i64,
    pub end: i64,
    pub announced: bool,
    pub cancelled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    ByHand,
    AtOpening,
    WhenSigned,
}

#[derive(Clone, Debug)]
pub struct World {
    pub now: i64,
    pub active: Vec<bool>,
    /// Who put whom into which group, and when.
    pub members: BTreeMap<(Group, Person), (Option<Person>, i64)>,
    /// Whose commit identity is whose.
    pub identities: BTreeMap<String, Person>,
    pub rules: Rules,
}

#[derive(Clone, Debug)]
pub struct Release {
    pub requester: Person,
    pub requested_at: i64,
    pub authors: BTreeSet<String>,
    pub mode: Mode,
    pub window: Option<Span>,
    pub planned: bool,
    /// Sign-offs of what is there now.
    pub signoffs: Vec<(Person, i64)>,
    pub rejected: bool,
    pub started: bool,
}

impl World {
    fn author(&self, release: &Release, person: Person) -> bool {
        release.authors.iter().any(|name| self.identities.get(name) == Some(&person))
    }

    /// The groups a person may stand for, today.
    pub fn stands_for(&self, release: &Release, person: Person) -> BTreeSet<Group> {
        let excluded = person == release.requester && !self.rules.requester_may_sign
            || self.author(release, person) && !self.rules.author_may_sign;
        if excluded || !self.active[person] {
            return BTreeSet::new();
        }
        let granted = |(group, _): &Group2, (by, at): &(Option<Person>, i64)| {
            let Some(by) = *by else { return Some(*group) };
            let interested = by == release.requester || self.author(release, by);
            let fine = by != person && !(interested && *at >= release.requested_at);
            fine.then_some(*group)
        };
        let own = self
            .members
            .iter()
            .filter(|((group, member), _)| *member == person && self.rules.wanted.contains_key(group));
        own.filter_map(|(key, grant)| granted(key, grant)).collect()
    }

    /// Whether somebody is in a group that is asked, however they came there.
    pub fn is_asked(&self, person: Person) -> bool {
        self.active[person] && self.rules.wanted.keys().any(|group| self.members.contains_key(&(*group, person)))
    }

    pub fn holds(&self, at: i64) -> bool {
        self.now < at + self.rules.validity_hours * 3_600_000_000
    }

    /// Distinct people whose sign-off counts, each with what they may stand for.
    pub fn counting(&self, release: &Release) -> BTreeMap<Person, BTreeSet<Group>> {
        let valid = release.signoffs.iter().filter(|(_, at)| self.holds(*at));
        let voters = valid.map(|(person, _)| (*person, self.stands_for(release, *person)));
        voters.filter(|(_, groups)| !groups.is_empty()).collect()
    }

    /// Whether everybody who is wanted has agreed: tries every way to seat people on places.
    pub fn agreed(&self, release: &Release) -> bool {
        fn seat(places: &[Group], people: &[(Person, BTreeSet<Group>)]) -> bool {
            let Some((place, rest)) = places.split_first() else { return true };
            (0..people.len()).any(|index| {
                let mut others = people.to_vec();
                let (_, groups) = others.remove(index);
                groups.contains(place) && seat(rest, &others)
            })
        }
        let places: Vec<Group> =
            self.rules.wanted.iter().flat_map(|(group, count)| std::iter::repeat_n(*group, *count as usize)).collect();
        let people: Vec<_> = self.counting(release).into_iter().collect();
        let known =
            !release.authors.is_empty() && release.authors.iter().all(|name| self.identities.contains_key(name));
        seat(&places, &people) && (known || !self.rules.unknown_author_blocks)
    }

    pub fn state(&self, release: &Release) -> &'static str {
        if release.started {
            "deploying"
        } else if release.rejected {
            "rejected"
        } else if !release.planned {
            "planning"
        } else if self.agreed(release) {
            "ready"
        } else {
            "waiting"
        }
    }

    pub fn open(&self, release: &Release) -> bool {
        !release.started && !release.rejected
    }

    /// Whether it may start now, by hand or by the clock.
    pub fn may_start(&self, release: &Release, by_hand: bool) -> bool {
        let time = release.window.is_none_or(|window| {
            window.announced && !window.cancelled && window.start <= self.now && self.now < window.end
        });
        let mode = by_hand || release.mode != Mode::ByHand;
        self.state(release) == "ready" && time && mode
    }
}

type Group2 = (Group, Person);
