//! `realm status`: which nodes and channels a running realm has, and how they fare.

use std::process::ExitCode;

use clap::Args;

use super::asking::Asking;
use crate::statistics::Status as Told;

#[derive(Args)]
pub(crate) struct Status {
    #[command(flatten)]
    asking: Asking,
}

impl Status {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        self.asking.run(|report| Told(report).to_string())
    }
}
