use sha2::{Digest as _, Sha256};

use super::samples::*;
use super::*;
use crate::cluster::credential::{NotACredential, Proof};
use crate::domain::canonical::hex;
use crate::domain::cluster::CredentialMethod;
use secrecy::ExposeSecret as _;

fn judged(file: &str) -> Result<Credential, GateRefusal> {
    read(file.as_bytes(), None, AddressAllowance::NONE, now())
}

fn taken(file: &str) -> Credential {
    judged(file).unwrap_or_else(|refused| panic!("{}\n{file}", sentence(&refused.text)))
}

pub fn refused(file: &str) -> GateRefusal {
    let Err(refused) = judged(file) else { panic!("is refused:\n{file}") };
    let shown = format!("{} {refused:?}", sentence(&refused.text));
    assert!(!shown.contains(CANARY), "{shown}");
    refused
}

#[test]
fn a_service_accounts_token_is_taken_with_its_facts() {
    let credential = taken(&good());
    let spki = hex(&Sha256::digest(&AUTHORITY.public_key));
    let facts = credential.facts();
    assert_eq!(facts.cluster.authorities, [spki]);
    assert_eq!(facts.cluster.server(), "https://k8s.example.com:6443");
    assert_eq!(facts.cluster.tls_server_name, None);
    assert_eq!(facts.context, "shop-prod");
    assert_eq!(facts.identity.as_deref(), Some("system:serviceaccount:shop:tidegate"));
    assert_eq!(facts.method, CredentialMethod::Token);
    assert_eq!(facts.expires_at, Some(at("2026-09-21T14:13:20Z")));
    assert_eq!(credential.namespace(), Some("shop"));
    assert_eq!(credential.url(), "https://k8s.example.com:6443");
    assert_eq!(credential.authorities().len(), 1);
    let Proof::Token(secret) = credential.proof() else { panic!("is a token") };
    assert_eq!(secret.expose_secret(), token());
}

#[test]
fn client_certificates_are_taken_in_the_forms_that_tools_write() {
    for (what, certificate, key, identity, end) in [
        ("PKCS #1", RSA.0, RSA.1, "CN=kubernetes-admin, O=system:masters", "2126-10-30T18:17:28Z"),
        ("SEC 1", SEC1.0, SEC1.1, "CN=system:admin, O=system:masters", "2126-10-30T18:17:28Z"),
        ("PKCS #8", &USER.certificate, &USER.key, "CN=deployer, O=team-a", "2030-01-01T00:00:00Z"),
        ("Ed25519", &OTHER_USER.certificate, &OTHER_USER.key, "CN=ed", "2030-01-01T00:00:00Z"),
    ] {
        let credential = taken(&with_user(&client(certificate, key)));
        let facts = credential.facts();
        assert_eq!(facts.identity.as_deref(), Some(identity), "{what}");
        assert_eq!(facts.expires_at, Some(at(end)), "{what}");
        assert_eq!(facts.method, CredentialMethod::Certificate, "{what}");
        let Proof::Certificate(own) = credential.proof() else { panic!("is a certificate") };
        assert_eq!(own.chain().len(), 1, "{what}");
        assert!(rustls::crypto::ring::sign::any_supported_type(&own.key().unwrap()).is_ok(), "{what}");
    }
}

#[test]
fn a_certificate_may_come_with_the_chain_to_its_authority() {
    let chain = format!("some notes\n{}{}", USER.certificate, AUTHORITY.certificate);
    let credential = taken(&with_user(&client(&chain, &USER.key)));
    let Proof::Certificate(own) = credential.proof() else { panic!("is a certificate") };
    assert_eq!(own.chain().len(), 2);
    let upside_down = format!("{}{}", AUTHORITY.certificate, USER.certificate);
    assert_eq!(refused(&with_user(&client(&upside_down, &USER.key))).text.key, "kubeconfig-key-of-another");
}

