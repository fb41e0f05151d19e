//! The real tree, and small trees with something wrong in them.

use super::{Fault, Resources, Tables};
use crate::ground::Point;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn real_tree() -> Resources {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../resources");
    Resources::load(&root, &Tables::default())
        .unwrap_or_else(|faults| panic!("the real tree should load: {faults:#?}"))
}

#[test]
fn all_places_of_the_real_maps_can_be_stood_on() {
    for map in real_tree().maps() {
        assert!(
            map.ground.passable(map.start),
            "the start of {} should be passable",
            map.id
        );
        for spawn in &map.spawns {
            assert!(
                map.ground.passable(spawn.at),
                "the spawn {spawn:?} of {} should be passable",
                map.id
            );
        }
    }
}

#[test]
fn the_mobs_of_the_meadow_can_be_reached_from_its_start() {
    let resources = real_tree();
    let meadow = resources
        .map("maps/meadow")
        .expect("there should be a meadow");
    for spawn in &meadow.spawns {
        let way = meadow.ground.path(meadow.start, spawn.at, 64 * 64);
        assert!(
            way.is_some(),
            "{spawn:?} should be reachable from the start"
        );
    }
    let near = |spawn: &&super::Spawn| {
        spawn.entity == "mobs/dog" && (12.0..=16.5).contains(&spawn.at.distance(meadow.start))
    };
    let dogs: u32 = meadow
        .spawns
        .iter()
        .filter(near)
        .map(|spawn| spawn.count)
        .sum();
    assert_eq!(dogs, 6, "six dogs should live near the start");
    for spawn in &meadow.spawns {
        let mob = resources
            .entity(&spawn.entity)
            .expect("a spawned entity should exist");
        let sight = mob.brain.as_ref().map_or(0.0, |brain| brain.sight_tiles);
        let away = spawn.at.distance(meadow.start) - spawn.radius_tiles;
        assert!(away > sight, "{spawn:?} should not see who comes in");
    }
}

#[test]
fn the_objects_of_the_meadow_can_be_reached_and_its_door_closes_its_house() {
    let resources = real_tree();
    let meadow = resources
        .map("maps/meadow")
        .expect("there should be a meadow");
    assert!(
        meadow.sites.len() >= 4,
        "there should be a chest, two plants and a door"
    );
    let mut closed = meadow.ground.clone();
    for site in &meadow.sites {
        let way = meadow.ground.path(meadow.start, site.at, 64 * 64);
        assert!(way.is_some(), "{site:?} should be reachable from the start");
        let object = resources.object(&site.object);
        let object = object.expect("an object that stands on a map should exist");
        if object.door.is_some() {
            closed.bar(site.tiles.iter().copied());
        }
    }
    let (start, inside) = (meadow.start, Point::new(23.5, 24.5));
    assert!(
        meadow.ground.path(start, inside, 64 * 64).is_some(),
        "an open door should be the way into the house"
    );
    assert_eq!(
        closed.path(start, inside, 64 * 64),
        None,
        "a closed door should leave no way into the house"
    );
}

#[test]
fn a_plant_has_what_its_prototype_gives_it() {
    let resources = real_tree();
    let bush = resources
        .object("objects/berry_bush")
        .expect("there should be bushes");
    let stock = bush.stock.as_ref().expect("a bush should have a stock");
    assert_eq!(
        (stock.coins_max, stock.refill_s, stock.drops.len()),
        (0, 120, 1),
        "the prototype's times and coins should go with the bush's own berries"
    );
    assert!(
        resources.object("objects/plant").is_none(),
        "an abstract object should not be had"
    );
}

#[test]
fn the_walls_of_the_meadow_hide_what_is_behind_them_and_its_water_does_not() {
    let resources = real_tree();
    let ground = &resources
        .map("maps/meadow")
        .expect("there should be a meadow")
        .ground;
    let (outside, inside) = (Point::new(19.5, 47.5), Point::new(28.5, 47.5));
    assert!(
        !ground.sees(outside, inside),
        "the wall of the enclosure should hide what is in it"
    );
    let end = ground.walk(outside, inside, 20.0);
    assert!(
        end.x < 22.0,
        "the wall of the enclosure should stop a walk, not let it get to {end:?}"
    );
    let (shore, other) = (Point::new(21.5, 12.5), Point::new(38.5, 12.5));
    assert!(ground.sees(shore, other), "one should see over the pond");
    assert!(
        ground.walk(shore, other, 20.0).x < 24.0,
        "one should not walk over the pond"
    );
}

