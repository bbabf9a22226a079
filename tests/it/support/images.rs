//! Digests whose first digits choose what becomes of a pod, on the test cluster and on the practice
//! cluster alike (`tests/cluster/README.md`).

/// A digest that begins with these hex digits; the others come from the name.
pub fn digest(prefix: &str, name: &str) -> String {
    use sha2::{Digest, Sha256};
    let hash: String = Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    // An `f` after the fate keeps the name's own digits from making another one of it.
    let hex = format!("{prefix}f{hash}");
    format!("sha256:{}", &hex[..64])
}

/// Pods with it are ready at once.
pub fn good(name: &str) -> String {
    digest("9", name)
}

/// Pods with it restart for ever.
pub fn crashing(name: &str) -> String {
    digest("dead", name)
}

/// Pods with it cannot pull it.
pub fn missing(name: &str) -> String {
    digest("404", name)
}

/// Pods with it are ready after four seconds.
pub fn slow(name: &str) -> String {
    digest("510", name)
}

/// Pods with it run and are never ready.
pub fn never_ready(name: &str) -> String {
    digest("4a46", name)
}

/// Pods with it lack a secret.
pub fn misconfigured(name: &str) -> String {
    digest("0bad", name)
}
