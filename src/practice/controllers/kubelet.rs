//! Pods: the node each gets, and the fate its images choose.
//!
//! Here: the scheduler and the make-believe kubelet. What becomes of a pod is
//! decided by the digest of its images, exactly as on the control plane the
//! tests use (`tests/cluster/stages.yaml`):
//!
//! | digest begins with, or tag ends in | fate |
//! | --- | --- |
//! | `dead`, `-crash` | crash loop, after 200 ms |
//! | `404`, `-missing` | image not found; the pod stays Pending |
//! | `0bad` | container config error; the pod stays Pending |
//! | `510` | ready after 4 s |
//! | `4a46` | runs, never ready |
//! | anything else | ready at once, or after the annotation `test/ready-after` |
//!
//! Not here: pods of Jobs, which come with Jobs. To add a fate: a variant, its
//! marks in `Fate::of`, its status.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tokio::{sync::watch, time::Instant};

use super::event::Teller;
use crate::practice::{
    Pace,
    objects::{
        change::{Key, Writer},
        kinds::NODES,
        object::{self, annotation, controller_of, list, put, text},
        store::Desk,
    },
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Ready,
    Slow,
    NeverReady,
    Crash,
    Missing,
    /// An init container cannot start; nothing more is ever heard of the pod.
    Silent,
}

impl Fate {
    fn of(pod: &Value) -> Self {
        let images = |pointer| list(pod, pointer).iter().map(|container| text(container, "/image"));
        let any = |marks: &[&str]| images("/spec/containers").any(|image| marks.iter().any(|mark| marked(image, mark)));
        // Where two containers have two fates a real kwok takes one by chance;
        // here the worse one.
        if any(&["-crash", "dead"]) {
            Self::Crash
        } else if any(&["-missing", "404", "0bad"]) {
            Self::Missing
        } else if any(&["4a46"]) {
            Self::NeverReady
        } else if any(&["510"]) {
            Self::Slow
        } else if images("/spec/initContainers").any(|image| {
            ["-crash", "-missing", "dead", "404", "0bad", "510", "4a46"].iter().any(|mark| marked(image, mark))
        }) {
            Self::Silent
        } else {
            Self::Ready
        }
    }
}

/// Whether an image bears a mark: the end of its tag, or the beginning of its
/// digest.
fn marked(image: &str, mark: &str) -> bool {
    if mark.starts_with('-') {
        image.ends_with(mark)
    } else {
        image.split_once("@sha256:").is_some_and(|(_, digest)| digest.starts_with(mark))
    }
}

/// The scheduler and the nodes.
pub(super) struct Kubelet {
    pace: watch::Receiver<Pace>,
    /// When something is to happen to a pod, by its uid.
    due: BTreeMap<String, Instant>,
    /// Pods scheduled so far, so that the nodes take turns.
    scheduled: usize,
}

fn writer(component: &str, verb: &'static str, subresource: &'static str) -> Writer {
    Writer::inside(component, verb, subresource)
}

impl Kubelet {
    pub fn new(pace: watch::Receiver<Pace>) -> Self {
        Self { pace, due: BTreeMap::new(), scheduled: 0 }
    }

    /// Takes a pod one step on. Returns after what time the next is due.
    pub fn reconcile(&mut self, desk: &mut Desk<'_>, key: &Key) -> Option<Duration> {
        let pod = desk.get(key)?;
        if object::leaving(&pod) {
            let end = self.pace.borrow().end;
            if let Some(left) = self.wait(&format!("{} end", object::uid(&pod)), end) {
                return Some(left);
            }
            return self::end(desk, key, &pod);
        }
        if text(&pod, "/spec/nodeName").is_empty() {
            self.schedule(desk, key, &pod);
            return None;
        }
        let of_job = controller_of(&pod).is_some_and(|owner| owner["kind"] == "Job");
        if text(&pod, "/status/phase") != "Pending" || of_job {
            return None;
        }
        let fate = Fate::of(&pod);
        let delay = match fate {
            Fate::Silent => return None,
            Fate::Missing if reports_missing(&pod) => return None,
            Fate::Missing | Fate::NeverReady => Duration::ZERO,
            Fate::Crash => self.pace.borrow().crash,
            Fate::Slow => self.pace.borrow().slow,
            Fate::Ready => go_duration(annotation(&pod, "test/ready-after")).unwrap_or(self.pace.borrow().ready),
        };
        if let Some(left) = self.wait(object::uid(&pod), delay) {
            return Some(left);
        }
        befall(desk, key, &pod, fate);
        None
    }

