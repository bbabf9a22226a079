//! The ready script: for a person whose kubeconfig the gate refuses. It makes an account with just
//! the rights of [`super::rights`], and a kubeconfig with a token that the gate takes.
//!
//! The script itself stands in `templates/scripts/least-privilege.sh`: POSIX shell and kubectl.

use askama::Template;

use crate::domain::name::Label;
use crate::domain::service::Workload;
use crate::domain::text::Text;
use crate::text;

use super::rights::{NeededRight, rights};

/// How long the script asks the token to last, in hours, unless told otherwise: 90 days. Long enough
/// not to be renewed every week by hand, and many clusters shorten it anyway.
pub const TOKEN_LIFETIME_HOURS: u32 = 90 * 24;

/// A POSIX shell script that makes the account `account` with what releases to `targets` need, and
/// prints or writes a kubeconfig for it. The account itself is made in the first target's namespace,
/// so that a list that grows at its end keeps it. `lifetime` is in hours.
///
/// # Errors
/// Without targets there is nothing to make an account for.
pub fn least_privilege_script(account: &Label, targets: &[Workload], lifetime: u32) -> Result<String, Text> {
    let home = &targets.first().ok_or_else(|| text!("kubeconfig-script-no-targets"))?.namespace;
    let rights = rights(targets);
    let spaces: Vec<Space<'_>> = rights
        .chunk_by(|one, next| one.namespace == next.namespace)
        .map(|rights| {
            let plain = rights[0].namespace.as_str();
            Space { name: quoted(plain), plain, rights }
        })
        .collect();
    let script = Script {
        targets: targets.iter().map(Workload::to_string).collect(),
        account: quoted(account.as_str()),
        account_name: account.as_str(),
        home: quoted(home.as_str()),
        home_name: home.as_str(),
        lifetime,
        spaces,
        checks: rights.iter().flat_map(checks).collect(),
    };
    let mut script = script.render().expect("writing into a string does not fail");
    // The template's last line end is its file's.
    script.push('\n');
    Ok(script)
}

#[derive(Template)]
#[template(path = "scripts/least-privilege.sh", escape = "none")]
struct Script<'a> {
    targets: Vec<String>,
    /// For the shell, in quotes, as `home` and the fields of [`Check`] are.
    account: String,
    /// For YAML, inside double quotes.
    account_name: &'a str,
    home: String,
    home_name: &'a str,
    lifetime: u32,
    spaces: Vec<Space<'a>>,
    checks: Vec<Check>,
}

/// A namespace with its role.
struct Space<'a> {
    name: String,
    plain: &'a str,
    rights: &'a [NeededRight],
}

/// A right that the script tries out at its end.
struct Check {
    verb: &'static str,
    object: String,
    namespace: String,
}

/// One question per rule and object: a role has all verbs of a rule or none.
fn checks(right: &NeededRight) -> Vec<Check> {
    let Some(last) = right.verbs.last() else { return Vec::new() };
    let of_last = right.questions().filter(|(verb, _)| verb == last);
    of_last
        .map(|(verb, name)| {
            let object = match name {
                Some(name) => format!("{}/{name}", right.qualified()),
                None => right.qualified(),
            };
            Check { verb, object: quoted(&object), namespace: quoted(right.namespace.as_str()) }
        })
        .collect()
}

/// One word for the shell. The names cannot hold a quote; this does not rely on it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::domain::name::WorkloadName;
    use crate::domain::service::WorkloadKind;
    use crate::yaml;

    fn target(namespace: &str, name: &str) -> Workload {
        Workload {
            namespace: Label::parse(namespace).unwrap(),
            kind: WorkloadKind::Deployment,
            name: WorkloadName::parse(name).unwrap(),
        }
    }

    fn script(targets: &[Workload]) -> String {
        least_privilege_script(&Label::parse("tidegate").unwrap(), targets, TOKEN_LIFETIME_HOURS).unwrap()
    }

    /// Runs a checker on the script, if the machine has it.
    fn passes(checker: &str, args: &[&str], script: &str) {
        let spawned = Command::new(checker).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(mut child) = spawned else { return eprintln!("{checker} is not here") };
        child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{checker}: {}", String::from_utf8_lossy(&output.stdout));
    }

    #[test]
    fn the_script_is_sound_shell() {
        for targets in
            [vec![target("shop", "web")], vec![target("shop", "web"), target("pay", "a.b"), target("shop", "x")]]
        {
            let script = script(&targets);
            passes("sh", &["-n"], &script);
            passes(
                "shellcheck",
                &["--shell=sh", "--enable=all", "--exclude=SC2250,SC2292,SC2310,SC2312", "-"],
                &script,
            );
        }
    }

    #[test]
    fn it_grants_what_is_needed_and_nothing_else() {
        let targets = [target("shop", "web"), target("pay", "api"), target("shop", "cart")];
        let script = script(&targets);
        let manifests =
            script.split_once("<<'END'").unwrap().1.split_once('\n').unwrap().1.split_once("\nEND\n").unwrap().0;
        let limits = yaml::Limits { bytes: 65536, depth: 16, documents: 20, nodes: 1000 };
        let documents: Vec<_> =
            yaml::documents(manifests.as_bytes(), limits).unwrap().iter().map(yaml::Node::to_json).collect();
        let kinds: Vec<_> = documents
            .iter()
            .map(|one| format!("{} {}", one["kind"].as_str().unwrap(), one["metadata"]["namespace"].as_str().unwrap()))
            .collect();
        assert_eq!(kinds, ["ServiceAccount shop", "Role pay", "RoleBinding pay", "Role shop", "RoleBinding shop"]);
        let mut granted = Vec::new();
        for role in documents.iter().filter(|one| one["kind"] == "Role") {
            for rule in role["rules"].as_array().unwrap() {
                granted.push((role["metadata"]["namespace"].clone(), rule.clone()));
            }
        }
        let needed: Vec<_> = rights(&targets)
            .into_iter()
            .map(|right| {
                let mut rule = serde_json::json!({
                    "apiGroups": [right.group], "resources": [right.resource], "verbs": right.verbs,
                });
                if !right.names.is_empty() {
                    rule["resourceNames"] = serde_json::to_value(&right.names).unwrap();
                }
                (serde_json::to_value(&right.namespace).unwrap(), rule)
            })
            .collect();
        assert_eq!(granted, needed);
        assert!(documents.iter().filter(|one| one["kind"] == "RoleBinding").all(|one| {
            one["subjects"] == serde_json::json!([{"kind": "ServiceAccount", "name": "tidegate", "namespace": "shop"}])
        }));
    }

    #[test]
    fn words_are_quoted_for_the_shell() {
        assert_eq!(quoted("a'; rm -rf /"), r"'a'\''; rm -rf /'");
    }

    #[test]
    fn without_targets_there_is_no_script() {
        let refused = least_privilege_script(&Label::parse("tidegate").unwrap(), &[], 24).unwrap_err();
        assert_eq!(refused.key, "kubeconfig-script-no-targets");
    }
}
