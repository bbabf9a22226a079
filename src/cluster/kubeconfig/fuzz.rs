//! Ten thousand mangled kubeconfigs: whatever somebody uploads, the gate does not panic, takes no
//! file that a careless reader would act on, and repeats no secret.

use kube::config::{AuthInfo, Cluster, Kubeconfig};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use secrecy::ExposeSecret as _;

use super::samples::*;
use super::*;
use crate::cluster::credential::Proof;

/// Fields that must never be part of what is taken, for the entry they are refused in.
const USER_FIELDS: [&str; 13] = [
    "exec: {command: sh, args: [-c, c4n4ry], interactiveMode: Never}",
    "exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: c4n4ry",
    "auth-provider: {name: oidc, config: {id-token: c4n4ry, cmd-path: /bin/c4n4ry}}",
    "tokenFile: /etc/c4n4ry",
    "client-certificate: /etc/c4n4ry",
    "client-key: /etc/c4n4ry",
    "username: c4n4ry",
    "password: c4n4ry",
    "as: c4n4ry",
    "as-uid: c4n4ry",
    "as-groups: [c4n4ry]",
    "as-user-extra: {c4n4ry: [c4n4ry]}",
    "impersonate: c4n4ry",
];
const CLUSTER_FIELDS: [&str; 5] = [
    "insecure-skip-tls-verify: true",
    "certificate-authority: /etc/c4n4ry",
    "proxy-url: socks5://c4n4ry@127.0.0.1:1080",
    "server: http://c4n4ry.example.com",
    "tls-server-name: 'c4n4ry c4n4ry'",
];

/// Pieces that mean something to a YAML reader, or to one of the programs behind it.
const PIECES: [&str; 36] = [
    "\n",
    "\r",
    "\r\n",
    "\t",
    " ",
    "  ",
    "'",
    "\"",
    "|",
    ">-",
    "- ",
    ": ",
    "? ",
    ":",
    "#",
    "&a ",
    "*a",
    "<<: *a",
    "!!str ",
    "!secret ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "---\n",
    "...\n",
    "%YAML 1.1\n---\n",
    "\0",
    "\u{feff}",
    "\u{2028}",
    "\\",
    "~",
    "null",
    "stray: field\n",
    "@",
];

