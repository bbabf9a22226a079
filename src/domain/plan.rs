//! Plans: what a release will change, as typed steps. Made by the runner right after the request,
//! stored, hashed, signed; the job carries it out and chooses nothing (rule 15).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::id::TargetId;
use super::image::{Digest, ImageRef, repository_of};
use super::name::Label;
use super::service::Workload;
use super::text::Text;
use crate::text;

/// The steps of one release on one cluster, in the order they are carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Digest of the cluster's fingerprint it was read from.
    pub cluster: String,
    /// What will be done.
    pub steps: Vec<Step>,
    /// What a signer should know besides.
    pub warnings: Vec<Text>,
}

/// One thing that is done to the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Step {
    /// Puts an image into a workload's containers.
    SetImage(SetImage),
}

/// The image of named containers of one workload, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetImage {
    /// The target it was planned for.
    pub target: TargetId,
    /// The workload.
    #[serde(flatten)]
    pub workload: Workload,
    /// Its identity in the cluster: a workload deleted and made again is another one.
    pub uid: String,
    /// What changes.
    pub containers: Vec<ContainerChange>,
    /// Names of all containers of the pod template, those that change and those that do not.
    pub all_containers: BTreeSet<String>,
    /// Recorded for people, never compared: autoscalers change it.
    pub replicas: i32,
    /// Recorded for people, never compared.
    pub generation: i64,
}

/// One container's image, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerChange {
    /// The container.
    pub name: Label,
    /// The image string in the workload's specification when the plan was made.
    pub from: String,
    /// Digests that the running pods reported for it then.
    pub running: BTreeSet<Digest>,
    /// What it will be.
    pub to: String,
}

impl ContainerChange {
    /// What to go back to: an image by digest, where it is known.
    pub fn before(&self) -> Before {
        if ImageRef::find(&self.from).is_some() {
            return Before::Digest(self.from.clone());
        }
        match (repository_of(&self.from), self.running.iter().next()) {
            (Some(repository), Some(digest)) if self.running.len() == 1 => {
                Before::Digest(ImageRef { repository, digest: digest.clone() }.pull_string())
            }
            _ => Before::TagOnly(self.from.clone()),
        }
    }
}

/// What ran before a release (rule 13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// Named by digest.
    Digest(String),
    /// Only a tag is known, which may have moved since.
    TagOnly(String),
}

/// The way back from a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undo {
    /// What will be done.
    pub plan: Plan,
    /// Images of which only a tag is known.
    pub tags_only: Vec<String>,
}

impl Before {
    /// The image string to set.
    pub fn image(&self) -> &str {
        match self {
            Self::Digest(image) | Self::TagOnly(image) => image,
        }
    }
}

impl Plan {
    /// The plan that undoes this one: each changed container back to what ran before. Workloads
    /// that the earlier deployment did not touch are left out.
    pub fn undo(&self, touched: &BTreeSet<TargetId>) -> Undo {
        let mut tags_only = Vec::new();
        let steps = self
            .steps
            .iter()
            .rev()
            .filter(|Step::SetImage(set)| touched.contains(&set.target))
            .map(|Step::SetImage(set)| {
                let back = |change: &ContainerChange| {
                    let before = change.before();
                    if let Before::TagOnly(image) = &before {
                        tags_only.push(image.clone());
                    }
                    ContainerChange {
                        name: change.name.clone(),
                        from: change.to.clone(),
                        running: BTreeSet::new(),
                        to: before.image().to_owned(),
                    }
                };
                Step::SetImage(SetImage { containers: set.containers.iter().map(back).collect(), ..set.clone() })
            })
            .collect();
        Undo { plan: Self { cluster: self.cluster.clone(), steps, warnings: Vec::new() }, tags_only }
    }

    /// All image changes, whichever the step.
    pub fn changes(&self) -> impl Iterator<Item = &ContainerChange> {
        self.steps.iter().flat_map(|Step::SetImage(set)| &set.containers)
    }

    /// The targets it touches.
    pub fn targets(&self) -> BTreeSet<TargetId> {
        self.steps.iter().map(|Step::SetImage(set)| set.target).collect()
    }

    /// Whether everything it would set is already set.
    pub fn changes_nothing(&self) -> bool {
        self.changes().all(|change| change.from == change.to)
    }

    /// Adds what follows from the plan itself: another registry may need another pull secret, and
    /// a release that changes nothing is worth a second thought.
    pub fn with_own_warnings(mut self) -> Self {
        let hosts: BTreeSet<(String, String)> = self
            .changes()
            .filter_map(|change| {
                let (old, new) = (repository_of(&change.from)?, repository_of(&change.to)?);
                (old.host() != new.host()).then(|| (old.host().to_owned(), new.host().to_owned()))
            })
            .collect();
        for (old, new) in hosts {
            self.warnings.push(text!("plan-other-registry", old = old, new = new));
        }
        if self.changes_nothing() {
            self.warnings.push(text!("plan-changes-nothing"));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(from: &str, running: &[&str]) -> ContainerChange {
        ContainerChange {
            name: Label::parse("app").unwrap(),
            from: from.to_owned(),
            running: running.iter().map(|hex| Digest::parse(&format!("sha256:{}", hex.repeat(32))).unwrap()).collect(),
            to: format!("r.example/a@sha256:{}", "ff".repeat(32)),
        }
    }

    #[test]
    fn what_ran_before_is_named_by_the_digest_the_pods_report() {
        let image = format!("r.example/a@sha256:{}", "ab".repeat(32));
        assert_eq!(change("r.example/a:1.0", &["ab"]).before(), Before::Digest(image.clone()));
        assert_eq!(change(&image, &[]).before(), Before::Digest(image));
    }

    #[test]
    fn two_digests_behind_one_tag_are_no_answer() {
        assert_eq!(change("r.example/a:1.0", &["ab", "cd"]).before(), Before::TagOnly("r.example/a:1.0".into()));
        assert_eq!(change("r.example/a:1.0", &[]).before(), Before::TagOnly("r.example/a:1.0".into()));
    }
}
