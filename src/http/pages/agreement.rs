//! Who has to agree to a release, who has, and whether the reader is asked.

use super::story::People;
use crate::domain::id::PersonId;
use crate::domain::release::State;
use crate::domain::signoff::Tally;
use crate::domain::text::Text;
use crate::domain::time::{Interval, Timestamp};
use crate::http::shell::Shell;
use crate::http::when;
use crate::store::view::gate::Gate;
use crate::store::{self, Conn};
use crate::text;

/// The reader's own sign-off.
pub(super) enum Sign {
    /// They can sign: for these groups, and what it leads to.
    Can { groups: Text, button: Text },
    /// They have.
    Signed(Timestamp),
    /// They are asked and cannot, for this reason.
    Cannot(Text),
    /// They are not asked.
    NotAsked,
}

/// A rule of the policy, and how far it is met.
pub(super) struct Rule {
    pub(super) title: String,
    pub(super) met: bool,
    pub(super) text: Text,
}

/// A decision that does not count any more.
pub(super) struct Void {
    pub(super) text: Text,
    pub(super) why: Text,
}

/// Whether the reader can sign.
pub(super) fn sign(
    shell: &Shell,
    gate: &Gate,
    tally: &Tally,
    person: PersonId,
    state: State,
    interval: Option<Interval>,
) -> Sign {
    if !state.is_open() || gate.policy.rules.is_empty() {
        return Sign::NotAsked;
    }
    let now = shell.reader.now;
    let own = gate.decisions.iter().rev().find(|one| {
        one.person_id == person
            && one.revision == gate.revision.revision
            && now < one.decided_at.plus(gate.policy.validity())
    });
    if let Some(decision) = own {
        return Sign::Signed(decision.decided_at);
    }
    let member = gate.memberships.iter().any(|one| one.person == person);
    match gate.signoff_facts(now).standing(person) {
        Err(why) if member => Sign::Cannot(why.text()),
        Err(_) => Sign::NotAsked,
        Ok(_) if gate.revision.content_hash.is_none() => Sign::Cannot(text!("signoff-not-planned")),
        Ok(groups) => {
            let titles: Vec<&str> =
                groups.iter().filter_map(|id| gate.group_titles.get(id)).map(|title| title.as_str()).collect();
            let last = tally.rules.iter().map(|rule| rule.missing()).sum::<usize>() == 1;
            let button = match (gate.revision.start_mode, interval) {
                (crate::domain::environment::StartMode::AtOpening, Some(interval)) => {
                    text!("sign-deploys-at", when = when::brief(interval.start, &shell.reader))
                }
                (crate::domain::environment::StartMode::WhenSigned, _) if last => text!("sign-deploys-now"),
                _ => text!("sign-off"),
            };
            Sign::Can { groups: text!("sign-for", groups = titles.join(", ")), button }
        }
    }
}

/// The rules, in the policy's order.
pub(super) async fn rules(
    conn: &mut Conn,
    gate: &Gate,
    tally: &Tally,
    people: &mut People,
) -> Result<Vec<Rule>, store::Error> {
    let mut rules = Vec::new();
    for rule in &tally.rules {
        let names = if rule.missing() > 0 { &rule.can } else { &rule.signed };
        let names = people.names(conn, names).await?;
        let (signed, count) = (rule.signed.len(), rule.rule.count);
        let text = match (rule.missing() > 0, names.is_empty()) {
            (true, true) => text!("rule-nobody-can", signed = signed, count = count),
            (true, false) => text!("rule-open", signed = signed, count = count, names = join_or(&names)),
            (false, _) => text!("rule-met", signed = signed, count = count, names = names.join(", ")),
        };
        let title = gate.group_titles.get(&rule.rule.group).map(ToString::to_string).unwrap_or_default();
        rules.push(Rule { title, met: rule.missing() == 0, text });
    }
    Ok(rules)
}

/// At most four names; more are counted.
pub(super) fn join_or(names: &[String]) -> Text {
    let shown = names.iter().take(4).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(4) {
        0 => text!("names", names = shown),
        more => text!("names-and-more", names = shown, more = more),
    }
}

/// The decisions that do not count, with what voided each.
pub(super) async fn void(
    conn: &mut Conn,
    gate: &Gate,
    tally: &Tally,
    people: &mut People,
) -> Result<Vec<Void>, store::Error> {
    let mut lines = Vec::new();
    for decision in &gate.decisions {
        let earlier = decision.revision != gate.revision.revision;
        let discount = tally.discounted.iter().find(|(person, _)| *person == decision.person_id);
        let why = match (earlier, discount) {
            (true, _) => gate.revision.reason.0.clone(),
            (false, Some((_, why))) => why.text(),
            (false, None) => continue,
        };
        let name = people.name(conn, decision.person_id).await?;
        lines.push(Void { text: text!("void-decision", who = name, at = decision.decided_at), why });
    }
    Ok(lines)
}
