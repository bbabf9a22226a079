//! The practice API server: from a request to its answer.
//!
//! | file | what |
//! | --- | --- |
//! | `door`, `certificate` | the socket, TLS, outages |
//! | `asked` | what a request asks for |
//! | `people`, `rights` | who asks, and what they may do |
//! | `faults` | what goes wrong on purpose |
//! | `discovery` | what the server can do |
//! | `read`, `watch`, `change` | the verbs |
//! | `reviews` | questions and tokens, kept nowhere |
//! | `answer`, `table`, `protobuf` | how it looks on the wire |
//!
//! Not here: the objects and their rules (`objects`), what happens by itself
//! (`controllers`).

pub(super) mod answer;
pub(super) mod asked;
pub(super) mod certificate;
mod change;
mod discovery;
pub(super) mod door;
pub(super) mod faults;
pub(super) mod people;
mod protobuf;
mod read;
mod reviews;
pub(super) mod rights;
mod table;
mod watch;

use std::{io, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Limited};
use hyper::{Request, Response, body::Incoming, header};
use serde_json::json;
use tokio::{sync::watch as channel, time::sleep};

use super::objects::{
    change::{Key, Writer},
    kinds::{self, CLUSTER_ROLES, NAMESPACES, NODES},
    object,
    refused::Refused,
    store::Store,
};
use answer::Body;
use asked::{Asked, Target};
use change::Order;
use door::Traffic;
use faults::{Fault, Faults};
use people::{People, User};

/// The largest body a client may send, in bytes; a real server's limit.
const LARGEST_BODY: usize = 3 * 1024 * 1024;

/// Everything an answer is made from.
pub(super) struct Server {
    pub store: Arc<Store>,
    pub people: People,
    pub faults: Faults,
    pub traffic: channel::Receiver<Traffic>,
    pub bookmark: Duration,
}

