//! The figures of one bench: printed, and written to `bench/NAME.json` in the target folder.

use std::fmt::Write;
use std::path::Path;

/// What a figure should be.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

/// Figures in the order in which they were found.
pub(crate) struct Figures {
    bench: &'static str,
    lines: Vec<(String, f64, Option<Goal>)>,
}

impl Figures {
    pub(crate) fn of(bench: &'static str) -> Self {
        Self {
            bench,
            lines: Vec::new(),
        }
    }

    /// Adds a figure; its unit is the end of its name.
    pub(crate) fn add(&mut self, name: impl Into<String>, value: f64) {
        self.tell(name.into(), value, None);
    }

    /// Adds a figure that has a goal.
    pub(crate) fn aim(&mut self, name: impl Into<String>, value: f64, goal: Goal) {
        self.tell(name.into(), value, Some(goal));
    }

    fn tell(&mut self, name: String, value: f64, goal: Option<Goal>) {
        let judged = goal.map_or_else(String::new, |goal| format!("   goal {}", goal.judge(value)));
        println!("{:<10} {name:<44} {value:>14.3}{judged}", self.bench);
        self.lines.push((name, value, goal));
    }

    /// Writes the figures down.
    pub(crate) fn write(self) {
        let mut text = format!("{{\n  \"bench\": \"{}\"", self.bench);
        for (name, value, goal) in self.lines {
            let _ = write!(text, ",\n  \"{name}\": {value:.4}");
            if let Some(goal) = goal {
                let _ = write!(text, ",\n  \"{name}.goal\": \"{}\"", goal.judge(value));
            }
        }
        text.push_str("\n}\n");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .parent()
            .expect("the target folder holds others");
        let folder = target.join("bench");
        std::fs::create_dir_all(&folder).expect("the folder for figures should be made");
        let file = folder.join(self.bench).with_extension("json");
        std::fs::write(&file, text).expect("the figures should be written");
    }
}

impl Goal {
    fn judge(self, value: f64) -> String {
        let (sign, goal, met) = match self {
            Self::AtLeast(goal) => (">=", goal, value >= goal),
            Self::AtMost(goal) => ("<=", goal, value <= goal),
        };
        format!("{sign} {goal} {}", if met { "met" } else { "MISSED" })
    }
}
