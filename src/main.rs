//! Runs the chosen role.

fn main() -> std::process::ExitCode {
    tidegate::cli::run()
}
