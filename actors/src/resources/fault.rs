//! What is wrong with content, and where: file, line, column and the text itself. Reports; repairs nothing.

use miette::{Diagnostic, NamedSource, SourceSpan};
use std::ops::Range;
use std::sync::Arc;

/// A mistake in a file of content. Whoever starts the realm sees all of them at once; none of them reaches a player.
#[derive(Clone, Debug, thiserror::Error, Diagnostic)]
#[error("{path}:{line}:{column}: {message}")]
pub struct Fault {
    /// The file, from where the resources were asked for.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    #[source_code]
    text: NamedSource<Arc<str>>,
    #[label]
    span: SourceSpan,
}

impl Fault {
    /// A fault at a byte range of `text`.
    pub(super) fn new(path: &str, text: &Arc<str>, span: Range<usize>, message: String) -> Self {
        let start = text.floor_char_boundary(span.start);
        let end = text.ceil_char_boundary(span.end.max(start));
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            path: path.to_owned(),
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            message,
            text: NamedSource::new(path, Arc::clone(text)),
            span: (start..end).into(),
        }
    }

    /// A fault of a file that has no text to show.
    pub(super) fn of_file(path: &str, message: String) -> Self {
        Self::new(path, &Arc::from(""), 0..0, message)
    }
}

/// The order of a report: by file, then by place. A fault that several heirs share is told once.
pub(super) fn in_order(mut faults: Vec<Fault>) -> Vec<Fault> {
    let place = |fault: &Fault| {
        (
            fault.path.clone(),
            fault.line,
            fault.column,
            fault.message.clone(),
        )
    };
    faults.sort_by_cached_key(place);
    faults.dedup_by(|a, b| place(a) == place(b));
    faults
}
