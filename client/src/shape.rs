//! What the tables of the protocol say of themselves: names, docs, types and bounds as data, for whoever writes the protocol
//! in another language. The macros fill it from the very lines that declare the types; nothing here is kept by hand.

use std::sync::Arc;

use wire::ClassId;

use crate::{Code, Handle, State};

/// What is known of one class of a table.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub struct ClassDoc {
    /// The name of the type, such as `LogIn`.
    pub type_name: &'static str,
    /// The name of the class, such as `client.log_in`.
    pub name: &'static str,
    /// The number of the class.
    pub id: ClassId,
    /// Its doc comment, line by line.
    pub doc: &'static [&'static str],
    /// In the order of the wire.
    pub fields: &'static [FieldDoc],
}

/// What is known of a plain value that classes hold, or of a replica.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub struct RecordDoc {
    /// The name of the type.
    pub type_name: &'static str,
    /// Its doc comment, line by line.
    pub doc: &'static [&'static str],
    /// In the order of their declaration; for what goes in bodies that is the order of the wire.
    pub fields: &'static [FieldDoc],
}

/// What is known of a field.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub struct FieldDoc {
    /// Its name, such as `hp_max`.
    pub name: &'static str,
    /// Its doc comment, line by line.
    pub doc: &'static [&'static str],
    /// Its type.
    pub shape: Shape,
    /// What it may hold, where that is less than its type can.
    pub bound: Option<Bound>,
}

/// The type of a field.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum Shape {
    /// An integer of one byte.
    U8,
    /// An integer of two bytes.
    U16,
    /// An integer of four bytes.
    U32,
    /// An integer of eight bytes.
    U64,
    /// A float of four bytes.
    F32,
    /// A text.
    Text,
    /// A `Handle`: two bytes.
    Handle,
    /// The number of a `Code`: two bytes.
    Code,
    /// The number of a `State`: one byte.
    State,
    /// Any number of one shape.
    List(&'static Shape),
    /// A value with fields of its own.
    Record(&'static RecordDoc),
}

/// A type that a field of the protocol may have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no shape",
    note = "a new type of field needs a `Shape`, and each emitter of `bindings` a way to read and write it"
)]
pub trait Shaped {
    /// How other languages see it.
    const SHAPE: Shape;
}

macro_rules! shapes {
    ($($ty:ty => $Shape:ident;)*) => {
        $( impl Shaped for $ty { const SHAPE: Shape = Shape::$Shape; } )*
    };
}

shapes! {
    u8 => U8;
    u16 => U16;
    u32 => U32;
    u64 => U64;
    f32 => F32;
    String => Text;
    Arc<str> => Text;
    Handle => Handle;
    Code => Code;
    State => State;
}

impl<T: Shaped> Shaped for Vec<T> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);
}

/// What a field may hold, where that is less than its type can.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum Bound {
    /// Finite, and not so small that arithmetic on it slows down: NaN, infinities and subnormals are refused.
    Number,
    /// A text of so many bytes.
    Bytes {
        /// The fewest.
        min: usize,
        /// The most.
        max: usize,
    },
    /// Exactly so many hex digits.
    HexDigits(usize),
}

/// A type whose values can be held against a bound.
pub(crate) trait Bounded {
    /// False of a bound for another type.
    fn keeps(&self, bound: Bound) -> bool;
}

impl Bounded for f32 {
    fn keeps(&self, bound: Bound) -> bool {
        bound == Bound::Number && (self.is_normal() || *self == 0.0)
    }
}

impl Bounded for String {
    fn keeps(&self, bound: Bound) -> bool {
        match bound {
            Bound::Bytes { min, max } => (min..=max).contains(&self.len()),
            Bound::HexDigits(len) => {
                self.len() == len && self.bytes().all(|byte| byte.is_ascii_hexdigit())
            }
            Bound::Number => false,
        }
    }
}
