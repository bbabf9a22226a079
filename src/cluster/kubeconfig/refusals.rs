//! What the gate refuses, field by field and address by address, each with its sentence.

use super::samples::*;
use super::tests::refused;
use super::*;

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
        (user("tokenFile: /c4n4ry"), "kubeconfig-token-file", GateKind::Login),
        (user("client-certificate: /c4n4ry"), "kubeconfig-local-file", GateKind::LocalFile),
        (user("client-key: /c4n4ry"), "kubeconfig-local-file", GateKind::LocalFile),
        (user("client-key: ''"), "kubeconfig-local-file", GateKind::LocalFile),
        (user("username: c4n4ry"), "kubeconfig-password", GateKind::Login),
        (user("password: c4n4ry"), "kubeconfig-password", GateKind::Login),
        (user("as: c4n4ry"), "kubeconfig-impersonation", GateKind::Login),
        (user("as-uid: c4n4ry"), "kubeconfig-impersonation", GateKind::Login),
        (user("as-groups: [c4n4ry]"), "kubeconfig-impersonation", GateKind::Login),
        (user("as-user-extra: {c4n4ry: [a]}"), "kubeconfig-impersonation", GateKind::Login),
        (user("impersonate: c4n4ry"), "kubeconfig-impersonation", GateKind::Login),
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
        (user(&client(&USER.certificate, &USER.key)), "kubeconfig-two-credentials", GateKind::Login),
        (user("client-key-data: c4n4ry"), "kubeconfig-two-credentials", GateKind::Login),
        (only(&format!("client-key-data: {}", base64(&USER.key))), "kubeconfig-certificate-absent", GateKind::Unfit),
        (only("client-certificate-data: c4n4ry"), "kubeconfig-key-absent", GateKind::Unfit),
        (only(&client("c4n4ry", &USER.key)), "kubeconfig-certificate-unreadable", GateKind::Unfit),
        (only(&client(&USER.key, &USER.key)), "kubeconfig-certificate-unreadable", GateKind::Unfit),
        (key("c4n4ry"), "kubeconfig-key-unreadable", GateKind::Unfit),
        (key(&USER.certificate), "kubeconfig-key-unreadable", GateKind::Unfit),
        (key(&OTHER_USER.key), "kubeconfig-key-of-another", GateKind::Unfit),
        (key(RSA.1), "kubeconfig-key-of-another", GateKind::Unfit),
        (key(WEAK_KEY), "kubeconfig-key-unsupported", GateKind::Unfit),
        (key(&USER.key.replace("BEGIN ", "BEGIN ENCRYPTED ")), "kubeconfig-key-encrypted", GateKind::Login),
        (
            key(&RSA.1.replacen("KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1)),
            "kubeconfig-key-encrypted",
            GateKind::Login,
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
        (
            good().replace("- name: shop-prod\n", "- name: \"shop\n    token: c4n4ry\"\n"),
            "kubeconfig-name-unfit",
            GateKind::Unreadable,
        ),
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
        let file = with_cluster(&format!("server: \"{server}\"\n{}", authority()));
        read(file.as_bytes(), None, AddressAllowance::NONE, now())
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
