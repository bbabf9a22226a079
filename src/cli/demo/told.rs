//! What the demo prints: where to go, as whom, and what to try.

use std::fmt::Write as _;

use super::folder::Folder;
use super::place::Place;
use super::{DemoArgs, Prepared};
use crate::config::PublicUrl;

/// Everything, as one text.
pub(super) fn all(prepared: &Prepared, args: &DemoArgs, place: &Place, folder: &Folder, url: &PublicUrl) -> String {
    let mut text = String::new();
    let story = &prepared.story;
    let cluster = match &args.kubeconfig {
        Some(file) => format!("the cluster of {}, namespace {}", file.display(), place.namespace),
        None => "a practice cluster inside this process".to_owned(),
    };
    let opens = args.zone.local(story.opens_at).format("%H:%M:%S");
    let (next, ready) = (story.next.label(), story.ready.label());
    let _ = writeln!(
        text,
        "\n  Tidegate demo: a small shop on {cluster}\n\n      {}\n\n  \
         A window opens at {opens} {}. {next} goes out then if product signs it; {ready} is ready.\n\n  \
         Each link signs one person in, once:\n",
        url.origin(),
        args.zone.name(),
    );
    let width = prepared.links.iter().map(|(member, _)| member.login.len()).max().unwrap_or(0);
    for (member, link) in &prepared.links {
        let hint = member.hint.replace("{next}", &next);
        let _ = writeln!(
            text,
            "  {:width$}  {}: {hint}\n  {:width$}  {}",
            member.login,
            member.name,
            "",
            url.link(&format!("/sign-in/{link}"))
        );
    }
    let _ = writeln!(
        text,
        "\n  Without an account: {}\n  For programs:       TIDEGATE_URL={} TIDEGATE_TOKEN={}\n",
        url.link("/announcements"),
        url.origin(),
        prepared.token
    );
    let _ = if folder.is_kept() {
        writeln!(text, "  Ctrl-C ends it; the data stays in {}.\n", folder.path().display())
    } else {
        writeln!(text, "  Ctrl-C ends it, and nothing stays behind.\n")
    };
    text
}
