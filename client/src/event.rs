//! What a server tells one client: the closed table of events. What many see alike goes in cell frames instead.
//! Refuses every other class.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::shape::Bound;
use crate::table::{class_table, record};
use crate::{Code, Handle};

record! {
    /// Some items of one kind.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct ItemStack {
        /// The resource id of the item.
        pub item: String,
        /// How many.
        pub count: u32,
    }
}

class_table! {
    /// One event of a server.
    enum Event, error EventError, list EVENTS;

    /// The first thing that a server says on a connection.
    #[derive(Debug)]
    Welcome = "client.event.welcome" {
        /// The version of the client protocol that the server speaks.
        protocol: u8,
        /// The name of the realm.
        realm: String,
    }

    /// The session is this player's. Answers `Register`, `LogIn` and `Resume`.
    LoggedIn = "client.event.logged_in" {
        /// The character's name as it was registered.
        name: String,
        /// What `Resume` takes on another connection, for as long as the session lasts.
        token: String,
    }

    /// The avatar stands in the world. Answers `Enter`; all amounts are totals.
    #[derive(Debug)]
    Entered = "client.event.entered" {
        /// The channel's durable id.
        channel: u64,
        /// The resource id of the map.
        map: String,
        /// The map's width in tiles.
        width: u16,
        /// The map's height in tiles.
        height: u16,
        /// The side of a cell in tiles.
        cell: u16,
        /// The player's own avatar.
        me: Handle,
        /// Tiles from the left edge.
        x: f32 => Bound::Number,
        /// Tiles from the top edge.
        y: f32 => Bound::Number,
        /// Health left.
        hp: u32,
        /// Health when unhurt.
        hp_max: u32,
        /// Experience in all.
        xp: u64,
        /// Coins owned.
        coins: u64,
        /// Items owned.
        items: Vec<ItemStack>,
        /// Resource ids of the spells known.
        spells: Vec<String>,
    }

    /// The avatar is out of the world and saved; the session stays. Answers `Leave`.
    #[derive(Debug)]
    Left = "client.event.left" {}

    /// The player's own figures changed; all are totals.
    #[derive(Debug)]
    You = "client.event.you" {
        /// Health left.
        hp: u32,
        /// Health when unhurt.
        hp_max: u32,
        /// Experience in all.
        xp: u64,
        /// The level that the experience makes.
        level: u32,
    }

    /// A spell took effect, by or on the player.
    #[derive(Debug)]
    Struck = "client.event.struck" {
        /// The resource id of the spell.
        spell: String,
        /// Who cast it.
        by: Handle,
        /// Who felt it.
        target: Handle,
        /// How much health it took.
        amount: u32,
    }

    /// A spell took effect between two that the player sees, whoever they are. To be shown: what it did is told by `Struck`
    /// to the two of them, and by cell frames to all.
    #[derive(Debug)]
    CastSeen = "client.event.cast_seen" {
        /// The resource id of the spell.
        spell: String,
        /// Who cast it.
        by: Handle,
        /// Who felt it.
        target: Handle,
    }

    /// The player killed somebody.
    #[derive(Debug)]
    Killed = "client.event.killed" {
        /// Who died.
        target: Handle,
        /// The experience that the kill earned.
        xp: u64,
    }

    /// The player took what a corpse, a chest or a plant held. Answers `Loot` and `Use`; the amounts are what was gained,
    /// and are already saved.
    #[derive(Debug)]
    Looted = "client.event.looted" {
        /// The corpse or the object.
        target: Handle,
        /// Items gained.
        items: Vec<ItemStack>,
        /// Coins gained.
        coins: u64,
    }

    /// A `Loot` or `Use` that was sent again had been carried out before the connection was lost. `Entered` has told the
    /// totals with it.
    #[derive(Debug)]
    LootedBefore = "client.event.looted_before" {
        /// The command's.
        sequence: u32,
        /// The corpse or the object.
        target: Handle,
        /// Items gained then.
        items: Vec<ItemStack>,
        /// Coins gained then.
        coins: u64,
    }

    /// Where the realm can be reached when this connection is lost: this gateway first, if it has an address. Told after
    /// `LoggedIn`, and again when it changes.
    #[derive(Debug)]
    Gateways = "client.event.gateways" {
        /// Addresses such as `ws://127.0.0.1:7777/ws`.
        urls: Vec<String>,
    }

    /// The player's avatar died; `Respawned` follows.
    #[derive(Debug)]
    Died = "client.event.died" {
        /// Who killed it.
        by: Handle,
    }

    /// The player's avatar lives again.
    #[derive(Debug)]
    Respawned = "client.event.respawned" {
        /// Tiles from the left edge.
        x: f32 => Bound::Number,
        /// Tiles from the top edge.
        y: f32 => Bound::Number,
    }

    /// Somebody said something to a room that the player hears; a client shows it as text, whatever it holds.
    Said = "client.event.said" {
        /// `near`, `realm`, or `room:NAME`.
        room: String,
        /// The name of who said it.
        from: String,
        /// What.
        text: String,
    }

    /// Somebody whispered to the player, or the player to somebody.
    Whispered = "client.event.whispered" {
        /// The name of who whispered.
        from: String,
        /// The name of who it was for.
        to: String,
        /// What.
        text: String,
    }

    /// A command was not carried out.
    #[derive(Debug)]
    Refused = "client.event.refused" {
        /// The sequence of the command.
        sequence: u32,
        /// Why.
        code: Code,
        /// Why, in words for the player.
        text: String,
    }

    /// The last thing that a server says before it closes the connection.
    #[derive(Debug)]
    Goodbye = "client.event.goodbye" {
        /// Why.
        code: Code,
    }

    /// Answers `Ping`.
    #[derive(Debug)]
    Pong = "client.event.pong" {
        /// What the ping carried.
        client_time_ms: u64,
        /// The server's clock when it answered.
        server_time_ms: u64,
    }
}

