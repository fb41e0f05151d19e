//! The command `realm`.

mod cli;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let filter =
        tracing_subscriber::EnvFilter::try_from_env("REALM_LOG").unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let Some(command) = cli::Arguments::asked() else {
        return ExitCode::FAILURE;
    };
    match command.run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("realm: {error:#}");
            ExitCode::FAILURE
        }
    }
}
