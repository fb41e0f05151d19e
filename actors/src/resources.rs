//! Content: entities, objects, spells, items and maps, read once at the start. Reports all that is wrong with it at once; never changes
//! after, and knows nothing of what lives by it.
//!
//! A resource is the file `KIND/NAME.toml`, its id the path without extension. `prototype = "mobs/beast"` lays the file over
//! another of its kind: tables are merged, other values replaced. `abstract = true`, which is not inherited, makes it a
//! prototype only.

mod decode;
mod fault;
mod folder;
mod map;
mod page;
mod range;
mod rule;
mod tables;
mod template;

pub use fault::Fault;
pub use map::{MapTemplate, Site, Spawn};
pub use tables::Tables;
pub(crate) use tables::{AnySpec, OwnTable};
pub use template::{
    BrainSpec, CombatSpec, DoorSpec, Drop, EntityTemplate, ExperienceSpec, HealthSpec,
    ItemTemplate, LootSpec, MotionSpec, ObjectTemplate, SpellTemplate, StockSpec,
};

use folder::Folder;
use map::MapFile;
use page::{Page, Pages, Source, fault_at};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use toml::de::DeTable;

/// All content of a realm by id. Made at the start, shared by all services of a node, dropped with it.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    entities: BTreeMap<String, Arc<EntityTemplate>>,
    items: BTreeMap<String, Arc<ItemTemplate>>,
    maps: BTreeMap<String, Arc<MapTemplate>>,
    objects: BTreeMap<String, Arc<ObjectTemplate>>,
    spells: BTreeMap<String, Arc<SpellTemplate>>,
}

impl Resources {
    /// Reads the tree below `root`, whose entities may have `tables` beside the built-in ones. If anything in it is wrong,
    /// the error is everything that is, by file and place.
    pub fn load(root: &Path, tables: &Tables) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut resources = Self::default();
        match Folder::open(root) {
            Ok(folder) => {
                let sources = sources(&folder, &mut faults);
                resources.fill(&folder, &sources, tables, &mut faults);
            }
            Err(message) => faults.push(Fault::of_file(&root.display().to_string(), message)),
        }
        if faults.is_empty() {
            Ok(resources)
        } else {
            Err(fault::in_order(faults))
        }
    }

    /// The avatar or mob of that id.
    pub fn entity(&self, id: &str) -> Option<&Arc<EntityTemplate>> {
        self.entities.get(id)
    }

    /// The item of that id.
    pub fn item(&self, id: &str) -> Option<&Arc<ItemTemplate>> {
        self.items.get(id)
    }

    /// The map of that id.
    pub fn map(&self, id: &str) -> Option<&Arc<MapTemplate>> {
        self.maps.get(id)
    }

    /// The chest, plant or door of that id.
    pub fn object(&self, id: &str) -> Option<&Arc<ObjectTemplate>> {
        self.objects.get(id)
    }

    /// The spell of that id.
    pub fn spell(&self, id: &str) -> Option<&Arc<SpellTemplate>> {
        self.spells.get(id)
    }

    /// All avatars and mobs by id.
    pub fn entities(&self) -> impl Iterator<Item = &Arc<EntityTemplate>> {
        self.entities.values()
    }

    /// All items by id.
    pub fn items(&self) -> impl Iterator<Item = &Arc<ItemTemplate>> {
        self.items.values()
    }

    /// All maps by id.
    pub fn maps(&self) -> impl Iterator<Item = &Arc<MapTemplate>> {
        self.maps.values()
    }

    /// All chests, plants and doors by id.
    pub fn objects(&self) -> impl Iterator<Item = &Arc<ObjectTemplate>> {
        self.objects.values()
    }

    /// All spells by id.
    pub fn spells(&self) -> impl Iterator<Item = &Arc<SpellTemplate>> {
        self.spells.values()
    }

    fn fill(
        &mut self,
        folder: &Folder,
        sources: &[Source],
        tables: &Tables,
        faults: &mut Vec<Fault>,
    ) {
        let own_names = tables.names();
        let mut report =
            |span: Range<usize>, message: String| faults.extend(fault_at(sources, span, message));
        let pages = Pages::parse(sources, &mut report);
        let mut maps = Vec::new();
        for page in pages.iter() {
            let Some(mut table) = pages.merged(page, &mut report) else {
                continue;
            };
            rule::check(page.source.kind, &table, &pages, &mut report);
            let id = page.source.id.clone();
            match page.source.kind {
                Kind::Entity => {
                    let own = tables.take_out(&mut table, page.is_abstract, &mut report);
                    let entity = template::<EntityTemplate>(page, table, &own_names, &mut report);
                    if let Some(entity) = entity {
                        let template = EntityTemplate {
                            id: id.as_str().into(),
                            own,
                            ..entity
                        };
                        self.entities.insert(id, Arc::new(template));
                    }
                }
                Kind::Item => {
                    if let Some(item) = template::<ItemTemplate>(page, table, &[], &mut report) {
                        self.items
                            .insert(id.clone(), Arc::new(ItemTemplate { id, ..item }));
                    }
                }
                Kind::Object => {
                    let place = page.source.place();
                    let object = template::<ObjectTemplate>(page, table, &[], &mut report);
                    match object {
                        Some(object) if object.stock.is_some() == object.door.is_some() => {
                            let what = "an object needs either `stock` or `door`";
                            report(place, what.to_owned());
                        }
                        Some(object) => {
                            self.objects
                                .insert(id.clone(), Arc::new(ObjectTemplate { id, ..object }));
                        }
                        None => {}
                    }
                }
                Kind::Spell => {
                    if let Some(spell) = template::<SpellTemplate>(page, table, &[], &mut report) {
                        self.spells
                            .insert(id.clone(), Arc::new(SpellTemplate { id, ..spell }));
                    }
                }
                Kind::Map => {
                    let place = rule::place(&table, "file").unwrap_or_else(|| page.source.place());
                    if let Some(map) = template::<MapFile>(page, table, &[], &mut report) {
                        maps.push((id, map, place));
                    }
                }
            }
        }
        for (id, map, place) in maps {
            let refuse = |id: &str, kind| pages.refuse(id, kind);
            match read_map(folder, &id, map, refuse, faults) {
                Ok(map) => self.maps.extend(map.map(|map| (id, Arc::new(map)))),
                Err(message) => faults.extend(fault_at(sources, place, message)),
            }
        }
    }
}

