//! `realm bindings`: the client protocol as source files of another language.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};
use client::bindings::Language;

/// Where the files of each language are kept, each in a folder of its own.
const FOLDER: &str = "client/bindings";

#[derive(Args)]
pub(super) struct Bindings {
    /// The language to write
    #[arg(long, value_enum)]
    lang: Lang,
    /// The folder to write to [default: client/bindings/LANG]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Lang {
    /// An ES module and its types
    Js,
}

impl Bindings {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (language, name) = match self.lang {
            Lang::Js => (Language::JavaScript, "js"),
        };
        let folder = self.out.unwrap_or_else(|| Path::new(FOLDER).join(name));
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("{} could not be made", folder.display()))?;
        for (name, text) in language.files() {
            let path = folder.join(name);
            std::fs::write(&path, text)
                .with_context(|| format!("{} could not be written", path.display()))?;
            println!("{}", path.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}
