//! The client of the command line, against portals that are not there, are none, or are not trusted.

use std::path::Path;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::command::tidegate;
use crate::support::process::Portal;

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_is_not_there_or_is_none_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("g.yaml"), "kind: Group\nname: product\ntitle: Product\n").unwrap();
    let apply = |folder: &Path, url: &str| {
        let line = tidegate(["apply", "-f", "g.yaml", "--url", url]).within(folder);
        // A proxy of the environment is not used, or this would go to it.
        line.env("TIDEGATE_TOKEN", "tdg_x")
            .env("http_proxy", "http://127.0.0.1:9")
            .env("all_proxy", "http://127.0.0.1:9")
            .run()
    };
    let port = crate::support::process::free_port();
    let ended = apply(folder.path(), &format!("http://127.0.0.1:{port}")).await.with(1);
    assert!(ended.err.contains(&format!("http://127.0.0.1:{port} cannot be reached")), "{}", ended.err);

    // Something else that speaks, or does not.
    let answers: [(&str, &str); 5] = [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello", "is no Tidegate portal"),
        (
            "HTTP/1.1 302 Found\r\nlocation: https://other.example/login\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            "sends requests on to https://other.example/login",
        ),
        ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbad", "HTTP status 502"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 99\r\nconnection: close\r\n\r\n{", "broke"),
        ("", "broke"),
    ];
    for (answer, words) in answers {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 16384];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        });
        let ended = apply(folder.path(), &url).await.with(1);
        assert!(ended.err.contains(words), "{words}: {}", ended.err);
        server.await.unwrap();
    }

    // An answer without end is not read to its end.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 16384];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await;
        let mut sent = 0;
        while sent < 64 * 1024 * 1024 && stream.write_all(&[b' '; 65536]).await.is_ok() {
            sent += 65536;
        }
        sent
    });
    let ended = apply(folder.path(), &url).await.with(1);
    assert!(ended.err.contains("larger than 1 MiB"), "{}", ended.err);
    assert!(server.await.unwrap() < 16 * 1024 * 1024);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_with_tls_is_trusted_by_its_own_authority_only() {
    let folder = tempfile::tempdir().unwrap();
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    std::fs::write(&certificate, own.cert.pem()).unwrap();
    std::fs::write(&key, own.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.path().join("g.yaml"), "kind: Group\nname: product\ntitle: Product\n").unwrap();
    let portal = Portal::start_with_tls(&certificate, &key).await;
    let url = portal.url.clone();
    let apply = |more: &[&str]| {
        let arguments = ["apply", "-f", "g.yaml", "--url", &url];
        tidegate(arguments.iter().chain(more)).within(folder.path()).env("TIDEGATE_TOKEN", "tdg_x").run()
    };
    let ended = apply(&[]).await.with(1);
    assert!(
        ended.err.contains("a certificate that nobody trusted vouches for; give its authority with --ca-file"),
        "{}",
        ended.err
    );
    // The token is wrong; that one is told so means that TLS was fine.
    let ended = apply(&["--ca-file", "tls.crt"]).await.with(1);
    assert!(ended.err.contains("nothing was changed"), "{}", ended.err);
    let ended = apply(&["--ca-file", "g.yaml"]).await.with(2);
    assert!(ended.err.contains("not in PEM form"), "{}", ended.err);
    let plain = url.replace("https", "http");
    let ended = tidegate(["apply", "-f", "g.yaml", "--url", &plain])
        .within(folder.path())
        .env("TIDEGATE_TOKEN", "tdg_x")
        .run()
        .await;
    assert_eq!(ended.code, 1, "{}", ended.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_does_not_answer_is_waited_for_ten_seconds() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("g.yaml"), "kind: Group\nname: product\ntitle: Product\n").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let line = tidegate(["apply", "-f", "g.yaml", "--url", &url]).within(folder.path());
    let begun = std::time::Instant::now();
    let ended = line.env("TIDEGATE_TOKEN", "tdg_x").run().await.with(1);
    assert!(
        ended.err.contains("gave no answer in 10 s; what was asked for may have been done all the same"),
        "{}",
        ended.err
    );
    assert!((10..14).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_used_when_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("g.yaml"), "kind: Group\nname: product\ntitle: Product\n").unwrap();
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = proxy.accept().await.unwrap();
        let mut request = vec![0; 16384];
        let read = stream.read(&mut request).await.unwrap();
        let _ = stream.write_all(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    let arguments = ["apply", "-f", "g.yaml", "--url", "https://tidegate.example.com", "--proxy", &address];
    let ended = tidegate(arguments).within(folder.path()).env("TIDEGATE_TOKEN", "tdg_x").run().await.with(1);
    assert!(ended.err.contains("https://tidegate.example.com cannot be reached"), "{}", ended.err);
    let asked = server.await.unwrap();
    assert!(asked.starts_with("CONNECT tidegate.example.com:443 "), "{asked}");
    assert!(!asked.contains("tdg_x"), "the proxy does not see the token: {asked}");
}
