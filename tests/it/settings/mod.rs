//! The pages of managed things, through their forms: one table of what is managed, walked through
//! making, editing, archiving, what is wrong, and two people at the same time.

mod credential;
mod table;
mod token;

use serde_json::Value;
use table::{KINDS, Kind};

use crate::support::api::Api;
use crate::support::page::Page;
use crate::support::portal::{TestPortal, both};
use crate::support::scene::PASSWORD;

/// Opens a page, which must be there.
async fn open(who: &Api, path: &str) -> Page {
    let page = Page::get(who, path).await;
    assert_eq!(page.status, 200, "{path}: {}", page.text("main"));
    page
}

/// A thing as the API has it; null when it has none.
async fn stands(who: &Api, kind: &Kind) -> Value {
    let answer = who.get(kind.api).await;
    if answer.status == 404 { Value::Null } else { answer.body.pointer(kind.at).cloned().unwrap_or_default() }
}

#[track_caller]
fn holds(kind: &Kind, real: &Value, wanted: &[(&str, &str)]) {
    for (pointer, value) in wanted {
        let value: Value = serde_json::from_str(value).unwrap();
        assert_eq!(real.pointer(pointer), Some(&value), "{pointer} of {}: {real}", kind.api);
    }
}

fn archived_list(kind: &Kind) -> String {
    let sign = if kind.list.contains('?') { '&' } else { '?' };
    format!("{}{sign}archived=1", kind.list)
}

/// Where it is edited. Targets have numbers, which their service's page knows.
async fn edit_path(who: &Api, kind: &Kind) -> String {
    open(who, kind.shown).await.attributes(kind.edit, "href").remove(0)
}

/// Makes it with what the table says.
async fn make(who: &Api, kind: &Kind) -> Page {
    open(who, kind.new).await.form(kind.create).with(kind.typed).send(who).await
}

/// A portal with nothing but the person who set it up.
async fn empty_portal(db: crate::support::database::Kind) -> (TestPortal, Api) {
    let portal = TestPortal::start(db).await;
    let link = portal.workflow().setup_link().await.unwrap().unwrap();
    let ada = portal.nobody().set_up(&link, "ada", PASSWORD).await;
    (portal, ada)
}

