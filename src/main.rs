//! Runs the chosen role.

fn main() -> std::process::ExitCode {
    match tidegate::cli::run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tidegate: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
