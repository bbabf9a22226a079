//! What was, or would be, changed, for people: one line per thing, and its fields below it.

use std::fmt::Write as _;

use serde_json::Value;

use crate::protocol::{Action, ApplyAnswer, Change};

/// Whether anything differs.
pub(super) fn differs(answer: &ApplyAnswer) -> bool {
    answer.changes.iter().any(|change| change.action != Action::Unchanged)
}

/// The whole answer.
pub(super) fn answer(answer: &ApplyAnswer) -> String {
    let mut text = String::new();
    for change in &answer.changes {
        one(&mut text, change, answer.dry_run);
    }
    let count = |action| answer.changes.iter().filter(|change| change.action == action).count();
    let (created, changed, unchanged) = (count(Action::Create), count(Action::Update), count(Action::Unchanged));
    let _ = if answer.dry_run {
        writeln!(text, "dry run: {created} to create, {changed} to change, {unchanged} unchanged; nothing was changed")
    } else {
        writeln!(text, "{created} created, {changed} changed, {unchanged} unchanged")
    };
    text
}

fn one(text: &mut String, change: &Change, dry_run: bool) {
    let done = match (change.action, dry_run) {
        (Action::Create, false) => "created",
        (Action::Create, true) => "would create",
        (Action::Update, false) => "changed",
        (Action::Update, true) => "would change",
        (Action::Unchanged, _) => "unchanged",
    };
    let _ = writeln!(text, "{done} {} {}", change.kind.to_lowercase(), change.name);
    for field in &change.fields {
        match change.action {
            Action::Update => difference(text, &field.field, &field.before, &field.after),
            // What is made is told in full only when one wants to look first.
            Action::Create if dry_run && !is_nothing(&field.after) => {
                let _ = writeln!(text, "    {}: {}", field.field, shown(&field.after));
            }
            _ => {}
        }
    }
    if let Some(secret) = change.token.as_ref().filter(|_| !dry_run) {
        let _ = writeln!(text, "    its secret, shown this once: {secret}");
    }
}

/// The parts of a field that differ: `policy.watch_seconds: 10 → 0`.
fn difference(text: &mut String, field: &str, before: &Value, after: &Value) {
    if let (Value::Object(old), Value::Object(new)) = (before, after) {
        let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for name in names {
            let (old, new) = (old.get(name).unwrap_or(&Value::Null), new.get(name).unwrap_or(&Value::Null));
            if old != new {
                difference(text, &format!("{field}.{name}"), old, new);
            }
        }
        return;
    }
    let _ = writeln!(text, "    {field}: {} → {}", shown(before), shown(after));
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// A value as it would be written in YAML on one line.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => {
            let plain = |c: char| c.is_alphanumeric() || "-_./:@ ".contains(c);
            let quoted = text.is_empty() || text.trim() != text || text.contains(": ") || !text.chars().all(plain);
            if quoted { Value::String(text.clone()).to_string() } else { text.clone() }
        }
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            format!(
                "{{{}}}",
                fields.map(|(name, value)| format!("{name}: {}", shown(value))).collect::<Vec<_>>().join(", ")
            )
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::FieldChange;

    fn change(action: Action, fields: Vec<(&str, Value, Value)>) -> Change {
        let field =
            |(field, before, after): (&str, Value, Value)| FieldChange { field: field.to_owned(), before, after };
        Change {
            kind: "Environment".to_owned(),
            name: "production".to_owned(),
            action,
            fields: fields.into_iter().map(field).collect(),
            token: None,
        }
    }

    #[test]
    fn only_the_parts_that_differ_are_told() {
        let policy =
            |watch: i64, rules: Value| json!({ "watch_seconds": watch, "rules": rules, "fresh_signoff": false });
        let (old, new) = (policy(10, json!([])), policy(0, json!([{ "group": "qa", "count": 1 }])));
        let fields =
            vec![("policy", old, new), ("cluster", json!(null), json!("main")), ("title", json!("A: b"), json!("A"))];
        let told = answer(&ApplyAnswer { dry_run: false, changes: vec![change(Action::Update, fields)] });
        assert_eq!(
            told,
            "changed environment production\n    policy.rules: [] → [{count: 1, group: qa}]\n    policy.watch_seconds: 10 → 0\n    \
             cluster: nothing → main\n    title: \"A: b\" → A\n0 created, 1 changed, 0 unchanged\n"
        );
    }

    #[test]
    fn a_dry_run_tells_what_would_be_made_and_no_secret() {
        let fields = vec![("title", json!(null), json!("Shop")), ("public", json!(null), json!(false))];
        let mut made = change(Action::Create, fields);
        made.token = Some("tdg_secret".to_owned());
        let told = answer(&ApplyAnswer { dry_run: true, changes: vec![made.clone()] });
        assert_eq!(
            told,
            "would create environment production\n    title: Shop\ndry run: 1 to create, 0 to change, 0 unchanged; nothing was changed\n"
        );
        let told = answer(&ApplyAnswer { dry_run: false, changes: vec![made] });
        assert!(told.contains("    its secret, shown this once: tdg_secret\n"), "{told}");
    }
}
