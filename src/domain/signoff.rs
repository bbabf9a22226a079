//! Sign-off: whose decisions count, and whether the rules are met. Pure: given the same decisions
//! and memberships it answers the same, in whichever order they came (rule 1).

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::environment::SignoffRule;
use super::id::{GroupId, PersonId};
use super::text::Text;
use super::time::Timestamp;
use crate::text;

/// What a person decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionKind {
    /// Agrees.
    Signoff,
    /// Does not, which ends the release (rule 5).
    Rejection,
}

impl DecisionKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Signoff, Self::Rejection];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signoff => "signoff",
            Self::Rejection => "rejection",
        }
    }
}

/// A sign-off of the revision that is judged. Decisions on earlier revisions are void and never
/// come here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signoff {
    /// Who.
    pub person: PersonId,
    /// When.
    pub at: Timestamp,
    /// The content hash that was on their screen.
    pub content_hash: String,
}

/// A membership as it stands today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Which group.
    pub group: GroupId,
    /// Who is in it.
    pub person: PersonId,
    /// Whether the person's account is active.
    pub active: bool,
    /// Who put them there; nobody for the console.
    pub granted_by: Option<PersonId>,
    /// Since when.
    pub granted_at: Timestamp,
}

/// Everything the judgement looks at.
#[derive(Clone, Debug)]
pub struct SignoffFacts<'a> {
    /// The rules, all of which must be met.
    pub rules: &'a [SignoffRule],
    /// Sign-offs of the current revision.
    pub signoffs: &'a [Signoff],
    /// Today's memberships of the groups in the rules.
    pub memberships: &'a [Membership],
    /// Who asked for the release, and who made the token that it was asked for with.
    pub requesters: &'a [PersonId],
    /// People recognised as authors of its commits.
    pub authors: &'a BTreeSet<PersonId>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// The content hash of the current revision.
    pub content_hash: &'a str,
    /// Whether the requester may sign here.
    pub requester_may_sign: bool,
    /// Whether authors may sign here.
    pub author_may_sign: bool,
    /// How long a sign-off holds.
    pub validity: TimeDelta,
    /// The instant to judge for.
    pub now: Timestamp,
}

/// Why a person cannot sign, or a sign-off does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Discount {
    /// Asked for the release.
    Requester,
    /// Wrote part of it.
    Author,
    /// Is in none of the groups.
    NotMember,
    /// The account is deactivated.
    Deactivated,
    /// Put themselves into the group (rule 4).
    SelfGranted,
    /// Was put into the group by the requester or an author, after the request (rule 4).
    GrantedAfterRequest,
    /// Signed longer ago than the policy lets a sign-off hold (rule 7).
    Expired,
    /// Signed something else than what is there now (rule 3).
    OtherContent,
}

impl Discount {
    /// The sentence for it.
    pub fn text(self) -> Text {
        match self {
            Self::Requester => text!("discount-requester"),
            Self::Author => text!("discount-author"),
            Self::NotMember => text!("discount-not-member"),
            Self::Deactivated => text!("discount-deactivated"),
            Self::SelfGranted => text!("discount-self-granted"),
            Self::GrantedAfterRequest => text!("discount-granted-after-request"),
            Self::Expired => text!("discount-expired"),
            Self::OtherContent => text!("discount-other-content"),
        }
    }
}

/// How one rule stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTally {
    /// The rule.
    pub rule: SignoffRule,
    /// People whose sign-off counts for it.
    pub signed: Vec<PersonId>,
    /// People whose sign-off would bring this rule nearer, when it is not met.
    pub can: Vec<PersonId>,
}

impl RuleTally {
    /// How many sign-offs are missing.
    pub fn missing(&self) -> usize {
        (self.rule.count as usize).saturating_sub(self.signed.len())
    }
}

/// How a release stands with its signers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Each rule, in the policy's order.
    pub rules: Vec<RuleTally>,
    /// Sign-offs that do not count, and why.
    pub discounted: Vec<(PersonId, Discount)>,
}

