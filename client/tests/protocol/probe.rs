//! Asks the types themselves what they are made of: a deserializer that holds no data, hands out what is asked for, and
//! writes down every question. So no list kept by hand stands between the types and the page.

use std::fmt;

use serde::de::value::U32Deserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer,
    SeqAccess, VariantAccess, Visitor,
};

/// What the fields of a class are given.
#[derive(Clone)]
pub(crate) struct Filling {
    /// The lengths of texts, by the field's place; 1 past the end.
    pub(crate) texts: Vec<usize>,
    /// The value of every float.
    pub(crate) number: f32,
}

impl Default for Filling {
    fn default() -> Self {
        Self {
            texts: Vec::new(),
            number: 1.0,
        }
    }
}

/// The variant with this place in an enum of one-field variants, its fields filled.
pub(crate) fn filled<T: DeserializeOwned>(index: usize, filling: &Filling) -> T {
    probe(index, filling).0
}

/// The fields of that variant as `name: type`.
pub(crate) fn fields_of<T: DeserializeOwned>(index: usize, filling: &Filling) -> Vec<String> {
    let asked = probe::<T>(index, filling).1;
    let fields = asked.strip_prefix('(').and_then(|it| it.strip_suffix(')'));
    let fields = fields.expect("a class should be a struct");
    split(fields)
}

/// Splits at the commas that stand in no bracket.
fn split(fields: &str) -> Vec<String> {
    let mut depth = 0;
    let parts = fields.split(|letter| {
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0
    });
    let parts = parts.map(|part| part.trim().to_owned());
    parts.filter(|part| !part.is_empty()).collect()
}

fn probe<T: DeserializeOwned>(index: usize, filling: &Filling) -> (T, String) {
    let mut asked = String::new();
    let probe = Probe {
        index: u32::try_from(index).expect("a table should be short"),
        field: 0,
        filling,
        asked: &mut asked,
    };
    let value = T::deserialize(probe).expect("a probe should be able to fill the class");
    (value, asked)
}

#[derive(Debug)]
struct Unfit(String);

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unfit {}

impl serde::de::Error for Unfit {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(why.to_string())
    }
}

struct Probe<'a> {
    index: u32,
    field: usize,
    filling: &'a Filling,
    asked: &'a mut String,
}

impl Probe<'_> {
    fn inner(&mut self) -> Probe<'_> {
        Probe {
            index: self.index,
            field: self.field,
            filling: self.filling,
            asked: self.asked,
        }
    }
}

macro_rules! scalars {
    ($($ask:ident $visit:ident $name:literal $value:expr;)*) => {$(
        fn $ask<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
            self.asked.push_str($name);
            visitor.$visit($value)
        }
    )*};
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Unfit;

    scalars! {
        deserialize_bool visit_bool "bool" true;
        deserialize_u8 visit_u8 "u8" 1;
        deserialize_u16 visit_u16 "u16" 1;
        deserialize_u32 visit_u32 "u32" 1;
        deserialize_u64 visit_u64 "u64" 1;
        deserialize_i32 visit_i32 "i32" 1;
        deserialize_i64 visit_i64 "i64" 1;
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.asked.push_str("f32");
        visitor.visit_f32(self.filling.number)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.asked.push_str("str");
        let len = self.filling.texts.get(self.field).copied().unwrap_or(1);
        visitor.visit_string("a".repeat(len))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.deserialize_string(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.asked.push('?');
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Unfit> {
        self.asked.push('[');
        let value = visitor.visit_seq(Parts {
            probe: self.inner(),
            names: &[""],
            at: 0,
        })?;
        self.asked.push(']');
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        self.asked.push('(');
        let value = visitor.visit_seq(Parts {
            probe: self.inner(),
            names,
            at: 0,
        })?;
        self.asked.push(')');
        Ok(value)
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
        Err(Unfit::custom("the page has no word for this type"))
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i128 u128 f64 char bytes byte_buf unit unit_struct tuple tuple_struct map identifier ignored_any
    }
}

/// The fields of a struct, or the one value of a list.
struct Parts<'a> {
    probe: Probe<'a>,
    names: &'static [&'static str],
    at: usize,
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Unfit;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unfit> {
        let Some(name) = self.names.get(self.at) else {
            return Ok(None);
        };
        if self.at > 0 {
            self.probe.asked.push_str(", ");
        }
        if !name.is_empty() {
            self.probe.asked.push_str(name);
            self.probe.asked.push_str(": ");
        }
        self.probe.field = self.at;
        self.at += 1;
        seed.deserialize(self.probe.inner()).map(Some)
    }
}

impl<'de> EnumAccess<'de> for Probe<'_> {
    type Error = Unfit;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Unfit> {
        let index: U32Deserializer<Unfit> = self.index.into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de> VariantAccess<'de> for Probe<'_> {
    type Error = Unfit;

    fn unit_variant(self) -> Result<(), Unfit> {
        Err(Unfit::custom("a class should be a struct"))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Unfit> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Unfit> {
        Err(Unfit::custom("a class should be a struct"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Unfit> {
        Err(Unfit::custom("a class should be a struct of its own"))
    }
}
