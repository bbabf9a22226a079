//! A cluster's credential on its pages.

use serde_json::json;

use super::{empty_portal, make, open};
use crate::settings::table::KINDS;
use crate::support::field;
use crate::support::portal::both;

const FORM: &str = "/clusters/west/credential";

both! {
    async fn a_credential_is_handed_in_looked_at_confirmed_replaced_and_destroyed_on_its_pages(db: Kind) {
        let (portal, ada) = empty_portal(db).await;
        make(&ada, &KINDS[0]).await;
        let cluster = async || open(&ada, "/clusters/west").await;
        let stands = async || ada.get("/api/v1/clusters/west/credential").await.ok();
        cluster().await.says("main", &["no credential", "This cluster has no credential."]);
        let kubeconfig = field::practice().admin_kubeconfig();
        let token = kubeconfig.lines().find_map(|line| line.trim().strip_prefix("token: ")).unwrap().to_owned();
        let hand_in = async |text: &str| open(&ada, FORM).await.form(FORM).with(&[("kubeconfig", text)]).send(&ada).await;

        let command = kubeconfig.replace(&format!("token: {token}"), "exec: { command: aws }");
        for (text, words) in [("", "empty"), ("a: [b", "line 1"), (&*command, "This file logs in by running a command")] {
            let page = hand_in(text).await;
            assert_eq!(page.status, 422, "{}", page.text("main"));
            let complaint = page.complaint("kubeconfig");
            assert!(complaint.contains(words), "{complaint:?} for {text:?}");
            assert_eq!(page.form(FORM).values("kubeconfig")[0].trim(), text.trim(), "what was pasted stays");
        }
        assert_eq!(stands().await, json!({ "confirmed": null, "unverified": null }));

        let handed = hand_in(&kubeconfig).await;
        handed.says("main", &["It is sealed.", "Looking…", "a bearer token"]);
        let first = stands().await["unverified"]["id"].clone();
        portal.run_until_idle().await;
        let seen = cluster().await;
        seen.says("main", &["A new credential waits", "waits for you", "Kubernetes v1.", "Use this credential"]);
        assert!(!seen.text("main").contains(&token), "what was accepted is never shown");
        let confirm = seen.form(&format!("{FORM}/{first}/confirm"));
        confirm.send(&ada).await.says("main", &["The credential is in use.", "The credential in use"]);
        portal.run_until_idle().await;
        assert_eq!(stands().await["confirmed"]["id"], first);
        cluster().await.says("main", &["reachable"]);

        hand_in(&kubeconfig).await.says("main", &["The credential in use", "A new credential waits"]);
        let second = stands().await["unverified"]["id"].clone();
        portal.run_until_idle().await;
        let (use_it, drop_it) = (format!("{FORM}/{second}/confirm"), format!("{FORM}/{second}/drop"));
        let before = cluster().await;
        before.form(&drop_it).send(&ada).await.says("main", &["The credential is destroyed."]);
        let late = before.form(&use_it).send(&ada).await;
        assert_eq!(late.status, 409);
        late.says("main", &["This credential was replaced or dropped."]);
        assert_eq!(stands().await["confirmed"]["id"], first, "the one in use stays");

        cluster().await.form(&format!("{FORM}/drop")).send(&ada).await.says("main", &["This cluster has no credential."]);
        assert_eq!(stands().await, json!({ "confirmed": null, "unverified": null }));
        portal.run_until_idle().await;
        portal.finish().await;
    }
}
