//! The files of content as tables, and their inheritance. Knows prototypes; not what the tables mean.

use super::Kind;
use super::fault::Fault;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file of content as it was read.
pub(super) struct Source {
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) path: String,
    pub(super) text: Arc<str>,
    /// Where it starts if all files are thought of as one text. A merged table holds values of several files; counted so, each
    /// of them still knows its own.
    pub(super) start: usize,
}

impl Source {
    /// Its place among all files, for what is wrong with it as a whole.
    pub(super) fn place(&self) -> Range<usize> {
        self.start..self.start
    }
}

/// A fault at a place in the one text.
pub(super) fn fault_at(sources: &[Source], span: Range<usize>, message: String) -> Option<Fault> {
    let source = &sources[sources
        .partition_point(|source| source.start <= span.start)
        .checked_sub(1)?];
    let span = span.start - source.start..span.end.saturating_sub(source.start);
    Some(Fault::new(&source.path, &source.text, span, message))
}

/// One file's table, with what it says about inheritance taken out.
pub(super) struct Page<'t> {
    pub(super) source: &'t Source,
    /// None if it could not be parsed.
    pub(super) table: Option<DeTable<'t>>,
    prototype: Option<Spanned<String>>,
    pub(super) is_abstract: bool,
}

impl<'t> Page<'t> {
    fn parse(source: &'t Source, report: &mut impl FnMut(Range<usize>, String)) -> Self {
        let mut page = Self {
            source,
            table: None,
            prototype: None,
            is_abstract: false,
        };
        let (table, errors) = DeTable::parse_recoverable(&source.text);
        let sound = errors.is_empty();
        for error in errors {
            let span = error.span().unwrap_or_default();
            report(
                span.start + source.start..span.end + source.start,
                error.message().to_owned(),
            );
        }
        let mut table = moved(table.into_inner(), source.start);
        match table
            .remove("abstract")
            .map(|value| (value.span(), value.into_inner()))
        {
            Some((_, DeValue::Boolean(is_abstract))) => page.is_abstract = is_abstract,
            Some((span, _)) => report(span, "`abstract`: must be true or false".to_owned()),
            None => {}
        }
        match table
            .remove("prototype")
            .map(|value| (value.span(), value.into_inner()))
        {
            Some((span, DeValue::String(id))) => {
                page.prototype = Some(Spanned::new(span, id.into_owned()))
            }
            Some((span, _)) => report(
                span,
                "`prototype`: must be the id of another resource".to_owned(),
            ),
            None => {}
        }
        page.table = sound.then_some(table);
        page
    }
}

/// All files by id.
pub(super) struct Pages<'t>(BTreeMap<&'t str, Page<'t>>);

impl<'t> Pages<'t> {
    pub(super) fn parse(
        sources: &'t [Source],
        mut report: impl FnMut(Range<usize>, String),
    ) -> Self {
        Self(
            sources
                .iter()
                .map(|source| (source.id.as_str(), Page::parse(source, &mut report)))
                .collect(),
        )
    }

    /// In the order of their ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Page<'t>> {
        self.0.values()
    }

    /// Why `id` cannot stand where a resource of that kind is to be made, if it cannot.
    pub(super) fn refuse(&self, id: &str, kind: Kind) -> Option<String> {
        match self.0.get(id) {
            None => Some(format!("there is no `{id}`")),
            Some(page) if page.source.kind != kind => Some(format!(
                "`{id}` is {}, but {kind} is needed here",
                page.source.kind
            )),
            Some(page) if page.is_abstract => Some(format!("`{id}` is abstract, a prototype only")),
            Some(_) => None,
        }
    }

    /// The page's table over those of its prototypes: tables are merged, other values replaced. None if one of them is not
    /// there, is of another kind, is unreadable or leads back to where it was.
    pub(super) fn merged(
        &self,
        page: &Page<'t>,
        mut report: impl FnMut(Range<usize>, String),
    ) -> Option<DeTable<'t>> {
        let mut chain = vec![page];
        while let Some(prototype) = chain.last().and_then(|page| page.prototype.as_ref()) {
            let id = prototype.get_ref();
            let refusal = match self.0.get(id.as_str()) {
                None => Some(format!("there is no prototype `{id}`")),
                Some(next) if next.source.kind != page.source.kind => Some(format!(
                    "the prototype `{id}` is {}, not {}",
                    next.source.kind, page.source.kind
                )),
                Some(next) if chain.iter().any(|page| page.source.id == next.source.id) => {
                    Some(format!("the prototypes go in a circle through `{id}`"))
                }
                Some(next) => {
                    chain.push(next);
                    None
                }
            };
            if let Some(message) = refusal {
                report(prototype.span(), message);
                return None;
            }
        }
        chain
            .iter()
            .rev()
            .map(|page| page.table.clone())
            .reduce(|base, over| Some(merge(base?, over?)))?
    }
}

fn merge<'t>(mut base: DeTable<'t>, over: DeTable<'t>) -> DeTable<'t> {
    for (key, value) in over {
        // Removed, not replaced, so that the key's place is the new one too.
        let below = base.remove(key.get_ref().as_ref());
        let span = value.span();
        let value = match (below.map(Spanned::into_inner), value.into_inner()) {
            (Some(DeValue::Table(below)), DeValue::Table(above)) => {
                DeValue::Table(merge(below, above))
            }
            (_, value) => value,
        };
        base.insert(key, Spanned::new(span, value));
    }
    base
}

/// The table with all places moved on by `start`.
fn moved(table: DeTable<'_>, start: usize) -> DeTable<'_> {
    table
        .into_iter()
        .map(|(key, value)| (at(key, start), moved_value(value, start)))
        .collect()
}

fn moved_value(value: Spanned<DeValue<'_>>, start: usize) -> Spanned<DeValue<'_>> {
    let value = at(value, start);
    let span = value.span();
    let inner = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(moved(table, start)),
        DeValue::Array(items) => DeValue::Array(
            items
                .into_iter()
                .map(|item| moved_value(item, start))
                .collect(),
        ),
        other => other,
    };
    Spanned::new(span, inner)
}

fn at<T>(value: Spanned<T>, start: usize) -> Spanned<T> {
    let span = value.span();
    Spanned::new(span.start + start..span.end + start, value.into_inner())
}
