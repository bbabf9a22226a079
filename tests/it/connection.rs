//! The client profile: nothing is retried behind the job's back, nothing waits for ever, no answer
//! is larger than the job can hold, and no address is dialled that was not judged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tidegate::cluster::connect::Connection;
use tidegate::cluster::observe::{self, PlanTarget};
use tidegate::cluster::{kubeconfig, probe};
use tidegate::domain::address::AddressAllowance;
use tidegate::domain::id::TargetId;
use tidegate::domain::image::ImageRef;
use tidegate::domain::name::{Label, WorkloadName};
use tidegate::domain::service::{Workload, WorkloadKind};
use tidegate::domain::text::{Arg, Text};
use tidegate::domain::time::Timestamp;
use tokio::io::AsyncWriteExt as _;

use crate::support::images;
use crate::support::tls::{self, Answer, Line, Server, say};

fn connection(upload: &str) -> Connection {
    connection_with(upload, AddressAllowance::LOCAL).unwrap()
}

/// The credential passes the gate, whatever is allowed later.
fn connection_with(upload: &str, allowance: AddressAllowance) -> Result<Connection, Text> {
    let now = Timestamp::from(chrono::Utc::now());
    let credential = kubeconfig::read(upload.as_bytes(), None, AddressAllowance::LOCAL, now).unwrap();
    Connection::new(&credential, allowance).map_err(|failure| failure.text())
}

/// Why the version could not be read.
async fn why(connection: &Connection) -> String {
    probe::probe(connection, &[]).await.unwrap_err().key.into_owned()
}

pub fn target(namespace: &str) -> PlanTarget {
    PlanTarget {
        id: TargetId(1),
        workload: Workload {
            namespace: Label::parse(namespace).unwrap(),
            kind: WorkloadKind::Deployment,
            name: WorkloadName::parse("web").unwrap(),
        },
        containers: vec![Label::parse("app").unwrap()],
    }
}

/// Why a plan could not be made.
async fn why_no_plan(connection: &Connection) -> String {
    let image = ImageRef::find(&format!("r.example/a@{}", images::good("x"))).unwrap();
    let text = observe::plan(connection, &[target("shop")], &image).await.unwrap_err();
    match text.args.iter().find(|(name, _)| name == "reason") {
        Some((_, Arg::Text(reason))) => reason.key.to_string(),
        _ => panic!("{text:?}"),
    }
}

