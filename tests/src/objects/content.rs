//! The content of the realm, copied and changed for one test.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tests::{Mode, World, workspace};

/// Its map.
pub(crate) const MEADOW: &str = "maps/meadow.tmx";

/// A copy of `resources/`, with room for a realm's data beside it.
pub(crate) struct Content {
    folder: TempDir,
}

impl Content {
    /// The real content, without a mob in the meadow.
    pub(crate) fn quiet() -> Self {
        let folder = tempfile::tempdir().expect("a test needs a temporary folder");
        let content = Self { folder };
        copy(&workspace().join("resources"), &content.root());
        let meadow = content.read(MEADOW);
        let mut objects = meadow.split_inclusive("</object>");
        let quiet = objects
            .by_ref()
            .filter(|object| !object.contains("type=\"spawn\"") || object.contains("<map"));
        let quiet: String = quiet.collect();
        assert!(
            quiet.len() < meadow.len(),
            "the meadow should have had mobs"
        );
        assert!(!quiet.contains("mobs/"), "the meadow should be quiet");
        content.write(MEADOW, &quiet);
        content
    }

    /// Puts another text into a file.
    pub(crate) fn replace(self, path: &str, from: &str, to: &str) -> Self {
        let text = self.read(path);
        assert!(text.contains(from), "{path} should have {from:?}");
        self.write(path, &text.replace(from, to));
        self
    }

    /// Adds a file.
    pub(crate) fn with(self, path: &str, text: &str) -> Self {
        self.write(path, text);
        self
    }

    /// Puts a dog into the meadow, in the middle of a tile.
    pub(super) fn add_dog(self, x: f32, y: f32) -> Self {
        let (x, y) = (x * 16.0, y * 16.0);
        let property = |name: &str, value: &str| format!("<property name=\"{name}\" {value}/>");
        let properties = property("count", "type=\"int\" value=\"1\"")
            + &property("entity", "value=\"mobs/dog\"")
            + &property("respawn_s", "type=\"int\" value=\"15\"");
        let dog = format!(
            "<object id=\"100\" type=\"spawn\" x=\"{x}\" y=\"{y}\"><properties>{properties}</properties><point/></object>"
        );
        self.replace(MEADOW, "</objectgroup>", &format!("{dog}</objectgroup>"))
    }

    /// The folder around it, with room for a realm's data.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("resources")
    }

    /// Runs a body in a realm with this content.
    pub(super) fn play(self, mode: Mode, body: impl AsyncFnOnce(&World)) {
        let root = self.root().display().to_string();
        let world = World::start_with(mode, self.folder.path(), |roles| {
            for mechanics in roles
                .iter_mut()
                .filter_map(|role| role.module_mut("mechanics"))
            {
                mechanics.set("resources", root.as_str());
            }
        });
        tests::play(body(&world));
        world.stop();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).expect("content should be readable")
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.root().join(path), text).expect("content should be writable");
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder should be made");
    for entry in fs::read_dir(from)
        .expect("a folder should be readable")
        .flatten()
    {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match from.is_dir() {
            true => copy(&from, &to),
            false => drop(fs::copy(&from, &to).expect("a file should be copied")),
        }
    }
}

/// Runs async functions of one `World` in each of the four modes, each in a realm with content of its own.
macro_rules! in_each_mode_of {
    ($content:expr; $($name:ident)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn local() {
                $content.play(tests::Mode::Local, super::$name);
            }

            #[test]
            fn wire() {
                $content.play(tests::Mode::Wire, super::$name);
            }

            #[test]
            fn nodes() {
                $content.play(tests::Mode::Nodes, super::$name);
            }

            #[test]
            fn split() {
                $content.play(tests::Mode::Split, super::$name);
            }
        }
    )*};
}
pub(super) use in_each_mode_of;
