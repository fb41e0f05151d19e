//! The command `realm`.

mod cli;

use std::io::IsTerminal;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What goes to the log unless `REALM_LOG` says otherwise. What strangers send that is no HTTP is none of it.
const LOGGED: &str = "info,actix_http::h1::dispatcher=off";

fn main() -> ExitCode {
    let filter =
        tracing_subscriber::EnvFilter::try_from_env("REALM_LOG").unwrap_or_else(|_| LOGGED.into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
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
