//! What is administered, in one place: services, environments, clusters, groups, people, tokens.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;

use super::Page;
use super::clusters::Health;
use super::story::People;
use crate::domain::text::Text;
use crate::http::Doors;
use crate::http::guard::Visitor;
use crate::http::shell::{Shell, page};
use crate::store;
use crate::store::view::settings;
use crate::text;

#[derive(Template)]
#[template(path = "pages/settings/settings.html")]
struct SettingsPage {
    shell: Shell,
    lead: Text,
    tiles: Vec<Tile>,
}

/// A part of the settings.
struct Tile {
    href: &'static str,
    title: Text,
    count: Text,
    why: Text,
    warning: Option<Text>,
}

impl Tile {
    fn new(href: &'static str, title: Text, count: Text, why: Text) -> Self {
        Self { href, title, count, why, warning: None }
    }
}

/// Shows the tiles.
pub async fn show(doors: web::Data<Doors>, request: HttpRequest, visitor: Visitor) -> Page {
    let who = &visitor.0;
    let shell = Shell::of(&doors, who, &request, "settings").await?;
    let everything = shell.administers_everything();
    let mut conn = doors.workflow.store().read().await?;
    let counts = settings::counts(&mut conn, (!everything).then_some(who.person.id), shell.reader.now).await?;
    let mut environments = store::environment::list(&mut conn).await?;
    environments.retain(|one| one.archived_at.is_none() && who.access.may_look(one.id));
    let mut sick = Vec::new();
    for cluster in store::cluster::list(&mut conn).await?.into_iter().filter(|one| one.archived_at.is_none()) {
        if Health::of(&mut conn, &shell, Some(&cluster)).await?.badge.tone != "go" {
            sick.push(cluster.title.to_string());
        }
    }
    let count = |number: i64| text!("settings-count", count = number);
    let mut tiles = Vec::new();
    if who.access.may_look_somewhere() {
        let here = i64::try_from(environments.len()).unwrap_or(i64::MAX);
        let warning = (!sick.is_empty()).then(|| text!("settings-clusters-sick", names = sick.join(", ")));
        let clusters = count(counts.clusters);
        tiles.extend([
            Tile::new("/services", text!("services"), count(counts.services), text!("services-why")),
            Tile::new("/environments", text!("environments"), count(here), text!("environments-why")),
            Tile { warning, ..Tile::new("/clusters", text!("clusters"), clusters, text!("clusters-why")) },
            Tile::new("/groups", text!("groups"), count(counts.groups), text!("groups-why")),
        ]);
    }
    if everything {
        tiles.push(Tile::new("/people", text!("people"), count(counts.people), text!("people-why")));
    }
    let tokens = if everything { text!("tokens-why-all") } else { text!("tokens-why") };
    tiles.push(Tile::new("/tokens", text!("nav-tokens"), count(counts.tokens), tokens));
    let lead = if everything {
        text!("settings-lead-admin")
    } else {
        let administrators: Vec<_> = store::person::administrators(&mut conn).await?.into_iter().collect();
        let names = People::default().names(&mut conn, &administrators).await?;
        text!("settings-lead", names = names.join(", "))
    };
    Ok(page(&SettingsPage { shell, lead, tiles }, StatusCode::OK)?)
}
