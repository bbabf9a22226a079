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

fn refused(file: &str) -> GateRefusal {
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
fn what_has_ended_is_refused_with_its_date() {
    let past = jwt(r#"{"sub":"a","exp":1780315200}"#);
    assert_eq!(refused(&with_user(&format!("token: {past}"))).kind, GateKind::Expired(now()));
    let fraction = jwt(r#"{"sub":"a","exp":1780315200.9}"#);
    let token = refused(&with_user(&format!("token: {fraction}")));
    assert_eq!((token.text.key.as_ref(), &token.kind), ("kubeconfig-token-expired", &GateKind::Expired(now())));
    let certificate = refused(&with_user(&client(&OLD_USER.certificate, &OLD_USER.key)));
    assert_eq!(certificate.text.key, "kubeconfig-certificate-expired");
    assert_eq!(certificate.kind, GateKind::Expired(at("2026-01-01T00:00:00Z")));
    assert!(sentence(&certificate.text).contains("2026-01-01"));
}

#[test]
fn every_unfit_field_has_its_sentence() {
    let token = format!("token: {}", token());
    let cluster = format!("{SERVER}\n{}", authority());
    let user = |more: &str| with_user(&format!("{token}\n{more}"));
    let on = |more: &str| with_cluster(&format!("{cluster}\n{more}"));
    let only = with_user;
    let key = |text: &str| only(&client(&USER.certificate, text));
    let ca = |text: &str| with_cluster(&format!("{SERVER}\ncertificate-authority-data: {text}"));
    let data = base64(&AUTHORITY.certificate);
    let not_a_certificate = base64("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let cut = base64(&AUTHORITY.certificate.replace("-----END", "----"));
    let exec = "exec:\n  apiVersion: client.authentication.k8s.io/v1\n  command: sh\n  args: [-c, c4n4ry]";
    for (file, expected, kind) in [
        // How the user logs in.
        (user(exec), "kubeconfig-exec", GateKind::Exec),
        (only(exec), "kubeconfig-exec", GateKind::Exec),
        (only(&format!("client-key: c4n4ry\nc4n4ry: 1\n{exec}")), "kubeconfig-exec", GateKind::Exec),
        (only("exec: c4n4ry"), "kubeconfig-exec", GateKind::Exec),
        (user("auth-provider: {name: gcp, config: {cmd-path: c4n4ry}}"), "kubeconfig-auth-provider", GateKind::Exec),
        (user("tokenFile: /c4n4ry"), "kubeconfig-token-file", GateKind::LocalFile),
        (user("client-certificate: /c4n4ry"), "kubeconfig-local-file", GateKind::LocalFile),
        (user("client-key: /c4n4ry"), "kubeconfig-local-file", GateKind::LocalFile),
        (user("client-key: ''"), "kubeconfig-local-file", GateKind::LocalFile),
        (user("username: c4n4ry"), "kubeconfig-password", GateKind::Unfit),
        (user("password: c4n4ry"), "kubeconfig-password", GateKind::Unfit),
        (user("as: c4n4ry"), "kubeconfig-impersonation", GateKind::Unfit),
        (user("as-uid: c4n4ry"), "kubeconfig-impersonation", GateKind::Unfit),
        (user("as-groups: [c4n4ry]"), "kubeconfig-impersonation", GateKind::Unfit),
        (user("as-user-extra: {c4n4ry: [a]}"), "kubeconfig-impersonation", GateKind::Unfit),
        (user("impersonate: c4n4ry"), "kubeconfig-impersonation", GateKind::Unfit),
        (user("token-file: c4n4ry"), "kubeconfig-unknown-field", GateKind::Unfit),
        (user("Token: c4n4ry"), "kubeconfig-unknown-field", GateKind::Unfit),
        (user("c4n4ry: 1"), "kubeconfig-unknown-name", GateKind::Unfit),
        (only("token:"), "kubeconfig-no-credential", GateKind::Unfit),
        (only("{}"), "kubeconfig-no-credential", GateKind::Unfit),
        (only("token: ''"), "kubeconfig-field-empty", GateKind::Unfit),
        (only("token: 12345"), "kubeconfig-not-text", GateKind::Unreadable),
        (only("token: [c4n4ry]"), "kubeconfig-not-text", GateKind::Unreadable),
        (only("token: c4n4ry c4n4ry"), "kubeconfig-token-characters", GateKind::Unfit),
        (only("token: |\n  c4n4ry"), "kubeconfig-token-characters", GateKind::Unfit),
        (only("token: \"c4n4ry\\r\\nHost: a\""), "kubeconfig-token-characters", GateKind::Unfit),
        (only("token: c4n4rÿ"), "kubeconfig-token-characters", GateKind::Unfit),
        (only(&format!("token: {}", CANARY.repeat(3000))), "kubeconfig-token-too-long", GateKind::Unfit),
        (user(&client(&USER.certificate, &USER.key)), "kubeconfig-two-credentials", GateKind::Unfit),
        (user("client-key-data: c4n4ry"), "kubeconfig-two-credentials", GateKind::Unfit),
        (only(&format!("client-key-data: {}", base64(&USER.key))), "kubeconfig-certificate-absent", GateKind::Unfit),
        (only("client-certificate-data: c4n4ry"), "kubeconfig-key-absent", GateKind::Unfit),
        (only(&client("c4n4ry", &USER.key)), "kubeconfig-certificate-unreadable", GateKind::Unfit),
        (only(&client(&USER.key, &USER.key)), "kubeconfig-certificate-unreadable", GateKind::Unfit),
        (key("c4n4ry"), "kubeconfig-key-unreadable", GateKind::Unfit),
        (key(&USER.certificate), "kubeconfig-key-unreadable", GateKind::Unfit),
        (key(&OTHER_USER.key), "kubeconfig-key-of-another", GateKind::Unfit),
        (key(RSA.1), "kubeconfig-key-of-another", GateKind::Unfit),
        (key(WEAK_KEY), "kubeconfig-key-unsupported", GateKind::Unfit),
        (key(&USER.key.replace("BEGIN ", "BEGIN ENCRYPTED ")), "kubeconfig-key-encrypted", GateKind::Unfit),
        (
            key(&RSA.1.replacen("KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1)),
            "kubeconfig-key-encrypted",
            GateKind::Unfit,
        ),
        // The cluster.
        (on("insecure-skip-tls-verify: true"), "kubeconfig-skip-verify", GateKind::Unfit),
        (on("insecure-skip-tls-verify: yes"), "kubeconfig-skip-verify", GateKind::Unfit),
        (on("insecure-skip-tls-verify: 'false'"), "kubeconfig-skip-verify", GateKind::Unfit),
        (on("proxy-url: http://c4n4ry@proxy"), "kubeconfig-proxy", GateKind::Unfit),
        (on("certificate-authority: /c4n4ry"), "kubeconfig-local-file", GateKind::LocalFile),
        (on("api-version: v1"), "kubeconfig-unknown-field", GateKind::Unfit),
        (on("tls-server-name: 'a b'"), "kubeconfig-tls-server-name", GateKind::Unfit),
        (on("tls-server-name: ''"), "kubeconfig-field-empty", GateKind::Unfit),
        (with_cluster(&authority()), "kubeconfig-field-absent", GateKind::Unfit),
        (with_cluster(SERVER), "kubeconfig-authority-absent", GateKind::Unfit),
        (ca("''"), "kubeconfig-authority-unreadable", GateKind::Unfit),
        (ca("c4n4ry"), "kubeconfig-authority-unreadable", GateKind::Unfit),
        (ca(&base64("c4n4ry")), "kubeconfig-authority-unreadable", GateKind::Unfit),
        (ca(&data[4..]), "kubeconfig-authority-unreadable", GateKind::Unfit),
        (ca(&not_a_certificate), "kubeconfig-authority-unreadable", GateKind::Unfit),
        (ca(&cut), "kubeconfig-authority-unreadable", GateKind::Unfit),
        (ca(&base64(&USER.key)), "kubeconfig-authority-unreadable", GateKind::Unfit),
        // The file around them.
        ("c4n4ry".into(), "kubeconfig-not-one", GateKind::Unreadable),
        ("[]".into(), "kubeconfig-not-one", GateKind::Unreadable),
        (good().replace("kind: Config", "kind: Secret"), "kubeconfig-not-one", GateKind::Unreadable),
        (good().replace("apiVersion: v1", "apiVersion: 1"), "kubeconfig-not-one", GateKind::Unreadable),
        (good().replace("apiVersion: v1", "metadata: {}"), "kubeconfig-unknown-field", GateKind::Unfit),
        ("kind: Config\nclusters: []\n".into(), "kubeconfig-no-context", GateKind::Unreadable),
        (good().replace("- name: shop\n", "- "), "kubeconfig-name-absent", GateKind::Unreadable),
        (good().replace("- name: shop\n", "- name: 7\n"), "kubeconfig-not-text", GateKind::Unreadable),
        (good().replace("- name: shop\n", "- name: \"a\\nb\"\n"), "kubeconfig-name-unfit", GateKind::Unreadable),
        (good().replace("contexts:\n", "contexts: {}\nextensions:\n"), "kubeconfig-not-a-list", GateKind::Unreadable),
        (good().replace("users:\n", "users:\n- name: deployer\n"), "kubeconfig-name-twice", GateKind::Unfit),
        (good().replace("    cluster: shop\n", "    cluster: c4n4ry\n"), "kubeconfig-cluster-absent", GateKind::Unfit),
        (good().replace("    user: deployer\n", "    user: c4n4ry\n"), "kubeconfig-user-absent", GateKind::Unfit),
        (good().replace("    user: deployer\n", ""), "kubeconfig-field-absent", GateKind::Unfit),
        (
            good().replace("    namespace: shop\n", "    namespace: C4n4ry c4n4ry\n"),
            "kubeconfig-namespace",
            GateKind::Unfit,
        ),
        (good().replace("    namespace: shop\n", "    exec: c4n4ry\n"), "kubeconfig-unknown-field", GateKind::Unfit),
        (good().replace("  user:\n    token", "  user: c4n4ry\n  token"), "kubeconfig-unknown-field", GateKind::Unfit),
        (
            good().replace("  cluster:\n", "  cluster: c4n4ry\n  extensions:\n"),
            "kubeconfig-unknown-field",
            GateKind::Unfit,
        ),
        (good().replace("  user:\n", "  user: &c4n4ry\n"), "yaml-anchor", GateKind::Unreadable),
        (format!("{}---\n{}", good(), good()), "yaml-too-many-documents", GateKind::Unreadable),
        (format!("{}# {}", good(), "c4n4ry".repeat(LARGEST / 6)), "yaml-too-large", GateKind::Unreadable),
        (only(&format!("token: {}{}", "[".repeat(40), "]".repeat(40))), "yaml-too-deep", GateKind::Unreadable),
    ] {
        let refused = refused(&file);
        assert_eq!((refused.text.key.as_ref(), refused.kind), (expected, kind), "{file}");
    }
}

#[test]
fn a_field_out_of_place_is_refused_where_nothing_else_is_wrong() {
    let file = good().replace("- name: deployer\n", "- name: deployer\n  exec: {command: c4n4ry}\n");
    assert_eq!(refused(&file).text.key, "kubeconfig-unknown-field");
    let file = good().replace("  user:\n    token", "  user: [c4n4ry]\nextensions:\n  - token");
    assert_eq!(refused(&file).text.key, "kubeconfig-not-fields");
}

#[test]
fn the_server_is_read_in_one_way_only() {
    let url = |server: &str| {
        judged(&with_cluster(&format!("server: \"{server}\"\n{}", authority())))
            .map(|credential| credential.url())
            .map_err(|refused| refused.text.key.into_owned())
    };
    for (server, read) in [
        ("https://k8s.example.com", "https://k8s.example.com:443"),
        ("HTTPS://K8S.Example.COM:6443/", "https://k8s.example.com:6443"),
        ("https://203.0.113.7:6443", "https://203.0.113.7:6443"),
        ("https://10.0.0.1", "https://10.0.0.1:443"),
        ("https://[2001:DB8:0::1]:6443", "https://[2001:db8::1]:6443"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]:443"),
        ("https://api.my_cluster.local:6443", "https://api.my_cluster.local:6443"),
        ("https://kubernetes", "https://kubernetes:443"),
        ("https://xn--kln-sna.example/k8s-proxy/", "https://xn--kln-sna.example:443/k8s-proxy"),
        ("https://h.example/a/b:c@d/~e.f", "https://h.example:443/a/b:c@d/~e.f"),
    ] {
        assert_eq!(url(server).as_deref(), Ok(read), "{server}");
    }
    for (key, servers) in [
        ("kubeconfig-server-http", &["http://k8s.example.com", "HTTP://k8s.example.com"][..]),
        (
            "kubeconfig-server-scheme",
            &["k8s.example.com", "10.0.0.1:6443", "//k8s", "ftp://k8s", " https://k8s", "unix:///a"],
        ),
        ("kubeconfig-server-userinfo", &["https://c4n4ry@k8s", "https://a:c4n4ry@k8s:1", "https://k8s@10.0.0.1"]),
        (
            "kubeconfig-server-query",
            &["https://k8s/?a", "https://k8s?a", "https://k8s#a", "https://k8s?@b", "https://k8s#@b"],
        ),
        (
            "kubeconfig-server-host",
            &[
                "https://",
                "https:///a",
                "https://:443",
                "https://a..b",
                "https://a.",
                "https://.a",
                "https://-a",
                "https://a-",
                "https://a b",
                "https://a\\\\b",
                "https://köln.example",
                "https://%41",
                "https://a%00",
                "https://127.1",
                "https://2130706433",
                "https://0x7f000001",
                "https://0x7f.0x0.0x0.0x1",
                "https://0177.0.0.1",
                "https://1.2.3.4.5",
                "https://256.1.1.1",
                "https://::1",
                "https://[::1",
                "https://::1]",
                "https://[::1]a",
                "https://[]",
                "https://[a]",
                "https://[fe80::1%25eth0]",
                "https://[127.0.0.1]",
                "https://a\\tb",
                "https://a\\nb",
            ],
        ),
        (
            "kubeconfig-server-port",
            &["https://a:", "https://a:0", "https://a:65536", "https://a:+1", "https://a:b", "https://a:1:2"],
        ),
        (
            "kubeconfig-server-path",
            &[
                "https://a//",
                "https://a/b//c",
                "https://a/../b",
                "https://a/./b",
                "https://a/%2e%2e",
                "https://a/b c",
                "https://a/ä",
                "https://a/b\\\\c",
            ],
        ),
        (
            "address-loopback",
            &[
                "https://127.0.0.1:6443",
                "https://[::1]",
                "https://localhost",
                "https://a.LOCALHOST",
                "https://[::ffff:127.0.0.1]",
            ],
        ),
        ("address-unspecified", &["https://0.0.0.0:6443", "https://[::]"]),
        ("address-link-local", &["https://169.254.1.1", "https://[fe80::1]"]),
        ("address-metadata", &["https://169.254.169.254", "https://[fd00:ec2::254]", "https://[::ffff:a9fe:a9fe]"]),
        ("address-multicast", &["https://224.0.0.1", "https://255.255.255.255"]),
    ] {
        for server in servers {
            assert_eq!(url(server).err().as_deref(), Some(key), "{server}");
        }
    }
    assert_eq!(url(&format!("https://a/{}", "b".repeat(300))).err().as_deref(), Some("kubeconfig-server-path"));
    assert_eq!(url(&format!("https://{}", "b".repeat(64))).err().as_deref(), Some("kubeconfig-server-host"));
}

#[test]
fn the_operators_allowance_opens_the_own_machine() {
    let local = |server: &str| {
        let file = with_cluster(&format!("server: {server}\n{}", authority()));
        read(file.as_bytes(), None, AddressAllowance::LOCAL, now()).map(|credential| credential.url())
    };
    assert_eq!(local("https://127.0.0.1:6443").unwrap(), "https://127.0.0.1:6443");
    assert_eq!(local("https://localhost:6443").unwrap(), "https://localhost:6443");
    assert_eq!(local("https://169.254.169.254").unwrap_err().text.key, "address-metadata");
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
