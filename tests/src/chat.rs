//! What players say reaches those it is for and nobody else, within the rules.

use client::command::{Join, Part, Ping, Say, Whisper};
use client::player::Player;
use client::{Code, Command, Event, Happening, WebSocket};
use tests::{World, in_each_mode};

/// So often is said again what a link may lose.
const TRIES_MAX: u32 = 3;
/// After so long what was not heard is lost.
const LOST_MS: u64 = 3_000;

/// A player with its ears open.
struct Talker {
    player: Player<WebSocket>,
    /// Room, or `whisper to NAME`; who; what.
    heard: Vec<(String, String, String)>,
}

impl Talker {
    async fn enter(world: &World, name: &str) -> Self {
        let player = world.player(name).await;
        let heard = Vec::new();
        Self { player, heard }
    }

    fn time_ms(&self) -> u64 {
        self.player.connection().header().server_time_ms
    }

    async fn next(&mut self) -> Happening {
        let happening = self.player.next().await.expect("the realm should go on");
        match &happening {
            Happening::Event(Event::Said(it)) => {
                let said = (it.room.clone(), it.from.clone(), it.text.clone());
                self.heard.push(said);
            }
            Happening::Event(Event::Whispered(it)) => {
                let room = format!("whisper to {}", it.to);
                self.heard.push((room, it.from.clone(), it.text.clone()));
            }
            _ => {}
        }
        happening
    }

    /// Asks for something, until it is done or refused.
    async fn ask(&mut self, command: impl Into<Command>) -> Result<(), Code> {
        let command = command.into();
        self.player.set_deadline(command.name(), 20_000);
        let connection = self.player.connection_mut();
        let sent = connection.command(command).await;
        let sent = sent.expect("the socket should hold");
        loop {
            match self.next().await {
                Happening::Event(Event::Refused(it)) if it.sequence == sent => return Err(it.code),
                Happening::Frame(header) if header.ack >= sent => break,
                _ => {}
            }
        }
        // A refusal comes with the frame that acknowledges it: all of that frame is read when the pong is there.
        let ping = Ping {
            client_time_ms: u64::from(sent),
        };
        let asked = self.player.connection_mut().command(ping).await;
        asked.expect("the socket should hold");
        loop {
            match self.next().await {
                Happening::Event(Event::Refused(it)) if it.sequence == sent => return Err(it.code),
                Happening::Event(Event::Pong(it)) if it.client_time_ms == u64::from(sent) => {
                    return Ok(());
                }
                _ => {}
            }
        }
    }

    async fn say(&mut self, room: &str, text: &str) -> Result<(), Code> {
        let (room, text) = (room.to_owned(), text.to_owned());
        self.ask(Say { room, text }).await
    }

    async fn whisper(&mut self, to: &str, text: &str) -> Result<(), Code> {
        let (to, text) = (to.to_owned(), text.to_owned());
        self.ask(Whisper { to, text }).await
    }

    async fn join(&mut self, room: &str) -> Result<(), Code> {
        let room = room.to_owned();
        self.ask(Join { room }).await
    }

    fn has_heard(&self, text: &str) -> bool {
        self.heard.iter().any(|(.., heard)| heard == text)
    }

    /// Listens until a text is heard, or for so long that it must be lost.
    async fn hears(&mut self, text: &str) -> bool {
        self.player.set_deadline(text, 20_000);
        let from = self.time_ms();
        while !self.has_heard(text) && self.time_ms() < from + LOST_MS {
            self.next().await;
        }
        self.has_heard(text)
    }
}

/// Has one say something and the other hear it. A link may lose it, so it is said again.
async fn pass(speaker: &mut Talker, room: &str, text: &str, hearer: &mut Talker) {
    for _ in 0..TRIES_MAX {
        let said = speaker.say(room, text).await;
        assert_eq!(said, Ok(()), "what keeps to the rules should be said");
        if hearer.hears(text).await {
            return;
        }
    }
    panic!("what was said to {room} should be heard");
}

