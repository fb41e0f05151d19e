//! Which channels are open, and who has a place in which. Placing counts as being there. Knows nothing of services and
//! calls; everything is ordered, so that the same questions get the same answers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use realm::Address;

use super::Placement;

/// The open channels, by id.
#[derive(Default)]
pub(super) struct Channels {
    channels: BTreeMap<u64, Channel>,
    /// The channel in which each placed character is a resident.
    places: BTreeMap<i64, u64>,
}

struct Channel {
    host: Address,
    limit: u32,
    residents: BTreeSet<i64>,
    /// It has refused somebody although there seemed to be room: it counts as full until somebody leaves.
    full: bool,
}

impl Channels {
    /// Forgets the channels of all other hosts, and who was there.
    pub(super) fn keep_those_of(&mut self, hosts: &[Address]) {
        let places = &mut self.places;
        self.channels.retain(|_, channel| {
            let kept = hosts.contains(&channel.host);
            if !kept {
                for resident in &channel.residents {
                    places.remove(resident);
                }
            }
            kept
        });
    }

    /// Notes a channel that was opened.
    pub(super) fn add(&mut self, id: u64, host: Address, limit: u32) {
        self.channels.insert(
            id,
            Channel {
                host,
                limit,
                residents: BTreeSet::new(),
                full: false,
            },
        );
    }

    /// Notes a channel that is open already, and who is there. Who has a place elsewhere keeps that one.
    pub(super) fn adopt(&mut self, id: u64, host: Address, limit: u32, characters: Vec<i64>) {
        if !self.channels.contains_key(&id) {
            self.add(id, host, limit);
        }
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        for character in characters {
            if *self.places.entry(character).or_insert(id) == id {
                channel.residents.insert(character);
            }
        }
    }

    /// How many channels and residents a host has.
    pub(super) fn load(&self, host: Address) -> (usize, usize) {
        let of_host = self
            .channels
            .values()
            .filter(|channel| channel.host == host);
        of_host.fold((0, 0), |(channels, residents), channel| {
            (channels + 1, residents + channel.residents.len())
        })
    }

    /// The place that a character has.
    pub(super) fn place_of(&self, character: i64) -> Option<Placement> {
        let channel = *self.places.get(&character)?;
        Some(Placement {
            channel,
            host: self.channels.get(&channel)?.host,
        })
    }

    /// Gives a character that has no place one in the fullest channel with room; of equals, in the oldest.
    pub(super) fn seat(&mut self, character: i64, avoid: Option<Address>) -> Option<Placement> {
        let with_room = self
            .channels
            .iter_mut()
            .filter(|(_, channel)| channel.has_room() && Some(channel.host) != avoid);
        let (&id, channel) =
            with_room.min_by_key(|(id, channel)| (Reverse(channel.residents.len()), **id))?;
        channel.residents.insert(character);
        self.places.insert(character, id);
        Some(Placement {
            channel: id,
            host: channel.host,
        })
    }

    /// Takes back a character's place if it is at `host`.
    pub(super) fn give_up_at(&mut self, character: i64, host: Address) {
        if let Some(place) = self.place_of(character)
            && place.host == host
        {
            self.give_up(character, place.channel);
        }
    }

    /// The channel has no room after all: takes back the character's place, and places nobody there for now.
    pub(super) fn refused(&mut self, character: i64, channel: u64) {
        self.give_up(character, channel);
        if let Some(channel) = self.channels.get_mut(&channel) {
            channel.full = true;
        }
    }

    /// The character's avatar in the channel is gone: there is room again.
    pub(super) fn left(&mut self, character: i64, channel: u64) {
        self.give_up(character, channel);
        if let Some(channel) = self.channels.get_mut(&channel) {
            channel.full = false;
        }
    }

    fn give_up(&mut self, character: i64, channel: u64) {
        // By now its place may be elsewhere; that one stays.
        if self.places.get(&character) != Some(&channel) {
            return;
        }
        self.places.remove(&character);
        if let Some(channel) = self.channels.get_mut(&channel) {
            channel.residents.remove(&character);
        }
    }
}

impl Channel {
    fn has_room(&self) -> bool {
        !self.full && self.residents.len() < self.limit as usize
    }
}
