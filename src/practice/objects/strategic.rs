//! Strategic merge patches: lists merged by the key of their elements.
//!
//! Here: the merge, with `$patch`, `$retainKeys`, `$setElementOrder` and
//! `$deleteFromPrimitiveList`, and the order of elements a real server gives
//! (an element the patch brings goes before those it does not name). Not here:
//! the other patch formats (`patch`).

use serde_json::{Map, Value};

/// A patch that makes no sense; the sentence for the client.
pub(in crate::practice) type Nonsense = String;

/// Which lists are merged and by what. Lists that are not here are replaced.
fn merge_key(field: &str, of_service: bool) -> Option<&'static str> {
    Some(match field {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "env"
        | "volumes"
        | "imagePullSecrets"
        | "secrets"
        | "schedulingGates"
        | "resourceClaims" => "name",
        "volumeMounts" => "mountPath",
        "volumeDevices" => "devicePath",
        "ports" if of_service => "port",
        "ports" => "containerPort",
        "conditions" | "addresses" => "type",
        "hostAliases" | "podIPs" | "hostIPs" => "ip",
        "ownerReferences" => "uid",
        "topologySpreadConstraints" => "topologyKey",
        _ => return None,
    })
}

/// Lists of plain values that are merged as sets.
fn is_set(field: &str) -> bool {
    matches!(field, "finalizers" | "podCIDRs")
}

/// Merges a patch into an object.
pub(in crate::practice) fn merge(original: &mut Value, patch: &Value) -> Result<(), Nonsense> {
    let of_service = original["kind"] == "Service";
    let Value::Object(patch) = patch else {
        return Err("a patch is a JSON object".to_owned());
    };
    if !original.is_object() {
        *original = Value::Object(Map::new());
    }
    match original {
        Value::Object(original) => Merge { of_service }.maps(original, patch.clone()),
        _ => Ok(()),
    }
}

struct Merge {
    of_service: bool,
}

impl Merge {
    fn maps(&self, original: &mut Map<String, Value>, mut patch: Map<String, Value>) -> Result<(), Nonsense> {
        match patch.remove("$patch") {
            None => {}
            Some(directive) if directive == "replace" => {
                *original = patch;
                return Ok(());
            }
            Some(directive) if directive == "delete" => {
                original.clear();
                return Ok(());
            }
            Some(directive) => return Err(format!("unknown patch type {directive} in map")),
        }
        if let Some(retained) = patch.remove("$retainKeys") {
            let Value::Array(retained) = retained else {
                return Err("$retainKeys is not a list".to_owned());
            };
            original.retain(|key, _| retained.iter().any(|kept| kept == key.as_str()));
        }
        let directives: Vec<String> = patch.keys().filter(|key| key.starts_with('$')).cloned().collect();
        for directive in directives {
            let Some(Value::Array(list)) = patch.remove(&directive) else {
                return Err(format!("{directive} is not a list"));
            };
            match directive.split_once('/') {
                Some(("$setElementOrder", field)) => {
                    self.ordered(original, &mut patch, field, &list)?;
                }
                Some(("$deleteFromPrimitiveList", field)) => {
                    if let Some(Value::Array(there)) = original.get_mut(field) {
                        there.retain(|item| !list.contains(item));
                    }
                }
                _ => return Err(format!("unknown directive {directive}")),
            }
        }
        for (field, value) in patch {
            if value.is_null() {
                original.remove(&field);
                continue;
            }
            match (original.get_mut(&field), value) {
                (Some(Value::Object(there)), Value::Object(value)) => self.maps(there, value)?,
                (Some(Value::Array(there)), Value::Array(value)) => {
                    *there = self.lists(&field, std::mem::take(there), value)?;
                }
                (_, value) => match without_directives(value) {
                    Some(value) => {
                        original.insert(field, value);
                    }
                    None => {
                        original.remove(&field);
                    }
                },
            }
        }
        Ok(())
    }

    /// A list for which the patch also gives the order of its elements.
    fn ordered(
        &self,
        original: &mut Map<String, Value>,
        patch: &mut Map<String, Value>,
        field: &str,
        order: &[Value],
    ) -> Result<(), Nonsense> {
        let there = match original.get(field) {
            Some(Value::Array(there)) => there.clone(),
            _ => Vec::new(),
        };
        let merged = match patch.remove(field) {
            Some(Value::Array(brought)) if original.contains_key(field) => self.lists(field, there.clone(), brought)?,
            Some(brought) => match without_directives(brought) {
                Some(Value::Array(brought)) => brought,
                _ => return Err(format!("{field} is not a list")),
            },
            None if original.contains_key(field) => there.clone(),
            None => return Ok(()),
        };
        let key = merge_key(field, self.of_service);
        original.insert(field.to_owned(), Value::Array(in_order(key, merged, order, &there)));
        Ok(())
    }

