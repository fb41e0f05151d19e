//! The near part of a replica: what everyone near an entity may see of it, and how finely. How it goes on the wire is
//! the business of cell frames.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::table::record;

/// Steps of a quantized position in one tile.
pub const STEPS_PER_TILE: f32 = 32.0;

/// Tiles to steps, rounded down, so that nobody is shown in another tile than its own, such as inside the wall it leans
/// on; what is outside 0..2,048 tiles is moved to the edge.
pub fn quantize(tiles: f32) -> u16 {
    (tiles * STEPS_PER_TILE) as u16
}

/// Steps to tiles.
pub fn dequantize(steps: u16) -> f32 {
    f32::from(steps) / STEPS_PER_TILE
}

/// A square of a channel's ground, counted in cells from the map's left and top edges.
#[derive(
    Debug, Copy, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Cell {
    /// Cells from the left edge.
    pub x: u16,
    /// Cells from the top edge.
    pub y: u16,
}

macro_rules! states {
    ( $( #[doc = $doc:literal] $(#[$meta:meta])* $State:ident = $number:literal; )* ) => {
        /// What an entity is at.
        #[derive(Debug, Copy, Clone, Default, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum State {
            $( #[doc = $doc] $(#[$meta])* $State = $number, )*
        }

        impl State {
            /// Every state, by rising number, and its doc comment.
            pub const ALL: &[(State, &str)] = &[ $( (State::$State, $doc), )* ];

            pub(crate) fn from_number(number: u8) -> Option<State> {
                match number {
                    $( $number => Some(State::$State), )*
                    _ => None,
                }
            }
        }
    };
}

states! {
    /// Alive, on the spot.
    #[default]
    Idle = 0;
    /// Alive, under way.
    Walking = 1;
    /// A corpse.
    Dead = 2;
    /// A door that stops way and sight.
    Closed = 3;
    /// A door that lets through.
    Open = 4;
    /// A chest or a plant that has something to give.
    Full = 5;
    /// A chest or a plant that has nothing to give, for now.
    Empty = 6;
}

impl State {
    /// True of what is no being but a thing that can be used.
    pub const fn is_of_object(self) -> bool {
        matches!(
            self,
            State::Closed | State::Open | State::Full | State::Empty
        )
    }
}

record! {
    /// The part of an entity that everyone near may see. Texts are shared, so that publishing allocates nothing.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Near {
        /// Tiles from the map's left edge.
        pub x: f32,
        /// Tiles from the map's top edge.
        pub y: f32,
        /// Health left.
        pub hp: u16,
        /// Health when unhurt.
        pub hp_max: u16,
        /// What it is at.
        pub state: State,
        /// The resource id of what it is, such as `mobs/dog`.
        pub kind: Arc<str>,
        /// The name above its head.
        pub name: Arc<str>,
    }
}

/// The fields that a delta tells.
#[derive(Debug, Copy, Clone, Default, PartialEq)]
pub struct Part {
    /// Tiles from the left and top edges.
    pub position: Option<(f32, f32)>,
    /// Health left, and health when unhurt.
    pub health: Option<(u16, u16)>,
    /// What it is at.
    pub state: Option<State>,
}

impl Part {
    /// Overwrites the fields that this part tells.
    pub fn write_to(&self, near: &mut Near) {
        if let Some((x, y)) = self.position {
            (near.x, near.y) = (x, y);
        }
        if let Some((hp, hp_max)) = self.health {
            (near.hp, near.hp_max) = (hp, hp_max);
        }
        if let Some(state) = self.state {
            near.state = state;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_reads_back_from_its_number() {
        let states: Vec<State> = (0..=u8::MAX).filter_map(State::from_number).collect();
        assert_eq!(states.len(), 7, "each state should have a number");
        for (number, state) in (0_u8..).zip(states) {
            assert_eq!(state as u8, number, "{state:?} should keep its number");
            assert_eq!(
                state.is_of_object(),
                number >= 3,
                "{state:?} should be of an object or of a being, for ever"
            );
        }
    }

    #[test]
    fn a_position_keeps_to_the_nearest_step() {
        assert_eq!(quantize(1.0), 32, "a tile is 32 steps");
        assert_eq!(quantize(-3.0), 0, "left of the map is its edge");
        assert_eq!(
            quantize(1e9),
            u16::MAX,
            "right of everything is the last step"
        );
        assert_eq!(quantize(f32::NAN), 0, "what is no number goes to the edge");
        for steps in [0, 1, 999, u16::MAX] {
            assert_eq!(
                quantize(dequantize(steps)),
                steps,
                "{steps} should survive both ways"
            );
        }
    }
}
