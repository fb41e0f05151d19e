//! Reads the tables and examples of PROTOCOL.md. Knows no types.

pub(crate) const PAGE: &str = include_str!("../../PROTOCOL.md");

/// A row of the tables of commands and events.
pub(crate) struct Class {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) fields: Vec<Field>,
}

/// A field as such a row tells it.
pub(crate) struct Field {
    /// `name: type`.
    pub(crate) shape: String,
    /// The least and the greatest length of a text.
    pub(crate) lengths: Option<(usize, usize)>,
    /// The page says that it is a number.
    pub(crate) is_number: bool,
}

impl Field {
    /// The length of a text that is allowed.
    pub(crate) fn least(&self) -> usize {
        self.lengths.map_or(0, |(least, _)| least)
    }
}

/// The part of the page below a heading, up to the next of its level.
fn below(heading: &str) -> &'static str {
    let from = PAGE
        .find(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("the page should have the heading {heading}"));
    let rest = &PAGE[from + heading.len() + 2..];
    rest.find("\n## ").map_or(rest, |to| &rest[..to])
}

/// The cells of all table rows below a heading, heads left out.
pub(crate) fn rows(heading: &str) -> Vec<Vec<String>> {
    let lines: Vec<&str> = below(heading).lines().collect();
    let is_head = |at: usize| {
        lines
            .get(at + 1)
            .is_some_and(|next| next.starts_with("| ---"))
    };
    let is_row = |at: usize| lines[at].starts_with("| ") && !lines[at].starts_with("| ---");
    (0..lines.len())
        .filter(|at| is_row(*at) && !is_head(*at))
        .map(|at| {
            let row = lines[at].trim_matches('|');
            row.split('|').map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

/// The classes of the table below a heading.
pub(crate) fn classes(heading: &str) -> Vec<Class> {
    rows(heading)
        .into_iter()
        .map(|row| match &row[..] {
            [id, name, fields, _] => Class {
                id: id.trim_matches('`').to_owned(),
                name: name.trim_matches('`').to_owned(),
                fields: read_fields(fields),
            },
            _ => panic!("a row below {heading} should have four cells: {row:?}"),
        })
        .collect()
}

fn read_fields(cell: &str) -> Vec<Field> {
    let mut parts = cell.split('`');
    let before = parts.next().unwrap_or_default();
    assert!(
        before.is_empty() || cell == "none",
        "a class without fields should say none, not {cell}"
    );
    let mut fields = Vec::new();
    while let Some(shape) = parts.next() {
        let said = parts.next().unwrap_or_default();
        fields.push(Field {
            shape: shape.to_owned(),
            lengths: lengths(said),
            is_number: said.contains("a number"),
        });
    }
    fields
}

/// `1–64 bytes`, or `64 hex digits`.
fn lengths(said: &str) -> Option<(usize, usize)> {
    let said = said.trim().trim_end_matches(',');
    if let Some(digits) = said.strip_suffix(" hex digits") {
        let digits = digits.parse().ok()?;
        return Some((digits, digits));
    }
    let (least, most) = said.strip_suffix(" bytes")?.split_once('–')?;
    Some((least.parse().ok()?, most.parse().ok()?))
}

/// A block of hex, and the block of text below it.
pub(crate) struct Example {
    pub(crate) kind: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) told: String,
}

/// Every example, in the order of the page.
pub(crate) fn examples() -> Vec<Example> {
    let mut blocks = PAGE.split("```").skip(1).step_by(2);
    let mut examples = Vec::new();
    while let Some(block) = blocks.next() {
        let Some((kind, hex)) = block
            .strip_prefix("hex ")
            .and_then(|it| it.split_once('\n'))
        else {
            continue;
        };
        let told = blocks.next().and_then(|block| block.strip_prefix("text\n"));
        let told = told.unwrap_or_else(|| panic!("a text should follow the example {kind}"));
        let codes = hex
            .lines()
            .filter_map(|line| line.split('#').next())
            .flat_map(str::split_whitespace);
        examples.push(Example {
            kind: kind.to_owned(),
            bytes: codes
                .map(|code| u8::from_str_radix(code, 16).expect("a byte should be two hex digits"))
                .collect(),
            told: told.to_owned(),
        });
    }
    examples
}
