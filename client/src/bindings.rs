//! The client protocol for other languages: what the class table says, written as source files of that language.
//!
//! `model` is what all languages have in common; each has an emitter of its own, and the parts that no table decides as plain
//! files beside it. Touches no file system: the caller decides where files go.

mod js;
mod model;

use model::Model;

/// A language that the protocol can be written in.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum Language {
    /// An ES module and its types.
    JavaScript,
}

impl Language {
    /// The files of the protocol in this language: names and contents.
    pub fn files(self) -> Vec<(&'static str, String)> {
        let model = Model::of_the_protocol();
        match self {
            Language::JavaScript => js::files(&model),
        }
    }
}