in_each_mode! {
    async fn what_is_said_near_is_heard_by_those_near_only(world: World) {
        let mut speaker = Talker::enter(world, "Speaker").await;
        let mut near = Talker::enter(world, "Nearby").await;
        let mut far = Talker::enter(world, "Faraway").await;
        far.player.set_deadline("walk away", 20_000);
        far.player.walk_to(36.5, 33.5, 0.5).await.expect("the way is open");
        let (from, to) = (speaker.player.position(), far.player.position());
        let distance = (from.0 - to.0).hypot(from.1 - to.1);
        assert!(distance > 13.0, "{distance} tiles should be out of earshot");

        pass(&mut speaker, "near", "who is there?", &mut near).await;
        assert!(speaker.hears("who is there?").await, "the speaker should hear itself");
        let heard = ("near".to_owned(), "Speaker".to_owned(), "who is there?".to_owned());
        assert!(near.heard.contains(&heard), "it should be told who spoke where, not {:?}", near.heard);
        // The far one's own words reach its avatar after the others' would have.
        assert_eq!(far.say("near", "nobody").await, Ok(()), "the far one should be able to talk");
        assert!(far.hears("nobody").await, "the far one should hear itself");
        assert_eq!(far.heard.len(), 1, "the far one should hear nobody else, not {:?}", far.heard);
    }

    async fn a_whisper_reaches_one_player_only(world: World) {
        let mut ann = Talker::enter(world, "Ann").await;
        let mut bea = Talker::enter(world, "Bea").await;
        let mut eve = Talker::enter(world, "Eve").await;
        pass(&mut ann, "realm", "hello all", &mut bea).await;
        assert_eq!(ann.whisper("Nobody", "hello").await, Err(Code::NoSuchPlayer), "nobody has that name");
        let mut arrived = false;
        for _ in 0..TRIES_MAX {
            // Bea has talked to nobody yet, and the chat service may have yet to learn of her.
            if ann.whisper("bEA", "a secret").await == Ok(()) && bea.hears("a secret").await {
                arrived = true;
                break;
            }
        }
        assert!(arrived, "the whisper should reach the one it is for");
        let whisper = ("whisper to Bea".to_owned(), "Ann".to_owned(), "a secret".to_owned());
        assert!(bea.heard.contains(&whisper), "it should be told as a whisper, not {:?}", bea.heard);
        assert!(ann.heard.contains(&whisper), "who whispers should see what it whispered, not {:?}", ann.heard);
        pass(&mut ann, "realm", "goodbye all", &mut eve).await;
        assert!(!eve.has_heard("a secret"), "nobody else should hear a whisper");
    }

    async fn a_room_is_heard_by_its_members_only(world: World) {
        let mut ann = Talker::enter(world, "Ann").await;
        let mut bea = Talker::enter(world, "Bea").await;
        let mut eve = Talker::enter(world, "Eve").await;
        assert_eq!(ann.join("room:traders").await, Ok(()), "a room should be open to all");
        assert_eq!(bea.join("room:Traders").await, Ok(()), "capitals should make no other room");
        assert_eq!(eve.join("room:fishers").await, Ok(()), "another room should be open too");
        assert_eq!(eve.say("room:traders", "let me in").await, Err(Code::NoSuchRoom), "members only should be heard");
        assert_eq!(eve.join("cell.1.0.0").await, Err(Code::NoSuchRoom), "what is no room should not be joined");

        pass(&mut ann, "room:traders", "pelts for sale", &mut bea).await;
        let room = Part { room: "room:traders".to_owned() };
        assert_eq!(bea.ask(room).await, Ok(()), "a member should leave");
        assert_eq!(bea.say("room:traders", "again").await, Err(Code::NoSuchRoom), "who left should not be heard");
        let mut carol = Talker::enter(world, "Carol").await;
        assert_eq!(carol.join("room:traders").await, Ok(()), "a room should take new members");
        pass(&mut ann, "room:traders", "bones for sale", &mut carol).await;
        for other in [&mut bea, &mut eve] {
            pass(&mut ann, "realm", "closing time", other).await;
        }
        assert!(!bea.has_heard("bones for sale"), "who left should hear no more of it");
        assert!(!eve.has_heard("pelts for sale"), "who is in another room should not hear it");
    }

    async fn a_text_that_breaks_the_rules_is_refused(world: World) {
        let mut rude = Talker::enter(world, "Rude").await;
        let mut other = Talker::enter(world, "Other").await;
        let long = "x".repeat(257);
        for (text, what) in [
            (long.as_str(), "257 characters"),
            ("<b>shout</b>", "markup"),
            ("a\u{200b}b", "a zero-width space"),
            ("a\u{202e}b", "a turn of direction"),
            ("a\0b", "a control character"),
            ("   ", "nothing"),
        ] {
            assert_eq!(rude.say("realm", text).await, Err(Code::BadText), "{what} should be refused");
        }
        assert_eq!(rude.whisper("Other", &long).await, Err(Code::BadText), "so should it be in a whisper");
        let full = "é".repeat(256);
        pass(&mut rude, "realm", &full, &mut other).await;
        assert_eq!(other.heard.len(), 1, "nothing else should have been heard, not {:?}", other.heard);
    }

    async fn who_talks_too_fast_is_refused_and_nobody_else(world: World) {
        let mut flood = Talker::enter(world, "Flood").await;
        let mut honest = Talker::enter(world, "Honest").await;
        flood.player.set_deadline("flood", 20_000);
        flood.next().await;
        let (mut sent, from) = (0, flood.time_ms());
        for _ in 0..60 {
            let say = Say { room: "realm".into(), text: "spam".into() };
            sent = flood.player.connection_mut().command(say).await.expect("the socket should hold");
        }
        let mut refused = 0;
        while flood.player.connection().header().ack < sent || refused < 40 {
            if let Happening::Event(Event::Refused(it)) = flood.next().await {
                assert_eq!(it.code, Code::TooFast, "a flood should be refused as such");
                refused += 1;
            }
        }
        pass(&mut honest, "realm", "nice weather", &mut flood).await;
        let spam = honest.heard.iter().filter(|(_, from, _)| from == "Flood").count();
        let seconds = (flood.time_ms() - from) / 1000 + 1;
        assert!(spam as u64 <= 10 + seconds, "{spam} of the flood in {seconds} s is more than 10, and one a second");
    }
}