    /// The time left of a delay that begins when it is first asked about.
    fn wait(&mut self, what: &str, delay: Duration) -> Option<Duration> {
        if delay.is_zero() {
            return None;
        }
        let now = Instant::now();
        if self.due.len() >= 1024 {
            // What is long past belongs to pods that went away meanwhile.
            self.due.retain(|_, due| *due >= now);
        }
        let due = *self.due.entry(what.to_owned()).or_insert_with(|| now + delay);
        if now < due {
            return Some(due - now);
        }
        self.due.remove(what);
        None
    }

    fn schedule(&mut self, desk: &mut Desk<'_>, key: &Key, pod: &Value) {
        let nodes: Vec<String> = desk
            .list(&NODES, "", None)
            .filter(|(_, node)| node["spec"]["unschedulable"] != true)
            .map(|(key, _)| key.name.clone())
            .collect();
        if nodes.is_empty() {
            return;
        }
        let node = &nodes[self.scheduled % nodes.len()];
        self.scheduled += 1;
        let now = object::stamp(desk.now());
        let scheduler = "default-scheduler";
        desk.amend(&writer("kube-scheduler", "create", "binding"), key, |pod| {
            put(pod, &["spec", "nodeName"], node.as_str());
            put(pod, &["status", "conditions"], json!([condition("PodScheduled", true, &now)]));
        });
        let teller = Teller { component: scheduler, about: pod };
        let message = format!("Successfully assigned {}/{} to {node}", key.namespace, key.name);
        teller.normal(desk, "Scheduled", &message);
    }
}

/// The end of a pod whose containers have stopped.
fn end(desk: &mut Desk<'_>, key: &Key, pod: &Value) -> Option<Duration> {
    if object::finalizers(pod).is_empty() {
        desk.erase(&writer("kwok", "delete", ""), key);
    } else {
        desk.amend(&writer("kwok", "delete", ""), key, |pod| {
            put(pod, &["metadata", "deletionGracePeriodSeconds"], 0);
        });
    }
    None
}

fn condition(kind: &str, is: bool, now: &str) -> Value {
    let mut condition = json!({
        "type": kind,
        "status": if is { "True" } else { "False" },
        "lastProbeTime": null,
        "lastTransitionTime": now,
    });
    if !is {
        condition["reason"] = "ContainersNotReady".into();
    }
    condition
}

fn reports_missing(pod: &Value) -> bool {
    list(pod, "/status/containerStatuses").iter().any(|status| {
        matches!(text(status, "/state/waiting/reason"), "ImagePullBackOff" | "CreateContainerConfigError")
    })
}

/// Writes what has become of a pod into its status.
fn befall(desk: &mut Desk<'_>, key: &Key, pod: &Value, fate: Fate) {
    let now = object::stamp(desk.now());
    let (kinds, is): (&[&str], bool) = match fate {
        Fate::Ready | Fate::Slow => (&["Initialized", "ContainersReady", "Ready"], true),
        Fate::NeverReady | Fate::Crash => (&["ContainersReady", "Ready"], false),
        Fate::Missing | Fate::Silent => (&["Ready"], false),
    };
    let mut conditions: Vec<Value> = kinds.iter().map(|kind| condition(kind, is, &now)).collect();
    if fate == Fate::NeverReady {
        conditions.insert(0, condition("Initialized", true, &now));
    }
    let containers: Vec<Value> =
        list(pod, "/spec/containers").iter().map(|container| container_status(container, fate, &now)).collect();
    let phase = if fate == Fate::Missing { "Pending" } else { "Running" };
    let teller = Teller { component: "kwok", about: pod };
    let news = match fate {
        Fate::NeverReady => Some(("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")),
        Fate::Crash => Some(("BackOff", "Back-off restarting failed container")),
        Fate::Missing => Some(("Failed", "Failed to pull image: not found")),
        Fate::Ready | Fate::Slow | Fate::Silent => None,
    };
    if let Some((reason, message)) = news {
        teller.warning(desk, reason, message);
    }
    let starts = matches!(fate, Fate::Ready | Fate::Slow | Fate::NeverReady);
    desk.amend(&writer("kwok", "patch", "status"), key, |pod| {
        for present in list(pod, "/status/conditions") {
            if !conditions.iter().any(|made| made["type"] == present["type"]) {
                conditions.push(present.clone());
            }
        }
        put(pod, &["status", "conditions"], conditions);
        put(pod, &["status", "containerStatuses"], containers);
        put(pod, &["status", "phase"], phase);
        if starts {
            put(pod, &["status", "startTime"], now.as_str());
        }
    });
}

