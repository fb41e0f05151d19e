//! Fills any class with values from the edges of its types: a deserializer that holds no data and hands out what is asked for.

use std::fmt;

use serde::de::value::U32Deserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, SeqAccess,
    VariantAccess, Visitor,
};

/// Chance by a seed (splitmix64), so that a failure comes again.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }

    pub(crate) fn is_one_in(&mut self, end: usize) -> bool {
        self.below(end) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// An integer of so many bits: often small, often at the end of an encoding.
    pub(crate) fn integer(&mut self, bits: u32) -> u64 {
        let most = u64::MAX >> (64 - bits);
        let edges = [7, 8, 16, 32, 53, 64].map(|bits| u64::MAX >> (64 - bits));
        let value = match self.below(4) {
            0 => 1 + self.roll() % 48,
            1 => edges[self.below(edges.len())].wrapping_add(self.roll() % 3),
            2 => *self.pick(&[0, 1, 1 << 52, (1 << 53) - 1, 1 << 53, u64::MAX]),
            _ => self.roll() >> self.below(64),
        };
        value & most
    }

    pub(crate) fn float(&mut self) -> f32 {
        match self.below(3) {
            0 => *self.pick(&[
                0.0,
                -0.0,
                0.1,
                1e-38,
                f32::MIN_POSITIVE,
                f32::MAX,
                f32::MIN,
                f32::NAN,
                f32::INFINITY,
                f32::from_bits(1),
            ]),
            1 => self.below(4096) as f32 / 32.0,
            _ => f32::from_bits(self.roll() as u32),
        }
    }

    pub(crate) fn text(&mut self) -> String {
        const LETTERS: &[char] = &[
            'a',
            'Z',
            '0',
            ' ',
            '\0',
            '"',
            '\\',
            '\u{7f}',
            'é',
            'ß',
            '\u{feff}',
            '\u{2028}',
            '犬',
            '\u{fffd}',
            '\u{ffff}',
            '🐕',
            '\u{10ffff}',
        ];
        match self.below(9) {
            0 => String::new(),
            4 => "zz".repeat(32),
            1 => "犬".repeat(*self.pick(&[10, 21, 22, 85, 86])),
            2 => "a".repeat(*self.pick(&[31, 32, 63, 64, 65, 128, 129, 255, 256, 2048, 2049])),
            3 => "0fA9".repeat(16),
            _ => {
                let len = self.below(12);
                (0..len).map(|_| *self.pick(LETTERS)).collect()
            }
        }
    }
}

/// The variant with this place in an enum of one-field variants, filled at random.
pub(crate) fn random<T: DeserializeOwned>(index: usize, dice: &mut Dice) -> T {
    let index = u32::try_from(index).expect("a table should be short");
    (0..10_000)
        .find_map(|_| T::deserialize(Random { index, dice }).ok())
        .expect("some number should be a code")
}

#[derive(Debug)]
struct Unfit;

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what was handed out does not fit")
    }
}

impl std::error::Error for Unfit {}

impl serde::de::Error for Unfit {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

struct Random<'a> {
    index: u32,
    dice: &'a mut Dice,
}

impl Random<'_> {
    fn inner(&mut self) -> Random<'_> {
        Random {
            index: self.index,
            dice: self.dice,
        }
    }
}

macro_rules! integers {
    ($($ask:ident $visit:ident $ty:ty;)*) => {$(
        fn $ask<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
            visitor.$visit(self.dice.integer(<$ty>::BITS) as $ty)
        }
    )*};
}

impl<'de> Deserializer<'de> for Random<'_> {
    type Error = Unfit;

    integers! {
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_f32(self.dice.float())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_string(self.dice.text())
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Unfit> {
        let left = *self.dice.pick(&[0, 0, 1, 2, 15, 16, 17]);
        visitor.visit_seq(Values {
            random: self.inner(),
            left,
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        visitor.visit_seq(Values {
            random: self.inner(),
            left: names.len(),
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        visitor.visit_enum(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unfit> {
        Err(Unfit)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u128 f64 char str bytes byte_buf option unit unit_struct tuple tuple_struct map identifier
        ignored_any
    }
}

/// The fields of a struct, or the values of a list.
struct Values<'a> {
    random: Random<'a>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Values<'_> {
    type Error = Unfit;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unfit> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        seed.deserialize(self.random.inner()).map(Some)
    }
}

impl<'de> EnumAccess<'de> for Random<'_> {
    type Error = Unfit;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Unfit> {
        let index: U32Deserializer<Unfit> = self.index.into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de> VariantAccess<'de> for Random<'_> {
    type Error = Unfit;

    fn unit_variant(self) -> Result<(), Unfit> {
        Err(Unfit)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Unfit> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Unfit> {
        Err(Unfit)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Unfit> {
        Err(Unfit)
    }
}
