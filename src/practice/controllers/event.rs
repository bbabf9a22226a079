//! What the cluster's parts tell about what they do: Event objects.
//!
//! Here: making one, and not keeping too many. Not here: deciding what is worth
//! telling.

use serde_json::{Value, json};

use crate::practice::objects::{
    change::{Key, Writer},
    kinds::EVENTS,
    object,
    store::Desk,
};

/// How many events a namespace keeps. (A real cluster forgets by time.)
const KEPT: usize = 1000;

/// Who tells, and of what.
pub(super) struct Teller<'a> {
    pub component: &'a str,
    pub about: &'a Value,
}

impl Teller<'_> {
    pub fn normal(&self, desk: &mut Desk<'_>, reason: &str, message: &str) {
        self.tell(desk, "Normal", reason, message);
    }

    pub fn warning(&self, desk: &mut Desk<'_>, reason: &str, message: &str) {
        self.tell(desk, "Warning", reason, message);
    }

    fn tell(&self, desk: &mut Desk<'_>, kind: &str, reason: &str, message: &str) {
        let about = self.about;
        let namespace = object::namespace(about).to_owned();
        let now = object::stamp(desk.now());
        let event = json!({
            "metadata": {
                "name": format!("{}.{}", object::name(about), desk.seed().number()),
                "namespace": namespace,
            },
            "involvedObject": {
                "apiVersion": about["apiVersion"],
                "kind": about["kind"],
                "namespace": namespace,
                "name": object::name(about),
                "uid": object::uid(about),
                "resourceVersion": about["metadata"]["resourceVersion"],
            },
            "type": kind,
            "reason": reason,
            "message": message,
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": self.component},
            "reportingComponent": self.component,
            "reportingInstance": "",
        });
        let writer = Writer::inside(self.component, "create", "");
        // Nothing depends on an event; in a namespace that ends there is none.
        let _ = desk.create(&writer, &EVENTS, &namespace, event);
        // Counting them each time would cost more than keeping a few too many.
        if desk.version().is_multiple_of(64) {
            forget_oldest(desk, &writer, &namespace);
        }
    }
}

fn forget_oldest(desk: &mut Desk<'_>, writer: &Writer, namespace: &str) {
    let version = |event: &Value| object::text(event, "/metadata/resourceVersion").parse().unwrap_or(0);
    let mut events: Vec<(u64, Key)> =
        desk.list(&EVENTS, namespace, None).map(|(key, event)| (version(event), key.clone())).collect();
    events.sort();
    let beyond = events.len().saturating_sub(KEPT);
    for (_, key) in &events[..beyond] {
        desk.erase(writer, key);
    }
}