impl Tally {
    /// Whether all rules are met.
    pub fn met(&self) -> bool {
        self.rules.iter().all(|rule| rule.missing() == 0)
    }
    /// People whose sign-off would bring the release nearer.
    pub fn can(&self) -> BTreeSet<PersonId> {
        self.rules.iter().flat_map(|rule| rule.can.iter().copied()).collect()
    }
}

impl SignoffFacts<'_> {
    /// The groups for which a person's sign-off may count, or why none does.
    ///
    /// # Errors
    /// The reason that stands nearest to a remedy: exclusion first, then membership.
    pub fn standing(&self, person: PersonId) -> Result<BTreeSet<GroupId>, Discount> {
        if self.requesters.contains(&person) && !self.requester_may_sign {
            return Err(Discount::Requester);
        }
        if self.authors.contains(&person) && !self.author_may_sign {
            return Err(Discount::Author);
        }
        let mut groups = BTreeSet::new();
        let mut reason = Discount::NotMember;
        for membership in self.memberships.iter().filter(|one| one.person == person) {
            match self.judge(membership) {
                Ok(()) => {
                    groups.insert(membership.group);
                }
                Err(discount) => reason = discount,
            }
        }
        if groups.is_empty() { Err(reason) } else { Ok(groups) }
    }

    /// Whether a membership counts (rule 4).
    fn judge(&self, membership: &Membership) -> Result<(), Discount> {
        if !membership.active {
            return Err(Discount::Deactivated);
        }
        let Some(granter) = membership.granted_by else { return Ok(()) };
        if granter == membership.person {
            return Err(Discount::SelfGranted);
        }
        let interested = self.requesters.contains(&granter) || self.authors.contains(&granter);
        if interested && membership.granted_at >= self.requested_at {
            return Err(Discount::GrantedAfterRequest);
        }
        Ok(())
    }

    /// The groups for which a sign-off counts, or why it counts for none.
    ///
    /// # Errors
    /// What was signed first, then whether it still holds, then who signed.
    pub fn counts_for(&self, signoff: &Signoff) -> Result<BTreeSet<GroupId>, Discount> {
        if signoff.content_hash != self.content_hash {
            Err(Discount::OtherContent)
        } else if self.now >= signoff.at.plus(self.validity) {
            Err(Discount::Expired)
        } else {
            self.standing(signoff.person)
        }
    }

    /// Counts the sign-offs against the rules.
    pub fn tally(&self) -> Tally {
        let mut voters: BTreeMap<PersonId, BTreeSet<GroupId>> = BTreeMap::new();
        let mut discounted = Vec::new();
        for signoff in self.signoffs {
            match self.counts_for(signoff) {
                Ok(groups) => {
                    voters.insert(signoff.person, groups);
                }
                Err(discount) => discounted.push((signoff.person, discount)),
            }
        }
        discounted.sort_by_key(|(person, _)| *person);
        discounted.dedup();

        let matching = Matching::of(self.rules, &voters);
        let candidates: BTreeSet<PersonId> = self.memberships.iter().map(|one| one.person).collect();
        let candidates: Vec<(PersonId, BTreeSet<GroupId>)> = candidates
            .into_iter()
            .filter(|person| !voters.contains_key(person))
            .filter_map(|person| Some((person, self.standing(person).ok()?)))
            .collect();
        let rules = (0..self.rules.len())
            .map(|index| RuleTally {
                rule: self.rules[index],
                signed: matching.signed[index].clone(),
                can: matching.who_can_fill(index, self.rules, &voters, &candidates),
            })
            .collect();
        Tally { rules, discounted }
    }
}

/// A largest assignment of people to rules: each person once, no rule more than its count. Found by
/// augmenting paths, people in order of id, so that it depends on who signed and not on when.
#[derive(Clone)]
struct Matching {
    signed: Vec<Vec<PersonId>>,
}

impl Matching {
    fn of(rules: &[SignoffRule], voters: &BTreeMap<PersonId, BTreeSet<GroupId>>) -> Self {
        let mut matching = Self { signed: vec![Vec::new(); rules.len()] };
        for person in voters.keys() {
            matching.place(rules, voters, *person, &mut BTreeSet::new());
        }
        for signed in &mut matching.signed {
            signed.sort_unstable();
        }
        matching
    }