impl Server {
    /// Answers a request. An error means: cut the connection.
    pub async fn answer(self: &Arc<Self>, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let asked = Asked::read(&head.method, &head.uri, &head.headers);
        let mut body = match Limited::new(body, LARGEST_BODY).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                return Ok(answer::refused(&Refused::too_large_body()));
            }
            Err(error) => return Err(io::Error::other(error)),
        };
        let mut traffic = self.traffic.clone();
        if traffic.wait_for(|is| *is == Traffic::Open).await.is_err() {
            return Err(io::Error::other("the server has ended"));
        }
        let token = head.headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or(""));
        let recognised = self.people.recognise(&self.store.desk(), token);
        let user = match recognised {
            Ok(user) => user,
            Err(refused) => return Ok(answer::refused(&refused)),
        };
        if head.headers.contains_key("impersonate-user") {
            let refused = Refused::forbidden("", "users", "", "nobody is impersonated here");
            return Ok(answer::refused(&refused));
        }
        match self.faults.of(&asked, &user.name) {
            None => {}
            Some(Fault::Deny(code, message)) => {
                return Ok(answer::refused(&Refused::made_up(code, &message)));
            }
            Some(Fault::Cut) => return Err(io::Error::other("cut on purpose")),
            Some(Fault::Delay(time)) => sleep(time).await,
            Some(Fault::DenyAfter(code, message)) => {
                let _ = self.carry_out(&user, &asked, &body);
                return Ok(answer::refused(&Refused::made_up(code, &message)));
            }
            Some(Fault::CutAfter) => {
                let _ = self.carry_out(&user, &asked, &body);
                return Err(io::Error::other("cut on purpose"));
            }
            Some(Fault::CutThenDo(time)) => {
                let server = Arc::clone(self);
                tokio::spawn(async move {
                    sleep(time).await;
                    let _ = server.carry_out(&user, &asked, &body);
                });
                return Err(io::Error::other("cut on purpose"));
            }
            Some(Fault::Instead(from, to)) => {
                body = String::from_utf8_lossy(&body).replace(&from, &to).into();
            }
        }
        let answer = self.carry_out(&user, &asked, &body);
        Ok(answer.unwrap_or_else(|refused| answer::refused(&refused)))
    }

    fn carry_out(&self, user: &User, asked: &Asked, body: &[u8]) -> Result<Response<Body>, Refused> {
        match &asked.target {
            Some(target) => self.resource(user, asked, target, body),
            None => page(user, asked),
        }
    }

    fn resource(&self, user: &User, asked: &Asked, target: &Target, body: &[u8]) -> Result<Response<Body>, Refused> {
        let mut desk = self.store.desk();
        if !rights::allowed(&desk, user, asked.verb, target) {
            return Err(Refused::forbidden(
                &target.group,
                &target.resource,
                &target.name,
                &rights::refusal(user, asked.verb, target),
            ));
        }
        if let Some(kind) = reviews::of_path(target) {
            if asked.verb != "create" {
                return Err(Refused::method_not_allowed());
            }
            let review = change::read_object(asked, body, kind)?;
            let review = reviews::answer(&desk, user, kind, review);
            return Ok(answer::json(201, &review));
        }
        let kind =
            kinds::of_path(&target.group, &target.version, &target.resource).ok_or_else(Refused::no_such_resource)?;
        let order = Order { user, kind, target, asked, body };
        match (target.subresource.as_str(), asked.verb) {
            ("token", "create") if kind.kind == "ServiceAccount" => {
                let request = change::read_object(asked, body, "TokenRequest")?;
                let token = reviews::token(&mut desk, &self.people, target, request)?;
                Ok(answer::json(201, &token))
            }
            (name, _) if !name.is_empty() && !kind.subresources.contains(&name) => Err(Refused::no_such_resource()),
            ("scale", "get") => order.show_scale(&desk),
            (_, "get") => read::get(&desk, kind, target, asked),
            ("" | "status" | "scale", "update") => order.update(&mut desk),
            ("" | "status" | "scale", "patch") => order.patch(&mut desk),
            ("", "list") => read::list(&desk, kind, target, asked),
            ("", "watch") => {
                // The stream takes the desk whenever it has something to read.
                drop(desk);
                let source = watch::Source {
                    store: Arc::clone(&self.store),
                    traffic: self.traffic.clone(),
                    bookmark: self.bookmark,
                };
                watch::begin(source, kind, target, asked)
            }
            ("", "create") => order.create(&mut desk),
            ("", "delete") => order.delete(&mut desk),
            ("", "deletecollection") => order.delete_all(&mut desk),
            _ => Err(Refused::method_not_allowed()),
        }
    }

    /// Puts in what every cluster has from the start.
    pub fn furnish(&self) -> Result<(), Refused> {
        let writer = Writer::inside("apiserver", "create", "");
        let mut desk = self.store.desk();
        for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
            let object = json!({"metadata": {"name": name}});
            desk.create(&writer, &NAMESPACES, "", object)?;
        }
        for name in ["node-0", "node-1"] {
            let labels = json!({
                "type": "kwok",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
            });
            let object = json!({"metadata": {"name": name, "labels": labels}});
            let node = desk.create(&writer, &NODES, "", object)?;
            let now = object::stamp(desk.now());
            let key = Key::of(&NODES, &node);
            desk.amend(&Writer::inside("kwok", "patch", "status"), &key, |node| {
                node["status"] = json!({
                    "phase": "Running",
                    "nodeInfo": {"kubeletVersion": "kwok", "operatingSystem": "linux", "architecture": "amd64"},
                    "conditions": [{
                        "type": "Ready",
                        "status": "True",
                        "reason": "KubeletReady",
                        "message": "ready",
                        "lastHeartbeatTime": now,
                        "lastTransitionTime": now,
                    }],
                });
            });
        }
        for role in rights::built_in_roles() {
            desk.create(&writer, &CLUSTER_ROLES, "", role)?;
        }
        Ok(())
    }
}

/// Discovery and health.
fn page(user: &User, asked: &Asked) -> Result<Response<Body>, Refused> {
    if !rights::allowed_path(user, asked.verb, &asked.path) {
        return Err(Refused::forbidden_path(&user.name, asked.verb, &asked.path));
    }
    let healthy = ["/healthz", "/livez", "/readyz"]
        .iter()
        .any(|path| asked.path == *path || asked.path.starts_with(&format!("{path}/")));
    if healthy {
        return Ok(answer::plain(200, "text/plain", answer::body("ok")));
    }
    Ok(match discovery::page(&asked.path) {
        Some(page) => answer::json(200, &page),
        None => answer::plain(404, "text/plain", answer::body("404 page not found\n")),
    })
}
