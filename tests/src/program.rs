//! The command `realm`, built as these tests are.

use std::path::PathBuf;
use std::process::Command;

use crate::workspace;

/// Where the command lies. It is built at the first asking, unless it is there.
///
/// # Panics
/// When it does not build.
pub fn realm_binary() -> PathBuf {
    static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    BUILT
        .get_or_init(|| {
            let test = std::env::current_exe().expect("a test knows its own file");
            let target = test
                .ancestors()
                .nth(2)
                .expect("tests lie in target/PROFILE/deps")
                .to_owned();
            let mut build = Command::new(env!("CARGO"));
            build
                .args(["build", "--quiet", "--package", "actors", "--bin", "realm"])
                .current_dir(workspace());
            if target.ends_with("release") {
                build.arg("--release");
            }
            assert!(
                build.status().is_ok_and(|status| status.success()),
                "the command `realm` should build"
            );
            target.join("realm")
        })
        .clone()
}
