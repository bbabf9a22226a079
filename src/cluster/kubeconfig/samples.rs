//! Kubeconfigs to test with, in the shapes that real tools write, with canaries where the secrets
//! are. The keys here guard nothing: `samples/` holds forms that rcgen does not make, from openssl
//! (`genrsa -traditional`, `ecparam -genkey`, `req -x509 -days 36500`).

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use fluent_bundle::{FluentArgs, FluentBundle, FluentResource, FluentValue};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ED25519, date_time_ymd};

use crate::domain::text::{Arg, Text};
use crate::domain::time::Timestamp;

/// When the tests happen.
pub fn now() -> Timestamp {
    at("2026-06-01T12:00:00Z")
}

pub fn at(time: &str) -> Timestamp {
    Timestamp::parse(time).unwrap()
}

/// A certificate with its key, both in PEM.
pub struct Pair {
    pub certificate: String,
    pub key: String,
    /// SubjectPublicKeyInfo in DER.
    pub public_key: Vec<u8>,
}

/// Made by rcgen: the subject's common name, the last year it is good for (until New Year).
fn pair(name: &str, organisation: Option<&str>, year: i32, key: KeyPair) -> Pair {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(organisation) = organisation {
        params.distinguished_name.push(DnType::OrganizationName, organisation);
    }
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(year + 1, 1, 1);
    let certificate = params.self_signed(&key).unwrap().pem();
    Pair { certificate, key: key.serialize_pem(), public_key: rcgen::PublicKeyData::subject_public_key_info(&key) }
}

fn new_key() -> KeyPair {
    KeyPair::generate().unwrap()
}

/// A cluster's authority.
pub static AUTHORITY: LazyLock<Pair> = LazyLock::new(|| pair("kubernetes", None, 2035, new_key()));
/// The authority that follows it.
pub static NEXT_AUTHORITY: LazyLock<Pair> = LazyLock::new(|| pair("kubernetes-2", None, 2045, new_key()));
/// An authority that has ended.
pub static OLD_AUTHORITY: LazyLock<Pair> = LazyLock::new(|| pair("kubernetes-0", None, 2024, new_key()));
/// A user of the cluster.
pub static USER: LazyLock<Pair> = LazyLock::new(|| pair("deployer", Some("team-a"), 2029, new_key()));
/// Another user.
pub static OTHER_USER: LazyLock<Pair> =
    LazyLock::new(|| pair("ed", None, 2029, KeyPair::generate_for(&PKCS_ED25519).unwrap()));
/// A user whose certificate has ended.
pub static OLD_USER: LazyLock<Pair> = LazyLock::new(|| pair("deployer", None, 2025, new_key()));

/// Files of openssl: PKCS #1 as kubeadm writes it, SEC 1 with its parameters as k3s does.
pub const RSA: (&str, &str) = (include_str!("samples/rsa.crt"), include_str!("samples/rsa.key"));
pub const SEC1: (&str, &str) = (include_str!("samples/sec1.crt"), include_str!("samples/sec1.key"));
/// 1024 bits.
pub const WEAK_KEY: &str = include_str!("samples/weak.key");

pub fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

/// In every secret of [`token`] and of the files of the fuzzer.
pub const CANARY: &str = "c4n4ry";

/// A service account's token with these claims and a canary for its signature.
pub fn jwt(claims: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{CANARY}{}", part(r#"{"alg":"RS256"}"#), part(claims), CANARY.repeat(20))
}

pub fn token() -> String {
    jwt(r#"{"sub":"system:serviceaccount:shop:tidegate","exp":1790000000,"aud":["k"]}"#)
}

pub const SERVER: &str = "server: https://k8s.example.com:6443";

pub fn authority() -> String {
    format!("certificate-authority-data: {}", base64(&AUTHORITY.certificate))
}

pub fn client(certificate: &str, key: &str) -> String {
    format!("client-certificate-data: {}\nclient-key-data: {}", base64(certificate), base64(key))
}

/// A kubeconfig with one context, made of the lines of its cluster and its user.
pub fn file(cluster: &str, user: &str) -> String {
    let indented = |lines: &str| lines.lines().map(|line| format!("    {line}\n")).collect::<String>();
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: shop\n  cluster:\n{}users:\n- name: deployer\n  user:\n{}\
         contexts:\n- name: shop-prod\n  context:\n    cluster: shop\n    user: deployer\n    namespace: shop\n\
         current-context: shop-prod\npreferences: {{}}\n",
        indented(cluster),
        indented(user),
    )
}

/// A file with good lines for the cluster.
pub fn with_user(user: &str) -> String {
    file(&format!("{SERVER}\n{}", authority()), user)
}

/// A file with good lines for the user.
pub fn with_cluster(cluster: &str) -> String {
    file(cluster, &format!("token: {}", token()))
}

/// A file that is taken.
pub fn good() -> String {
    with_user(&format!("token: {}", token()))
}

/// The sentence as a person would read it; fails where the catalogue lacks it or a detail of it.
pub fn sentence(text: &Text) -> String {
    thread_local! {
        static BUNDLE: FluentBundle<FluentResource> = {
            let catalogue = include_str!("../../../templates/texts/en/kubeconfig.ftl");
            let mut bundle = FluentBundle::new(vec!["en".parse().unwrap()]);
            bundle.set_use_isolating(false);
            bundle.add_resource(FluentResource::try_new(catalogue.to_owned()).expect("is Fluent")).unwrap();
            bundle
        };
    }
    BUNDLE.with(|bundle| {
        let message = bundle.get_message(&text.key).unwrap_or_else(|| panic!("{} is in the catalogue", text.key));
        let mut args = FluentArgs::new();
        for (name, value) in &text.args {
            let value: FluentValue<'_> = match value {
                Arg::Word(word) => word.as_str().into(),
                Arg::Number(number) => (*number).into(),
                Arg::Time(time) => time.to_string().into(),
                Arg::Text(inner) => sentence(inner).into(),
            };
            args.set(name.to_string(), value);
        }
        let mut errors = Vec::new();
        let sentence = bundle.format_pattern(message.value().unwrap(), Some(&args), &mut errors).into_owned();
        assert!(errors.is_empty(), "{}: {errors:?}", text.key);
        sentence
    })
}
