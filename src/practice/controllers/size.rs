//! How many pods each of a Deployment's ReplicaSets is to have.
//!
//! Here: the bounds of a rollout, changing a size, sharing a change of `replicas`
//! out. Not here: which set is to change in a rollout (`rollout`).

use std::sync::Arc;

use serde_json::Value;

use super::{
    deployment::{COMPONENT, DESIRED, Deployment, MOST, Set, writer},
    event::Teller,
    revision::put_annotation,
};
use crate::practice::objects::object::{annotation, int, put, text};

impl Deployment<'_, '_> {
    /// How many pods there may be too many.
    pub fn surge(&self) -> i64 {
        self.bounds().0
    }

    /// How many pods may be missing.
    pub fn missing(&self) -> i64 {
        self.bounds().1.min(self.wanted())
    }

    fn bounds(&self) -> (i64, i64) {
        if text(&self.object, "/spec/strategy/type") == "Recreate" {
            return (0, 0);
        }
        let rolling = &self.object["spec"]["strategy"]["rollingUpdate"];
        let surge = scaled_value(&rolling["maxSurge"], self.wanted(), true);
        let missing = scaled_value(&rolling["maxUnavailable"], self.wanted(), false);
        // Both may come out as zero by rounding; then nothing could ever move.
        if surge == 0 && missing == 0 {
            return (0, 1);
        }
        (surge, missing)
    }

    /// How many pods the new ReplicaSet may have when it is to have `wanted` now.
    pub fn room_for_new(&self, wanted: i64) -> i64 {
        if text(&self.object, "/spec/strategy/type") == "Recreate" {
            return self.wanted();
        }
        let present: i64 = self.sets().map(Set::wanted).sum();
        let room = self.wanted() + self.surge() - present;
        if room <= 0 {
            return wanted;
        }
        wanted + room.min(self.wanted() - wanted)
    }

    pub fn tell_size(&self, set: &mut Value) {
        put_annotation(set, DESIRED, &self.wanted().to_string());
        put_annotation(set, MOST, &(self.wanted() + self.surge()).to_string());
    }

    /// Gives a ReplicaSet another size. Returns whether it had one.
    pub fn resize(&mut self, set: &Set, size: i64) -> bool {
        let before = set.wanted();
        let mut sized = Value::clone(&set.object);
        self.tell_size(&mut sized);
        let annotations = sized["metadata"]["annotations"].take();
        let after = self.desk.amend(&writer("update", ""), &set.key, |set| {
            put(set, &["spec", "replicas"], size);
            put(set, &["metadata", "annotations"], annotations);
        });
        if let Some(object) = after {
            for held in self.old.iter_mut().chain(&mut self.new) {
                if held.key == set.key {
                    held.object = Arc::clone(&object);
                }
            }
        }
        if before == size {
            return false;
        }
        let way = if before < size { "up" } else { "down" };
        let message = format!("Scaled {way} replica set {} from {before} to {size}", set.key.name);
        self.tell("ScalingReplicaSet", &message);
        true
    }

    pub fn tell(&mut self, reason: &str, message: &str) {
        let teller = Teller { component: COMPONENT, about: &self.object };
        teller.normal(self.desk, reason, message);
    }

    /// Shares a change of `replicas` out among the ReplicaSets, outside the steps
    /// of a rollout: in proportion to their sizes.
    pub fn scale(&mut self) {
        let mut active: Vec<Set> = self.sets().filter(|set| set.wanted() > 0).cloned().collect();
        if active.len() <= 1 {
            let newest = || self.old.last().cloned();
            let one = active.pop().or_else(|| self.new.clone()).or_else(newest);
            if let Some(set) = one.filter(|set| set.wanted() != self.wanted()) {
                self.resize(&set, self.wanted());
            }
            return;
        }
        let saturated = self.new.as_ref().is_some_and(|new| {
            new.wanted() == self.wanted()
                && annotation(&new.object, DESIRED) == self.wanted().to_string()
                && new.count("availableReplicas") == self.wanted()
        });
        if saturated {
            for set in self.old.clone() {
                if set.wanted() > 0 {
                    self.resize(&set, 0);
                }
            }
            return;
        }
        if text(&self.object, "/spec/strategy/type") == "Recreate" {
            return;
        }
        let present: i64 = active.iter().map(Set::wanted).sum();
        let allowed = match self.wanted() {
            0 => 0,
            wanted => wanted + self.surge(),
        };
        let change = allowed - present;
        // Of sets of one size the newer grow first and the older shrink first.
        if change > 0 {
            active.sort_by_key(|set| (-set.wanted(), std::cmp::Reverse(set.age())));
        } else {
            active.sort_by_key(|set| (-set.wanted(), set.age()));
        }
        let mut given = 0;
        let mut sizes = Vec::new();
        for set in &active {
            let share = self.share(set, change, given);
            given += share;
            sizes.push(set.wanted() + share);
        }
        if let Some(largest) = sizes.first_mut() {
            *largest = (*largest + change - given).max(0);
        }
        for (set, size) in active.iter().zip(sizes) {
            self.resize(set, size);
        }
    }

    /// A set's part of a change of size.
    fn share(&self, set: &Set, change: i64, given: i64) -> i64 {
        if set.wanted() == 0 || change == 0 || change == given {
            return 0;
        }
        let fraction = if self.wanted() == 0 {
            -set.wanted()
        } else {
            let most = annotation(&set.object, MOST).parse::<i64>().unwrap_or(0);
            let before = if most > 0 { most } else { int(&self.object, "/status/replicas") };
            let size = set.wanted() * (self.wanted() + self.surge());
            // Rounded half away from zero, as the real controller does.
            let before = before.max(1);
            (2 * size + before).div_euclid(2 * before) - set.wanted()
        };
        if change > 0 { fraction.min(change - given) } else { fraction.max(change - given) }
    }
}

/// A count of pods given as a number or a percentage.
fn scaled_value(value: &Value, of: i64, up: bool) -> i64 {
    let percent = value.as_str().and_then(|text| text.strip_suffix('%')).and_then(|text| text.parse::<i64>().ok());
    let count = match percent {
        None => value.as_i64().unwrap_or(0),
        Some(percent) => percent.saturating_mul(of).saturating_add(if up { 99 } else { 0 }) / 100,
    };
    // A client may write any percentage; sums of counts are to stay numbers.
    count.clamp(0, i64::from(i32::MAX))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_surge_is_rounded_up_and_what_may_be_missing_down() {
        assert_eq!(scaled_value(&json!("25%"), 3, true), 1);
        assert_eq!(scaled_value(&json!("25%"), 3, false), 0);
        assert_eq!(scaled_value(&json!("25%"), 8, true), 2);
        assert_eq!(scaled_value(&json!(2), 8, true), 2);
        assert_eq!(scaled_value(&json!("9223372036854775807%"), 8, true), i64::from(i32::MAX));
    }
}