#[derive(Clone, Debug)]
enum Change {
    Byte(Index, u8),
    Bit(Index, u8),
    Insert(Index, &'static str),
    Cut(Index),
    DropLine(Index),
    RepeatLine(Index),
    SwapLines(Index, Index),
    Indent(Index, usize),
    Outdent(Index, usize),
    Field(Index, &'static str),
    Bomb(Index),
    Nest(Index, usize),
}

fn a_change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let field = select(USER_FIELDS.into_iter().chain(CLUSTER_FIELDS).collect::<Vec<_>>());
    // Fields most often: they reach furthest. Most other changes end in a syntax error.
    prop_oneof![
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        3 => (at(), b' '..=b'~').prop_map(|(at, byte)| Change::Byte(at, byte)),
        2 => (at(), 0..7_u8).prop_map(|(at, bit)| Change::Bit(at, bit)),
        3 => (at(), select(&PIECES[..])).prop_map(|(at, piece)| Change::Insert(at, piece)),
        1 => at().prop_map(Change::Cut),
        3 => at().prop_map(Change::DropLine),
        2 => at().prop_map(Change::RepeatLine),
        2 => (at(), at()).prop_map(|(one, other)| Change::SwapLines(one, other)),
        1 => (at(), 1..6_usize).prop_map(|(at, by)| Change::Indent(at, by)),
        1 => (at(), 1..6_usize).prop_map(|(at, by)| Change::Outdent(at, by)),
        8 => (at(), field).prop_map(|(at, field)| Change::Field(at, field)),
        1 => at().prop_map(Change::Bomb),
        1 => (at(), 1..40_usize).prop_map(|(at, depth)| Change::Nest(at, depth)),
    ]
}

/// Nine levels of nine aliases each.
fn bomb() -> String {
    let level = |level: u8| {
        let of = if level == 0 { "c4n4ry".to_owned() } else { format!("*b{}", level - 1) };
        format!("x{level}: &b{level} [{}]\n", vec![of; 9].join(", "))
    };
    (0..9).map(level).collect()
}

impl Change {
    fn to(&self, file: &mut Vec<u8>) {
        if file.is_empty() {
            return;
        }
        let mut lines: Vec<Vec<u8>> = file.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let (count, size) = (lines.len(), file.len());
        match self {
            Self::Byte(at, byte) => return file[at.index(size)] = *byte,
            Self::Bit(at, bit) => return file[at.index(size)] ^= 1 << bit,
            Self::Insert(at, piece) => {
                let at = at.index(size);
                file.splice(at..at, piece.bytes());
                return;
            }
            Self::Cut(at) => return file.truncate(at.index(size)),
            Self::DropLine(at) => drop(lines.remove(at.index(count))),
            Self::RepeatLine(at) => {
                let line = lines[at.index(count)].clone();
                lines.insert(at.index(count), line);
            }
            Self::SwapLines(one, other) => lines.swap(one.index(count), other.index(count)),
            Self::Indent(at, by) => lines[at.index(count)].splice(0..0, vec![b' '; *by]).for_each(drop),
            Self::Outdent(at, by) => {
                let line = &mut lines[at.index(count)];
                let blanks = line.iter().take_while(|byte| **byte == b' ').count();
                drop(line.drain(..blanks.min(*by)));
            }
            Self::Field(at, field) => {
                let at = at.index(count);
                let blanks = lines[at].iter().take_while(|byte| **byte == b' ').count();
                lines.insert(at, format!("{}{field}\n", " ".repeat(blanks)).into_bytes());
            }
            Self::Bomb(at) => lines.insert(at.index(count), bomb().into_bytes()),
            Self::Nest(at, depth) => {
                let nested = format!("extensions: {}c4n4ry{}\n", "[".repeat(*depth), "]".repeat(*depth));
                lines.insert(at.index(count), nested.into_bytes());
            }
        }
        *file = lines.concat();
    }
}

/// Files that are taken, before anything happens to them.
fn good_files() -> Vec<String> {
    let token = token();
    let certificate = with_user(&client(&USER.certificate, &USER.key));
    let quoted = with_user(&format!("token: \"{token}\""));
    // As kubectl sorts it, where the token comes last.
    let sorted = format!(
        "apiVersion: v1\nclusters:\n- cluster:\n    {}\n    {SERVER}\n  name: \"shop\"\ncontexts:\n- context:\n    \
         cluster: shop\n    user: deployer\n  name: \"shop-prod\"\ncurrent-context: shop-prod\nkind: Config\nusers:\n- \
         name: 'deployer'\n  user:\n    token: '{token}'\n",
        authority()
    );
    let flow = format!(
        "{{kind: Config, clusters: [{{name: c, cluster: {{{SERVER}, {}}}}}],\nusers: [{{name: u, user: {{token: \
         '{token}'}}}}],\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]}}\n",
        authority()
    );
    let several = good().replace(
        "contexts:\n",
        "- name: sso\n  user:\n    exec: {command: c4n4ry}\ncontexts:\n- name: sso\n  context:\n    cluster: shop\n    user: sso\n",
    );
    vec![good(), certificate, quoted, sorted, flow, several]
}

/// What must not show up: the canary, and any stretch of a key.
fn secrets() -> Vec<String> {
    let key: Vec<char> = base64(&USER.key).chars().collect();
    let stretches = key.chunks_exact(16).map(|stretch| stretch.iter().collect());
    stretches.chain([CANARY.to_owned()]).collect()
}

/// What kube's reader, which forgives more, would act on.
fn as_kube_reads_it(upload: &[u8], context: &str) -> Option<(Cluster, AuthInfo)> {
    let file = Kubeconfig::from_yaml(std::str::from_utf8(upload).ok()?).ok()?;
    let context = file.contexts.into_iter().find(|named| named.name == context)?.context?;
    let cluster = file.clusters.into_iter().find(|named| named.name == context.cluster)?.cluster?;
    let user = file.auth_infos.into_iter().find(|named| Some(&named.name) == context.user.as_ref())?.auth_info?;
    Some((cluster, user))
}

fn check(upload: &[u8], pick: Option<&str>) -> Result<bool, TestCaseError> {
    let mut shown = match contexts(upload) {
        Ok(choices) => format!("{choices:?}"),
        Err(text) => format!("{text:?} {}", sentence(&text)),
    };
    let read = read(upload, pick, AddressAllowance::NONE, now());
    shown += &match &read {
        Ok(credential) => format!("{credential:?} {:?}", credential.proof()),
        Err(refused) => format!("{refused:?} {}", sentence(&refused.text)),
    };
    thread_local!(static SECRETS: Vec<String> = secrets());
    let told = SECRETS.with(|secrets| secrets.iter().find(|secret| shown.contains(secret.as_str())).cloned());
    prop_assert_eq!(told, None, "is told in {}", shown);
    let Ok(credential) = read else { return Ok(false) };

    let facts = credential.facts();
    let Some((cluster, user)) = as_kube_reads_it(upload, &facts.context) else { return Ok(true) };
    prop_assert!(user.exec.is_none() && user.auth_provider.is_none());
    prop_assert!(user.token_file.is_none() && user.client_certificate.is_none() && user.client_key.is_none());
    prop_assert!(user.username.is_none() && user.password.is_none() && user.impersonate.is_none());
    prop_assert!(user.impersonate_uid.is_none() && user.impersonate_groups.is_none());
    prop_assert!(user.impersonate_user_extra.is_none());
    prop_assert!(cluster.certificate_authority.is_none() && cluster.proxy_url.is_none());
    prop_assert!(!cluster.insecure_skip_tls_verify.unwrap_or(false));
    let server = cluster.server.unwrap_or_default().to_lowercase();
    prop_assert!(server.starts_with(&format!("https://{}", facts.cluster.host)), "{server}");
    let token = user.token.as_ref().map(|token| token.expose_secret());
    match credential.proof() {
        Proof::Token(own) => prop_assert_eq!(token, Some(own.expose_secret())),
        Proof::Certificate(_) => prop_assert!(token.is_none() && user.client_key_data.is_some()),
    }
    Ok(true)
}

#[test]
fn every_base_is_taken_as_it_stands() {
    for file in good_files() {
        let pick = file.contains("name: sso").then_some("shop-prod");
        assert!(check(file.as_bytes(), pick).unwrap(), "{file}");
        let name = contexts(file.as_bytes()).unwrap().pop().unwrap().name;
        assert!(as_kube_reads_it(file.as_bytes(), &name).is_some(), "kube reads it too:\n{file}");
    }
}

#[test]
fn a_refused_field_anywhere_in_the_picked_user_or_cluster_is_refused() {
    for file in good_files() {
        let pick = file.contains("name: sso").then_some("shop-prod");
        for (fields, anchors) in [
            (&USER_FIELDS[..], &["    token: ", "    client-certificate-data: "][..]),
            (&CLUSTER_FIELDS[..], &["    server: "][..]),
        ] {
            for (field, anchor) in fields.iter().flat_map(|field| anchors.iter().map(move |anchor| (field, anchor))) {
                let Some(at) = file.find(anchor) else { continue };
                let after = at + file[at..].find('\n').unwrap() + 1;
                for at in [at, after] {
                    let (before, rest) = file.split_at(at);
                    let changed = format!("{before}    {field}\n{rest}");
                    assert!(!check(changed.as_bytes(), pick).unwrap(), "{changed}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_mangled_file_gets_through_or_tells_a_secret(
        base in 0..6_usize,
        changes in prop::collection::vec(a_change(), 1..4),
        pick in any::<bool>(),
    ) {
        thread_local!(static GOOD: Vec<String> = good_files());
        let mut upload = GOOD.with(|files| files[base].clone().into_bytes());
        changes.iter().for_each(|change| change.to(&mut upload));
        check(&upload, pick.then_some("shop-prod"))?;
    }
}
