//! Tokens on their pages.

use serde_json::json;

use super::{empty_portal, open};
use crate::support::portal::both;

both! {
    async fn a_token_is_shown_once_and_taken_back_on_its_pages(db: Kind) {
        let (portal, ada) = empty_portal(db).await;
        open(&ada, "/tokens").await.says("main", &["No token yet."]);
        let form = open(&ada, "/tokens/new").await.form("/tokens");
        assert_eq!(form.values("person"), ["ada"], "one's own is offered first");

        let wrong = form.clone().with(&[("title", ""), ("days", "500")]).send(&ada).await;
        assert_eq!(wrong.status, 422);
        for (field, words) in [("title", "Nothing was entered."), ("scopes", "at least one"), ("days", "1 to 366")] {
            let complaint = wrong.complaint(field);
            assert!(complaint.contains(words), "{field}: {complaint:?}");
        }
        assert_eq!(wrong.form("/tokens").values("days"), ["500"]);
        assert_eq!(ada.get("/api/v1/tokens").await.ok()["items"], json!([]));

        let typed = [("title", "CI of the shop"), ("scopes", "images:write"), ("scopes", "releases:read"), ("days", "30")];
        let made = form.with(&typed).send(&ada).await;
        made.says("main", &["The token is made", "Copy it now"]);
        let secret = made.text("main").split_whitespace().find(|word| word.starts_with("tdg_")).unwrap().to_owned();
        let ci = portal.nobody().with_token(&secret);
        ci.get("/api/v1/images").await.ok();
        let listed = ada.get("/api/v1/tokens").await.ok()["items"][0].clone();
        assert_eq!((&listed["title"], &listed["scopes"]), (&json!("CI of the shop"), &json!(["images:write", "releases:read"])));

        let list = open(&ada, "/tokens").await;
        list.says("main", &["CI of the shop", "images:write", "releases:read", "works"]);
        open(&ada, "/people/ada").await.says("main", &["CI of the shop"]);
        assert!(!list.text("main").contains(&secret), "the secret is shown once");
        let revoke = list.form(&format!("/tokens/{}/revoke", listed["id"]));
        revoke.send(&ada).await.says("main", &["The token is revoked.", "CI of the shop", "revoked"]);
        ci.get("/api/v1/images").await.is(401);
        // Somebody who had the list open presses the same button: it stays revoked.
        revoke.send(&ada).await.says("main", &["revoked"]);
        ci.get("/api/v1/images").await.is(401);
        portal.finish().await;
    }

    async fn a_token_gets_another_title_and_fewer_scopes_on_its_page(db: Kind) {
        let (portal, ada) = empty_portal(db).await;
        let spec = json!({ "title": "CI", "scopes": ["images:write", "releases:read"] });
        let made = ada.post("/api/v1/tokens", spec).await.is(201);
        let ci = portal.nobody().with_token(made["token"].as_str().unwrap());
        let path = format!("/tokens/{}/edit", made["id"]);
        let form = open(&ada, &path).await.form(&path);
        assert_eq!((form.values("title"), form.values("scopes")), (vec!["CI"], vec!["images:write", "releases:read"]));
        let wrong = form.clone().with(&[("title", ""), ("scopes", "")]).send(&ada).await;
        assert_eq!(wrong.status, 422);
        for (field, words) in [("title", "Nothing was entered."), ("scopes", "at least one")] {
            assert!(wrong.complaint(field).contains(words), "{field}: {:?}", wrong.complaint(field));
        }
        // No way to more than it may do.
        let more = json!({ "title": "CI", "scopes": ["images:write", "settings:write"] });
        let refused = ada.put(&format!("/api/v1/tokens/{}", made["id"]), more).await.is(422);
        assert_eq!(refused["errors"][0]["pointer"], "/scopes");
        ci.get("/api/v1/releases").await.ok();

        let less = [("title", "CI of the shop"), ("scopes", "images:write")];
        let saved = form.clone().with(&less).send(&ada).await;
        saved.says("main", &["CI of the shop", "images:write"]);
        ci.get("/api/v1/releases").await.is(403);
        let listed = ada.get("/api/v1/tokens").await.ok()["items"][0].clone();
        assert_eq!((&listed["title"], &listed["scopes"]), (&json!("CI of the shop"), &json!(["images:write"])));
        // Whoever had the form open is told, and keeps what was typed.
        let late = form.with(&[("title", "CI of the shops")]).send(&ada).await;
        assert_eq!(late.status, 409);
        late.says("main", &["edited"]);
        assert_eq!(late.form(&path).values("title"), ["CI of the shops"]);
        ada.delete(&format!("/api/v1/tokens/{}", made["id"])).await.is(204);
        let again = json!({ "title": "CI", "scopes": ["images:write"] });
        ada.put(&format!("/api/v1/tokens/{}", made["id"]), again).await.is(409);
        portal.finish().await;
    }
}