#[test]
fn files_of_real_tools_are_taken() {
    let authority = authority();
    let token = token();
    let data = base64(&AUTHORITY.certificate);
    let minikube = format!(
        "{SERVER}\n{authority}\nextensions:\n- extension:\n    last-update: Mon, 01 Jun 2026 10:00:00 UTC\n    \
         provider: minikube.sigs.k8s.io\n  name: cluster_info"
    );
    let json = format!(
        r#"{{"kind":"Config","clusters":[{{"name":"c","cluster":{{"server":"https://k8s.example.com","certificate-authority-data":"{data}"}}}}],
            "users":[{{"name":"u","user":{{"token":"{token}"}}}}],"contexts":[{{"name":"x","context":{{"cluster":"c","user":"u"}}}}]}}"#
    );
    let folded = format!("{SERVER}\ncertificate-authority-data: |\n  {}\n  {}", &data[..64], &data[64..]);
    let rancher = format!("server: \"https://rancher.example.com/k8s/clusters/c-m-x7k2/\"\n{authority}");
    for (what, file, server) in [
        ("minikube", with_cluster(&minikube), "https://k8s.example.com:6443"),
        ("rancher", with_cluster(&rancher), "https://rancher.example.com:443/k8s/clusters/c-m-x7k2"),
        ("json", json, "https://k8s.example.com:443"),
        ("several lines of base64", with_cluster(&folded), "https://k8s.example.com:6443"),
        ("windows", good().replace('\n', "\r\n"), "https://k8s.example.com:6443"),
        ("mark at the beginning", format!("\u{feff}{}", good()), "https://k8s.example.com:6443"),
        (
            "checks stay on",
            with_cluster(&format!("{SERVER}\n{authority}\ninsecure-skip-tls-verify: false\ndisable-compression: true")),
            "https://k8s.example.com:6443",
        ),
        (
            "fields without a value",
            with_user(&format!("exec:\ntoken: {token}\nas: ~\nclient-key: null")),
            "https://k8s.example.com:6443",
        ),
    ] {
        assert_eq!(taken(&file).url(), server, "{what}");
    }
}

#[test]
fn an_opaque_token_says_nothing_of_itself() {
    for token in
        ["kubeconfig-u-x7k2:abcdef", "sha256~abc", "a.b.c", "a.!.c", "bootstrap.abcdef", &jwt("[]"), &jwt("{}")]
    {
        let credential = taken(&with_user(&format!("token: '{token}'")));
        let facts = credential.facts();
        assert_eq!((facts.identity.as_ref(), facts.expires_at), (None, None), "{token}");
    }
    for claims in [r#"{"sub":7,"exp":"soon"}"#, r#"{"sub":"a\nb","exp":1e300}"#, r#"{"exp":9223372036854775807}"#] {
        let credential = taken(&with_user(&format!("token: {}", jwt(claims))));
        assert_eq!((credential.facts().identity.as_ref(), credential.facts().expires_at), (None, None), "{claims}");
    }
}

#[test]
fn every_authority_counts_and_an_old_one_among_them_does_no_harm() {
    let authorities =
        |all: &[&str]| with_cluster(&format!("{SERVER}\ncertificate-authority-data: {}", base64(&all.concat())));
    let (old, good, next) = (&OLD_AUTHORITY.certificate, &AUTHORITY.certificate, &NEXT_AUTHORITY.certificate);
    let one = taken(&authorities(&[good, next, old])).facts().cluster.clone();
    let other = taken(&authorities(&[next, old, good, next])).facts().cluster.clone();
    assert_eq!(one, other, "neither order nor repetition makes another cluster");
    assert_eq!(one.authorities.len(), 3);
    let only_old = refused(&authorities(&[old]));
    assert_eq!(only_old.text.key, "kubeconfig-authority-expired");
    assert_eq!(only_old.kind, GateKind::Expired(at("2025-01-01T00:00:00Z")));
}

#[test]
fn another_name_on_the_certificate_makes_another_cluster() {
    let plain = taken(&good());
    let of = |name: &str| taken(&with_cluster(&format!("{SERVER}\n{}\ntls-server-name: {name}", authority())));
    assert_eq!(of("K8S.example.com").facts().cluster, plain.facts().cluster, "its own name says nothing new");
    let other = of("kubernetes.Default.svc");
    assert_eq!(other.tls_server_name(), Some("kubernetes.default.svc"));
    assert_ne!(other.facts().cluster.digest(), plain.facts().cluster.digest());
    assert_eq!(of("10.0.0.1").tls_server_name(), Some("10.0.0.1"));
}

/// Two contexts; the second one's user runs a command.
fn two_contexts() -> String {
    good()
        .replace("contexts:\n", "- name: sso\n  user:\n    exec: {command: c4n4ry}\ncontexts:\n")
        .replace("clusters:\n", "clusters:\n- name: odd\n  cluster: {server: 'https://c4n4ry@odd'}\n")
        .replace(
            "current-context: shop-prod",
            "- name: sso@odd\n  context: {cluster: odd, user: sso}\ncurrent-context: sso@odd",
        )
}

