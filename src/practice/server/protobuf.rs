//! Bodies in Kubernetes' protobuf form, as far as kubectl sends them.
//!
//! Here: a reader that goes by a table of messages, for the kinds that kubectl's
//! commands make without a file (`create role`, `create token`, `auth can-i` …).
//! Not here: writing protobuf; every answer is JSON, which such a client also
//! takes.
//!
//! To add a kind: its message as a table (numbers from the API's
//! `generated.proto`) and a row in `message_of`. A field that is sent and not in
//! the table is an error: nothing is lost silently.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};

/// What a field holds.
#[derive(Clone, Copy)]
enum Holds {
    Text,
    Texts,
    Number,
    Flag,
    /// Texts by name.
    Map,
    /// Bytes by name, which JSON has in base64.
    ByteMap,
    One(Message),
    Many(Message),
    /// Something a client sends and a server ignores.
    Ignored,
}

use Holds::{ByteMap, Flag, Ignored, Many, Number, One, Text, Texts};

type Message = &'static [(u64, &'static str, Holds)];

const META: Message = &[
    (1, "name", Text),
    (2, "generateName", Text),
    (3, "namespace", Text),
    (5, "uid", Text),
    (6, "resourceVersion", Text),
    (7, "generation", Ignored),
    (8, "creationTimestamp", Ignored),
    (11, "labels", Holds::Map),
    (12, "annotations", Holds::Map),
    (14, "finalizers", Texts),
];

const RULE: Message = &[
    (1, "verbs", Texts),
    (2, "apiGroups", Texts),
    (3, "resources", Texts),
    (4, "resourceNames", Texts),
    (5, "nonResourceURLs", Texts),
];

const ROLE: Message = &[(1, "metadata", One(META)), (2, "rules", Many(RULE))];

const BINDING: Message = &[
    (1, "metadata", One(META)),
    (2, "subjects", Many(&[(1, "kind", Text), (2, "apiGroup", Text), (3, "name", Text), (4, "namespace", Text)])),
    (3, "roleRef", One(&[(1, "apiGroup", Text), (2, "kind", Text), (3, "name", Text)])),
];

const CONTAINER: Message = &[
    (1, "name", Text),
    (2, "image", Text),
    (3, "command", Texts),
    (4, "args", Texts),
    (5, "workingDir", Text),
    (
        6,
        "ports",
        Many(&[(1, "name", Text), (2, "hostPort", Ignored), (3, "containerPort", Number), (4, "protocol", Text)]),
    ),
    (7, "env", Many(&[(1, "name", Text), (2, "value", Text)])),
    (14, "imagePullPolicy", Text),
    (16, "stdin", Flag),
    (17, "stdinOnce", Flag),
    (18, "tty", Flag),
];

const POD_SPEC: Message = &[
    (2, "containers", Many(CONTAINER)),
    (3, "restartPolicy", Text),
    (4, "terminationGracePeriodSeconds", Number),
    (6, "dnsPolicy", Text),
    (8, "serviceAccountName", Text),
    (11, "hostNetwork", Flag),
    (12, "hostPID", Flag),
    (13, "hostIPC", Flag),
];

const DEPLOYMENT: Message = &[
    (1, "metadata", One(META)),
    (
        2,
        "spec",
        One(&[
            (1, "replicas", Number),
            (2, "selector", One(&[(1, "matchLabels", Holds::Map)])),
            (3, "template", One(&[(1, "metadata", One(META)), (2, "spec", One(POD_SPEC))])),
            (4, "strategy", One(&[(1, "type", Text)])),
            (5, "minReadySeconds", Number),
            (6, "revisionHistoryLimit", Number),
            (7, "paused", Flag),
            (9, "progressDeadlineSeconds", Number),
        ]),
    ),
    (3, "status", Ignored),
];

