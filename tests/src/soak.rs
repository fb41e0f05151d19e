//! Tests that can be let run for long: `tests/run --soak NAME [AMOUNT]` sets what is read here. A soak prints its figures in
//! one line, and writes them to `target/soak/NAME.json`.

use std::fmt::Write as _;

/// How much a test does: `usual`, or what `tests/run --soak` asks for.
pub fn amount(name: &str, usual: u64) -> u64 {
    asked(name).unwrap_or(usual)
}

/// Whether this run is a soak of that name.
pub fn is_on(name: &str) -> bool {
    asked(name).is_some()
}

/// Where a soak of several parts is to begin: the name of the first.
pub fn first() -> Option<String> {
    let first = std::env::var("REALM_SOAK_FROM").ok();
    first.filter(|first| !first.is_empty())
}

fn asked(name: &str) -> Option<u64> {
    if std::env::var("REALM_SOAK").ok()? != name {
        return None;
    }
    let amount = std::env::var("REALM_SOAK_AMOUNT").ok()?;
    let number = amount.parse();
    Some(number.unwrap_or_else(|_| panic!("the amount of a soak is a number, not {amount:?}")))
}

/// Prints figures in one line; a soak's are written down too, under `part` if it has several.
pub fn figures(name: &str, part: &str, figures: &[(&str, f64)]) {
    let mut json = "{".to_owned();
    for (number, (what, value)) in figures.iter().enumerate() {
        let comma = if number == 0 { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(json, "{comma}\"{what}\":{value}");
    }
    json.push('}');
    println!("{name}{part}: {json}");
    if is_on(name) {
        let folder = crate::workspace().join("target/soak");
        std::fs::create_dir_all(&folder).expect("the folder of the soaks should be made");
        std::fs::write(folder.join(format!("{name}{part}.json")), json + "\n")
            .expect("the figures should be written");
    }
}
