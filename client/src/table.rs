//! One macro for the closed tables of the protocol, so that a class is named in one place: the struct, its name, the
//! variant, the entry in the list and both directions of the codec. Refuses classes outside the table.

/// Declares a closed table: an enum with one variant per class, and a struct per class.
///
/// `field: Type => check` names a `fn(&Type) -> bool` that a decoded field must pass.
macro_rules! class_table {
    (
        $(#[$enum_meta:meta])*
        enum $Enum:ident, error $Error:ident, list $LIST:ident;
        $(
            $(#[$class_meta:meta])*
            $Class:ident = $name:literal {
                $( $(#[$field_meta:meta])* $field:ident : $ty:ty $(=> $check:path)? ),* $(,)?
            }
        )*
    ) => {
        $(
            $(#[$class_meta])*
            #[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
            pub struct $Class {
                $( $(#[$field_meta])* pub $field: $ty, )*
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
                        if !$check(&self.$field) {
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
            /// Reads one class of the table; every field is within its bounds when this succeeds.
            pub fn decode(class: wire::ClassId, body: &[u8]) -> Result<$Enum, $Error> {
                $(
                    if class == <$Class as wire::Class>::ID {
                        let value: $Class = wire::decode(body).map_err($Error::Malformed)?;
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

pub(crate) use class_table;

/// Finite, and not so small that arithmetic on it slows down: NaN, infinities and subnormals are refused.
pub(crate) fn is_number(value: &f32) -> bool {
    value.is_normal() || *value == 0.0
}