const ACCESS: Message = &[
    (1, "metadata", One(META)),
    (
        2,
        "spec",
        One(&[
            (
                1,
                "resourceAttributes",
                One(&[
                    (1, "namespace", Text),
                    (2, "verb", Text),
                    (3, "group", Text),
                    (4, "version", Text),
                    (5, "resource", Text),
                    (6, "subresource", Text),
                    (7, "name", Text),
                ]),
            ),
            (2, "nonResourceAttributes", One(&[(1, "path", Text), (2, "verb", Text)])),
        ]),
    ),
    (3, "status", Ignored),
];

fn message_of(kind: &str) -> Option<Message> {
    Some(match kind {
        "Namespace" => &[(1, "metadata", One(META)), (2, "spec", Ignored), (3, "status", Ignored)],
        "ServiceAccount" => &[(1, "metadata", One(META))],
        "Secret" => &[
            (1, "metadata", One(META)),
            (2, "data", ByteMap),
            (3, "type", Text),
            (4, "stringData", Holds::Map),
            (5, "immutable", Flag),
        ],
        "ConfigMap" => {
            &[(1, "metadata", One(META)), (2, "data", Holds::Map), (3, "binaryData", ByteMap), (4, "immutable", Flag)]
        }
        "Role" | "ClusterRole" => ROLE,
        "RoleBinding" | "ClusterRoleBinding" => BINDING,
        "Deployment" => DEPLOYMENT,
        "TokenRequest" => &[
            (1, "metadata", One(META)),
            (2, "spec", One(&[(1, "audiences", Texts), (4, "expirationSeconds", Number)])),
            (3, "status", Ignored),
        ],
        "SelfSubjectAccessReview" => ACCESS,
        "SelfSubjectRulesReview" => {
            &[(1, "metadata", One(META)), (2, "spec", One(&[(1, "namespace", Text)])), (3, "status", Ignored)]
        }
        "SelfSubjectReview" => &[(1, "metadata", One(META)), (2, "status", Ignored)],
        "DeleteOptions" => &[
            (1, "gracePeriodSeconds", Number),
            (2, "preconditions", One(&[(1, "uid", Text), (2, "resourceVersion", Text)])),
            (4, "propagationPolicy", Text),
            (5, "dryRun", Texts),
        ],
        _ => return None,
    })
}

/// Reads a body. An `Err` is the sentence for the client.
pub(super) fn read(body: &[u8]) -> Result<Value, String> {
    const ENVELOPE: Message = &[
        (1, "type", One(&[(1, "apiVersion", Text), (2, "kind", Text)])),
        (2, "raw", Ignored),
        (3, "contentEncoding", Ignored),
        (4, "contentType", Ignored),
    ];
    let body = body.strip_prefix(b"k8s\0").ok_or("the body does not begin as protobuf of Kubernetes does")?;
    let head = object(body, ENVELOPE)?;
    let kind = head["type"]["kind"].as_str().unwrap_or("");
    let message = message_of(kind).ok_or_else(|| format!("{kind} is not understood as protobuf; send JSON"))?;
    let mut read = json!({});
    for field in Fields(body) {
        if let (2, Found::Bytes(raw)) = field? {
            read = object(raw, message)?;
        }
    }
    read["apiVersion"] = head["type"]["apiVersion"].clone();
    read["kind"] = kind.into();
    Ok(read)
}

/// The value of a field, as the wire has it.
enum Found<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message, in order.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Found<'a>), String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or_else(|| "the protobuf ends too soon".to_owned()))
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Found<'a>)> {
        let tag = self.number()?;
        let found = match tag & 7 {
            0 => Found::Number(self.number()?),
            1 => Found::Bytes(self.bytes(8)?),
            2 => {
                let length = usize::try_from(self.number()?).ok()?;
                Found::Bytes(self.bytes(length)?)
            }
            5 => Found::Bytes(self.bytes(4)?),
            _ => return None,
        };
        Some((tag >> 3, found))
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for place in 0..10 {
            let byte = *self.bytes(1)?.first()?;
            number |= u64::from(byte & 0x7f).checked_shl(7 * place)?;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

fn text(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| "a text in the protobuf is no UTF-8".to_owned())
}