#[test]
fn a_mob_has_what_its_prototypes_give_it_and_its_own_over_that() {
    let resources = real_tree();
    let dog = resources.entity("mobs/dog").expect("there should be dogs");
    let combat = dog.combat.as_ref().expect("a dog should fight");
    assert_eq!(
        (&*combat.faction, &combat.spells[..]),
        ("beasts", &["spells/bite".to_owned()][..]),
        "both count"
    );
    assert_eq!(
        dog.brain
            .as_ref()
            .map(|brain| (brain.sight_tiles, brain.leash_tiles)),
        Some((5.0, 12.0)),
        "both count"
    );
    assert!(
        resources.entity("mobs/beast").is_none(),
        "an abstract entity should not be had"
    );
}

/// A tree with nothing wrong in it: (path, text).
const SOUND: [(&str, &str); 8] = [
    (
        "mobs/beast.toml",
        "abstract = true\n[combat]\nfaction = \"beasts\"\n",
    ),
    (
        "mobs/dog.toml",
        "prototype = \"mobs/beast\"\nname = \"Dog\"\n[combat]\nspells = [\"spells/bite\"]\n",
    ),
    (
        "spells/bite.toml",
        "name = \"Bite\"\ndamage_min = 1\ndamage_max = 2\nrange_tiles = 1.5\ncooldown_ms = 1000\nneeds_sight = true\n",
    ),
    ("items/bone.toml", "name = \"Bone\"\nstack_max = 5\n"),
    (
        "objects/box.toml",
        "name = \"Box\"\n[stock]\ncoins_min = 0\ncoins_max = 3\nrefill_s = 60\ndrops = [{ item = \"items/bone\", chance = 1.0, count = 1 }]\n",
    ),
    ("objects/gate.toml", "name = \"Gate\"\n[door]\n"),
    (
        "maps/yard.toml",
        "name = \"Yard\"\nfile = \"yard.tmx\"\nlimit = 10\n",
    ),
    ("maps/yard.tmx", YARD),
];

/// Three by two tiles, the last of them a wall.
const YARD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<map version="1.10" orientation="orthogonal" renderorder="right-down" width="3" height="2" tilewidth="16" tileheight="16" infinite="0">
 <tileset firstgid="1" name="tiles" tilewidth="16" tileheight="16" tilecount="2" columns="2"/>
 <layer id="1" name="walls" width="3" height="2">
  <data encoding="csv">
0,0,0,
0,0,1
</data>
 </layer>
 <objectgroup id="2" name="places">
  <object id="1" name="in" type="start" x="8" y="8"><point/></object>
  <object id="2" name="pack" type="spawn" x="16" y="0" width="16" height="16">
   <properties>
    <property name="count" type="int" value="3"/>
    <property name="entity" value="mobs/dog"/>
    <property name="respawn_s" type="int" value="15"/>
   </properties>
   <ellipse/>
  </object>
  <object id="3" name="way in" type="object" x="16" y="0" width="16" height="32">
   <properties>
    <property name="object" value="objects/gate"/>
    <property name="respawn_s" type="int" value="7"/>
   </properties>
  </object>
  <object id="4" name="treasure" type="object" x="8" y="24">
   <properties>
    <property name="object" value="objects/box"/>
    <property name="respawn_s" type="int" value="7"/>
   </properties>
   <point/>
  </object>
 </objectgroup>
</map>
"#;

/// The sound tree, with some files put in the place of its own or beside them.
fn tree(changes: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().expect("there should be room for a folder");
    for (path, text) in SOUND.iter().chain(changes) {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().expect("a file should be in a folder"))
            .expect("a folder should be made");
        fs::write(path, text).expect("a file should be written");
    }
    root
}

