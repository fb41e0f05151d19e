//! What `realm` can be asked on the command line.

mod check;
mod smoke;
mod stats;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The role that runs when none is named.
const LOCAL_ROLE: &str = "roles/local.toml";

/// The server side of an online world.
///
/// Without a command, `realm` starts the local role: the whole world in one process, at http://127.0.0.1:7777/.
#[derive(Parser)]
#[command(name = "realm", version, about, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

/// One thing to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run one or more roles until SIGINT or SIGTERM; several roles become several nodes in this process
    Up(up::Up),
    /// Kill the dog: a scripted player registers, enters, walks, kills, loots, leaves and comes back
    Smoke(smoke::Smoke),
    /// Check roles and their resources, and tell every fault with file and line
    Check(check::Check),
    /// Tell the figures of a running realm: nodes, services, busiest messages, deaths, dead letters
    Stats(stats::Stats),
}

impl Arguments {
    /// What the command line asks for: without a command, `up` as the environment sets it.
    pub(crate) fn asked() -> Option<Command> {
        let asked = Self::parse().command;
        asked.or_else(|| Self::parse_from(["realm", "up"]).command)
    }
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Up(up) => up.run(),
            Self::Smoke(smoke) => smoke.run(),
            Self::Check(check) => Ok(check.run()),
            Self::Stats(stats) => stats.run(),
        }
    }
}
