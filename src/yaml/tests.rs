use proptest::prelude::*;
use serde_json::json;

use super::*;

const LIMITS: Limits = Limits { bytes: 4096, depth: 8, documents: 3, nodes: 200 };

fn read(text: &str) -> Node {
    document(text.as_bytes(), LIMITS).unwrap_or_else(|fault| panic!("{fault:?} in {text:?}"))
}

fn fault(input: impl AsRef<[u8]>) -> (Problem, usize) {
    let fault = document(input.as_ref(), LIMITS).expect_err("is refused");
    (fault.problem, fault.line)
}

#[test]
fn scalars_are_those_of_the_core_schema() {
    let read = |text: &str| read(text).to_json();
    for (text, value) in [
        ("~", json!(null)),
        ("null", json!(null)),
        ("Null", json!(null)),
        ("nULL", json!("nULL")),
        ("true", json!(true)),
        ("FALSE", json!(false)),
        ("yes", json!("yes")),
        ("off", json!("off")),
        ("0", json!(0)),
        ("-12", json!(-12)),
        ("+12", json!(12)),
        ("0o17", json!(15)),
        ("0x1F", json!(31)),
        ("0x-1", json!("0x-1")),
        ("+-5", json!("+-5")),
        ("1_000", json!("1_000")),
        ("12:30", json!("12:30")),
        ("9223372036854775807", json!(i64::MAX)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("1.5", json!(1.5)),
        (".5", json!(0.5)),
        ("1.", json!(1.0)),
        ("-1e3", json!(-1000.0)),
        ("0.5", json!(0.5)),
        ("1.2.3", json!("1.2.3")),
        (".", json!(".")),
        ("1e", json!("1e")),
        ("e1", json!("e1")),
        ("+", json!("+")),
        ("2026-11-26", json!("2026-11-26")),
        ("'1'", json!("1")),
        ("\"true\"", json!("true")),
        ("''", json!("")),
        ("|\n  1\n", json!("1\n")),
        (">\n  a\n  b\n", json!("a b\n")),
        ("\"\\u00e4\\n\"", json!("ä\n")),
    ] {
        assert_eq!(read(text), value, "{text:?}");
    }
}

#[test]
fn numbers_that_programs_read_differently_are_refused() {
    for text in ["0755", "-01", "00", "0899", "007.5", "9223372036854775808", "1e999", ".inf", "-.Inf", ".nan"] {
        assert_eq!(fault(format!("a: 1\nb: {text}\n")), (Problem::Number, 2), "{text}");
        assert_eq!(read(&format!("'{text}'")).as_str(), Some(text), "in quotes it is text");
    }
}

#[test]
fn what_is_not_plain_yaml_is_refused_with_its_line() {
    for (text, problem, line) in [
        ("a: &x 1\n", Problem::Anchor, 1),
        ("a: 1\nb: &x {c: d}\n", Problem::Anchor, 2),
        ("a:\n- &x []\n", Problem::Anchor, 2),
        ("&x a: 1\n", Problem::Anchor, 1),
        ("a: &x\n", Problem::Anchor, 1),
        ("a: !!str 1\n", Problem::Tag, 1),
        ("a: !secret b\n", Problem::Tag, 1),
        ("a: 1\nb: !!map {}\n", Problem::Tag, 2),
        ("a: 1\nb: 2\na: 3\n", Problem::DuplicateKey, 3),
        ("a: {b: 1, \"b\": 2}\n", Problem::DuplicateKey, 1),
        ("a: 1\n<<: {b: 2}\n", Problem::MergeKey, 2),
        ("1: a\n", Problem::KeyNotText, 1),
        ("true: a\n", Problem::KeyNotText, 1),
        ("~: a\n", Problem::KeyNotText, 1),
        (": a\n", Problem::KeyNotText, 1),
        ("0755: a\n", Problem::KeyNotText, 1),
        ("? [a]\n: b\n", Problem::KeyNotText, 1),
        ("a: 1\n? {b: c}\n: d\n", Problem::KeyNotText, 2),
        ("a: [1\n", Problem::Syntax, 1),
        ("a: 'b\n", Problem::Syntax, 1),
        ("a: b: c\n", Problem::Syntax, 1),
        ("a:\n\t- b\n", Problem::Syntax, 2),
        ("a: 1\n b: 2\n", Problem::Syntax, 2),
        ("a: *x\n", Problem::Syntax, 1),
        ("a: @x\n", Problem::Syntax, 1),
        ("a: 1\n---\nb: 2\n", Problem::TooManyDocuments(1), 2),
        ("---\na: 1\n---\n", Problem::TooManyDocuments(1), 3),
        ("", Problem::Empty, 1),
        ("# nothing\n", Problem::Empty, 1),
        ("a: 1\nb: \0\n", Problem::NotText, 2),
        ("a: \u{7f}\n", Problem::NotText, 1),
        ("a: \u{1b}[0m\n", Problem::NotText, 1),
    ] {
        assert_eq!(fault(text), (problem, line), "{text:?}");
    }
}

#[test]
fn utf16_and_other_binary_input_is_refused() {
    let utf16: Vec<u8> = "\u{feff}a: 1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(fault(utf16), (Problem::NotText, 1));
    assert_eq!(fault(b"a: 1\nb: \xc3\x28\n"), (Problem::NotText, 2));
    assert_eq!(read("\u{feff}a: 1\n").to_json(), json!({"a": 1}), "a mark at the very beginning is fine");
}

#[test]
fn limits_end_the_reading() {
    assert_eq!(fault(vec![b' '; 4097]), (Problem::TooLarge(4096), 1));
    assert_eq!(fault("[".repeat(9)), (Problem::TooDeep(8), 1));
    assert_eq!(fault("[".repeat(3000)), (Problem::Syntax, 1), "the scanner has a limit of its own");
    assert_eq!(fault(format!("{}{}", "[".repeat(9), "]".repeat(9))), (Problem::TooDeep(8), 1));
    assert_eq!(fault("- ".repeat(2000)), (Problem::TooDeep(8), 1));
    assert_eq!(fault("? ".repeat(2000)), (Problem::KeyNotText, 1));
    assert_eq!(fault("- a\n".repeat(200)), (Problem::TooManyNodes(200), 200));
    assert!(document("- a\n".repeat(199).as_bytes(), LIMITS).is_ok());
    assert!(document(format!("{}{}", "[".repeat(8), "]".repeat(8)).as_bytes(), LIMITS).is_ok());
}

#[test]
fn several_documents_are_read_where_they_are_wanted() {
    let read = |text: &str| documents(text.as_bytes(), LIMITS);
    let three: Vec<_> = read("a: 1\n---\n---\n- b\n").unwrap().iter().map(|node| (node.line, node.to_json())).collect();
    assert_eq!(three, [(1, json!({"a": 1})), (3, json!(null)), (4, json!(["b"]))]);
    assert_eq!(read("").unwrap().len(), 0);
    assert_eq!(read("---\n".repeat(4).as_str()).unwrap_err().problem, Problem::TooManyDocuments(3));
}

#[test]
fn every_value_knows_its_line() {
    let node = read(
        "# a comment\nkind: Release\nspec:\n  notes: |\n    one\n    two\n  images:\n  - name: a\n    tag:\n  - {name: b,\n     tag: c}\n  empty:\nlast/one: 1\n",
    );
    for (pointer, line) in [
        ("", 2),
        ("/kind", 2),
        ("/spec", 4),
        ("/spec/notes", 4),
        ("/spec/images", 8),
        ("/spec/images/0/name", 8),
        ("/spec/images/0/tag", 9),
        ("/spec/images/1/name", 10),
        ("/spec/images/1/tag", 11),
        ("/spec/empty", 12),
        ("/last~1one", 13),
        ("/spec/images/1/missing/deeper", 10),
        ("/spec/images/7", 8),
        ("/missing", 2),
    ] {
        assert_eq!(node.line_at(pointer), line, "{pointer}");
    }
    let windows = read("a: 1\r\nb: 2\r\nc: 3\r\n");
    assert_eq!(windows.line_at("/c"), 3);
    assert_eq!(windows.entries()[1].key_line, 2);
}

#[test]
fn neither_debug_nor_errors_quote_the_document() {
    let node = read("token: canary-one\ncanary-two: [canary-three, 1]\n");
    assert!(!format!("{node:?} {:?}", node.entries()).contains("canary"));
    let fault = document(b"a: canary\nb: [canary\n", LIMITS).unwrap_err();
    assert!(!format!("{fault:?} {:?}", fault.text()).contains("canary"));
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        // Any text that JSON writes without characters that YAML does not allow.
        "[^\\x7f\u{80}-\u{9f}\u{feff}\u{fffe}\u{ffff}]{0,12}".prop_map(|value| json!(value)),
        "(true|no|0755|1e3|~|<<|&a|\\*a|!a|- a|a: b|# a|\\[|)".prop_map(|value| json!(value)),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::btree_map("[a-z:#~ ]{0,6}", inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_is_read_as_itself(value in any_json()) {
        let limits = Limits { bytes: 1 << 20, depth: 16, documents: 1, nodes: 10_000 };
        for written in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let node = document(written.as_bytes(), limits).unwrap_or_else(|fault| panic!("{fault:?} in {written}"));
            prop_assert_eq!(node.to_json(), value.clone());
        }
    }

    #[test]
    fn no_input_makes_it_panic(parts in prop::collection::vec(prop_oneof![
        "[ -~\u{85}\u{a0}\u{feff}\u{2028}]{0,6}",
        "(\n|\r|\r\n|\t| |  |- |\\? |: |:|, |\\[|\\]|\\{|\\}|\\||>|>-|\\|\\+2|&a|\\*a|!|!!str |!<a>|---\n|\\.\\.\\.\n|%YAML 1.2\n|%TAG ! a\n|\"|'|#|\\\\|<<: |a: |a:\n)",
    ], 0..60)) {
        let text = parts.concat();
        // A carriage return alone ends a line too (YAML 1.2.2, 5.4).
        let lines = text.replace("\r\n", "\n").replace('\r', "\n").lines().count().max(1);
        match documents(text.as_bytes(), Limits { bytes: 4096, depth: 8, documents: 3, nodes: 200 }) {
            Ok(nodes) => for node in nodes {
                prop_assert!(node.line >= 1 && node.line <= lines);
            },
            Err(fault) => prop_assert!(fault.line >= 1 && fault.line <= lines),
        }
    }
}
