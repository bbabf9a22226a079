//! The gate: an uploaded kubeconfig becomes a [`Credential`], or is refused with a sentence.
//!
//! Nothing of kube reads the upload. A kubeconfig can name commands to run, files to read and
//! places to send them to; here each field is either taken, ignored for a reason, or refused.
//! Only the context that the person picked is judged and kept, with its cluster and its user; of
//! the rest only the names are read.
//!
//! What lives here: the shape of the file and the choice of a context. `fields` knows every field,
//! `server` the address, `proof` tokens and certificates. What does not: looking a name up,
//! connecting, asking what the credential may do.
//!
//! No refusal and no `Debug` form holds text of the upload, except the names of contexts, which the
//! person has to choose from, and names of fields. The format is client-go's
//! `k8s.io/client-go/tools/clientcmd/api/v1`.

use crate::cluster::credential::Credential;
use crate::domain::address::AddressAllowance;
use crate::domain::cluster::CredentialFacts;
use crate::domain::name::Label;
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::text;
use crate::yaml::{self, Limits, Node, Value};

mod fields;
mod proof;
mod server;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

use fields::{ClusterFields, ContextFields, UserFields};
use server::Server;

/// Largest upload, in bytes.
pub const LARGEST: usize = 128 * 1024;

/// How much of an upload is read. Real files nest six deep, in the settings of `exec`.
const LIMITS: Limits = Limits { bytes: LARGEST, depth: 16, documents: 1, nodes: 20_000 };

/// Longest name of a cluster, user or context, in bytes.
const LONGEST_NAME: usize = 256;

/// A context of the upload, for the person to pick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextChoice {
    /// Its name: one line.
    pub name: String,
    /// The server it leads to, where the file has it and its address can be read.
    pub server: Option<String>,
    /// Whether it is the file's current one.
    pub current: bool,
}

/// Why an upload is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateRefusal {
    /// What the page can offer.
    pub kind: GateKind,
    /// The sentence for the person: why, and what to do instead.
    pub text: Text,
}

/// Sorts of refusal at the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateKind {
    /// It is no kubeconfig that can be read.
    Unreadable,
    /// Several contexts, and none was picked, or none by that name. `current` is the one to
    /// preselect.
    PickContext {
        /// Names of the contexts, in the order of the file.
        names: Vec<String>,
        /// The file's current context, if it is one of them.
        current: Option<String>,
    },
    /// The user logs in by running a command or with a plug-in (`exec`, `auth-provider`). The
    /// ready script makes a file that this gate takes.
    Exec,
    /// The user logs in in another way that is not taken: with a password, a token file, a key with
    /// a passphrase, as somebody else, or in two ways at once.
    Login,
    /// It names a certificate or key on the person's machine.
    LocalFile,
    /// It has ended: the instant.
    Expired(Timestamp),
    /// Anything else.
    Unfit,
}

impl GateKind {
    /// Whether the ready script ([`super::script`]) is a way out.
    pub fn script_helps(&self) -> bool {
        matches!(self, Self::Exec | Self::Login | Self::LocalFile | Self::Expired(_))
    }
}

impl GateRefusal {
    fn unreadable(text: Text) -> Self {
        Self { kind: GateKind::Unreadable, text }
    }
    fn unfit(text: Text) -> Self {
        Self { kind: GateKind::Unfit, text }
    }
    fn login(text: Text) -> Self {
        Self { kind: GateKind::Login, text }
    }
}

/// The contexts of an upload, in its order. Users are not looked at.
///
/// # Errors
/// Says why the upload is no kubeconfig.
pub fn contexts(upload: &[u8]) -> Result<Vec<ContextChoice>, Text> {
    let document = document(upload).map_err(|refused| refused.text)?;
    let file = File::of(&document).map_err(|refused| refused.text)?;
    let choice = |context: &Named<'_>| ContextChoice {
        name: context.name.to_owned(),
        server: file.server_of(context),
        current: file.current == Some(context.name),
    };
    Ok(file.contexts.iter().map(choice).collect())
}

/// Judges an upload and keeps what the picked context needs. Without a pick the file must have
/// exactly one context: `current-context` is whatever its owner last worked with.
///
/// # Errors
/// The first reason, in this order: the file, the context, how the user logs in, the cluster, what
/// the values say. Nothing is kept then.
pub fn read(
    upload: &[u8],
    picked: Option<&str>,
    allowance: AddressAllowance,
    now: Timestamp,
) -> Result<Credential, GateRefusal> {
    let document = document(upload)?;
    let file = File::of(&document)?;
    let picked = file.pick(picked)?;
    let context = ContextFields::read(picked)?;
    let namespace = context.namespace.map(namespace).transpose()?;
    // The user first: where logging in takes a command, a person should hear that before any detail.
    let user = UserFields::read(find(&file.users, context.user, || text!("kubeconfig-user-absent"))?)?;
    let cluster = ClusterFields::read(find(&file.clusters, context.cluster, || text!("kubeconfig-cluster-absent"))?)?;

    let server = Server::parse(cluster.server)?;
    server.judge(allowance)?;
    let tls_server_name = cluster.tls_server_name.map(server::tls_name).transpose()?;
    let authorities = proof::authorities(cluster.authorities, now)?;
    let (proof, told) = proof::of_user(&user, now)?;
    let facts = CredentialFacts {
        cluster: server.cluster(tls_server_name, authorities.fingerprints),
        context: picked.name.to_owned(),
        namespace: namespace.map(|label| label.as_str().to_owned()),
        identity: told.identity,
        method: proof.method(),
        expires_at: told.expires_at,
    };
    Ok(Credential::new(facts, authorities.certificates, proof))
}

