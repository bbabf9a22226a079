//! Server-sent events: a release as it happens. A stream carries two kinds of event: `state`, when
//! the release stands differently, and `progress`, one line of its deployments' journals each. It
//! resumes after `Last-Event-ID`, ends when its reader may no longer look, and does not keep a
//! session alive.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use super::Doors;
use super::api::release::{parse, view};
use super::error::{Answer, Problem};
use super::guard::{Client, Who};
use crate::domain::id::ReleaseNumber;
use crate::store;
use crate::wake::Wake;

/// A comment this often keeps proxies from closing a quiet stream.
const BREATH: Duration = Duration::from_secs(15);
/// Another replica may have changed something: look this often where there may be one.
const GLANCE: Duration = Duration::from_secs(2);

/// Follows a release.
#[utoipa::path(get, path = "/api/v1/releases/{number}/events", tag = "Releases", responses(
    (status = 200, content_type = "text/event-stream", description = "`state` and `progress` events"), (status = 404)))]
pub async fn release(
    doors: web::Data<Doors>,
    request: HttpRequest,
    client: Client,
    number: web::Path<String>,
) -> Answer {
    let number = parse(&number)?;
    // Whoever may not look gets a refusal and no stream.
    view(&doors, &client.0, number).await?;
    let last = request.headers().get("last-event-id").and_then(|value| value.to_str().ok());
    let after: i64 = last.and_then(|id| id.parse().ok()).unwrap_or(0);
    let (sender, receiver) = mpsc::channel::<Result<web::Bytes, std::convert::Infallible>>(16);
    actix_web::rt::spawn(async move {
        let stream = Stream { doors, who: client.0, number, after, shown: String::new(), sender };
        stream.run().await;
    });
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .insert_header(header::ContentEncoding::Identity)
        .streaming(futures_util::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|item| (item, receiver))
        })))
}

struct Stream {
    doors: web::Data<Doors>,
    who: Who,
    number: ReleaseNumber,
    /// Last journal line that was sent.
    after: i64,
    /// What the last `state` event said.
    shown: String,
    sender: mpsc::Sender<Result<web::Bytes, std::convert::Infallible>>,
}

impl Stream {
    async fn run(mut self) {
        let mut calls = self.doors.workflow.store().wakes().listen();
        let pause = if self.doors.workflow.store().is_shared() { GLANCE } else { BREATH };
        let mut breath = tokio::time::interval(BREATH);
        breath.reset();
        while self.send_news().await.is_some() {
            let called = async {
                loop {
                    match calls.recv().await {
                        Ok(Wake::Release(number)) if number == self.number => return true,
                        Ok(Wake::Access) | Err(RecvError::Lagged(_)) => return true,
                        Ok(_) => {}
                        Err(RecvError::Closed) => return false,
                    }
                }
            };
            tokio::select! {
                alive = called => if !alive { return },
                () = tokio::time::sleep(pause) => {}
                () = self.sender.closed() => return,
                () = self.doors.closing() => return,
                _ = breath.tick() => {
                    if self.sender.send(Ok(web::Bytes::from_static(b": \n\n"))).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Sends what is new. Nothing when the reader is gone or may no longer look.
    async fn send_news(&mut self) -> Option<()> {
        self.who.access = self.who.still(&self.doors).await.ok().flatten()?;
        let seen = view(&self.doors, &self.who, self.number).await.ok()?;
        for line in self.journal().await.ok()? {
            let data = serde_json::json!({
                "deployment": line.deployment_id, "at": line.at, "event": line.event.0,
            });
            self.after = line.id;
            self.send(&format!("id: {}\nevent: progress\ndata: {data}\n\n", line.id)).await?;
        }
        let data = serde_json::to_string(&seen).ok()?;
        if data != self.shown {
            self.send(&format!("event: state\ndata: {data}\n\n")).await?;
            self.shown = data;
        }
        Some(())
    }

    async fn journal(&self) -> Result<Vec<store::deployment::Line>, Problem> {
        let mut conn = self.doors.workflow.store().read().await?;
        let mut lines = Vec::new();
        for deployment in store::deployment::of_release(&mut conn, self.number).await? {
            lines.extend(store::deployment::journal(&mut conn, deployment.id, self.after).await?);
        }
        Ok(lines)
    }

    async fn send(&self, event: &str) -> Option<()> {
        self.sender.send(Ok(web::Bytes::copy_from_slice(event.as_bytes()))).await.ok()
    }
}