fn object(bytes: &[u8], message: Message) -> Result<Value, String> {
    let mut object = Map::new();
    for field in Fields(bytes) {
        let (number, found) = field?;
        let row = message.iter().find(|(other, ..)| *other == number);
        // Go writes empty fields too; they say nothing.
        let empty = match &found {
            Found::Number(number) => *number == 0,
            Found::Bytes(bytes) => bytes.is_empty(),
        };
        let Some((_, name, holds)) = row else {
            if empty {
                continue;
            }
            return Err(format!("field {number} is not understood as protobuf"));
        };
        let list = |object: &mut Map<String, Value>, item: Value| {
            if let Value::Array(items) = object.entry(*name).or_insert_with(|| json!([])) {
                items.push(item);
            }
        };
        match (holds, found) {
            (Ignored, _) => {}
            (Text, Found::Bytes(bytes)) => {
                if !empty {
                    object.insert((*name).to_owned(), text(bytes)?.into());
                }
            }
            (Texts, Found::Bytes(bytes)) => list(&mut object, text(bytes)?.into()),
            (Number, Found::Number(number)) => {
                // Negative numbers come as their two's complement.
                object.insert((*name).to_owned(), number.cast_signed().into());
            }
            (Flag, Found::Number(number)) => {
                if number != 0 {
                    object.insert((*name).to_owned(), true.into());
                }
            }
            (Holds::Map | ByteMap, Found::Bytes(bytes)) => {
                let (key, value) = pair(bytes)?;
                let value = if matches!(holds, ByteMap) { BASE64_STANDARD.encode(value) } else { text(value)? };
                let map = object.entry(*name).or_insert_with(|| json!({}));
                map[key] = value.into();
            }
            (One(message), Found::Bytes(bytes)) => {
                object.insert((*name).to_owned(), self::object(bytes, message)?);
            }
            (Many(message), Found::Bytes(bytes)) => {
                list(&mut object, self::object(bytes, message)?);
            }
            _ => return Err(format!("{name} has another type in protobuf")),
        }
    }
    Ok(Value::Object(object))
}

/// An entry of a map.
fn pair(bytes: &[u8]) -> Result<(String, &[u8]), String> {
    let (mut key, mut value): (String, &[u8]) = (String::new(), &[]);
    for field in Fields(bytes) {
        match field? {
            (1, Found::Bytes(bytes)) => key = text(bytes)?,
            (2, Found::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    Ok((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len()).unwrap();
        [&[number << 3 | 2, length], bytes].concat()
    }

    fn envelope(kind: &str, raw: &[u8]) -> Vec<u8> {
        let kind = [field(1, b"v1"), field(2, kind.as_bytes())].concat();
        [b"k8s\0".to_vec(), field(1, &kind), field(2, raw)].concat()
    }

    #[test]
    fn a_service_account_is_read() {
        let label = [field(1, b"app"), field(2, b"ci")].concat();
        let meta = [field(1, b"ci"), field(3, b""), field(11, &label)].concat();
        let read = read(&envelope("ServiceAccount", &field(1, &meta))).unwrap();
        assert_eq!(
            read,
            json!({
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": "ci", "labels": {"app": "ci"}},
            })
        );
    }

    #[test]
    fn what_is_not_understood_is_an_error_and_never_a_panic() {
        assert!(read(b"{}").is_err());
        assert!(read(&envelope("Pod", b"")).is_err());
        assert!(read(&envelope("ServiceAccount", &field(9, b"x"))).is_err());
        let whole = envelope("ServiceAccount", &field(1, &field(1, b"ci")));
        for end in 0..whole.len() {
            let _ = read(&whole[..end]);
        }
    }
}
