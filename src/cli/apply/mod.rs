//! `tidegate apply`: people, groups, clusters, environments, services and tokens as YAML, sent to
//! the running portal in one call. `files` finds and reads them, `read` makes documents of them,
//! `show` prints what came of it. What the documents mean is the portal's business.

mod files;
mod read;
mod show;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use self::read::{Complaint, Placed};
use super::reach::Reach;
use crate::outbound::portal::{CallError, Problem};
use crate::protocol::{APPLY_MOST, ApplyAnswer, ApplyRequest};

/// Exit code of a dry run that found a difference, when that was asked for.
const DIFFERENT: u8 = 3;

/// What to apply, and how.
#[derive(Args)]
#[command(after_long_help = HELP)]
pub(super) struct ApplyArgs {
    /// File or folder; `-` is standard input. May be given several times
    ///
    /// Of a folder all .yaml, .yml and .json files are taken, those of its folders too, hidden ones
    /// left out. The order of files and documents makes no difference.
    #[arg(short = 'f', long = "file", required = true, num_args = 1.., value_name = "PATH")]
    files: Vec<PathBuf>,
    /// Change nothing, and print what would be changed
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run: exit with 3 when something would be changed
    #[arg(long, requires = "dry_run")]
    exit_code: bool,
    #[command(flatten)]
    reach: Reach,
}

const HELP: &str = "\
Documents (separated by ---) say what should be there; what is not mentioned stays as it is:

  kind: Person        login, name, email, zone, commit_identities, roles [{role, environment}]
  kind: Group         name, title, members, roles [{role, environment}]
  kind: Cluster       name, title
  kind: Environment   name, title, rank, cluster, policy {rules [{group, count}], start_modes,
                      requester_may_sign, author_may_sign, unknown_author, validity_hours,
                      fresh_signoff, deadline_seconds, watch_seconds}
  kind: Service       name, title, repository, owner, public,
                      targets [{environment, namespace, kind, name, containers}]
  kind: Token         title, person, scopes, days

All of them are applied, or none. At most 1,000 documents go in one call. The token needs the scope
settings:write, and its person has to be an administrator. The secret of a token that was made is
printed this once.

Exit codes:
  0   done, or nothing to do; with --dry-run also when there is a difference
  1   refused or failed: nothing was changed, unless the message says otherwise
  2   bad usage: a flag or a setting
  3   with --dry-run --exit-code: something would be changed

Examples:
  tidegate apply -f shop/ --dry-run
  tidegate apply -f people.yaml services.yaml
  render-config | tidegate apply -f - --url https://tidegate.example.com --token-file ~/.tidegate";

/// Reads, sends, prints.
///
/// # Errors
/// Why nothing was done, when that is not about a line of a file.
pub(super) async fn run(args: ApplyArgs) -> anyhow::Result<ExitCode> {
    // What is wrong with a flag is said before files are read and people wait.
    let client = args.reach.client()?;
    let (sources, mut complaints) = files::read(&args.files)?;
    let mut documents = Vec::new();
    for source in &sources {
        read::read(source, &mut documents, &mut complaints);
    }
    read::refuse_twice(&documents, &mut complaints);
    if !complaints.is_empty() {
        return Ok(refuse(&complaints, "nothing was sent"));
    }
    anyhow::ensure!(!documents.is_empty(), "there is no document in what was given");
    let count = documents.len();
    anyhow::ensure!(
        count <= APPLY_MOST,
        "{count} documents: at most {APPLY_MOST} go in one call, since they are applied all or not at all; \
         split them into several calls"
    );
    let sent = documents.iter().map(|placed| placed.document.clone()).collect();
    let request = ApplyRequest { dry_run: args.dry_run, documents: sent };
    let answer: ApplyAnswer = match client.post("/api/v1/apply", &request).await {
        Ok(answer) => answer,
        Err(CallError::Refused(problem)) => return Ok(refuse(&placed(&documents, &problem), "nothing was changed")),
        Err(error) => return Err(error.into()),
    };
    // It is done, whether or not anybody is still there to read about it.
    let _ = std::io::stdout().write_all(show::answer(&answer).as_bytes());
    let different = answer.dry_run && show::differs(&answer);
    Ok(if different && args.exit_code { ExitCode::from(DIFFERENT) } else { ExitCode::SUCCESS })
}

fn refuse(complaints: &[Complaint], end: &str) -> ExitCode {
    for complaint in complaints {
        eprintln!("{complaint}");
    }
    let count = complaints.len();
    eprintln!("tidegate: {count} {}; {end}", if count == 1 { "fault" } else { "faults" });
    ExitCode::FAILURE
}

/// The portal's complaints with the lines they are about.
fn placed(documents: &[Placed], problem: &Problem) -> Vec<Complaint> {
    let mut complaints: Vec<Complaint> =
        problem.errors.iter().map(|error| place(documents, &error.pointer, &error.detail)).collect();
    if complaints.is_empty() {
        complaints.push(Complaint::of_all(&problem.detail));
    }
    complaints
}

/// `/documents/3/policy/rules/0/group` is field `policy.rules[0].group` of the fourth document.
fn place(documents: &[Placed], pointer: &str, detail: &str) -> Complaint {
    let inside = pointer.strip_prefix("/documents/").map(|rest| match rest.find('/') {
        Some(end) => rest.split_at(end),
        None => (rest, ""),
    });
    let found = inside.and_then(|(index, field)| Some((documents.get(index.parse::<usize>().ok()?)?, field)));
    match found {
        Some((document, field)) => document.complaint(field, detail),
        None => Complaint::of_all(detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::apply::files::Source;

    fn documents(text: &str) -> Vec<Placed> {
        let source = Source { name: "a.yaml".to_owned(), bytes: text.as_bytes().to_vec() };
        let (mut documents, mut complaints) = (Vec::new(), Vec::new());
        read::read(&source, &mut documents, &mut complaints);
        assert!(complaints.is_empty(), "{complaints:?}");
        documents
    }

    #[test]
    fn a_pointer_of_the_portal_leads_to_file_line_and_field() {
        let text = "\
# people first
kind: Group
name: qa
title: QA
---
kind: Environment
name: production
title: Production
policy:
  rules:
    - group: qa
      count: 1
    - { group: ops, count: 2 }
";
        let documents = documents(text);
        let said = |pointer: &str| place(&documents, pointer, "no").to_string();
        assert_eq!(said("/documents/1/policy/rules/0/group"), "a.yaml:11: policy.rules[0].group: no");
        assert_eq!(said("/documents/1/policy/rules/1/count"), "a.yaml:13: policy.rules[1].count: no");
        assert_eq!(said("/documents/0/title"), "a.yaml:4: title: no");
        // What is not written down is looked for where it would stand.
        assert_eq!(said("/documents/0/members/0"), "a.yaml:2: members[0]: no");
        assert_eq!(said("/documents/0"), "a.yaml:2: Group qa: no");
        assert_eq!(said("/documents/7/name"), "tidegate: no");
        assert_eq!(said("/documents"), "tidegate: no");
        assert_eq!(said(""), "tidegate: no");
    }
}
