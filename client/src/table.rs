//! One macro for the closed tables of the protocol, so that a class is named in one place: the struct, its name, the
//! variant, the entry in the list, both directions of the codec, and what other languages are told of it. Refuses classes
//! outside the table.

/// The doc comments among some attributes, each given as the token tree behind its `#`.
macro_rules! docs {
    (@ [$($line:literal)*]) => { &[$($line),*] };
    (@ [$($line:literal)*] [doc = $next:literal] $($rest:tt)*) => {
        $crate::table::docs!(@ [$($line)* $next] $($rest)*)
    };
    (@ [$($line:literal)*] $other:tt $($rest:tt)*) => { $crate::table::docs!(@ [$($line)*] $($rest)*) };
    ($($attribute:tt)*) => { $crate::table::docs!(@ [] $($attribute)*) };
}

/// Declares a plain value that goes on the wire within others, and what other languages are told of it.
macro_rules! record {
    (
        $(#$meta:tt)*
        pub struct $Record:ident {
            $( $(#$field_meta:tt)* pub $field:ident : $ty:ty ),* $(,)?
        }
    ) => {
        $(#$meta)*
        pub struct $Record {
            $( $(#$field_meta)* pub $field: $ty, )*
        }

        impl $Record {
            /// What other languages are told of it.
            pub const DOC: $crate::shape::RecordDoc = $crate::shape::RecordDoc {
                type_name: stringify!($Record),
                doc: $crate::table::docs!($($meta)*),
                fields: &[ $(
                    $crate::shape::FieldDoc {
                        name: stringify!($field),
                        doc: $crate::table::docs!($($field_meta)*),
                        shape: <$ty as $crate::shape::Shaped>::SHAPE,
                        bound: None,
                    },
                )* ],
            };
        }

        impl $crate::shape::Shaped for $Record {
            const SHAPE: $crate::shape::Shape = $crate::shape::Shape::Record(&$Record::DOC);
        }
    };
}

/// Declares a closed table: an enum with one variant per class, and a struct per class.
///
/// `field: Type => bound` gives the `Bound` that a decoded field must keep.
macro_rules! class_table {
    (
        $(#[$enum_meta:meta])*
        enum $Enum:ident, error $Error:ident, list $LIST:ident;
        $(
            $(#$class_meta:tt)*
            $Class:ident = $name:literal {
                $( $(#$field_meta:tt)* $field:ident : $ty:ty $(=> $bound:expr)? ),* $(,)?
            }
        )*
    ) => {
        $(
            $(#$class_meta)*
            #[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
            pub struct $Class {
                $( $(#$field_meta)* pub $field: $ty, )*
            }

            impl wire::Class for $Class {
                const NAME: &'static str = $name;
            }

            impl From<$Class> for $Enum {
                fn from(value: $Class) -> $Enum {
                    $Enum::$Class(value)
                }
            }

            impl $Class {
                fn check(&self) -> Result<(), $Error> {
                    $($(
                        if !$crate::shape::Bounded::keeps(&self.$field, $bound) {
                            return Err($Error::OutOfBounds { field: stringify!($field) });
                        }
                    )?)*
                    Ok(())
                }
            }
        )*

        $(#[$enum_meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub enum $Enum {
            $( #[doc = concat!("`", $name, "`")] $Class($Class), )*
        }

        /// Every class of the table: its name and its number.
        pub const $LIST: &[(&str, wire::ClassId)] = &[
            $( ($name, <$Class as wire::Class>::ID), )*
        ];

        impl $Enum {
            /// What other languages are told of every class of the table.
            pub const DOCS: &[$crate::shape::ClassDoc] = &[ $(
                $crate::shape::ClassDoc {
                    type_name: stringify!($Class),
                    name: $name,
                    id: <$Class as wire::Class>::ID,
                    doc: $crate::table::docs!($($class_meta)*),
                    fields: &[ $(
                        $crate::shape::FieldDoc {
                            name: stringify!($field),
                            doc: $crate::table::docs!($($field_meta)*),
                            shape: <$ty as $crate::shape::Shaped>::SHAPE,
                            bound: $crate::table::bound!($($bound)?),
                        },
                    )* ],
                },
            )* ];

            /// Reads one class of the table; every field is within its bounds when this succeeds.
            pub fn decode(class: wire::ClassId, body: &[u8]) -> Result<$Enum, $Error> {
                $(
                    if class == <$Class as wire::Class>::ID {
                        let value: $Class = wire::decode_plain(body).map_err($Error::Malformed)?;
                        value.check()?;
                        return Ok($Enum::$Class(value));
                    }
                )*
                Err($Error::UnknownClass(class))
            }

            /// The class and the body that `decode` takes.
            pub fn encode(&self) -> (wire::ClassId, Vec<u8>) {
                let body = match self {
                    $( $Enum::$Class(value) => wire::encode(value), )*
                };
                // Structs of numbers, strings and lists are always writable; were one not, its reader refuses the empty body.
                (self.class(), body.unwrap_or_default())
            }

            /// The number of this value's class.
            pub fn class(&self) -> wire::ClassId {
                match self {
                    $( $Enum::$Class(_) => <$Class as wire::Class>::ID, )*
                }
            }

            /// The name of this value's class.
            pub fn name(&self) -> &'static str {
                match self {
                    $( $Enum::$Class(_) => <$Class as wire::Class>::NAME, )*
                }
            }
        }

        /// Why a class and a body were refused.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        pub enum $Error {
            /// No class of the table has this number.
            #[error("class {0} is unknown")]
            UnknownClass(wire::ClassId),
            /// The body is not a value of its class.
            #[error("the body is malformed: {0}")]
            Malformed(wire::DecodeError),
            /// A field holds what it must not: a number that is none, or a text of the wrong length.
            #[error("{field} is out of bounds")]
            OutOfBounds {
                /// The field's name.
                field: &'static str,
            },
        }
    };
}

/// The bound of a field that may have none.
macro_rules! bound {
    () => {
        None
    };
    ($bound:expr) => {
        Some($bound)
    };
}

pub(crate) use {bound, class_table, docs, record};
