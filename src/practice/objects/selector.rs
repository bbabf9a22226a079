//! Which objects a list, a watch or a controller is about.
//!
//! Here: label selectors as text and as objects, field selectors. Not here: who
//! may see what.

use std::fmt;

use serde_json::{Map, Value};

use super::{kinds::Kind, object};

#[derive(Debug, Clone, PartialEq)]
enum Labelled {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

impl Labelled {
    fn matches(&self, labels: Option<&Map<String, Value>>) -> bool {
        let label = |key: &String| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
        let among = |key, values: &[String]| label(key).is_some_and(|is| values.iter().any(|value| value == is));
        match self {
            Self::In(key, values) => among(key, values),
            Self::NotIn(key, values) => !among(key, values),
            Self::Exists(key) => label(key).is_some(),
            Self::Absent(key) => label(key).is_none(),
        }
    }
}

/// What a list or watch selects by.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::practice) struct Selector {
    labels: Vec<Labelled>,
    /// Pointer, wanted value, and whether it is to be equal.
    fields: Vec<(String, String, bool)>,
}

impl Selector {
    /// Reads the selectors of a query. An `Err` is the sentence for the client.
    pub fn of_query(kind: &Kind, labels: &str, fields: &str) -> Result<Self, String> {
        Ok(Self { labels: parse_labels(labels)?, fields: parse_fields(kind, fields)? })
    }

    /// Reads the `LabelSelector` of a workload. One that says nothing, or that
    /// cannot be understood, selects nothing.
    pub fn of_object(selector: &Value) -> Option<Self> {
        let mut labels = Vec::new();
        if let Some(wanted) = selector.get("matchLabels").and_then(Value::as_object) {
            for (key, value) in wanted {
                labels.push(Labelled::In(key.clone(), vec![value.as_str()?.to_owned()]));
            }
        }
        for rule in object::list(selector, "/matchExpressions") {
            let key = rule["key"].as_str()?.to_owned();
            let values = object::list(rule, "/values")
                .iter()
                .map(|value| value.as_str().map(str::to_owned))
                .collect::<Option<_>>()?;
            labels.push(match rule["operator"].as_str()? {
                "In" => Labelled::In(key, values),
                "NotIn" => Labelled::NotIn(key, values),
                "Exists" => Labelled::Exists(key),
                "DoesNotExist" => Labelled::Absent(key),
                _ => return None,
            });
        }
        (!labels.is_empty()).then_some(Self { labels, fields: Vec::new() })
    }

    pub fn matches(&self, object: &Value) -> bool {
        self.matches_labels(object::labels(object))
            && self.fields.iter().all(|(pointer, value, equal)| (field(object, pointer) == *value) == *equal)
    }

    pub fn matches_labels(&self, labels: Option<&Map<String, Value>>) -> bool {
        self.labels.iter().all(|rule| rule.matches(labels))
    }
}

impl fmt::Display for Selector {
    /// The labels, as a query writes them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, rule) in self.labels.iter().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            match rule {
                Labelled::In(key, values) if values.len() == 1 => {
                    write!(f, "{key}={}", values[0])?;
                }
                Labelled::In(key, values) => write!(f, "{key} in ({})", values.join(","))?,
                Labelled::NotIn(key, values) => write!(f, "{key} notin ({})", values.join(","))?,
                Labelled::Exists(key) => f.write_str(key)?,
                Labelled::Absent(key) => write!(f, "!{key}")?,
            }
        }
        Ok(())
    }
}

fn field(object: &Value, pointer: &str) -> String {
    match object.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

fn parse_fields(kind: &Kind, text: &str) -> Result<Vec<(String, String, bool)>, String> {
    text.split(',')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value, equal) = if let Some((name, value)) = part.split_once("!=") {
                (name, value, false)
            } else if let Some((name, value)) = part.split_once("==").or(part.split_once('=')) {
                (name, value, true)
            } else {
                return Err(format!("invalid selector: '{text}'; can't understand '{part}'"));
            };
            let known = name == "metadata.name"
                || name == "metadata.namespace" && kind.namespaced
                || kind.fields.contains(&name);
            if !known {
                return Err(format!("field label not supported: {name}"));
            }
            Ok((format!("/{}", name.replace('.', "/")), value.to_owned(), equal))
        })
        .collect()
}

/// The name a field selector asks for, which is what a rule on names is held
/// against when there is none in the path.
pub(in crate::practice) fn selected_name(fields: &str) -> &str {
    fields
        .split(',')
        .filter_map(|part| part.split_once('='))
        .find(|(field, _)| *field == "metadata.name")
        .map_or("", |(_, name)| name.trim_start_matches('='))
}

