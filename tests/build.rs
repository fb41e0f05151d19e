//! Takes the Rust out of the README, in its order, as the source of the command that it shows.

use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=../README.md");
    let readme = fs::read_to_string("../README.md")?;
    let blocks = readme.split("\n```rust\n").skip(1);
    let rust: Vec<&str> = blocks
        .filter_map(|block| block.split("```").next())
        .collect();
    fs::write(
        Path::new(&env::var("OUT_DIR")?).join("readme.rs"),
        rust.join("\n"),
    )?;
    Ok(())
}
