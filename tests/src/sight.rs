//! What a client gets to see: others as they move, and nothing beyond the cells in view.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use client::command::Cast;
use client::event::CastSeen;
use client::player::Player;
use client::{
    Cell, CellFrame, Closed, Event, Happening, Section, ServerFrame, Transport, WebSocket,
};
use tests::{PASSWORD, in_each_mode};

/// A socket that notes which cells it was ever told of.
struct Spy {
    socket: WebSocket,
    cells: Arc<Mutex<BTreeSet<Cell>>>,
}

impl Transport for Spy {
    async fn send(&mut self, bytes: Vec<u8>) -> Result<(), Closed> {
        self.socket.send(bytes).await
    }

    async fn receive(&mut self) -> Result<Vec<u8>, Closed> {
        let bytes = self.socket.receive().await?;
        self.note(&bytes);
        Ok(bytes)
    }

    async fn receive_or_quiet(&mut self) -> Result<Option<Vec<u8>>, Closed> {
        let bytes = self.socket.receive_or_quiet().await?;
        bytes.iter().for_each(|bytes| self.note(bytes));
        Ok(bytes)
    }
}

impl Spy {
    fn note(&self, bytes: &[u8]) {
        let frame = ServerFrame::decode(bytes).expect("a server frame should be well formed");
        for section in frame.sections {
            if let Section::Cell(bytes) = section {
                let cell = CellFrame::decode(bytes)
                    .expect("a cell frame should be well formed")
                    .cell;
                self.cells
                    .lock()
                    .expect("the note should not be torn")
                    .insert(cell);
            }
        }
    }
}

/// The cells that somebody at this place may be told of.
fn view_from((x, y): (f32, f32)) -> BTreeSet<Cell> {
    let (x, y) = ((x / 8.0) as u16, (y / 8.0) as u16);
    let around = |at: u16| at.saturating_sub(1)..=at + 1;
    around(x)
        .flat_map(|x| around(y).map(move |y| Cell { x, y }))
        .collect()
}

in_each_mode! {
    async fn two_players_see_each_other_move_and_nothing_beyond_their_view(world: World) {
        let cells = Arc::new(Mutex::new(BTreeSet::new()));
        let socket = world.connect().await.expect("the gateway should accept a connection");
        let spy = Spy { socket, cells: cells.clone() };
        let mut watcher = Player::connect(spy).await.expect("the realm should say welcome");
        watcher.register("Watcher", PASSWORD).await.expect("a new name should be registered");
        watcher.enter().await.expect("the watcher should enter");
        let mut walker = world.player("Walker").await;
        let walker_handle = walker.me().handle;
        watcher.set_deadline("see the walker", 20_000);
        while watcher.connection().view().get(walker_handle).is_none() {
            watcher.next().await.expect("the watcher should come to see the walker");
        }
        let seen = watcher.connection().view().get(walker_handle).expect("the walker is in view").clone();
        assert_eq!(&*seen.name, "Walker", "a player should be seen by its name");
        let stands = watcher.position();

        walker.walk_to(19.5, 32.5, 0.3).await.expect("the walker should get where it wants");
        watcher.set_deadline("see the walker move", 20_000);
        while watcher.connection().view().get(walker_handle).is_some_and(|near| (near.x - 19.5).abs() > 0.5) {
            watcher.next().await.expect("the watcher should see the walker move");
        }
        assert!(watcher.connection().view().get(walker_handle).is_some(), "a walker nearby should stay in view");

        walker.walk_to(36.5, 33.5, 0.5).await.expect("the walker should get far away");
        watcher.set_deadline("lose the walker", 20_000);
        while watcher.connection().view().get(walker_handle).is_some() {
            watcher.next().await.expect("the watcher should stop seeing a walker who left its view");
        }
        let told = cells.lock().expect("the note should not be torn").clone();
        let allowed = view_from(stands);
        assert!(!told.is_empty(), "the watcher should have been told of its own cells");
        assert!(told.is_subset(&allowed), "the watcher at {stands:?} should be told of {allowed:?} only, not {told:?}");
    }

    async fn a_blow_is_shown_to_who_sees_both_of_those_concerned_and_to_nobody_else(world: World) {
        // Caster, target and far watcher stand in three cells in a row; the near one stands beside the caster.
        let mut caster = world.player("Caster").await;
        let mut target = world.player("Target").await;
        let mut near = world.player("Near").await;
        let mut far = world.player("Far").await;
        for (player, x) in [(&mut caster, 20.5), (&mut target, 26.5), (&mut near, 19.5), (&mut far, 33.5)] {
            player.walk_to(x, 33.5, 0.3).await.expect("the way along the meadow is open");
        }
        let (by, struck) = (caster.me().handle, target.me().handle);
        caster.set_deadline("cast a fireball", 20_000);
        while caster.connection().view().get(struck).is_none_or(|seen| (seen.x - 26.5).abs() > 0.5) {
            caster.next().await.expect("the caster should see its target");
        }
        let hp = |player: &Player<WebSocket>| player.connection().view().get(struck).map(|seen| seen.hp);
        let before = hp(&far).expect("the far watcher sees the target");
        assert!(far.connection().view().get(by).is_none(), "the far watcher should not see the caster");
        let spell = "spells/fireball".to_owned();
        caster.connection_mut().command(Cast { spell: spell.clone(), target: struck }).await.expect("the command should go out");

        near.set_deadline("see the fireball", 20_000);
        // Dogs may bite there too, which is seen as well.
        let seen = loop {
            match near.next().await.expect("the near watcher should be told") {
                Happening::Event(Event::CastSeen(seen)) if seen.by == by => break seen,
                _ => {}
            }
        };
        assert_eq!(seen, CastSeen { spell, by, target: struck }, "a third player should be told who cast what at whom");
        far.set_deadline("see the target hurt", 20_000);
        // The events of a frame follow it: one more frame, and all that came with the hurt is heard.
        let mut frames = 0;
        while frames < 2 {
            let told = far.next().await.expect("the far watcher should see the target hurt");
            assert!(!matches!(&told, Happening::Event(Event::CastSeen(seen)) if seen.by == by), "who does not see the caster should not be told of it");
            let hurt = hp(&far).is_some_and(|hp| hp + 10 < before);
            frames += u32::from(hurt && matches!(told, Happening::Frame(_)));
        }
    }
}