    /// Candidates who would fill a place of one rule that is not met, be it by letting somebody
    /// who has signed stand there instead of where they stand now.
    fn who_can_fill(
        &self,
        index: usize,
        rules: &[SignoffRule],
        voters: &BTreeMap<PersonId, BTreeSet<GroupId>>,
        candidates: &[(PersonId, BTreeSet<GroupId>)],
    ) -> Vec<PersonId> {
        if self.signed[index].len() >= rules[index].count as usize {
            return Vec::new();
        }
        // With every other rule taken as full, a place can be found at this one only.
        let mut only = rules.to_vec();
        for (other, rule) in only.iter_mut().enumerate().filter(|(other, _)| *other != index) {
            rule.count = u32::try_from(self.signed[other].len()).unwrap_or(u32::MAX);
        }
        let fills = |(person, groups): &&(PersonId, BTreeSet<GroupId>)| {
            let mut with = voters.clone();
            with.insert(*person, groups.clone());
            self.clone().place(&only, &with, *person, &mut BTreeSet::new())
        };
        candidates.iter().filter(fills).map(|(person, _)| *person).collect()
    }

    fn place(
        &mut self,
        rules: &[SignoffRule],
        voters: &BTreeMap<PersonId, BTreeSet<GroupId>>,
        person: PersonId,
        tried: &mut BTreeSet<usize>,
    ) -> bool {
        for (index, rule) in rules.iter().enumerate() {
            if !voters.get(&person).is_some_and(|groups| groups.contains(&rule.group)) || !tried.insert(index) {
                continue;
            }
            if self.signed[index].len() < rule.count as usize {
                self.signed[index].push(person);
                return true;
            }
            for place in 0..self.signed[index].len() {
                let other = self.signed[index][place];
                if self.place(rules, voters, other, tried) {
                    self.signed[index][place] = person;
                    return true;
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_micros(hour * 3_600_000_000).unwrap()
    }

    struct Case {
        rules: Vec<SignoffRule>,
        signoffs: Vec<Signoff>,
        memberships: Vec<Membership>,
        authors: BTreeSet<PersonId>,
    }

    impl Case {
        fn new(rules: &[(i64, u32)]) -> Self {
            let rules =
                rules.iter().map(|(group, count)| SignoffRule { group: GroupId(*group), count: *count }).collect();
            Self { rules, signoffs: Vec::new(), memberships: Vec::new(), authors: BTreeSet::new() }
        }
        fn member(mut self, group: i64, person: i64) -> Self {
            self.memberships.push(Membership {
                group: GroupId(group),
                person: PersonId(person),
                active: true,
                granted_by: None,
                granted_at: at(0),
            });
            self
        }
        fn signed(mut self, person: i64) -> Self {
            self.signoffs.push(Signoff { person: PersonId(person), at: at(2), content_hash: "h".into() });
            self
        }
        fn facts(&self) -> SignoffFacts<'_> {
            SignoffFacts {
                rules: &self.rules,
                signoffs: &self.signoffs,
                memberships: &self.memberships,
                requesters: &[PersonId(100)],
                authors: &self.authors,
                requested_at: at(1),
                content_hash: "h",
                requester_may_sign: false,
                author_may_sign: false,
                validity: TimeDelta::hours(24),
                now: at(3),
            }
        }
    }

    #[test]
    fn one_person_counts_once_though_in_both_groups() {
        let case = Case::new(&[(1, 1), (2, 1)]).member(1, 7).member(2, 7).signed(7);
        assert!(!case.facts().tally().met());
        let case = case.member(2, 8).signed(8);
        assert!(case.facts().tally().met());
    }

    #[test]
    fn a_person_in_two_groups_is_moved_to_where_they_are_needed() {
        // 7 could serve either rule and 8 only the first; taken greedily 7 would block 8.
        let case = Case::new(&[(1, 1), (2, 1)]).member(1, 7).member(2, 7).member(1, 8).signed(7).signed(8);
        assert!(case.facts().tally().met());
    }

    #[test]
    fn whoever_helps_by_letting_another_move_is_named() {
        let case = Case::new(&[(1, 1), (2, 1)]).member(1, 7).member(2, 7).member(1, 8).signed(7);
        assert!(case.facts().tally().can().contains(&PersonId(8)));
    }

    #[test]
    fn a_rule_names_those_who_can_meet_it_and_nobody_else() {
        let case = Case::new(&[(1, 1), (2, 1)]).member(1, 7).member(2, 8).member(2, 100);
        let tally = case.facts().tally();
        assert_eq!(tally.rules[0].can, [PersonId(7)]);
        assert_eq!(tally.rules[1].can, [PersonId(8)]);
        let tally = case.signed(7);
        assert_eq!((tally.facts().tally().rules[0].can.len(), tally.facts().tally().rules[1].can.len()), (0, 1));
    }

    #[test]
    fn requester_and_authors_do_not_count() {
        let mut case = Case::new(&[(1, 1)]).member(1, 100).member(1, 7).signed(100).signed(7);
        case.authors.insert(PersonId(7));
        let tally = case.facts().tally();
        assert!(!tally.met());
        assert_eq!(tally.discounted, [(PersonId(7), Discount::Author), (PersonId(100), Discount::Requester)]);
        let relaxed = SignoffFacts { requester_may_sign: true, ..case.facts() };
        assert!(relaxed.tally().met());
    }

    #[test]
    fn a_membership_counts_as_rule_4_says() {
        let base = Case::new(&[(1, 1)]).member(1, 7).signed(7);
        let with = |change: fn(&mut Membership)| {
            let mut memberships = base.memberships.clone();
            change(&mut memberships[0]);
            SignoffFacts { memberships: &memberships, ..base.facts() }.tally()
        };
        assert!(with(|_| ()).met());
        assert_eq!(with(|m| m.active = false).discounted[0].1, Discount::Deactivated);
        assert_eq!(with(|m| m.granted_by = Some(PersonId(7))).discounted[0].1, Discount::SelfGranted);
        assert!(with(|m| m.granted_by = Some(PersonId(100))).met(), "granted before the request");
        let late = with(|m| {
            m.granted_by = Some(PersonId(100));
            m.granted_at = at(1);
        });
        assert_eq!(late.discounted[0].1, Discount::GrantedAfterRequest);
    }

    #[test]
    fn a_signoff_expires_and_binds_to_its_content() {
        let case = Case::new(&[(1, 1)]).member(1, 7).signed(7);
        assert_eq!(SignoffFacts { now: at(26), ..case.facts() }.tally().discounted[0].1, Discount::Expired);
        assert_eq!(SignoffFacts { content_hash: "x", ..case.facts() }.tally().discounted[0].1, Discount::OtherContent);
    }

    /// Tries every assignment: slow and obvious.
    fn met_by_trying(slots: &[i64], people: &[(i64, BTreeSet<i64>)]) -> bool {
        let Some((group, rest)) = slots.split_first() else { return true };
        people.iter().enumerate().any(|(index, (_, groups))| {
            groups.contains(group) && {
                let mut others = people.to_vec();
                others.remove(index);
                met_by_trying(rest, &others)
            }
        })
    }

    proptest! {
        #[test]
        fn the_matching_agrees_with_trying_everything_in_any_order(
            rules in prop::collection::vec((0_i64..4, 1_u32..3), 0..4),
            members in prop::collection::vec((0_i64..4, 0_i64..6), 0..14),
            mut signers in prop::collection::vec(0_i64..6, 0..6),
        ) {
            let mut case = Case::new(&rules);
            for (group, person) in &members {
                case = case.member(*group, *person);
            }
            signers.sort_unstable();
            signers.dedup();
            for signer in &signers {
                case = case.signed(*signer);
            }
            let slots: Vec<i64> = rules.iter().flat_map(|(group, count)| std::iter::repeat_n(*group, *count as usize)).collect();
            let people: Vec<(i64, BTreeSet<i64>)> = signers
                .iter()
                .map(|signer| (*signer, members.iter().filter(|(_, p)| p == signer).map(|(g, _)| *g).collect()))
                .collect();
            let tally = case.facts().tally();
            prop_assert_eq!(tally.met(), met_by_trying(&slots, &people));
            case.signoffs.reverse();
            case.memberships.reverse();
            prop_assert_eq!(case.facts().tally(), tally);
        }
    }
}
