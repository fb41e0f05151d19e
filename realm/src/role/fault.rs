//! What is wrong with a role, and where: file, line, column, key.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One thing that is wrong with a role, told so that an operator can find and mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleFault {
    /// The role's file.
    pub path: PathBuf,
    /// The line, from 1; 0 when the value did not come from the file (command line, environment, code).
    pub line: usize,
    /// The column in characters, from 1; 0 as for the line.
    pub column: usize,
    /// The key, dotted from the table that it stands in; empty when the fault is no key's.
    pub key: String,
    /// What is wrong with it.
    pub message: String,
}

impl RoleFault {
    /// A fault that has no place in the text.
    pub(super) fn of_file(path: &Path, key: &str, message: impl Into<String>) -> RoleFault {
        RoleFault {
            path: path.to_owned(),
            line: 0,
            column: 0,
            key: key.to_owned(),
            message: message.into(),
        }
    }
}

impl fmt::Display for RoleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.path.display())?;
        if self.line > 0 {
            write!(f, "{}:{}:", self.line, self.column)?;
        }
        if !self.key.is_empty() {
            write!(f, " key '{}':", self.key)?;
        }
        write!(f, " {}", self.message)
    }
}

impl std::error::Error for RoleFault {}

/// The text of a role file, shared by the modules that were read from it, so that their faults can point into it.
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

// There may be a password in the text.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.path).finish()
    }
}

impl Source {
    pub(super) fn new(path: &Path, text: &str) -> Arc<Source> {
        Arc::new(Source {
            path: path.to_owned(),
            text: text.to_owned(),
        })
    }

    /// The first offset that no byte or end of the text has: overriding values are placed from here on.
    pub(super) fn outside(&self) -> usize {
        self.text.len() + 1
    }

    /// A fault at an offset of the text.
    pub(super) fn fault(
        &self,
        span: Range<usize>,
        key: &str,
        message: impl Into<String>,
    ) -> RoleFault {
        let mut fault = RoleFault::of_file(&self.path, key, message);
        if let Some(before) = self.text.get(..span.start) {
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            fault.line = before.matches('\n').count() + 1;
            fault.column = before[line_start..].chars().count() + 1;
        }
        fault
    }
}