#[test]
fn with_several_contexts_the_person_picks_and_only_that_one_is_judged() {
    let file = two_contexts();
    let names = vec!["shop-prod".to_owned(), "sso@odd".to_owned()];
    let kind = GateKind::PickContext { names, current: Some("sso@odd".to_owned()) };
    let pick = |name| read(file.as_bytes(), name, AddressAllowance::NONE, now());
    assert_eq!(
        pick(None).unwrap_err(),
        GateRefusal { kind: kind.clone(), text: text!("kubeconfig-pick-context", count = 2_usize) }
    );
    assert_eq!(pick(Some("nowhere")).unwrap_err(), GateRefusal { kind, text: text!("kubeconfig-context-absent") });
    assert_eq!(pick(Some("sso@odd")).unwrap_err().kind, GateKind::Exec);
    assert_eq!(pick(Some("shop-prod")).unwrap().facts(), taken(&good()).facts());
}

#[test]
fn contexts_are_listed_with_the_server_they_lead_to() {
    let choice = |name: &str, server: Option<&str>, current| ContextChoice {
        name: name.to_owned(),
        server: server.map(str::to_owned),
        current,
    };
    let listed = contexts(two_contexts().as_bytes()).unwrap();
    assert_eq!(
        listed,
        [choice("shop-prod", Some("https://k8s.example.com:6443"), false), choice("sso@odd", None, true),]
    );
    assert_eq!(contexts(b"a: [").unwrap_err().key, "yaml-syntax");
    assert_eq!(contexts(b"kind: Config").unwrap_err().key, "kubeconfig-no-context");
}

#[test]
fn a_sealed_credential_comes_back_as_it_was() {
    for file in [
        good(),
        with_user(&client(&USER.certificate, &USER.key)),
        with_user(&client(RSA.0, RSA.1)),
        with_user("token: 'a\"b\\c'"),
    ] {
        let credential = taken(&file);
        let bytes = credential.to_sealed_plaintext();
        let again = Credential::from_plaintext(&bytes).unwrap();
        assert_eq!(again.facts(), credential.facts());
        assert_eq!(again.authorities(), credential.authorities());
        assert_eq!(*again.to_sealed_plaintext(), *bytes);
        match (credential.proof(), again.proof()) {
            (Proof::Token(one), Proof::Token(other)) => assert_eq!(one.expose_secret(), other.expose_secret()),
            (Proof::Certificate(one), Proof::Certificate(other)) => {
                assert_eq!(one.chain(), other.chain());
                assert_eq!(one.key().unwrap(), other.key().unwrap());
            }
            _ => panic!("is the same way"),
        }
        for end in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            assert_eq!(Credential::from_plaintext(&bytes[..end]).unwrap_err(), NotACredential);
        }
        let newer = String::from_utf8(bytes.to_vec()).unwrap().replace("\"version\":1", "\"version\":2");
        assert_eq!(Credential::from_plaintext(newer.as_bytes()).unwrap_err(), NotACredential);
    }
}

#[test]
fn no_debug_form_shows_a_secret() {
    let token = taken(&good());
    assert!(!format!("{token:?} {:#?} {:?}", token, token.proof()).contains(CANARY));
    let certificate = taken(&with_user(&client(RSA.0, RSA.1)));
    let Proof::Certificate(own) = certificate.proof() else { panic!("is a certificate") };
    let shown = format!("{certificate:?} {own:?} {:?}", certificate.proof());
    assert!(shown.contains("kubernetes-admin") && shown.len() < 1000, "{shown}");
}

#[test]
fn every_sentence_of_the_gate_is_in_the_catalogue_and_none_is_left_over() {
    let sources = [
        include_str!("../kubeconfig.rs"),
        include_str!("fields.rs"),
        include_str!("proof.rs"),
        include_str!("server.rs"),
        include_str!("../script.rs"),
        include_str!("../../yaml.rs"),
        include_str!("../../domain/address.rs"),
    ]
    .concat();
    let mut used: Vec<&str> = sources.split("text!(").skip(1).filter_map(|rest| rest.split('"').nth(1)).collect();
    used.sort_unstable();
    used.dedup();
    let catalogue = include_str!("../../../templates/texts/en/kubeconfig.ftl");
    let known =
        catalogue.lines().filter(|line| !line.starts_with([' ', '#', '}'])).filter_map(|line| line.split_once(" ="));
    let mut known: Vec<&str> = known.map(|(key, _)| key).collect();
    known.sort_unstable();
    assert_eq!(used, known);
}
