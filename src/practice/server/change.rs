//! Create, update, patch and delete, as clients ask for them.
//!
//! Here: bodies, media types, options, subresources. Not here: what a write does
//! to an object (`objects::write`).

use std::sync::Arc;

use hyper::Response;
use serde_json::{Value, json};

use super::{
    answer::{self, Body, View},
    asked::{Asked, Target},
    people::User,
    protobuf, read,
};
use crate::practice::objects::{
    change::{Key, Writer},
    kinds::Kind,
    object::{self, int, put, take, text},
    patch::Patch,
    refused::{Cause, Refused},
    removal::{Deleted, Deletion, Propagation},
    selector::Selector,
    store::Desk,
    write::Part,
};

/// A write a client asks for.
pub(super) struct Order<'a> {
    pub user: &'a User,
    pub kind: &'static Kind,
    pub target: &'a Target,
    pub asked: &'a Asked,
    pub body: &'a [u8],
}

/// Reads a JSON object from a body.
pub(super) fn read_object(asked: &Asked, body: &[u8], kind: &str) -> Result<Value, Refused> {
    if asked.media_type == "application/vnd.kubernetes.protobuf" {
        return protobuf::read(body).map_err(|why| {
            let mut refused = Refused::unsupported_media();
            refused.message = format!("{}: {why}", refused.message);
            refused
        });
    }
    if !matches!(asked.media_type.as_str(), "" | "application/json") {
        return Err(Refused::unsupported_media());
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        Refused::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: {error}"
        ))
    })?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(Refused::bad_request(format!("the object provided is unrecognized (must be of type {kind})")))
    }
}

