//! The command `realm`.

use std::process::ExitCode;

use actors::mechanics::Components;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    actors::cli::run(actors::launch::modules(), Components::new())
}
