//! Tables for people.

use std::fmt;

/// Columns as wide as their widest cell; numbers stand at the right. Without rows it is not written.
pub(super) struct Table<const N: usize> {
    heads: [&'static str; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(super) fn of(heads: [&'static str; N]) -> Self {
        Self {
            heads,
            rows: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }

    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rows.is_empty() {
            return Ok(());
        }
        let is_number = |cell: &String| cell == "-" || cell.parse::<f64>().is_ok();
        let column = |at: usize| self.rows.iter().map(move |row| &row[at]);
        let shapes: Vec<(usize, bool)> = (0..N)
            .map(|at| {
                let cells = column(at).map(|cell| cell.chars().count());
                let width = cells.max().unwrap_or(0).max(self.heads[at].len());
                (width, column(at).all(is_number))
            })
            .collect();
        let mut line = |cells: [&str; N]| {
            let mut text = String::new();
            for (cell, (width, right)) in cells.into_iter().zip(&shapes) {
                text += &match right {
                    true => format!("{cell:>width$}  "),
                    false => format!("{cell:<width$}  "),
                };
            }
            writeln!(f, "{}", text.trim_end())
        };
        line(self.heads)?;
        for row in &self.rows {
            line(row.each_ref().map(String::as_str))?;
        }
        writeln!(f)
    }
}

/// Milliseconds in a cell.
pub(super) fn ms(ms: Option<f64>) -> String {
    ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.2}"))
}