impl Order<'_> {
    fn writer(&self) -> Writer {
        let subresource = ["status", "scale"].into_iter().find(|name| *name == self.target.subresource);
        let verb = match self.asked.verb {
            "deletecollection" => "delete",
            verb => verb,
        };
        Writer {
            user: self.user.name.clone(),
            manager: self.asked.manager(),
            verb,
            subresource: subresource.unwrap_or(""),
            dry_run: !self.asked.query.get("dryRun").is_empty(),
            strict: self.asked.query.get("fieldValidation") == "Strict",
        }
    }

    fn key(&self) -> Key {
        Key::new(self.kind, &self.target.namespace, &self.target.name)
    }

    fn part(&self) -> Part {
        if self.target.subresource == "status" { Part::Status } else { Part::Main }
    }

    fn show(&self, desk: &Desk<'_>, code: u16, object: &Value) -> Response<Body> {
        let view = View::of(&self.asked.accept);
        answer::json(code, &view.one(self.kind, object, desk.now()))
    }

    pub fn create(&self, desk: &mut Desk<'_>) -> Result<Response<Body>, Refused> {
        if self.target.named {
            return Err(Refused::method_not_allowed());
        }
        let object = read_object(self.asked, self.body, self.kind.kind)?;
        let made = desk.create(&self.writer(), self.kind, &self.target.namespace, object)?;
        Ok(self.show(desk, 201, &made))
    }

    pub fn update(&self, desk: &mut Desk<'_>) -> Result<Response<Body>, Refused> {
        if !self.target.named {
            return Err(Refused::method_not_allowed());
        }
        let object = read_object(self.asked, self.body, self.kind.kind)?;
        if self.target.subresource == "scale" {
            return self.rescale(desk, &object);
        }
        self.same_name(&object)?;
        let kept = desk.update(&self.writer(), &self.key(), object, self.part())?;
        Ok(self.show(desk, 200, &kept))
    }

    pub fn patch(&self, desk: &mut Desk<'_>) -> Result<Response<Body>, Refused> {
        if !self.target.named {
            return Err(Refused::method_not_allowed());
        }
        let patch = Patch::read(&self.asked.media_type, self.body)?;
        let before = self.held(desk)?;
        if self.target.subresource == "scale" {
            let scale = patch.apply(&scale_of(&before))?;
            return self.rescale(desk, &scale);
        }
        let object = patch.apply(&before)?;
        self.same_name(&object)?;
        (self.kind.shape)(object.clone()).map_err(|error| patch.misshapen(&error))?;
        let kept = desk.update(&self.writer(), &self.key(), object, self.part())?;
        Ok(self.show(desk, 200, &kept))
    }

    fn held(&self, desk: &Desk<'_>) -> Result<Arc<Value>, Refused> {
        desk.get(&self.key()).ok_or_else(|| Refused::not_found(self.kind, &self.target.name))
    }

    fn same_name(&self, object: &Value) -> Result<(), Refused> {
        match object::name(object) {
            "" => Err(Refused::bad_request(format!(
                "the name of the object ({} based on URL) was undeterminable: name must be provided",
                self.target.name
            ))),
            name if name != self.target.name => Err(Refused::bad_request(format!(
                "the name of the object ({name}) does not match the name on the URL ({})",
                self.target.name
            ))),
            _ => Ok(()),
        }
    }

    /// The `scale` subresource of an object.
    pub fn show_scale(&self, desk: &Desk<'_>) -> Result<Response<Body>, Refused> {
        Ok(answer::json(200, &scale_of(&*self.held(desk)?)))
    }

    fn rescale(&self, desk: &mut Desk<'_>, scale: &Value) -> Result<Response<Body>, Refused> {
        self.same_name(scale)?;
        let mut object = Value::clone(&*self.held(desk)?);
        let replicas = int(scale, "/spec/replicas");
        put(&mut object, &["spec", "replicas"], replicas);
        object::carry(scale, &mut object, &["metadata", "resourceVersion"]);
        let kept = desk.update(&self.writer(), &self.key(), object, Part::Main)?;
        Ok(answer::json(200, &scale_of(&kept)))
    }

    pub fn delete(&self, desk: &mut Desk<'_>) -> Result<Response<Body>, Refused> {
        let how = self.deletion()?;
        let deleted = desk.delete(&self.writer(), &self.key(), &how)?;
        // These kinds come back whole, the others as a word of success.
        let whole = ["Pod", "Service", "ServiceAccount"].contains(&self.kind.kind);
        match deleted {
            Deleted::Leaving(object) => Ok(self.show(desk, 200, &object)),
            Deleted::Gone(object) if whole => Ok(self.show(desk, 200, &object)),
            Deleted::Gone(object) => {
                let mut details = json!({
                    "name": self.target.name,
                    "group": self.kind.group,
                    "kind": self.kind.plural,
                    "uid": object::uid(&object),
                });
                if self.kind.group.is_empty() {
                    take(&mut details, &["group"]);
                }
                Ok(answer::json(
                    200,
                    &json!({
                        "kind": "Status",
                        "apiVersion": "v1",
                        "metadata": {},
                        "status": "Success",
                        "details": details,
                    }),
                ))
            }
        }
    }

    pub fn delete_all(&self, desk: &mut Desk<'_>) -> Result<Response<Body>, Refused> {
        let selector = read::selector_of(self.kind, self.asked)?;
        let how = self.deletion()?;
        let found: Vec<(Key, Arc<Value>)> = desk
            .list(self.kind, &self.target.namespace, None)
            .filter(|(_, object)| selector.matches(object))
            .map(|(key, object)| (key.clone(), Arc::clone(object)))
            .collect();
        for (key, _) in &found {
            desk.delete(&self.writer(), key, &how)?;
        }
        let metadata = json!({"resourceVersion": desk.version().to_string()});
        let objects = found.iter().map(|(_, object)| &**object);
        let bytes = View::of(&self.asked.accept).many(self.kind, objects, &metadata, desk.now());
        Ok(answer::plain(200, "application/json", answer::body(bytes)))
    }

    /// How to delete: as the body says, or the query.
    fn deletion(&self) -> Result<Deletion, Refused> {
        let options =
            if self.body.is_empty() { json!({}) } else { read_object(self.asked, self.body, "DeleteOptions")? };
        let query = |key| Some(self.asked.query.get(key)).filter(|text| !text.is_empty());
        let grace = match query("gracePeriodSeconds") {
            Some(seconds) => seconds.parse().ok(),
            None => options["gracePeriodSeconds"].as_i64(),
        };
        let said = |pointer| Some(text(&options, pointer)).filter(|text| !text.is_empty());
        let propagation = match query("propagationPolicy").or(said("/propagationPolicy")) {
            None | Some("Background") => Propagation::Background,
            Some("Foreground") => Propagation::Foreground,
            Some("Orphan") => Propagation::Orphan,
            Some(other) => {
                let options = ["Foreground", "Background", "Orphan", "nil"];
                let cause = Cause::not_supported("propagationPolicy", other, &options);
                return Err(Refused::invalid("meta.k8s.io", "DeleteOptions", "", &[cause]));
            }
        };
        Ok(Deletion {
            grace,
            uid: said("/preconditions/uid").map(str::to_owned),
            version: said("/preconditions/resourceVersion").map(str::to_owned),
            propagation,
        })
    }
}

fn scale_of(object: &Value) -> Value {
    let mut metadata = json!({});
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        metadata[field] = object["metadata"][field].clone();
    }
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": {"replicas": int(object, "/spec/replicas")},
        "status": {
            "replicas": int(object, "/status/replicas"),
            "selector": Selector::of_object(&object["spec"]["selector"])
                .map(|selector| selector.to_string())
                .unwrap_or_default(),
        },
    })
}
