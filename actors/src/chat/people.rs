//! Who is there to be talked to: sessions, the names of their players, and the rooms that they are in.

use std::collections::{BTreeMap, BTreeSet};

use realm::{Address, Birth};
use serde::{Deserialize, Serialize};

use super::ChatError;
use super::room::RoomName;

/// A player who talks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talker {
    /// The character.
    pub character: i64,
    /// Its name, as it was registered: plain letters and digits.
    pub name: String,
    /// The login with which the numbers of its commands began.
    pub numbers: u64,
}

/// The register. It is bounded by sessions, and each session by rooms.
#[derive(Debug)]
pub(super) struct People {
    len_max: usize,
    rooms_max: usize,
    sessions: BTreeMap<Address, (Talker, BTreeSet<RoomName>)>,
    names: BTreeMap<String, Address>,
}

impl People {
    /// Nobody yet.
    pub(super) fn new(len_max: usize, rooms_max: usize) -> Self {
        Self {
            len_max,
            rooms_max,
            sessions: BTreeMap::new(),
            names: BTreeMap::new(),
        }
    }

    /// Enters a session, or enters it anew.
    pub(super) fn enter(
        &mut self,
        session: Address,
        talker: Talker,
        rooms: Vec<RoomName>,
    ) -> Result<(), ChatError> {
        self.remove(session);
        if self.sessions.len() >= self.len_max {
            return Err(ChatError::Full);
        }
        let rooms = rooms.into_iter().take(self.rooms_max).collect();
        self.names.insert(key(&talker.name), session);
        self.sessions.insert(session, (talker, rooms));
        Ok(())
    }

    /// Strikes a session out.
    pub(super) fn remove(&mut self, session: Address) {
        let Some((talker, _)) = self.sessions.remove(&session) else {
            return;
        };
        let name = key(&talker.name);
        if self.names.get(&name) == Some(&session) {
            self.names.remove(&name);
        }
    }

    /// Strikes out all sessions of a node.
    pub(super) fn remove_all_of(&mut self, node: Birth) {
        let of_node = |session: &&Address| session.birth() == Some(node);
        let gone: Vec<Address> = self.sessions.keys().filter(of_node).copied().collect();
        gone.into_iter().for_each(|session| self.remove(session));
    }

    /// Whose session it is.
    pub(super) fn who(&self, session: Address) -> Result<&Talker, ChatError> {
        self.sessions
            .get(&session)
            .map(|(talker, _)| talker)
            .ok_or(ChatError::NotKnown)
    }

    /// The session and the name of who has that name, however it is capitalised.
    pub(super) fn find(&self, name: &str) -> Result<(Address, &str), ChatError> {
        let session = self.names.get(&key(name)).copied();
        let session = session.ok_or(ChatError::NoSuchPlayer)?;
        Ok((session, &self.who(session)?.name))
    }

    /// Lets a session into a room.
    pub(super) fn join(&mut self, session: Address, room: RoomName) -> Result<(), ChatError> {
        let (_, rooms) = self.sessions.get_mut(&session).ok_or(ChatError::NotKnown)?;
        if rooms.len() >= self.rooms_max && !rooms.contains(&room) {
            return Err(ChatError::TooManyRooms);
        }
        rooms.insert(room);
        Ok(())
    }

    /// Lets a session out of a room.
    pub(super) fn part(&mut self, session: Address, room: &RoomName) -> Result<(), ChatError> {
        let (_, rooms) = self.sessions.get_mut(&session).ok_or(ChatError::NotKnown)?;
        match rooms.remove(room) {
            true => Ok(()),
            false => Err(ChatError::NoSuchRoom),
        }
    }

    /// True when a session is in a room.
    pub(super) fn is_in(&self, session: Address, room: &RoomName) -> bool {
        self.sessions
            .get(&session)
            .is_some_and(|(_, rooms)| rooms.contains(room))
    }
}

fn key(name: &str) -> String {
    name.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(number: u64) -> Address {
        Birth::new(1)
            .and_then(|birth| Address::new(birth, number))
            .expect("the number should make an address")
    }

    fn talker(name: &str) -> Talker {
        Talker {
            character: 1,
            name: name.into(),
            numbers: 1,
        }
    }

    fn room(name: &str) -> RoomName {
        RoomName::parse(name).expect("the name should be a room's")
    }

    #[test]
    fn a_name_leads_to_the_later_of_two_sessions() {
        let mut people = People::new(8, 2);
        for number in [1, 2] {
            assert_eq!(
                people.enter(session(number), talker("Ann"), Vec::new()),
                Ok(()),
                "there is room"
            );
        }
        assert_eq!(
            people.find("aNN"),
            Ok((session(2), "Ann")),
            "the later session should be found"
        );
        people.remove(session(1));
        assert_eq!(
            people.find("Ann"),
            Ok((session(2), "Ann")),
            "the end of the earlier should not hide it"
        );
        people.remove_all_of(Birth::new(1).expect("1 is a birth number"));
        assert_eq!(
            people.find("Ann"),
            Err(ChatError::NoSuchPlayer),
            "with its node all should be gone"
        );
        assert!(
            people.names.is_empty(),
            "a name should go with its last session"
        );
    }

    #[test]
    fn sessions_and_rooms_are_bounded() {
        let mut people = People::new(1, 2);
        let rooms = ["room:a", "room:b", "room:c"].map(room);
        assert_eq!(
            people.enter(session(1), talker("Ann"), rooms.to_vec()),
            Ok(()),
            "the first should be let in"
        );
        assert!(
            !people.is_in(session(1), &rooms[2]),
            "a third room should not be kept"
        );
        assert_eq!(
            people.join(session(1), rooms[2].clone()),
            Err(ChatError::TooManyRooms),
            "nor joined"
        );
        assert_eq!(
            people.join(session(1), rooms[0].clone()),
            Ok(()),
            "who is in may ask to be in"
        );
        assert_eq!(
            people.part(session(1), &rooms[0]),
            Ok(()),
            "a room should be left"
        );
        assert_eq!(
            people.part(session(1), &rooms[0]),
            Err(ChatError::NoSuchRoom),
            "and only once"
        );
        assert_eq!(
            people.join(session(1), rooms[2].clone()),
            Ok(()),
            "then there is room for another"
        );
        assert_eq!(
            people.enter(session(2), talker("Bea"), Vec::new()),
            Err(ChatError::Full),
            "a second session is too many"
        );
        assert_eq!(
            people.enter(session(1), talker("Ann"), Vec::new()),
            Ok(()),
            "who is in may come anew"
        );
    }
}
