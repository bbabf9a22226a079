//! A server on loopback that speaks TLS under a certificate authority of its own and answers as
//! the test says: for what no Kubernetes API would do.

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A connection on which one request has been read.
pub type Line = TlsStream<TcpStream>;
/// What is done with a request: its first line, and the connection to answer on. The connection is
/// kept for the next request as long as it is given back.
pub type Answer = Arc<dyn Fn(String, Line) -> BoxFuture<'static, Option<Line>> + Send + Sync>;

/// The server. It ends when dropped.
pub struct Server {
    pub port: u16,
    ca: String,
    asked: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub async fn start(answer: Answer) -> Self {
        super::prepare();
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
        let mut leaf = CertificateParams::default();
        leaf.subject_alt_names =
            vec![SanType::IpAddress("127.0.0.1".parse().unwrap()), SanType::DnsName("localhost".try_into().unwrap())];
        let key = KeyPair::generate().unwrap();
        let certificate = leaf.signed_by(&key, &ca).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let tls = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (acceptor, answer, seen) = (acceptor.clone(), answer.clone(), seen.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let mut open = Some(stream);
                    while let Some(mut stream) = open.take() {
                        let Some(line) = request(&mut stream).await else { return };
                        seen.lock().unwrap().push(line.clone());
                        open = answer(line, stream).await;
                    }
                });
            }
        });
        Self { port, ca: ca.pem(), asked, task }
    }

    /// First lines of all requests, such as `GET /version HTTP/1.1`.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// A kubeconfig for it under this name.
    pub fn kubeconfig(&self, host: &str) -> String {
        kubeconfig(&format!("https://{host}:{}", self.port), &self.ca)
    }

    /// The authority that vouches for it.
    pub fn ca(&self) -> &str {
        &self.ca
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A kubeconfig for a server that this authority vouches for.
pub fn kubeconfig(url: &str, ca: &str) -> String {
    use base64::Engine as _;
    json!({
        "apiVersion": "v1", "kind": "Config",
        "clusters": [{ "name": "c", "cluster": {
            "server": url, "certificate-authority-data": base64::prelude::BASE64_STANDARD.encode(ca),
        } }],
        "users": [{ "name": "u", "user": { "token": "secret-of-the-test" } }],
        "contexts": [{ "name": "x", "context": { "cluster": "c", "user": "u" } }],
        "current-context": "x",
    })
    .to_string()
}

/// Reads one request with its body; gives its first line.
async fn request(stream: &mut Line) -> Option<String> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        stream.read_buf(&mut bytes).await.ok().filter(|read| *read > 0)?;
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    while bytes.len() < end + length.unwrap_or(0) {
        stream.read_buf(&mut bytes).await.ok().filter(|read| *read > 0)?;
    }
    head.lines().next().map(str::to_owned)
}

/// Answers with a status, further headers and a JSON body, and keeps the connection.
pub async fn say(mut line: Line, status: &str, headers: &str, body: &str) -> Option<Line> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n");
    line.write_all(head.as_bytes()).await.ok()?;
    line.write_all(body.as_bytes()).await.ok()?;
    line.flush().await.ok()?;
    Some(line)
}