    fn lists(&self, field: &str, there: Vec<Value>, brought: Vec<Value>) -> Result<Vec<Value>, Nonsense> {
        if is_set(field) {
            let mut merged = there.clone();
            for item in &brought {
                if !merged.contains(item) {
                    merged.push(item.clone());
                }
            }
            return Ok(in_order(None, merged, &brought, &there));
        }
        let Some(key) = merge_key(field, self.of_service) else {
            return Ok(brought.into_iter().filter_map(without_directives).collect());
        };
        let mut merged = there;
        let mut plain = Vec::new();
        let mut replaces = false;
        for item in brought {
            let Value::Object(mut item) = item else {
                return Err(format!("an element of {field} is not an object"));
            };
            match item.remove("$patch") {
                None => plain.push(item),
                Some(directive) if directive == "delete" => {
                    let name = item.get(key).ok_or_else(|| no_key(field, key))?;
                    merged.retain(|there| there.get(key) != Some(name));
                }
                Some(directive) if directive == "replace" => replaces = true,
                Some(directive) => return Err(format!("unknown patch type {directive}")),
            }
        }
        if replaces {
            return Ok(plain.into_iter().map(Value::Object).collect());
        }
        let there = merged.clone();
        let mut order = Vec::new();
        for item in plain {
            let name = item.get(key).ok_or_else(|| no_key(field, key))?.clone();
            let same = merged.iter_mut().find(|there| there.get(key) == Some(&name));
            match same {
                Some(Value::Object(same)) => self.maps(same, item.clone())?,
                _ => merged.extend(without_directives(Value::Object(item.clone()))),
            }
            order.push(Value::Object(item));
        }
        Ok(in_order(Some(key), merged, &order, &there))
    }
}

fn no_key(field: &str, key: &str) -> Nonsense {
    format!("map: an element of {field} does not contain declared merge key: {key}")
}

/// Orders a merged list: the elements the patch names in the patch's order, the
/// others in the order they had, each of these before a named element only if it
/// was before it already.
fn in_order(key: Option<&str>, merged: Vec<Value>, order: &[Value], there: &[Value]) -> Vec<Value> {
    let same = |one: &Value, other: &Value| match key {
        Some(key) => one.get(key) == other.get(key),
        None => one == other,
    };
    let place = |list: &[Value], item: &Value| list.iter().position(|other| same(other, item));
    let (mut named, mut others): (Vec<_>, Vec<_>) = merged.into_iter().partition(|item| place(order, item).is_some());
    named.sort_by_key(|item| place(order, item));
    others.sort_by_key(|item| place(there, item));
    let mut named = named.into_iter().peekable();
    let mut others = others.into_iter().peekable();
    let mut all = Vec::new();
    loop {
        let next = match (others.peek(), named.peek()) {
            (Some(other), Some(item)) => match (place(there, other), place(there, item)) {
                (Some(left), Some(right)) if left < right => others.next(),
                _ => named.next(),
            },
            (Some(_), None) => others.next(),
            (None, _) => named.next(),
        };
        match next {
            Some(item) => all.push(item),
            None => return all,
        }
    }
}

/// A value that goes in as it is, freed of nulls and of parts that are only
/// directives.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(map) if map.contains_key("$patch") => None,
        Value::Object(map) => Some(Value::Object(
            map.into_iter()
                .filter(|(key, value)| !key.starts_with('$') && !value.is_null())
                .filter_map(|(key, value)| Some((key, without_directives(value)?)))
                .collect(),
        )),
        Value::Array(list) => Some(Value::Array(list.into_iter().filter_map(without_directives).collect())),
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(mut original: Value, patch: Value) -> Value {
        merge(&mut original, &patch).unwrap();
        original
    }

    #[test]
    fn a_container_is_found_by_its_name_and_the_others_stay() {
        let before = json!({"containers": [
            {"name": "a", "image": "a:1", "env": [{"name": "X", "value": "1"}]},
            {"name": "b", "image": "b:1"},
        ]});
        let after = merged(before, json!({"containers": [{"name": "b", "image": "b:2"}]}));
        assert_eq!(
            after,
            json!({"containers": [
                {"name": "a", "image": "a:1", "env": [{"name": "X", "value": "1"}]},
                {"name": "b", "image": "b:2"},
            ]})
        );
    }

    #[test]
    fn a_new_element_goes_to_the_front_unless_the_patch_orders_them() {
        let before = json!({"containers": [{"name": "a"}, {"name": "b"}]});
        let names = |value: &Value| -> Vec<String> {
            value["containers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["name"].as_str().unwrap().to_owned())
                .collect()
        };
        let after = merged(before.clone(), json!({"containers": [{"name": "c"}]}));
        assert_eq!(names(&after), ["c", "a", "b"]);
        let after = merged(
            before,
            json!({
                "$setElementOrder/containers": [{"name": "b"}, {"name": "c"}],
                "containers": [{"name": "c"}],
            }),
        );
        assert_eq!(names(&after), ["a", "b", "c"]);
    }

    #[test]
    fn directives_delete_replace_and_retain() {
        let before = json!({
            "env": [{"name": "X"}, {"name": "Y"}],
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
            "finalizers": ["a", "b"],
            "labels": {"x": "1"},
        });
        let after = merged(
            before,
            json!({
                "env": [{"name": "X", "$patch": "delete"}],
                "strategy": {"$retainKeys": ["type"], "type": "Recreate"},
                "$deleteFromPrimitiveList/finalizers": ["a"],
                "labels": {"$patch": "replace", "y": "2"},
            }),
        );
        assert_eq!(
            after,
            json!({
                "env": [{"name": "Y"}],
                "strategy": {"type": "Recreate"},
                "finalizers": ["b"],
                "labels": {"y": "2"},
            })
        );
    }

    #[test]
    fn a_list_without_a_key_is_replaced_and_null_removes() {
        let after = merged(json!({"args": ["a", "b"], "command": ["c"]}), json!({"args": ["z"], "command": null}));
        assert_eq!(after, json!({"args": ["z"]}));
    }

    #[test]
    fn an_element_without_its_key_is_refused() {
        let mut original = json!({"containers": [{"name": "a"}]});
        assert!(merge(&mut original, &json!({"containers": [{"image": "x"}]})).is_err());
    }
}