fn faults(root: &Path) -> Vec<Fault> {
    Resources::load(root, &Tables::default())
        .err()
        .unwrap_or_default()
}

/// The faults as `file:line:column: message`, without the root.
fn told(root: &Path) -> Vec<String> {
    let prefix = format!("{}/", root.display());
    faults(root)
        .iter()
        .map(|fault| fault.to_string().replace(&prefix, ""))
        .collect()
}

#[test]
fn a_sound_tree_loads() {
    let root = tree(&[]);
    let resources = Resources::load(root.path(), &Tables::default())
        .unwrap_or_else(|faults| panic!("the tree should load: {faults:#?}"));
    let yard = resources.map("maps/yard").expect("there should be a yard");
    assert_eq!(
        yard.start,
        Point::new(0.5, 0.5),
        "pixels should become tiles"
    );
    assert!(
        !yard.ground.passable(Point::new(2.5, 1.5)),
        "the wall should be there"
    );
    let spawn = &yard.spawns[0];
    assert_eq!(
        (spawn.at, spawn.radius_tiles),
        (Point::new(1.5, 0.5), 0.5),
        "an ellipse should give middle and radius"
    );
    assert_eq!(
        (spawn.count, spawn.respawn_s),
        (3, 15),
        "the properties should be taken"
    );
    let gate = super::Site {
        object: "objects/gate".to_owned(),
        at: Point::new(1.5, 1.0),
        tiles: vec![(1, 0), (1, 1)],
        respawn_s: 7,
    };
    assert_eq!(
        yard.sites[0], gate,
        "an object should take up the tiles that it is drawn over"
    );
    assert_eq!(
        yard.sites[1].tiles,
        [(0, 1)],
        "a point should take up its tile"
    );
}

