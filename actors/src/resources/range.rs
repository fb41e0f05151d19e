//! The ranges that numbers of content have to be in, refused while they are read so that the fault has their place.

use serde::de::{Deserialize, Deserializer, Error};
use std::fmt::Display;

/// The most of anything that content may ask for: mobs of a spawn, items of a drop.
pub(super) const COUNT_MAX: u32 = 10_000;
/// The longest time, in seconds: a week.
pub(super) const TIME_MAX_S: u64 = 7 * 24 * 60 * 60;

const TILES_MAX: f32 = 1_000.0;
const POINTS_MAX: u32 = 1_000_000_000;

/// A length that is not nothing, in tiles.
pub(super) fn tiles<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    above_zero(from, TILES_MAX)
}

/// Health points that are not none.
pub(super) fn points<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    above_zero(from, POINTS_MAX)
}

/// Health points, perhaps none.
pub(super) fn points_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    within(from, 0, POINTS_MAX)
}

/// A number of things that is not zero.
pub(super) fn count<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    above_zero(from, COUNT_MAX)
}

/// Part of all cases.
pub(super) fn chance<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    within(from, 0.0, 1.0)
}

/// A number of something that is not zero and is not limited otherwise.
pub(super) fn some<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    above_zero(from, i64::MAX as u64)
}

/// A time that is not nothing, in seconds.
pub(super) fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    above_zero(from, TIME_MAX_S)
}

/// A time that is not nothing, in milliseconds.
pub(super) fn milliseconds<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    above_zero(from, TIME_MAX_S * 1000)
}

// Both ask for what is right, so that NaN, which is in no order, is refused.

fn above_zero<'de, D, T>(from: D, most: T) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + PartialOrd + Default + Display,
{
    let value = T::deserialize(from)?;
    if value > T::default() && value <= most {
        return Ok(value);
    }
    Err(D::Error::custom(format_args!(
        "must be above 0 and at most {most}, not {value}"
    )))
}

fn within<'de, D, T>(from: D, least: T, most: T) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + PartialOrd + Display,
{
    let value = T::deserialize(from)?;
    if value >= least && value <= most {
        return Ok(value);
    }
    Err(D::Error::custom(format_args!(
        "must be within {least} and {most}, not {value}"
    )))
}
