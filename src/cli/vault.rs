//! `tidegate vault`: the key ring, which seals the credentials of clusters.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::random::Random;
use crate::vault::KeyRing;

/// What to do.
#[derive(Args)]
pub(super) struct VaultArgs {
    #[command(subcommand)]
    command: VaultCommand,
}

#[derive(Subcommand)]
enum VaultCommand {
    /// Make a new key ring in a file of its own
    #[command(after_long_help = CREATE)]
    Create {
        /// The file; there must be none of that name
        file: PathBuf,
    },
}

const CREATE: &str = "\
`tidegate serve` makes a key ring by itself when there is none and nothing was sealed yet. This is
for where it should not: when the ring comes from a secret store, such as a Secret of Kubernetes.
A ring opens only what it sealed: never put a new one in the place of one that is in use.

Exit codes: 0 it is made; 1 it is not; 2 bad usage.

Example:
  tidegate vault create keyring
  kubectl create secret generic tidegate --from-file=keyring
  shred -u keyring                          keep a copy where you keep such things";

/// Makes the ring.
///
/// # Errors
/// When the file exists or cannot be written.
pub(super) fn run(args: VaultArgs) -> anyhow::Result<()> {
    let VaultCommand::Create { file } = args.command;
    KeyRing::generate(Random).create(&file)?;
    println!("A key ring was made: {}", file.display());
    Ok(())
}