fn parse_labels(text: &str) -> Result<Vec<Labelled>, String> {
    let mut rules = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (rule, after) = parse_rule(rest)?;
        rules.push(rule);
        rest = match after.trim_start() {
            "" => "",
            after => after
                .strip_prefix(',')
                .ok_or_else(|| {
                    format!("unable to parse requirement: found '{after}', expected: ',' or 'end of string'")
                })?
                .trim_start(),
        };
    }
    Ok(rules)
}

fn parse_rule(text: &str) -> Result<(Labelled, &str), String> {
    if let Some(after) = text.strip_prefix('!') {
        let (key, after) = word(after.trim_start())?;
        return Ok((Labelled::Absent(key), after));
    }
    let (key, after) = word(text)?;
    let after = after.trim_start();
    if after.is_empty() || after.starts_with(',') {
        return Ok((Labelled::Exists(key), after));
    }
    if let Some(after) = after.strip_prefix("!=") {
        let (value, after) = value(after);
        return Ok((Labelled::NotIn(key, vec![value]), after));
    }
    if let Some(after) = after.strip_prefix("==").or(after.strip_prefix('=')) {
        let (value, after) = value(after);
        return Ok((Labelled::In(key, vec![value]), after));
    }
    if let Some(after) = after.strip_prefix("notin") {
        let (values, after) = values(after)?;
        return Ok((Labelled::NotIn(key, values), after));
    }
    if let Some(after) = after.strip_prefix("in") {
        let (values, after) = values(after)?;
        return Ok((Labelled::In(key, values), after));
    }
    Err(format!("unable to parse requirement: found '{after}', expected: in, notin, =, ==, !="))
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "-_./".contains(letter)
}

fn word(text: &str) -> Result<(String, &str), String> {
    let (key, after) = value(text);
    if key.is_empty() {
        return Err(format!("unable to parse requirement: found '{text}', expected: identifier"));
    }
    Ok((key, after))
}

fn value(text: &str) -> (String, &str) {
    let text = text.trim_start();
    let end = text.find(|letter| !is_word(letter)).unwrap_or(text.len());
    (text[..end].to_owned(), &text[end..])
}

fn values(text: &str) -> Result<(Vec<String>, &str), String> {
    let text = text.trim_start();
    let inside =
        text.strip_prefix('(').ok_or_else(|| format!("unable to parse requirement: found '{text}' expected: '('"))?;
    let (list, after) = inside.split_once(')').ok_or("unable to parse requirement: found '' expected: ')'")?;
    Ok((list.split(',').map(|value| value.trim().to_owned()).collect(), after))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::practice::objects::kinds::{DEPLOYMENTS, PODS};

    fn selects(labels: &str, object: &Value) -> bool {
        Selector::of_query(&PODS, labels, "").unwrap().matches(object)
    }

    #[test]
    fn label_selectors_are_read_in_all_their_forms() {
        let pod = json!({"metadata": {"labels": {"app": "web", "tier": "front"}}});
        for yes in [
            "",
            "app=web",
            "app==web,tier",
            "app in (api, web)",
            "app notin (api),!old",
            "tier!=back",
            " app = web , tier = front ",
        ] {
            assert!(selects(yes, &pod), "{yes}");
        }
        for no in ["app=api", "!app", "app notin (web)", "old", "app="] {
            assert!(!selects(no, &pod), "{no}");
        }
        for bad in ["app in", "=x", "app web", "app in (a"] {
            assert!(Selector::of_query(&PODS, bad, "").is_err(), "{bad}");
        }
    }

    #[test]
    fn field_selectors_know_only_the_fields_of_their_kind() {
        let pod = json!({"metadata": {"name": "a"}, "status": {"phase": "Running"}});
        let by = |fields| Selector::of_query(&PODS, "", fields).unwrap().matches(&pod);
        assert!(by("metadata.name=a,status.phase!=Failed"));
        assert!(!by("metadata.name==b"));
        assert!(Selector::of_query(&DEPLOYMENTS, "", "status.phase=x").is_err());
    }

    #[test]
    fn an_empty_selector_of_a_workload_selects_nothing() {
        assert_eq!(Selector::of_object(&json!({})), None);
        let selector = Selector::of_object(&json!({
            "matchLabels": {"app": "web"},
            "matchExpressions": [{"key": "old", "operator": "DoesNotExist"}],
        }));
        let labels = json!({"app": "web"});
        assert!(selector.unwrap().matches_labels(labels.as_object()));
    }
}