// Events are traced; the token must not be, nor what players say.
impl fmt::Debug for LoggedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoggedIn")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Said")
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Whispered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Whispered").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::COMMANDS;

    #[test]
    fn no_two_classes_share_a_number_or_a_name() {
        let mut numbers = BTreeMap::new();
        for (name, id) in COMMANDS.iter().chain(EVENTS) {
            if let Some(other) = numbers.insert(*id, *name) {
                panic!("{name} and {other} share the number {id}: rename one");
            }
        }
    }

    #[test]
    fn every_event_reads_back_equal() {
        let items = vec![ItemStack {
            item: "items/fang".into(),
            count: 2,
        }];
        let events: Vec<Event> = vec![
            Welcome {
                protocol: 1,
                realm: "test".into(),
            }
            .into(),
            LoggedIn {
                name: "Ann".into(),
                token: "0f".repeat(32),
            }
            .into(),
            Entered {
                channel: 1 << 52,
                map: "maps/meadow".into(),
                width: 128,
                height: 96,
                cell: 16,
                me: Handle(3),
                x: 4.5,
                y: 0.0,
                hp: 90,
                hp_max: 100,
                xp: 5,
                coins: 7,
                items: items.clone(),
                spells: vec!["spells/strike".into()],
            }
            .into(),
            Left {}.into(),
            You {
                hp: 1,
                hp_max: 100,
                xp: 12,
                level: 2,
            }
            .into(),
            Struck {
                spell: "spells/strike".into(),
                by: Handle(3),
                target: Handle(9),
                amount: 11,
            }
            .into(),
            CastSeen {
                spell: "spells/fireball".into(),
                by: Handle(3),
                target: Handle(9),
            }
            .into(),
            Killed {
                target: Handle(9),
                xp: 10,
            }
            .into(),
            Looted {
                target: Handle(9),
                items: items.clone(),
                coins: 3,
            }
            .into(),
            LootedBefore {
                sequence: 4,
                target: Handle(9),
                items: items.clone(),
                coins: 3,
            }
            .into(),
            Gateways {
                urls: vec!["ws://127.0.0.1:7777/ws".into()],
            }
            .into(),
            Died { by: Handle(9) }.into(),
            Respawned { x: 2.0, y: 3.0 }.into(),
            Said {
                room: "realm".into(),
                from: "Ann".into(),
                text: "hello".into(),
            }
            .into(),
            Whispered {
                from: "Ann".into(),
                to: "Bea".into(),
                text: "hello".into(),
            }
            .into(),
            Refused {
                sequence: 4,
                code: Code::Cooldown,
                text: "wait".into(),
            }
            .into(),
            Goodbye {
                code: Code::Stopping,
            }
            .into(),
            Pong {
                client_time_ms: 1,
                server_time_ms: 2,
            }
            .into(),
        ];
        assert_eq!(
            events.len(),
            EVENTS.len(),
            "each class of the table should be tried here"
        );
        for event in events {
            let (class, body) = event.encode();
            assert_eq!(
                Event::decode(class, &body),
                Ok(event),
                "a round trip should change nothing"
            );
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bodies_never_panic(class in 0..EVENTS.len(), body in proptest::collection::vec(any::<u8>(), 0..128)) {
            let _ = Event::decode(EVENTS[class].1, &body);
        }
    }
}
