//! `tests/promises.md` names a test for every promise; here it is made sure that each of them is
//! there and runs.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// A promise: its line in the file, its words, the tests that show it.
struct Promise {
    line: usize,
    words: String,
    tests: Vec<String>,
}

/// Reads the file: a promise is an item of a list, its tests are the lines with an arrow under it.
fn promises(text: &str) -> Vec<Promise> {
    let mut found: Vec<Promise> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(words) = line.strip_prefix("- ") {
            found.push(Promise { line: index + 1, words: words.to_owned(), tests: Vec::new() });
        } else if let Some(names) = line.trim_start().strip_prefix("→") {
            let promise = found.last_mut().expect("an arrow belongs to a promise");
            promise.tests.extend(names.split('`').skip(1).step_by(2).map(str::to_owned));
        } else if let Some(more) = line.strip_prefix("  ") {
            let promise = found.last_mut().expect("a line that goes on belongs to a promise");
            promise.words = format!("{} {}", promise.words, more.trim());
        }
    }
    found
}

/// The tests of this binary, or those of them that do not run.
fn listed(ignored: bool) -> BTreeSet<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--list", "--format", "terse"]);
    if ignored {
        command.arg("--ignored");
    }
    let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let names = output.lines().filter_map(|line| line.strip_suffix(": test"));
    // A test on both databases counts when it is there for both.
    let (databases, others): (Vec<&str>, Vec<&str>) =
        names.partition(|name| name.ends_with("::on_sqlite") || name.ends_with("::on_postgres"));
    let both = databases.iter().filter_map(|name| name.strip_suffix("::on_sqlite"));
    let both = both.filter(|name| ignored || databases.contains(&format!("{name}::on_postgres").as_str()));
    both.chain(others).map(str::to_owned).collect()
}

/// Whether a unit test stands in the source and runs: `src::` and the path of its module.
fn stands_in_source(name: &str) -> bool {
    let Some((module, function)) = name.strip_prefix("src::").and_then(|rest| rest.rsplit_once("::")) else {
        return false;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let module = module.trim_end_matches("::tests").replace("::", "/");
    let files = [format!("{module}.rs"), format!("{module}/mod.rs"), format!("{module}/tests.rs")];
    files.iter().any(|file| {
        let Ok(text) = std::fs::read_to_string(folder.join(file)) else { return false };
        let Some((before, _)) = text.split_once(&format!("fn {function}(")) else { return false };
        let attributes = before.rsplit("\n\n").next().unwrap_or_default();
        attributes.contains("test]") && !attributes.contains("#[ignore")
    })
}

/// Whether a case stands in a table of the deployment engine: all of these run, on each cluster.
fn stands_in_table(name: &str) -> bool {
    let Some((module, case)) = name.strip_prefix("deployment::").and_then(|rest| rest.split_once("::")) else {
        return false;
    };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/deployment/{module}.rs"));
    std::fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("case!({case})")))
}

#[test]
fn every_promise_has_a_test_that_is_there_and_runs() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promises.md")).unwrap();
    let (all, ignored) = (listed(false), listed(true));
    let promises = promises(&text);
    assert!(promises.len() > 100, "only {} promises", promises.len());
    let mut wrong = Vec::new();
    for promise in &promises {
        if promise.tests.is_empty() {
            wrong.push(format!("line {}: no test for: {}", promise.line, promise.words));
        }
        for name in &promise.tests {
            let runs =
                (all.contains(name) && !ignored.contains(name)) || stands_in_source(name) || stands_in_table(name);
            if !runs {
                wrong.push(format!("line {}: no test {name} runs", promise.line));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_promise_without_a_test_and_a_test_that_is_not_there_are_found() {
    let found = promises("# Head\n\n- One thing\n  and more.\n  → `a::b`, `src::vault::tests::c`\n- Another.\n");
    assert_eq!((found[0].line, found[0].words.as_str()), (3, "One thing and more."));
    assert_eq!(found[0].tests, ["a::b", "src::vault::tests::c"]);
    assert!(found[1].tests.is_empty());
    let all = listed(false);
    assert!(all.contains("promises::every_promise_has_a_test_that_is_there_and_runs"));
    assert!(!all.contains("promises::no_such_test"));
    assert!(stands_in_source("src::vault::tests::every_changed_byte_is_noticed"));
    assert!(!stands_in_source("src::vault::tests::no_such_test"));
    assert!(stands_in_table("deployment::rollouts::a_good_image_succeeds"));
    assert!(!stands_in_table("deployment::rollouts::no_such_case"));
    assert!(!stands_in_source("src::no_such_module::tests::every_changed_byte_is_noticed"));
}
