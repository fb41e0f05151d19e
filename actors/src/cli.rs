//! The command `realm`: what it can be asked on the command line. A team that adds modules or components has a command of
//! its own, whose `main` is [`run`] with those added.

mod asking;
mod bindings;
mod check;
mod smoke;
mod stats;
mod status;
mod up;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use realm::{Modules, Nats};

use crate::mechanics::Components;

/// The role that runs when none is named.
const LOCAL_ROLE: &str = "roles/local.toml";

/// What goes to the log unless `REALM_LOG` says otherwise. What strangers send that is no HTTP is none of it.
const LOGGED: &str = "info,actix_http::h1::dispatcher=off";

/// Does what the command line asks, in a realm whose roles may name these modules and whose content these components.
/// Writes the log to stderr.
pub fn run(modules: Modules, components: Components) -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("REALM_LOG")
        .unwrap_or_else(|_| format!("{LOGGED},{}", Nats::LOGGED).into());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
    // A program that has a log of its own keeps it.
    drop(log);
    let Some(command) = Arguments::asked() else {
        return ExitCode::FAILURE;
    };
    let known = Known {
        modules: modules.holding(components.clone()),
        components,
    };
    match command.run(known) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("realm: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What the program was built with.
struct Known {
    modules: Modules,
    components: Components,
}

/// The server side of an online world.
///
/// Without a command, `realm` starts the local role: the whole world in one process, at http://127.0.0.1:7777/.
#[derive(Parser)]
#[command(name = "realm", version, about, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

/// One thing to do.
#[derive(Subcommand)]
enum Command {
    /// Run one or more roles until SIGINT or SIGTERM; several roles become several nodes in this process
    Up(up::Up),
    /// Kill the dog: a scripted player registers, enters, walks, kills, loots, leaves and comes back
    Smoke(smoke::Smoke),
    /// Check roles and their resources, and tell every fault with file and line
    Check(check::Check),
    /// Tell which nodes, services and channels a running realm has, and how they fare
    Status(status::Status),
    /// Tell the figures of a running realm: nodes, services, busiest messages, deaths, dead letters
    Stats(stats::Stats),
    /// Write the client protocol as source files of another language
    Bindings(bindings::Bindings),
}

impl Arguments {
    /// What the command line asks for: without a command, `up` as the environment sets it.
    fn asked() -> Option<Command> {
        let asked = Self::parse().command;
        asked.or_else(|| Self::parse_from(["realm", "up"]).command)
    }
}

impl Command {
    fn run(self, known: Known) -> anyhow::Result<ExitCode> {
        match self {
            Self::Up(up) => up.run(known),
            Self::Smoke(smoke) => smoke.run(known),
            Self::Check(check) => Ok(check.run(known)),
            Self::Status(status) => status.run(),
            Self::Stats(stats) => stats.run(),
            Self::Bindings(bindings) => bindings.run(),
        }
    }
}
