//! `tidegate apply`: several documents in one transaction, all or nothing. They may come in any
//! order; what refers to something comes after it.

use super::{Error, Result, Save, Verb, cluster, environment, group, person, service, token};
use crate::domain::refusal::{FieldError, Refusal};
use crate::protocol::{APPLY_MOST, Action, ApplyAnswer, ApplyRequest, Change, Document, GroupSpec, PersonSpec};
use crate::text;

/// Makes everything as the documents say.
///
/// # Errors
/// The first document that cannot be, with its position in every pointer; and, when only the
/// difference was wanted, that difference, since nothing must stay.
pub async fn apply(v: &mut Verb<'_>, request: ApplyRequest) -> Result<ApplyAnswer> {
    v.access.administer()?;
    if request.documents.len() > APPLY_MOST {
        return Err(Refusal::field("/documents", text!("list-too-long", most = APPLY_MOST)).into());
    }
    let count = request.documents.len();
    let mut steps: Vec<(usize, Document)> = request.documents.into_iter().enumerate().flat_map(split).collect();
    steps.sort_by_key(|(_, document)| rank(document));
    let mut changes: Vec<Option<Change>> = vec![None; count];
    for (index, document) in steps {
        let change = put(v, document).await.map_err(|error| at(index, error))?;
        changes[index] = Some(match changes[index].take() {
            Some(earlier) => merge(earlier, change),
            None => change,
        });
    }
    let mut answer = ApplyAnswer { dry_run: request.dry_run, changes: changes.into_iter().flatten().collect() };
    if !request.dry_run {
        return Ok(answer);
    }
    for change in &mut answer.changes {
        // The token goes with the transaction; its secret would be taken for one that works.
        change.token = None;
    }
    Err(Error::DryRun(Box::new(answer)))
}

/// People and groups are named by everything, and their roles name environments: so the roles are
/// a step of their own, near the end.
fn split((index, document): (usize, Document)) -> Vec<(usize, Document)> {
    let (first, roles) = match document {
        Document::Person(spec) => {
            let first = PersonSpec { roles: None, ..spec.clone() };
            (Document::Person(first), spec.roles.is_some().then_some(Document::Person(spec)))
        }
        Document::Group(spec) => {
            let first = GroupSpec { roles: None, ..spec.clone() };
            (Document::Group(first), spec.roles.is_some().then_some(Document::Group(spec)))
        }
        other => (other, None),
    };
    std::iter::once(first).chain(roles).map(|document| (index, document)).collect()
}

fn rank(document: &Document) -> u8 {
    match document {
        Document::Cluster(_) => 0,
        Document::Person(spec) if spec.roles.is_none() => 1,
        Document::Group(spec) if spec.roles.is_none() => 2,
        Document::Environment(_) => 3,
        Document::Service(_) => 4,
        Document::Person(_) | Document::Group(_) => 5,
        Document::Token(_) => 6,
    }
}

async fn put(v: &mut Verb<'_>, document: Document) -> Result<Change> {
    match document {
        Document::Person(spec) => person::put(v, Save::Put, spec).await,
        Document::Group(spec) => group::put(v, Save::Put, spec).await,
        Document::Cluster(spec) => cluster::put(v, Save::Put, spec).await,
        Document::Environment(spec) => environment::put(v, Save::Put, spec).await,
        Document::Service(spec) => service::put(v, Save::Put, spec).await,
        Document::Token(spec) => {
            let name = spec.title.clone();
            let token = token::ensure(v, spec).await?;
            let action = if token.is_some() { Action::Create } else { Action::Unchanged };
            Ok(Change { kind: "Token".to_owned(), name, action, fields: Vec::new(), token })
        }
    }
}

/// Two steps of one document, told as one.
fn merge(mut first: Change, second: Change) -> Change {
    if first.action == Action::Unchanged {
        first.action = second.action;
    }
    for field in second.fields {
        match first.fields.iter_mut().find(|known| known.field == field.field) {
            Some(known) => known.after = field.after,
            None => first.fields.push(field),
        }
    }
    first
}

/// Puts the document's position in front of every pointer.
fn at(index: usize, error: Error) -> Error {
    match error {
        Error::Refused(mut refusal) => {
            if refusal.fields.is_empty() {
                let text = refusal.text.clone();
                refusal.fields.push(FieldError { pointer: "".into(), text });
            }
            for field in &mut refusal.fields {
                field.pointer = format!("/documents/{index}{}", field.pointer).into();
            }
            Error::Refused(refusal)
        }
        other => other,
    }
}
