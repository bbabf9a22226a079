//! What goes wrong on purpose, request by request.
//!
//! Here: rules that say for which requests, how often, and what. Not here:
//! outages of the whole server (`door`).
//!
//! To add a fault: a variant of `Fault`, and what it does in `Server::answer`.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::asked::Asked;

/// What goes wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// This status and message, and nothing is done.
    Deny(u16, String),
    /// It is done, and then this status and message.
    DenyAfter(u16, String),
    /// It is answered, but so much later.
    Delay(Duration),
    /// The connection is cut and nothing is done.
    Cut,
    /// It is done, and then the connection is cut.
    CutAfter,
    /// The connection is cut at once, and it is done so much later.
    CutThenDo(Duration),
    /// The first text stands in the request where the second is meant: it is replaced, as an
    /// admission rule would.
    Instead(String, String),
}

/// Names a rule that was put in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultId(u64);

type Matches = Box<dyn Fn(&Asked, &str) -> bool + Send>;

struct Rule {
    id: FaultId,
    matches: Matches,
    fault: Fault,
    left: usize,
}

/// The faults in force.
#[derive(Default)]
pub struct Faults {
    rules: Mutex<Vec<Rule>>,
    made: AtomicU64,
}

impl Faults {
    /// Lets the next `times` requests for which `matches` says yes (it is given
    /// the request and the user's name) come to `fault`. The first rule that
    /// matches counts.
    pub fn inject(
        &self,
        times: usize,
        fault: Fault,
        matches: impl Fn(&Asked, &str) -> bool + Send + 'static,
    ) -> FaultId {
        let id = FaultId(self.made.fetch_add(1, Ordering::Relaxed));
        self.rules().push(Rule { id, matches: Box::new(matches), fault, left: times });
        id
    }

    /// Takes one rule back.
    pub fn lift(&self, id: FaultId) {
        self.rules().retain(|rule| rule.id != id);
    }

    /// Lets nothing more go wrong.
    pub fn clear(&self) {
        self.rules().clear();
    }

    pub(in crate::practice) fn of(&self, asked: &Asked, user: &str) -> Option<Fault> {
        let mut rules = self.rules();
        let place = rules.iter().position(|rule| rule.left > 0 && (rule.matches)(asked, user))?;
        let rule = &mut rules[place];
        rule.left -= 1;
        let fault = rule.fault.clone();
        if rule.left == 0 {
            rules.remove(place);
        }
        Some(fault)
    }

    fn rules(&self) -> std::sync::MutexGuard<'_, Vec<Rule>> {
        // A panic in a test's closure leaves the rules as they were.
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let faults: Vec<Fault> = self.rules().iter().map(|rule| rule.fault.clone()).collect();
        f.debug_tuple("Faults").field(&faults).finish()
    }
}