#[test]
fn every_fault_is_told_with_its_place() {
    let spell = |key: &str, value: &str| {
        let sound = SOUND[2].1;
        let line = sound
            .lines()
            .find(|line| line.starts_with(key))
            .expect("the spell should have the key");
        sound.replace(line, &format!("{key} = {value}"))
    };
    let yard = |from: &str, to: &str| {
        assert!(YARD.contains(from), "the yard should have {from}");
        YARD.replace(from, to)
    };
    let loot = |values: &str| format!("name = \"Dog\"\n[loot]\nlasts_s = 9\n{values}\n");
    let drop = |values: &str| {
        loot(&format!(
            "coins_min = 0\ncoins_max = 0\n[[loot.drops]]\n{values}"
        ))
    };
    let gate = "objects/gate.toml";
    let stock = |values: &str| format!("name = \"Box\"\n[stock]\n{values}\n");
    let dog = "mobs/dog.toml";
    let bite = "spells/bite.toml";
    let map = "maps/yard.toml";
    let tmx = "maps/yard.tmx";
    #[rustfmt::skip]
    let rows: Vec<(&str, String, &str, &str)> = vec![
        // syntax and structure
        (dog, "name = \"Dog\"\nhealth = = 3\n".into(), "mobs/dog.toml:2:10", "extra `=`"),
        (dog, "name = \"Dog\"\nname = \"Cat\"\n".into(), "mobs/dog.toml:2:1", "duplicate"),
        (dog, "name = \"Dog\"\nhelth = 3\n".into(), "mobs/dog.toml:2:1", "unknown field `helth`, expected one of `name`, `health`"),
        (dog, "name = \"Dog\"\n[health]\nmax = 3\nregen = 1\n".into(), "mobs/dog.toml:4:1", "unknown field `regen`"),
        (dog, "name = \"Dog\"\n[health]\nmax = \"much\"\n".into(), "mobs/dog.toml:3:7", "`max`: invalid type: string \"much\""),
        (dog, "name = \"Dog\"\n[health]\n".into(), "mobs/dog.toml:2:1", "missing field `max`"),
        (dog, "[health]\nmax = 3\n".into(), "mobs/dog.toml:1:1", "missing field `name`"),
        // ranges
        (dog, "name = \"Dog\"\n[health]\nmax = 0\n".into(), "mobs/dog.toml:3:7", "`max`: must be above 0"),
        (dog, "name = \"Dog\"\n[motion]\nspeed_tiles_per_s = -1.0\n".into(), "mobs/dog.toml:3:21", "`speed_tiles_per_s`: must be above 0"),
        (dog, "name = \"Dog\"\nmotion = { speed_tiles_per_s = nan }\n".into(), "mobs/dog.toml:2:32", "not NaN"),
        (bite, spell("range_tiles", "inf"), "spells/bite.toml:4:15", "`range_tiles`: must be above 0 and at most 1000, not inf"),
        (bite, spell("damage_min", "3"), "spells/bite.toml:2:14", "`damage_min` is 3, above `damage_max` which is 2"),
        (dog, loot("coins_min = 5\ncoins_max = 4"), "mobs/dog.toml:4:13", "`loot.coins_min` is 5, above `loot.coins_max`"),
        (dog, drop("item = \"items/bone\"\nchance = 1.5\ncount = 1"), "mobs/dog.toml:8:10", "`chance`: must be within 0 and 1"),
        (dog, drop("item = \"items/bone\"\nchance = 1\ncount = 10001"), "mobs/dog.toml:9:9", "`count`: must be above 0 and at most 10000"),
        (map, "name = \"Yard\"\nfile = \"yard.tmx\"\nlimit = 0\n".into(), "maps/yard.toml:3:9", "`limit`: must be above 0"),
        ("objects/box.toml", stock("coins_min = 0\ncoins_max = 1\nrefill_s = 0"), "objects/box.toml:5:12", "`refill_s`: must be above 0"),
        ("objects/box.toml", stock("coins_min = 2\ncoins_max = 1\nrefill_s = 9"), "objects/box.toml:3:13", "`stock.coins_min` is 2, above `stock.coins_max`"),
        ("objects/box.toml", stock("coins_min = 0\ncoins_max = 1"), "objects/box.toml:2:1", "missing field `refill_s`"),
        (gate, "name = \"Gate\"\n".into(), "objects/gate.toml:1:1", "an object needs either `stock` or `door`"),
        (gate, "name = \"Gate\"\n[door]\n[brain]\n".into(), "objects/gate.toml:3:2", "unknown field `brain`"),
        (gate, "name = \"Gate\"\n[door]\nopen = 1\n".into(), "objects/gate.toml:3:8", "`open`: invalid type"),
        // ids
        ("objects/box.toml", stock("drops = [{ item = \"items/bon\", chance = 1, count = 1 }]"), "objects/box.toml:3:19", "there is no `items/bon`"),
        (gate, "prototype = \"mobs/dog\"\nname = \"Gate\"\n[door]\n".into(), "objects/gate.toml:1:13", "the prototype `mobs/dog` is an entity, not an object"),
        (dog, "name = \"Dog\"\n[combat]\nfaction = \"b\"\nspells = [\"spells/bark\"]\n".into(), "mobs/dog.toml:4:11", "there is no `spells/bark`"),
        (dog, "name = \"Dog\"\n[combat]\nfaction = \"b\"\nspells = [\"items/bone\"]\n".into(), "mobs/dog.toml:4:11", "`items/bone` is an item, but a spell is needed here"),
        (dog, "name = \"Dog\"\n[combat]\nfaction = \"b\"\nspells = [\"spells/bite\", \"spells/bite\"]\n".into(), "mobs/dog.toml:4:26", "`spells/bite` is listed twice"),
        (dog, drop("item = \"items/bon\"\nchance = 1\ncount = 1"), "mobs/dog.toml:7:8", "there is no `items/bon`"),
        (dog, "prototype = \"mobs/bear\"\nname = \"Dog\"\n".into(), "mobs/dog.toml:1:13", "there is no prototype `mobs/bear`"),
        (dog, "prototype = \"items/bone\"\nname = \"Dog\"\n".into(), "mobs/dog.toml:1:13", "the prototype `items/bone` is an item, not an entity"),
        (dog, "prototype = \"mobs/dog\"\nname = \"Dog\"\n".into(), "mobs/dog.toml:1:13", "in a circle through `mobs/dog`"),
        (dog, "prototype = 3\nname = \"Dog\"\n".into(), "mobs/dog.toml:1:13", "`prototype`: must be the id"),
        (dog, "abstract = 1\nname = \"Dog\"\n".into(), "mobs/dog.toml:1:12", "`abstract`: must be true or false"),
        // places
        ("items/Bone.toml", SOUND[3].1.into(), "items/Bone.toml:1:1", "lower case"),
        ("mobs/packs/wolf.toml", String::new(), "mobs/packs:1:1", "no folders in it"),
        ("mob/cat.toml", String::new(), "mob:1:1", "unknown kind of resource"),
        ("items/big.toml", "#".repeat(4 * 1024 * 1024 + 1), "items/big.toml:1:1", "is larger than"),
        (map, "name = \"Yard\"\nfile = \"../mobs/dog.toml\"\nlimit = 1\n".into(), "maps/yard.toml:2:8", "`../mobs/dog.toml` leads out of the folder"),
        (map, "name = \"Yard\"\nfile = \"/etc/hostname\"\nlimit = 1\n".into(), "maps/yard.toml:2:8", "leads out of the folder"),
        (map, "name = \"Yard\"\nfile = \"garden.tmx\"\nlimit = 1\n".into(), "maps/yard.toml:2:8", "`garden.tmx` cannot be opened"),
        // maps
        (tmx, "<map".into(), "maps/yard.tmx:1:1", "is no map that can be read"),
        (tmx, yard("0,0,1\n", "0,0\n"), "maps/yard.tmx:1:1", "a tile layer has 5 tiles, but the map has 6"),
        (tmx, yard("encoding=\"csv\"", "encoding=\"base64\" compression=\"zlib\""), "maps/yard.tmx:1:1", "CSV"),
        (tmx, yard("name=\"walls\"", "name=\"wals\""), "maps/yard.tmx:4:16", "layer \"wals\": unknown tile layer"),
        (tmx, yard("<tileset firstgid=\"1\" name=\"tiles\" tilewidth=\"16\" tileheight=\"16\" tilecount=\"2\" columns=\"2\"/>", "<tileset firstgid=\"1\" source=\"../../tiles.tsx\"/>"), "maps/yard.tmx:1:1", "leads out of the folder"),
        (tmx, yard("type=\"start\"", "type=\"strat\""), "maps/yard.tmx:11:3", "object 1 \"in\": unknown class \"strat\""),
        (tmx, yard("x=\"8\" y=\"8\"", "x=\"40\" y=\"24\""), "maps/yard.tmx:11:3", "object 1 \"in\": (2.5, 1.5) is not passable"),
        (tmx, yard("x=\"8\" y=\"8\"", "x=\"NaN\" y=\"8\""), "maps/yard.tmx:11:3", "must be a point"),
        (tmx, yard("mobs/dog", "mobs/beast"), "maps/yard.tmx:12:3", "object 2 \"pack\": `mobs/beast` is abstract"),
        (tmx, yard("mobs/dog", "spells/bite"), "maps/yard.tmx:12:3", "`spells/bite` is a spell, but an entity is needed here"),
        (tmx, yard("objects/gate", "mobs/dog"), "maps/yard.tmx:20:3", "object 3 \"way in\": `mobs/dog` is an entity, but an object is needed here"),
        (tmx, yard("mobs/dog", "objects/gate"), "maps/yard.tmx:12:3", "`objects/gate` is an object, but an entity is needed here"),
        (tmx, yard("width=\"16\" height=\"32\"", "width=\"32\" height=\"32\""), "maps/yard.tmx:20:3", "its tile (2, 1) is not passable"),
        (tmx, yard("width=\"16\" height=\"32\"", "width=\"16000\" height=\"32\""), "maps/yard.tmx:20:3", "takes up 2000 tiles, more than 64"),
        (tmx, yard("name=\"object\" value=\"objects/gate\"", "name=\"entity\" value=\"objects/gate\""), "maps/yard.tmx:20:3", "missing property `object`"),
        (tmx, yard("value=\"3\"", "value=\"0\""), "maps/yard.tmx:12:3", "`count`: must be an int within 1 and 10000"),
        (tmx, yard("name=\"count\"", "name=\"cuont\""), "maps/yard.tmx:12:3", "missing property `count`"),
    ];
    let mut wrong = Vec::new();
    for (path, text, place, words) in rows {
        let root = tree(&[(path, &text)]);
        let told = told(root.path());
        let expected =
            |fault: &String| fault.starts_with(&format!("{place}: ")) && fault.contains(words);
        if !told.iter().any(expected) {
            wrong.push(format!(
                "{path} should be blamed at {place} for {words:?}, not for {told:#?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_faults_of_a_run_are_told_at_once_and_in_order() {
    let root = tree(&[
        (
            "mobs/beast.toml",
            "abstract = true\n[combat]\nfaction = 7\n",
        ),
        (
            "mobs/cat.toml",
            "prototype = \"mobs/beast\"\nname = \"Cat\"\n[combat]\nspells = [\"spells/bite\"]\n",
        ),
        (
            "mobs/dog.toml",
            "prototype = \"mobs/beast\"\nname = 1\n[health]\nmax = 0\nextra = 1\n[motion]\n[combat]\nspells = [\"spells/x\"]\n",
        ),
        ("items/bone.toml", "name = \"Bone\"\nstack_max = 0\n"),
    ]);
    let told = told(root.path());
    let places: Vec<&str> = told
        .iter()
        .filter_map(|fault| fault.split(": ").next())
        .collect();
    let expected = [
        "items/bone.toml:2:13",
        "mobs/beast.toml:3:11",
        "mobs/dog.toml:2:8",
        "mobs/dog.toml:4:7",
        "mobs/dog.toml:5:1",
        "mobs/dog.toml:6:1",
        "mobs/dog.toml:8:11",
    ];
    assert_eq!(
        places, expected,
        "each fault should be told once, an inherited one at its source: {told:#?}"
    );
}

#[test]
fn a_circle_of_prototypes_is_refused() {
    let root = tree(&[
        (
            "mobs/dog.toml",
            "prototype = \"mobs/cat\"\nname = \"Dog\"\n",
        ),
        (
            "mobs/cat.toml",
            "prototype = \"mobs/dog\"\nname = \"Cat\"\n",
        ),
    ]);
    let told = told(root.path());
    assert_eq!(
        told.len(),
        2,
        "each end of the circle should be told once: {told:#?}"
    );
    assert!(
        told.iter().all(|fault| fault.contains("in a circle")),
        "both should be told as a circle: {told:#?}"
    );
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_out_is_refused() {
    let outside = tempfile::tempdir().expect("there should be room for a folder");
    fs::write(outside.path().join("ghost.toml"), "name = \"Ghost\"\n")
        .expect("a file should be written");
    let root = tree(&[]);
    let link = |from: &str, to: &str| {
        std::os::unix::fs::symlink(outside.path().join(from), root.path().join(to))
            .expect("a link should be made");
    };
    link("ghost.toml", "mobs/ghost.toml");
    link("", "avatars");
    let told = told(root.path());
    assert_eq!(told.len(), 2, "both links should be told: {told:#?}");
    assert!(
        told.iter()
            .all(|fault| fault.contains("leads out of the folder")),
        "both should be refused: {told:#?}"
    );
}

#[test]
fn a_tree_that_is_not_there_is_a_fault() {
    let root = tempfile::tempdir().expect("there should be room for a folder");
    let faults = faults(&root.path().join("nowhere"));
    assert_eq!(
        faults.len(),
        1,
        "a missing tree should be one fault: {faults:#?}"
    );
}

#[test]
fn a_report_shows_the_text_at_fault() {
    let root = tree(&[("items/bone.toml", "name = \"Knöchel\"\nstack_max = 0\n")]);
    let fault = faults(root.path()).remove(0);
    let shown = format!("{:?}", miette::Report::new(fault));
    assert!(
        shown.contains("stack_max = 0"),
        "the report should show the line: {shown}"
    );
}
