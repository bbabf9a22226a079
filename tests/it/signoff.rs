//! Sign-off: who counts, when, and for what (rules 1 to 5, and 7).

use serde_json::json;

use crate::support::portal::both;
use crate::support::town::by_hand;

both! {
    async fn a_release_is_ready_once_every_group_has_signed(portal: &mut TestPortal) {
        let number = portal.release("first", by_hand()).await;
        assert_eq!(portal.state(number).await, "waiting");
        portal.sign_all(number).await;
        assert_eq!(portal.state(number).await, "ready");
        portal.start_by_hand(number).await.ok();
        portal.run_until_idle().await;
        assert_eq!(portal.state(number).await, "succeeded");
        let _ = json!(1);
    }
}