both! {
    async fn every_thing_that_is_managed_is_made_edited_archived_and_restored_on_its_pages(db: Kind) {
        let (portal, ada) = empty_portal(db).await;
        for kind in KINDS {
            open(&ada, kind.list).await.says("main", &[kind.none]);
            let made = make(&ada, kind).await;
            let location = made.location.as_deref().unwrap_or_default();
            assert_eq!(location.split('?').next(), Some(kind.shown), "{}", made.text("main"));
            made.says("main", &[kind.words[0]]);
            open(&ada, kind.list).await.says("main", &[kind.words[0]]);
            holds(kind, &stands(&ada, kind).await, kind.made);

            let edit = edit_path(&ada, kind).await;
            let form = open(&ada, &edit).await.form(&edit).with(kind.changes);
            form.send(&ada).await.says("main", &["Saved.", kind.words[1]]);
            holds(kind, &stands(&ada, kind).await, kind.changed);
            // What was not typed over is still there.
            let kept = kind.made.iter().filter(|(pointer, _)| !kind.changed.iter().any(|(other, _)| other == pointer));
            holds(kind, &stands(&ada, kind).await, &kept.copied().collect::<Vec<_>>());

            let base = edit.strip_suffix("/edit").unwrap();
            let page = if kind.shown.starts_with(base) { base } else { &edit };
            open(&ada, page).await.form(&format!("{base}/archive")).send(&ada).await.says("main", &[kind.words[2]]);
            holds(kind, &stands(&ada, kind).await, &[(kind.archived, "true")]);
            if kind.list != kind.shown {
                open(&ada, kind.list).await.says("main", &[kind.none]);
                open(&ada, &archived_list(kind)).await.says("main", &[kind.words[1]]);
            }
            open(&ada, page).await.form(&format!("{base}/restore")).send(&ada).await.says("main", &[kind.words[3]]);
            holds(kind, &stands(&ada, kind).await, &[(kind.archived, "false")]);
            holds(kind, &stands(&ada, kind).await, kind.changed);
        }
        portal.run_until_idle().await;
        portal.finish().await;
    }

    async fn what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(db: Kind) {
        let (portal, ada) = empty_portal(db).await;
        for kind in KINDS {
            // What is there already is in the way of another one with its name.
            make(&ada, kind).await;
            let before = portal.database.contents().await;
            for (typed, status, complaints) in kind.wrong {
                let form = open(&ada, kind.new).await.form(kind.create).with(kind.typed).with(typed);
                let page = form.send(&ada).await;
                assert_eq!(page.status, *status, "{typed:?}: {}", page.text("main"));
                for (field, words) in *complaints {
                    let complaint = page.complaint(field);
                    assert!(complaint.contains(words), "{field} of {}: {complaint:?}\n{}", kind.new, page.text("main"));
                }
                let again = page.form(kind.create);
                for (field, _) in kind.typed.iter().chain(*typed) {
                    let (kept, sent) = (again.values(field), form.values(field));
                    assert!(kept.starts_with(&sent), "{field} of {}: {sent:?} became {kept:?}", kind.new);
                }
            }
            let after = portal.database.contents().await;
            let changed: Vec<&String> = after.keys().filter(|table| after[*table] != before[*table]).collect();
            assert!(changed.is_empty() || changed == ["sessions"], "{} left something in {changed:?}", kind.new);
        }
        portal.run_until_idle().await;
        portal.finish().await;
    }

    async fn nothing_is_lost_when_somebody_else_edits_the_same_thing_meanwhile(db: Kind) {
        let (portal, ada) = empty_portal(db).await;
        let bob = r#"[{ "kind": "Person", "login": "bob", "name": "Bob Other", "roles": [{ "role": "admin" }] }]"#;
        portal.apply(serde_json::from_str(bob).unwrap()).await;
        let bob = portal.person("bob").await;
        for kind in KINDS {
            make(&ada, kind).await;
            let edit = edit_path(&ada, kind).await;
            let mine = open(&ada, &edit).await.form(&edit).with(kind.changes);
            let theirs = open(&bob, &edit).await.form(&edit).with(&[kind.theirs]);
            theirs.send(&bob).await.says("main", &["Saved."]);
            let after_theirs = stands(&ada, kind).await;

            let page = mine.send(&ada).await;
            assert_eq!(page.status, 409, "{}", page.text("main"));
            page.says("main", &["Bob Other saved this while you did", "Your input is kept below", kind.theirs.1]);
            assert_eq!(stands(&ada, kind).await, after_theirs, "nothing of mine was saved");
            let again = page.form(&edit);
            for (field, _) in kind.changes {
                assert!(again.values(field).starts_with(&mine.values(field)), "{field} of {edit} was lost");
            }
            // Whoever has seen it and sends once more means it.
            again.send(&ada).await.says("main", &["Saved."]);
            holds(kind, &stands(&ada, kind).await, kind.changed);
        }
        portal.run_until_idle().await;
        portal.finish().await;
    }

    async fn what_is_in_use_is_not_put_away_and_the_page_says_why(portal: &mut TestPortal) {
        let ada = portal.person("ada").await;
        portal.release("first", crate::support::town::by_hand()).await;
        let refused = [
            ("/clusters/main", "An environment deploys to this cluster."),
            ("/groups/product", "A policy asks this group."),
            ("/environments/production", "R-1 still needs it."),
            ("/services/checkout", "R-1 still needs it."),
            ("/people/ada", "Somebody has to administer the portal."),
        ];
        for (path, why) in refused {
            let page = open(&ada, path).await.form(&format!("{path}/archive")).send(&ada).await;
            assert_eq!(page.status, 409, "{path}");
            page.says("main", &[why]);
        }
    }
}
