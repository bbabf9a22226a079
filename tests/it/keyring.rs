//! The key ring: made once, for its owner alone, and never silently in place of another.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tidegate::config::Config;
use tidegate::portal::{Portal, StartError};
use tidegate::random::Random;

use crate::support::portal::{TestPortal, both, config};

fn ring(portal: &TestPortal) -> PathBuf {
    portal.database.folder.path().join("tidegate.keys")
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    set_mode(path, 0o600);
}

/// A start that is refused, in words; nothing in the database has changed.
async fn refused(portal: &TestPortal) -> String {
    let before = portal.database.contents().await;
    let error = TestPortal::open(portal.database.clone(), portal.clock.clone()).await.err().expect("it starts");
    assert_eq!(portal.database.contents().await, before);
    error.to_string()
}

both! {
    async fn a_key_ring_is_made_for_its_owner_alone_and_kept(portal: &mut TestPortal) {
        let mode = std::fs::metadata(ring(portal)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let made = std::fs::read(ring(portal)).unwrap();
        portal.restart().await;
        assert_eq!(std::fs::read(ring(portal)).unwrap(), made);
    }

    async fn a_key_ring_that_others_can_read_is_refused(portal: &mut TestPortal) {
        portal.stop().await;
        for mode in [0o640, 0o604, 0o620, 0o644, 0o777] {
            set_mode(&ring(portal), mode);
            let said = refused(portal).await;
            assert!(said.contains(&format!("can be read by others (mode {mode:o}); set it to 0600")), "{said}");
        }
        set_mode(&ring(portal), 0o600);
        portal.restart().await;
    }

    async fn a_lost_key_ring_is_not_replaced_while_anything_is_sealed(portal: &mut TestPortal) {
        portal.stop().await;
        let kept = std::fs::read_to_string(ring(portal)).unwrap();
        std::fs::remove_file(ring(portal)).unwrap();
        let said = refused(portal).await;
        assert!(said.contains("there is no key ring at") && said.contains("--forget-sealed"), "{said}");
        assert!(!ring(portal).exists(), "none was made in its place");
        write(&ring(portal), &kept);
        portal.restart().await;
    }

    async fn a_malformed_key_ring_is_refused_and_not_repeated(portal: &mut TestPortal) {
        portal.stop().await;
        let kept = std::fs::read_to_string(ring(portal)).unwrap();
        let short = r#"{"schema":"tidegate.keyring/1","primary":"a","keys":{"a":"c2VjcmV0LW9mLW1pbmU="}}"#;
        let other = kept.replace("tidegate.keyring/1", "tidegate.keyring/2");
        let nobody = kept.replacen("\"primary\": \"", "\"primary\": \"x", 1);
        for text in ["", "{}", "secret-of-mine", &kept[..kept.len() / 2], short, &other, &nobody] {
            write(&ring(portal), text);
            let said = refused(portal).await;
            assert_eq!(said, "the key ring is not in the form of tidegate.keyring/1", "{text}");
        }
        write(&ring(portal), &kept);
        portal.restart().await;
    }

    async fn the_key_ring_of_another_database_is_refused(portal: &mut TestPortal) {
        portal.stop().await;
        let kept = std::fs::read_to_string(ring(portal)).unwrap();
        let other = TestPortal::start(portal.database.kind).await;
        let theirs = std::fs::read_to_string(ring(&other)).unwrap();
        other.finish().await;
        write(&ring(portal), &theirs);
        let said = refused(portal).await;
        assert!(said.contains("is not the one they were sealed with"), "{said}");
        write(&ring(portal), &kept);
        portal.restart().await;
    }

    async fn whoever_gives_the_credentials_up_keeps_everything_else(portal: &mut TestPortal) {
        portal.stop().await;
        let before = portal.database.sizes().await;
        std::fs::remove_file(ring(portal)).unwrap();
        let forget = Config { forget_sealed: true, ..config(&portal.database, 0) };
        let opened = Portal::open(&forget, portal.clock.clone(), Random).await;
        assert!(!matches!(opened, Err(StartError::NoKeyRing(_))));
        opened.unwrap().start_doors().unwrap().stop().await;
        assert!(ring(portal).exists());
        portal.restart().await;
        let ada = portal.person("ada").await;
        let left = ada.get("/api/v1/clusters/main/credential").await.ok();
        assert!(left["confirmed"].is_null() && left["unverified"].is_null(), "{left}");
        let mut probe = portal.database.probe().await;
        assert_eq!(probe.number("SELECT count(*) FROM credentials WHERE sealed IS NOT NULL").await, 0);
        for table in ["people", "releases", "images", "environments", "credentials", "tokens"] {
            assert_eq!(portal.database.sizes().await[table], before[table], "{table}");
        }
        assert_eq!(portal.last_entry("cluster.drop_credential").await["reason"], "key ring lost");
        // Another start is an ordinary one, and a new credential can be handed in.
        portal.restart().await;
        portal.connect(&crate::support::field::practice().admin_kubeconfig()).await;
    }
}