fn always(
    answer: impl Fn(Line) -> futures_util::future::BoxFuture<'static, Option<Line>> + Send + Sync + 'static,
) -> Answer {
    Arc::new(move |_, line| answer(line))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_does_not_hold_anybody_up_for_ever() {
    // One that takes connections and never says a word, one that falls silent after the handshake,
    // and one that falls silent in mid-answer.
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = Server::start(always(|line| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(120)).await;
            drop(line);
            None
        })
    }))
    .await;
    let slow = Server::start(always(|mut line| {
        Box::pin(async move {
            line.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"major\":").await.unwrap();
            line.flush().await.unwrap();
            tokio::time::sleep(Duration::from_secs(120)).await;
            None
        })
    }))
    .await;
    let url = format!("https://127.0.0.1:{}", mute.local_addr().unwrap().port());
    let begun = Instant::now();
    let uploads = [tls::kubeconfig(&url, silent.ca()), silent.kubeconfig("127.0.0.1"), slow.kubeconfig("127.0.0.1")];
    let asked = uploads.iter().map(|upload| async move { why(&connection(upload)).await });
    assert_eq!(futures_util::future::join_all(asked).await, ["failure-timeout"; 3]);
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_too_large_is_not_taken_in() {
    let giant = Server::start(always(|mut line| {
        Box::pin(async move {
            line.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.ok()?;
            let chunk = format!("{:x}\r\n{}\r\n", 65536, "x".repeat(65536));
            // More than anybody should take; it ends when nobody does.
            for _ in 0..100_000 {
                line.write_all(chunk.as_bytes()).await.ok()?;
            }
            None
        })
    }))
    .await;
    let connection = connection(&giant.kubeconfig("127.0.0.1"));
    let begun = Instant::now();
    assert_eq!(why(&connection).await, "failure-too-large");
    assert_eq!(why_no_plan(&connection).await, "failure-too-large");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(always(|line| Box::pin(say(line, "200 OK", "", "{}")))).await;
    let location = format!("location: https://127.0.0.1:{}/version\r\n", elsewhere.port);
    let here = Server::start(always(move |line| {
        let location = location.clone();
        Box::pin(async move { say(line, "307 Temporary Redirect", &location, "{}").await })
    }))
    .await;
    why(&connection(&here.kubeconfig("127.0.0.1"))).await;
    assert_eq!(here.asked().len(), 1);
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_twice_however_the_server_asks_for_it() {
    for (status, headers) in [
        ("429 Too Many Requests", "retry-after: 86400\r\n"),
        ("503 Service Unavailable", "retry-after: 86400\r\n"),
        ("504 Gateway Timeout", ""),
        ("500 Internal Server Error", ""),
    ] {
        let server = Server::start(always(move |line| {
            let body = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status[..3].parse::<u16>().unwrap(), "message": "no" });
            Box::pin(async move { say(line, status, headers, &body.to_string()).await })
        }))
        .await;
        let begun = Instant::now();
        why(&connection(&server.kubeconfig("127.0.0.1"))).await;
        assert!(begun.elapsed() < Duration::from_secs(5), "{status}: {:?}", begun.elapsed());
        assert_eq!(server.asked().len(), 1, "{status}");
    }
    // Nor when the connection is cut in mid-request, on a connection that was good before.
    let good = Arc::new(AtomicBool::new(true));
    let server = Server::start(Arc::new(move |_, line| {
        let good = good.swap(false, Ordering::SeqCst);
        Box::pin(async move { if good { say(line, "404 Not Found", "", "nothing here").await } else { None } })
    }))
    .await;
    let connection = connection(&server.kubeconfig("127.0.0.1"));
    assert_eq!(why(&connection).await, "failure-not-found");
    assert_eq!(why(&connection).await, "failure-connection");
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_or_an_address_that_is_not_allowed_is_not_dialled() {
    let server = Server::start(always(|line| Box::pin(say(line, "200 OK", "", "{}")))).await;
    // The name is looked up when it is dialled, and the address judged then.
    let by_name = connection_with(&server.kubeconfig("localhost"), AddressAllowance::NONE).unwrap();
    assert_eq!(why(&by_name).await, "address-loopback");
    assert_eq!(why_no_plan(&by_name).await, "address-loopback");
    // An address is judged anew: what was allowed at the upload may not be any more.
    let by_address = connection_with(&server.kubeconfig("127.0.0.1"), AddressAllowance::NONE);
    assert_eq!(by_address.err().unwrap().key, "address-loopback");
    assert!(server.asked().is_empty());
    why(&connection(&server.kubeconfig("localhost"))).await;
    assert!(!server.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_certificate_is_no_cluster() {
    let server = Server::start(always(|line| Box::pin(say(line, "200 OK", "", "{}")))).await;
    let other = Server::start(always(|line| Box::pin(say(line, "200 OK", "", "{}")))).await;
    let upload = tls::kubeconfig(&format!("https://127.0.0.1:{}", server.port), other.ca());
    assert_eq!(why(&connection(&upload)).await, "failure-certificate");
    assert!(server.asked().is_empty(), "the token was not shown to anybody");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_kubernetes_api_is_said_to_be_none() {
    let server = Server::start(always(|line| Box::pin(say(line, "200 OK", "", "<html>login</html>")))).await;
    let connection = connection(&server.kubeconfig("127.0.0.1"));
    assert_eq!(why(&connection).await, "failure-nonsense");
    assert_eq!(why_no_plan(&connection).await, "failure-nonsense");
}

/// Neither a list of more and more pods nor one of empty pages is followed without end.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_never_ends_is_left() {
    for pods in [200, 0] {
        let server = Server::start(Arc::new(move |asked: String, line| {
            Box::pin(async move {
                if asked.contains("/deployments/") {
                    let found = json!({
                        "apiVersion": "apps/v1", "kind": "Deployment",
                        "metadata": { "name": "web", "namespace": "shop", "uid": "u" },
                        "spec": {
                            "selector": { "matchLabels": { "app": "web" } },
                            "template": { "spec": { "containers": [{ "name": "app", "image": "r.example/a:1" }] } },
                        },
                    });
                    return say(line, "200 OK", "", &found.to_string()).await;
                }
                let items = vec![json!({ "metadata": { "name": "pod" } }); pods];
                let list = json!({
                    "apiVersion": "v1", "kind": "PodList", "metadata": { "continue": "more" }, "items": items,
                });
                say(line, "200 OK", "", &list.to_string()).await
            })
        }))
        .await;
        let connection = connection(&server.kubeconfig("127.0.0.1"));
        assert_eq!(why_no_plan(&connection).await, "failure-too-many");
        let pages = server.asked().iter().filter(|line| line.contains("/pods")).count();
        assert!((20..=50).contains(&pages), "{pages}");
    }
}
