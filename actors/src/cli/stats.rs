//! `realm stats`: the figures of a running realm, as tables.

use std::process::ExitCode;

use clap::Args;

use super::asking::Asking;

#[derive(Args)]
pub(crate) struct Stats {
    #[command(flatten)]
    asking: Asking,
}

impl Stats {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        self.asking.run(ToString::to_string)
    }
}
