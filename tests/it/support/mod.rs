//! What the tests stand on: the portal as a process and in this process, real clusters, real
//! database servers, and the small client they speak to a portal with.

pub mod api;
pub mod audit;
pub mod cluster;
pub mod command;
pub mod database;
pub mod field;
pub mod ground;
pub mod images;
pub mod page;
pub mod portal;
pub mod postgres;
pub mod process;
pub mod scene;
pub mod tls;
pub mod town;

use std::sync::Once;

/// One crypto provider for every client of the tests; and with `RUST_LOG` the log of the portals in
/// this process.
pub fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
        if std::env::var_os("RUST_LOG").is_some() {
            let filter = tracing_subscriber::EnvFilter::from_default_env();
            let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
        }
    });
}

/// Waits until something is there, and says what was waited for when it does not come. It asks less
/// and less often: many wait at the same time, and asking is what would keep the machine busy.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, seconds: u64, mut look: impl FnMut() -> F) -> T {
    let until = tokio::time::Instant::now() + std::time::Duration::from_secs(seconds);
    let mut pause = std::time::Duration::from_millis(20);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < until, "waited {seconds} s for {what}");
        tokio::time::sleep(pause).await;
        pause = (pause * 5 / 4).min(std::time::Duration::from_millis(250));
    }
}
