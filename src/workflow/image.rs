//! Images: registered by CI, with evidence that only grows.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::person::optional;
use super::{Result, Verb, release};
use crate::domain::id::ImageId;
use crate::domain::image::{Branch, Commit, CommitIdentity, Digest, Evidence, ImageRef, Repository, Tag, Tests};
use crate::domain::name::Link;
use crate::domain::person::{Role, Scope};
use crate::domain::refusal::{Check, Refusal};
use crate::domain::time::Timestamp;
use crate::protocol::{ImageSpec, TestsSpec};
use crate::store::release::Concerned;
use crate::store::{self, Error as StoreError};
use crate::text;

/// What a registration gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// The image.
    pub id: ImageId,
    /// Whether it was new.
    pub created: bool,
}

/// Registers an image, or adds to what is known of it. The same call twice is one image. A tag is
/// no name for an image, so a digest is needed.
///
/// # Errors
/// When a value is wrong, or the actor neither requests nor starts anywhere.
pub async fn register(v: &mut Verb<'_>, spec: ImageSpec) -> Result<Registered> {
    v.access.scope(Scope::ImagesWrite)?;
    let may = [Role::Requester, Role::Operator, Role::Admin].into_iter().any(|role| v.access.holds_somewhere(role));
    if !may {
        return Err(Refusal::forbidden(text!("refusal-not-registrar")).into());
    }
    let (reference, tags, evidence) = parse(spec)?;
    let (image, created) = match store::image::by_reference(v.tx, &reference).await? {
        Some(image) => (image, false),
        None => {
            let id = store::image::insert(v.tx, &reference, v.now).await?;
            let image = store::image::by_id(v.tx, id).await?.ok_or(StoreError::Corrupt { what: "image" })?;
            (image, true)
        }
    };
    let mut news = store::image::latest_evidence(v.tx, &image).await?.as_ref() != Some(&evidence);
    if news {
        store::image::add_evidence(v.tx, &image, &evidence, v.actor.token(), v.now).await?;
    }
    for author in &evidence.authors {
        news |= store::image::add_author(v.tx, image.id, author).await?;
    }
    let mut lost = BTreeSet::new();
    for tag in &tags {
        news |= store::image::add_tag(v.tx, image.id, tag, v.now).await?;
        for other in store::image::move_tag(v.tx, &image, tag, v.now).await? {
            lost.insert((other, tag));
        }
    }
    for (other, tag) in lost {
        refuse_others(v, other).await?;
        let concerned = Concerned { image: Some(other), ..Concerned::default() };
        release::revise_all(v, concerned, &text!("revised-tag-moved", tag = tag.as_str())).await?;
    }
    if news {
        if !created {
            refuse_others(v, image.id).await?;
            let concerned = Concerned { image: Some(image.id), ..Concerned::default() };
            release::revise_all(v, concerned, &text!("revised-evidence")).await?;
        }
        let facts = serde_json::json!({
            "repository": reference.repository, "digest": reference.digest, "tags": tags, "evidence": evidence,
        });
        let verb = if created { "image.register" } else { "image.evidence" };
        v.record(verb, format!("image:{}", image.id), None, facts).await?;
    }
    Ok(Registered { id: image.id, created })
}

/// What is known of an image is part of what people sign: it is changed under an open release only
/// by somebody who requests, starts or administers where that one goes.
async fn refuse_others(v: &mut Verb<'_>, image: ImageId) -> Result<()> {
    let open = store::release::open(v.tx, Concerned { image: Some(image), ..Concerned::default() }).await?;
    let roles = [Role::Requester, Role::Operator, Role::Admin];
    if open.iter().all(|release| roles.iter().any(|role| v.access.holds(*role, release.environment_id))) {
        Ok(())
    } else {
        Err(Refusal::forbidden(text!("refusal-image-of-others")).into())
    }
}

fn parse(spec: ImageSpec) -> std::result::Result<(ImageRef, BTreeSet<Tag>, Evidence), Refusal> {
    let mut check = Check::new();
    let repository = check.field("/repository", Repository::parse(&spec.repository));
    let digest = match spec.digest.as_deref().map(str::trim) {
        None | Some("") => check.field("/digest", Err(text!("image-tag-without-digest"))),
        Some(digest) => check.field("/digest", Digest::parse(digest)),
    };
    let mut tags = BTreeSet::new();
    for (index, tag) in spec.tags.iter().enumerate() {
        tags.extend(check.field(format!("/tags/{index}"), Tag::parse(tag)));
    }
    if spec.tags.len() > 100 {
        check.complain("/tags", text!("list-too-long", most = 100_i64));
    }
    let mut authors = BTreeSet::new();
    for (index, author) in spec.authors.iter().enumerate() {
        authors.extend(check.field(format!("/authors/{index}"), CommitIdentity::parse(author)));
    }
    if spec.authors.len() > 100 {
        check.complain("/authors", text!("list-too-long", most = 100_i64));
    }
    let evidence = Evidence {
        commit: check.field("/commit", optional(spec.commit.as_deref(), Commit::parse)).flatten(),
        authors,
        branch: check.field("/branch", optional(spec.branch.as_deref(), Branch::parse)).flatten(),
        run_url: check.field("/run_url", optional(spec.run_url.as_deref(), Link::parse)).flatten(),
        tests: spec.tests.and_then(|tests| parse_tests(&mut check, tests)),
        built_at: check.field("/built_at", optional(spec.built_at.as_deref(), Timestamp::parse)).flatten(),
    };
    let image = check.all(|| Some(ImageRef { repository: repository?, digest: digest? }))?;
    Ok((image, tags, evidence))
}

fn parse_tests(check: &mut Check, spec: TestsSpec) -> Option<Tests> {
    let mut count = |pointer: &'static str, value: i64| {
        let most = i64::from(u32::MAX);
        let wrong = || text!("number-out-of-range", least = 0_i64, most = most);
        check.field(pointer, u32::try_from(value).map_err(|_| wrong()))
    };
    let passed = count("/tests/passed", spec.passed);
    let failed = count("/tests/failed", spec.failed);
    let skipped = count("/tests/skipped", spec.skipped);
    Some(Tests { passed: passed?, failed: failed?, skipped: skipped? })
}
