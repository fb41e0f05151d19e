//! What goes into the page, and what is served of it.

use std::path::Path as FilePath;

use actix_web::test::TestRequest;

use super::*;
use crate::resources::Tables;

fn headers(host: &str) -> HeaderMap {
    let request = TestRequest::default().insert_header((header::HOST, host));
    request.to_http_request().headers().clone()
}

fn resources() -> Resources {
    let root = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../resources");
    Resources::load(&root, &Tables::default())
        .unwrap_or_else(|faults| panic!("the real tree should load: {faults:#?}"))
}

#[test]
fn what_a_client_calls_the_host_cannot_write_into_the_page() {
    assert_eq!(
        host_of(&headers("127.0.0.1:7777")),
        "127.0.0.1:7777",
        "a host should be shown"
    );
    assert_eq!(
        host_of(&headers("<script>")),
        "HOST",
        "markup should not be"
    );
}

#[test]
fn a_realms_name_is_text_in_the_page() {
    let page = Page::new("<b>\"Mine\"</b>", None).for_host("host");
    assert!(
        page.contains("&lt;b&gt;&quot;Mine&quot;&lt;/b&gt;") && !page.contains("<b>\"Mine"),
        "a name should be escaped"
    );
}

#[test]
fn the_page_has_no_place_left_open_and_nothing_that_its_policy_forbids() {
    let page = Page::new("Realm", Some(&resources())).for_host("127.0.0.1:7777");
    for place in [
        "{realm}",
        "{assets}",
        "{content}",
        "{preloads}",
        "{protocol}",
        "{host}",
    ] {
        assert!(!page.contains(place), "{place} should be filled in");
    }
    assert!(
        !page.contains("style=") && !page.contains("<style") && !page.contains(" onclick="),
        "the policy allows no style and no script within the page"
    );
    for script in page.split("<script").skip(1) {
        assert!(
            script.starts_with(" type=\"module\" src=\"assets/"),
            "a script should be a file of its own: {script:.60}"
        );
    }
    for outside in ["src=\"/", "href=\"/", "src=\"http", "href=\"http"] {
        assert!(
            !page.contains(outside),
            "every address should be seen from the page's own, without {outside}"
        );
    }
}

#[test]
fn every_module_of_the_page_is_served_and_every_import_leads_to_one() {
    let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../client");
    let served = |path: &str| ASSETS.iter().any(|asset| asset.path == path);
    for part in ["web", "web/sprites"] {
        let files =
            std::fs::read_dir(folder.join(part)).expect("the page's folder should be there");
        for file in files.flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            let path = format!("{part}/{name}");
            let wanted = [".js", ".css", ".svg"]
                .iter()
                .any(|end| name.ends_with(end));
            assert!(
                !wanted || served(&path),
                "{path} should be among the assets"
            );
        }
    }
    for asset in ASSETS.iter().filter(|asset| asset.path.ends_with(".js")) {
        let text = String::from_utf8_lossy(asset.bytes);
        let imports = text.lines().filter_map(|line| {
            let (_, from) = line.split_once(" from \"")?;
            line.starts_with("import ")
                .then(|| from.trim_end_matches("\";"))
        });
        for import in imports {
            let mut path: Vec<&str> = asset.path.split('/').collect();
            path.pop();
            for step in import.split('/') {
                match step {
                    "." => {}
                    ".." => drop(path.pop()),
                    name => path.push(name),
                }
            }
            let path = path.join("/");
            assert!(
                served(&path),
                "{} imports {path}, which should be served",
                asset.path
            );
        }
    }
}

#[test]
fn another_content_has_another_address_and_the_same_the_same() {
    let (with, again) = (
        Page::new("Realm", Some(&resources())),
        Page::new("Realm", Some(&resources())),
    );
    let without = Page::new("Realm", None);
    assert_eq!(
        with.content_hash, again.content_hash,
        "the same content should keep its address"
    );
    assert_ne!(
        with.content_hash, without.content_hash,
        "other content should not be taken for it"
    );
    assert_eq!(
        with.version, without.version,
        "the files are the same whatever the content"
    );
}

#[test]
fn the_content_tells_what_players_may_know_and_nothing_else() {
    let told = content::json(Some(&resources()));
    let told: serde_json::Value = serde_json::from_str(&told).expect("the content should be JSON");
    let map = &told["maps"]["maps/meadow"];
    let tile = |x: usize, y: usize| map["rows"][y].as_str().and_then(|row| row.chars().nth(x));
    assert_eq!(tile(0, 0), Some('#'), "the corner is a wall");
    assert_eq!(tile(30, 12), Some('~'), "the pond is water");
    assert_eq!(
        tile(14, 28),
        Some('1'),
        "the path looks otherwise than the meadow"
    );
    assert_eq!(tile(2, 2), Some('0'), "the meadow is the first look");
    assert_eq!(
        map["doors"][0]["tiles"],
        serde_json::json!([[23, 27], [24, 27]]),
        "the house has a door"
    );
    assert_eq!(
        told["kinds"]["avatars/human"]["speed"], 5.0,
        "one's own speed is known"
    );
    assert_eq!(
        told["spells"]["spells/fireball"]["cooldown_ms"], 3000,
        "one's own spells are known"
    );
    assert_eq!(
        told["spells"]["spells/gore"],
        serde_json::json!({ "name": "Gore" }),
        "of a beast's spell the name is known"
    );
    assert_eq!(
        told["kinds"]["mobs/dog"],
        serde_json::json!({ "name": "Dog" }),
        "of a dog the name is known"
    );
    let text = told.to_string();
    for secret in [
        "chance", "drops", "damage", "coins_m", "spawn", "respawn", "sight", "leash", "worth",
        "refill",
    ] {
        assert!(
            !text.contains(secret),
            "`{secret}` should stay with the server"
        );
    }
}
