//! The ground of one channel as it is now: its map's, under the doors that are closed in this channel. The replica store
//! keeps it and alone changes it; all entities of the channel read it.

use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;

use client::Handle;

use crate::ground::Ground;

/// A channel's ground. What was closed by a door is free again when the door is gone.
#[derive(Debug)]
pub struct Terrain {
    ground: RefCell<Ground>,
    doors: RefCell<BTreeMap<Handle, Vec<(u16, u16)>>>,
}

impl Terrain {
    /// The map's ground, with all doors open.
    pub fn new(ground: &Ground) -> Self {
        Self {
            ground: RefCell::new(ground.clone()),
            doors: RefCell::default(),
        }
    }

    /// Where one can walk and see now. Not to be kept: a door may close in the next run.
    pub fn now(&self) -> Ref<'_, Ground> {
        self.ground.borrow()
    }

    pub(super) fn close(&self, door: Handle, tiles: &[(u16, u16)]) {
        self.doors.borrow_mut().insert(door, tiles.to_vec());
        self.renew();
    }

    pub(super) fn open(&self, door: Handle) {
        if self.doors.borrow_mut().remove(&door).is_some() {
            self.renew();
        }
    }

    fn renew(&self) {
        let doors = self.doors.borrow();
        self.ground
            .borrow_mut()
            .bar(doors.values().flatten().copied());
    }
}
