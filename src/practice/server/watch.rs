//! Watches.
//!
//! Here: the stream of events from a version on, its bookmarks, its end. Not
//! here: keeping the changes (`objects::store`).

use std::{convert::Infallible, sync::Arc, time::Duration};

use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::{
    Response,
    body::{Bytes, Frame},
};
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{
    answer::{self, Body, View},
    asked::{Asked, Target},
    door::Traffic,
    read,
};
use crate::practice::objects::{
    change::{Action, Change},
    kinds::Kind,
    refused::Refused,
    selector::Selector,
    store::{Desk, Store},
};

/// What a watch needs of the server.
pub(super) struct Source {
    pub store: Arc<Store>,
    pub traffic: watch::Receiver<Traffic>,
    /// How often a client that allows it is told how far it has come.
    pub bookmark: Duration,
}

struct Watch {
    source: Source,
    newest: watch::Receiver<u64>,
    kind: &'static Kind,
    namespace: String,
    selector: Selector,
    view: View,
    /// Everything up to this version has been seen.
    seen: u64,
    initial: Vec<u8>,
    bookmarks: bool,
    next_bookmark: Instant,
    until: Instant,
    over: bool,
}

/// Begins a watch.
pub(super) fn begin(
    source: Source,
    kind: &'static Kind,
    target: &Target,
    asked: &Asked,
) -> Result<Response<Body>, Refused> {
    let version = read::version_of(asked)?;
    let seconds = match asked.query.get("timeoutSeconds") {
        "" => 1800,
        // Longer than a day is for ever, and no sum with it overflows.
        text => text
            .parse::<u64>()
            .map(|seconds| seconds.min(86_400))
            .map_err(|_| Refused::bad_request(format!("invalid timeoutSeconds {text:?}")))?,
    };
    let mut watch = Watch {
        newest: source.store.follow(),
        kind,
        namespace: if kind.namespaced { target.namespace.clone() } else { String::new() },
        selector: read::selector_of(kind, asked)?,
        view: View::of(&asked.accept),
        seen: version,
        initial: Vec::new(),
        bookmarks: asked.query.is("allowWatchBookmarks"),
        next_bookmark: Instant::now() + source.bookmark,
        until: Instant::now() + Duration::from_secs(seconds),
        over: false,
        source,
    };
    let wants_all = match asked.query.get("sendInitialEvents") {
        "" => version == 0,
        _ => asked.query.is("sendInitialEvents"),
    };
    let store = Arc::clone(&watch.source.store);
    let desk = store.desk();
    if wants_all {
        let marks_end = asked.query.is("sendInitialEvents");
        watch.start_with_all(&desk, marks_end);
    } else if version == 0 {
        watch.seen = desk.version();
    }
    drop(desk);
    let frames = stream::unfold(watch, |mut watch| async move {
        let bytes = watch.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(Bytes::from(bytes))), watch))
    });
    let body = StreamBody::new(frames).boxed_unsync();
    Ok(answer::plain(200, "application/json", body))
}

impl Watch {
    fn start_with_all(&mut self, desk: &Desk<'_>, marks_end: bool) {
        self.seen = desk.version();
        let mut bytes = Vec::new();
        for (_, object) in desk.list(self.kind, &self.namespace, None) {
            if self.selector.matches(object) {
                line(&mut bytes, "ADDED", &self.view.one(self.kind, object, desk.now()));
            }
        }
        if marks_end && self.bookmarks {
            bytes.extend(self.bookmark(true));
        }
        self.initial = bytes;
    }

    /// The next bytes; none when the watch is over.
    async fn next(&mut self) -> Option<Vec<u8>> {
        if !self.initial.is_empty() {
            return Some(std::mem::take(&mut self.initial));
        }
        loop {
            if self.over {
                return None;
            }
            let open = |is: &Traffic| *is == Traffic::Open;
            self.source.traffic.wait_for(open).await.ok()?;
            self.newest.mark_unchanged();
            let bytes = self.news();
            if !bytes.is_empty() {
                return Some(bytes);
            }
            if Instant::now() >= self.until {
                self.over = true;
                return self.bookmarks.then(|| self.bookmark(false));
            }
            if self.bookmarks && Instant::now() >= self.next_bookmark {
                self.next_bookmark = Instant::now() + self.source.bookmark;
                return Some(self.bookmark(false));
            }
            let wake = if self.bookmarks { self.until.min(self.next_bookmark) } else { self.until };
            tokio::select! {
                changed = self.newest.changed() => changed.ok()?,
                () = sleep_until(wake) => {}
            }
        }
    }

    /// The events since the last look.
    fn news(&mut self) -> Vec<u8> {
        let store = Arc::clone(&self.source.store);
        let desk = store.desk();
        let mut bytes = Vec::new();
        match desk.since(self.seen) {
            Ok(changes) => {
                for change in changes {
                    if let Some((kind, object)) = self.event(change) {
                        line(&mut bytes, kind, &self.view.one(self.kind, object, desk.now()));
                    }
                }
                self.seen = self.seen.max(desk.version());
            }
            Err(old) => {
                let expired = Refused::expired(self.seen, old.oldest);
                line(&mut bytes, "ERROR", &expired.json());
                self.over = true;
            }
        }
        bytes
    }

    /// What a change is to this watch: an object that comes to match is new to
    /// it, one that ceases to match is gone.
    fn event<'c>(&self, change: &'c Change) -> Option<(&'static str, &'c Value)> {
        let here = *change.key.kind == *self.kind && (self.namespace.is_empty() || self.namespace == change.namespace);
        if !here {
            return None;
        }
        let before = change.before.as_ref().is_some_and(|before| self.selector.matches(before));
        let after = change.action != Action::Deleted && self.selector.matches(&change.object);
        let kind = match (before, after) {
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) => "DELETED",
            (false, false) => return None,
        };
        Some((kind, &change.object))
    }

    fn bookmark(&self, ends_initial: bool) -> Vec<u8> {
        let mut object = json!({
            "kind": self.kind.kind,
            "apiVersion": self.kind.api_version(),
            "metadata": {"resourceVersion": self.seen.to_string()},
        });
        if self.view == View::Metadata {
            object["kind"] = "PartialObjectMetadata".into();
            object["apiVersion"] = "meta.k8s.io/v1".into();
        }
        if ends_initial {
            object["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let mut bytes = Vec::new();
        line(&mut bytes, "BOOKMARK", &object);
        bytes
    }
}

fn line(bytes: &mut Vec<u8>, kind: &str, object: &Value) {
    bytes.extend_from_slice(format!("{{\"type\":\"{kind}\",\"object\":").as_bytes());
    bytes.extend_from_slice(object.to_string().as_bytes());
    bytes.extend_from_slice(b"}\n");
}