fn document(upload: &[u8]) -> Result<Node, GateRefusal> {
    yaml::document(upload, LIMITS).map_err(|fault| GateRefusal::unreadable(fault.text()))
}

fn namespace(node: &Node) -> Result<Label, GateRefusal> {
    let wrong = || GateRefusal::unfit(text!("kubeconfig-namespace", line = node.line));
    Label::parse(fields::text(node, "namespace")?).map_err(|_| wrong())
}

/// The outer shape of a kubeconfig.
struct File<'a> {
    clusters: Vec<Named<'a>>,
    users: Vec<Named<'a>>,
    contexts: Vec<Named<'a>>,
    current: Option<&'a str>,
}

/// An entry of one of the three lists.
struct Named<'a> {
    name: &'a str,
    /// The whole entry, `name` included.
    entry: &'a Node,
}

impl<'a> File<'a> {
    fn of(root: &'a Node) -> Result<Self, GateRefusal> {
        if !matches!(root.value, Value::Mapping(_)) {
            return Err(GateRefusal::unreadable(text!("kubeconfig-not-one")));
        }
        let mut file = Self { clusters: Vec::new(), users: Vec::new(), contexts: Vec::new(), current: None };
        for entry in root.entries() {
            match entry.key.as_str() {
                "clusters" => file.clusters = named(&entry.node, "clusters")?,
                "users" => file.users = named(&entry.node, "users")?,
                "contexts" => file.contexts = named(&entry.node, "contexts")?,
                "current-context" if entry.node.is_null() => {}
                "current-context" => file.current = Some(fields::text(&entry.node, "current-context")?),
                "apiVersion" if entry.node.as_str() == Some("v1") => {}
                "kind" if entry.node.as_str() == Some("Config") => {}
                "apiVersion" | "kind" => return Err(GateRefusal::unreadable(text!("kubeconfig-not-one"))),
                // Settings of kubectl and of other programs for the person's own screen.
                "preferences" | "extensions" => {}
                _ => return Err(fields::unknown(entry)),
            }
        }
        match file {
            Self { contexts, .. } if contexts.is_empty() => {
                Err(GateRefusal::unreadable(text!("kubeconfig-no-context")))
            }
            file => Ok(file),
        }
    }

    fn pick(&self, picked: Option<&str>) -> Result<&Named<'a>, GateRefusal> {
        let choose = |text| {
            let names: Vec<String> = self.contexts.iter().map(|context| context.name.to_owned()).collect();
            let current = self.current.map(str::to_owned).filter(|current| names.contains(current));
            Err(GateRefusal { kind: GateKind::PickContext { names, current }, text })
        };
        match (picked, self.contexts.as_slice()) {
            (None, [only]) => Ok(only),
            (None, several) => choose(text!("kubeconfig-pick-context", count = several.len())),
            (Some(name), all) => match all.iter().find(|context| context.name == name) {
                Some(context) => Ok(context),
                None => choose(text!("kubeconfig-context-absent")),
            },
        }
    }

    /// The server as it would be shown; nothing where anything about it is odd.
    fn server_of(&self, context: &Named<'_>) -> Option<String> {
        let cluster = context.entry.get("context")?.get("cluster")?.as_str()?;
        let cluster = self.clusters.iter().find(|named| named.name == cluster)?;
        let server = Server::parse(cluster.entry.get("cluster")?.get("server")?).ok()?;
        Some(server.cluster(None, Vec::new()).server())
    }
}

/// Reads the names of a list and refuses one that is there twice: programs differ in which one wins.
fn named<'a>(list: &'a Node, field: &'static str) -> Result<Vec<Named<'a>>, GateRefusal> {
    let items = match &list.value {
        Value::Null => return Ok(Vec::new()),
        Value::Sequence(items) => items,
        _ => return Err(GateRefusal::unreadable(text!("kubeconfig-not-a-list", field = field, line = list.line))),
    };
    let mut all: Vec<Named<'a>> = Vec::with_capacity(items.len());
    let mut seen = std::collections::HashSet::with_capacity(items.len());
    for entry in items {
        let name = entry.get("name").ok_or_else(|| {
            GateRefusal::unreadable(text!("kubeconfig-name-absent", field = field, line = entry.line))
        })?;
        let text = fields::text(name, "name")?;
        if !is_plain_name(text) {
            return Err(GateRefusal::unreadable(text!("kubeconfig-name-unfit", line = name.line)));
        }
        if !seen.insert(text) {
            return Err(GateRefusal::unfit(text!("kubeconfig-name-twice", field = field, line = name.line)));
        }
        all.push(Named { name: text, entry });
    }
    Ok(all)
}

/// Names are shown before anything is judged. A stray quote can make one of several lines of the
/// file, a token among them; YAML puts them on one line, and `: ` betrays it.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name.trim() == name
        && !name.contains(": ")
        && !name.chars().any(char::is_control)
}

fn find<'a, 'b>(all: &'b [Named<'a>], name: &str, absent: fn() -> Text) -> Result<&'b Named<'a>, GateRefusal> {
    all.iter().find(|named| named.name == name).ok_or_else(|| GateRefusal::unfit(absent()))
}
