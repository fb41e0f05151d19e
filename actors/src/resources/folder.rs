//! Reading files below one folder. Refuses what leads out of it, by `..` or by a link, and what is too large to be content.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// The largest file that is read.
pub(super) const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A folder of content.
pub(super) struct Folder {
    /// Its true place, links resolved.
    place: PathBuf,
    /// How it is called in reports.
    shown: String,
}

/// What a folder holds, in the order of the names.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) is_folder: bool,
}

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let place = path
            .canonicalize()
            .map_err(|error| format!("cannot be opened: {error}"))?;
        Ok(Self {
            place,
            shown: path.display().to_string(),
        })
    }

    /// How the file or folder `name` in it is called in reports.
    pub(super) fn shown(&self, name: &str) -> String {
        format!("{}/{name}", self.shown.trim_end_matches('/'))
    }

    pub(super) fn inner(&self, name: &str) -> Result<Self, String> {
        Ok(Self {
            place: self.within(Path::new(name))?,
            shown: self.shown(name),
        })
    }

    /// What it holds, hidden files left out.
    pub(super) fn entries(&self) -> Result<Vec<Entry>, String> {
        let fail = |error: std::io::Error| format!("cannot be listed: {error}");
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(&self.place).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') {
                entries.push(Entry {
                    name,
                    is_folder: entry.path().is_dir(),
                });
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// The text of a file below it.
    pub(super) fn read(&self, relative: &Path) -> Result<String, String> {
        let place = self.within(relative)?;
        let fail = |error: std::io::Error| format!("cannot be read: {error}");
        // Asked before opening: a pipe in its place would hold the start for ever.
        if !place.metadata().map_err(fail)?.is_file() {
            return Err("is not a file".to_owned());
        }
        let mut bytes = Vec::new();
        File::open(place)
            .map_err(fail)?
            .take(FILE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(fail)?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(format!("is larger than {FILE_BYTES_MAX} bytes"));
        }
        String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
    }

    fn within(&self, relative: &Path) -> Result<PathBuf, String> {
        if !relative
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
        {
            return Err("leads out of the folder".to_owned());
        }
        let place = self
            .place
            .join(relative)
            .canonicalize()
            .map_err(|error| format!("cannot be opened: {error}"))?;
        if !place.starts_with(&self.place) {
            return Err("is a link that leads out of the folder".to_owned());
        }
        Ok(place)
    }
}