/// What a folder of the tree is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Entity,
    Item,
    Map,
    Object,
    Spell,
}

impl Kind {
    fn of_folder(name: &str) -> Option<Self> {
        match name {
            "avatars" | "mobs" => Some(Self::Entity),
            "items" => Some(Self::Item),
            "maps" => Some(Self::Map),
            "objects" => Some(Self::Object),
            "spells" => Some(Self::Spell),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Entity => "an entity",
            Self::Item => "an item",
            Self::Map => "a map",
            Self::Object => "an object",
            Self::Spell => "a spell",
        })
    }
}

/// Reads all files of content, in the order of their ids.
fn sources(root: &Folder, faults: &mut Vec<Fault>) -> Vec<Source> {
    let mut sources: Vec<Source> = Vec::new();
    let entries = root.entries().unwrap_or_else(|message| {
        faults.push(Fault::of_file(&root.shown(""), message));
        Vec::new()
    });
    for entry in entries.iter().filter(|entry| entry.is_folder) {
        let mut refuse =
            |path: String, message: String| faults.push(Fault::of_file(&path, message));
        let Some(kind) = Kind::of_folder(&entry.name) else {
            let known = "expected `avatars`, `items`, `maps`, `mobs`, `objects` or `spells`";
            refuse(
                root.shown(&entry.name),
                format!("unknown kind of resource, {known}"),
            );
            continue;
        };
        let listed = root
            .inner(&entry.name)
            .and_then(|folder| Ok((folder.entries()?, folder)));
        let (files, folder) = match listed {
            Ok(listed) => listed,
            Err(message) => {
                refuse(root.shown(&entry.name), message);
                continue;
            }
        };
        for file in files {
            let path = folder.shown(&file.name);
            if file.is_folder {
                refuse(path, "a kind of resource has no folders in it".to_owned());
                continue;
            }
            let Some(name) = file.name.strip_suffix(".toml") else {
                continue;
            };
            // Names that differ only in their case would be one file on some systems and two on others.
            if !name
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
                || name.is_empty()
            {
                refuse(
                    path,
                    "a name may have lower case letters, digits, `_` and `-`".to_owned(),
                );
                continue;
            }
            match folder.read(Path::new(&file.name)) {
                Ok(text) => {
                    let start = sources
                        .last()
                        .map_or(0, |last| last.start + last.text.len() + 1);
                    let id = format!("{}/{name}", entry.name);
                    sources.push(Source {
                        id,
                        kind,
                        path,
                        text: text.into(),
                        start,
                    });
                }
                Err(message) => refuse(path, message),
            }
        }
    }
    sources
}

/// The page's template; none if it is wrong or a prototype only. `also` are keys that could stand in it too.
fn template<T: DeserializeOwned>(
    page: &Page<'_>,
    table: DeTable<'_>,
    also: &[&str],
    report: impl FnMut(Range<usize>, String),
) -> Option<T> {
    decode::decode(table, page.source.place(), page.is_abstract, also, report)
        .filter(|_| !page.is_abstract)
}

/// Reads a map's `.tmx`. The error is why the file cannot be had; what is wrong within it goes to `faults`.
fn read_map(
    root: &Folder,
    id: &str,
    map: MapFile,
    refuse: impl Fn(&str, Kind) -> Option<String>,
    faults: &mut Vec<Fault>,
) -> Result<Option<MapTemplate>, String> {
    let fail = |message: String| format!("`{}` {message}", map.file);
    let folder = root.inner("maps").map_err(fail)?;
    let text: Arc<str> = folder.read(Path::new(&map.file)).map_err(fail)?.into();
    let path = folder.shown(&map.file);
    let mut report = |span, message| faults.push(Fault::new(&path, &text, span, message));
    Ok(MapTemplate::new(
        id,
        map,
        &text,
        &folder,
        refuse,
        &mut report,
    ))
}

#[cfg(test)]
mod tests;
