//! The files of the page, built into the program: who runs a realm needs nothing beside it. Each is named here, so nothing
//! is served that lies in the folder by accident.

/// The page's text, with places for what `page.rs` puts in.
pub(super) const INDEX: &str = include_str!("../../../../client/web/index.html");

/// A file that browsers ask for.
pub(super) struct Asset {
    /// Its path below `client`, by which the modules name one another.
    pub(super) path: &'static str,
    /// What is in it.
    pub(super) bytes: &'static [u8],
}

impl Asset {
    /// What kind of thing it is, by its ending.
    pub(super) fn media_type(&self) -> &'static str {
        match self.path.rsplit('.').next() {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "application/octet-stream",
        }
    }
}

macro_rules! assets {
    ($($path:literal),* $(,)?) => {
        &[$(Asset {
            path: $path,
            bytes: include_bytes!(concat!("../../../../client/", $path)),
        }),*]
    };
}

/// All of them.
pub(super) const ASSETS: &[Asset] = assets![
    "bindings/js/realm.js",
    "web/body.js",
    "web/camera.js",
    "web/chat.js",
    "web/content.js",
    "web/deeds.js",
    "web/effects.js",
    "web/game.js",
    "web/ground.js",
    "web/hud.js",
    "web/icon.svg",
    "web/input.js",
    "web/keys.js",
    "web/labels.js",
    "web/login.js",
    "web/main.js",
    "web/near.js",
    "web/notices.js",
    "web/page.js",
    "web/palette.js",
    "web/path.js",
    "web/prediction.js",
    "web/renderer.js",
    "web/sprites.js",
    "web/sprites/beast.js",
    "web/sprites/human.js",
    "web/sprites/object.js",
    "web/sprites/pencil.js",
    "web/steering.js",
    "web/style.css",
    "web/tally.js",
    "web/terrain.js",
    "web/track.js",
    "web/world.js",
];