fn container_status(container: &Value, fate: Fate, now: &str) -> Value {
    let image = text(container, "/image");
    let mut status = json!({
        "name": container["name"],
        "image": image,
        "imageID": "",
        "ready": false,
        "restartCount": 0,
        "lastState": {},
    });
    let running = json!({"running": {"startedAt": now}});
    match fate {
        Fate::Ready | Fate::Slow => {
            status["ready"] = true.into();
            status["started"] = true.into();
            status["imageID"] = image.into();
            status["state"] = running;
        }
        Fate::NeverReady => {
            status["started"] = true.into();
            status["state"] = running;
        }
        Fate::Crash => {
            status["restartCount"] = 3.into();
            status["state"] = json!({"waiting": {
                "reason": "CrashLoopBackOff",
                "message": "back-off 40s restarting failed container",
            }});
            status["lastState"] = json!({"terminated": {
                "exitCode": 1,
                "reason": "Error",
                "startedAt": now,
                "finishedAt": now,
            }});
        }
        Fate::Missing | Fate::Silent => {
            let (reason, message) = if marked(image, "0bad") {
                ("CreateContainerConfigError", "secret \"settings\" not found")
            } else {
                ("ImagePullBackOff", "Back-off pulling image")
            };
            status["state"] = json!({"waiting": {"reason": reason, "message": message}});
        }
    }
    status
}

/// A length of time as Go writes it: `3s`, `1m30s`, `250ms`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            "us" | "µs" => 0.000_001,
            "ns" => 0.000_000_001,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number * unit).ok()?)?;
        rest = &rest[letters..];
    }
    // Beyond a year is never, and no sum with it overflows.
    (!text.is_empty()).then_some(total.min(Duration::from_secs(366 * 86_400)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fate(image: &str) -> Fate {
        Fate::of(&json!({"spec": {"containers": [{"name": "a", "image": image}]}}))
    }

    #[test]
    fn the_digest_or_the_tag_chooses_the_fate() {
        assert_eq!(fate("web@sha256:dead00"), Fate::Crash);
        assert_eq!(fate("web:1-crash"), Fate::Crash);
        assert_eq!(fate("web@sha256:404aaa"), Fate::Missing);
        assert_eq!(fate("web:1-missing"), Fate::Missing);
        assert_eq!(fate("web@sha256:0bad00"), Fate::Missing);
        assert_eq!(fate("web@sha256:5100"), Fate::Slow);
        assert_eq!(fate("web@sha256:4a46"), Fate::NeverReady);
        assert_eq!(fate("web@sha256:fa11"), Fate::Ready);
        assert_eq!(fate("dead/web:404"), Fate::Ready);
    }

    #[test]
    fn an_init_container_that_cannot_start_holds_the_pod() {
        let pod = json!({"spec": {
            "containers": [{"image": "web:1"}],
            "initContainers": [{"image": "init:1-missing"}],
        }});
        assert_eq!(Fate::of(&pod), Fate::Silent);
    }

    #[test]
    fn lengths_of_time_are_read_as_go_writes_them() {
        assert_eq!(go_duration("3s"), Some(Duration::from_secs(3)));
        assert_eq!(go_duration("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(go_duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(go_duration("1.5s"), Some(Duration::from_millis(1500)));
        for bad in ["", "3", "soon", "3x"] {
            assert_eq!(go_duration(bad), None, "{bad}");
        }
    }
}
