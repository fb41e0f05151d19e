//! The protocol as every emitter sees it: classes, records, codes, states, limits and the layout of replicas, without a word of
//! any language.

use crate::command::{
    NAME_LEN_MAX, PASSWORD_LEN_MAX, ROOM_LEN_MAX, SPELL_LEN_MAX, TEXT_LEN_MAX, TOKEN_LEN,
};
use crate::{
    COMMAND_FRAME_LEN_MAX, ClassDoc, Code, Command, Event, FieldDoc, LAYOUT, Near, PROTOCOL,
    RecordDoc, SERVER_FRAME_LEN_MAX, STEPS_PER_TILE, Shape, State,
};

/// All that an emitter needs to know.
pub(super) struct Model {
    pub(super) protocol: u8,
    pub(super) steps_per_tile: f32,
    pub(super) limits: Vec<Limit>,
    pub(super) codes: Vec<Numbered>,
    pub(super) states: Vec<Numbered>,
    pub(super) commands: &'static [ClassDoc],
    pub(super) events: &'static [ClassDoc],
    /// What classes hold, each once, in the order in which it is met.
    pub(super) records: Vec<&'static RecordDoc>,
    /// What is to be seen of an entity.
    pub(super) near: &'static RecordDoc,
    /// The parts of `near`, by rising bit of an entry's mask.
    pub(super) parts: Vec<Part>,
}

/// A number that both sides keep to.
pub(super) struct Limit {
    pub(super) name: &'static str,
    pub(super) doc: &'static str,
    pub(super) value: usize,
}

/// A name for a number.
pub(super) struct Numbered {
    pub(super) name: String,
    pub(super) number: u16,
    pub(super) doc: &'static str,
}

/// The fields that one bit of an entry's mask brings, in the order of the wire.
pub(super) struct Part {
    pub(super) bit: u8,
    pub(super) fields: Vec<&'static FieldDoc>,
}

impl Model {
    /// The protocol as this crate speaks it.
    pub(super) fn of_the_protocol() -> Model {
        let near = const { &Near::DOC };
        let field = |name: &&str| near.fields.iter().find(|field| field.name == *name);
        Model {
            protocol: PROTOCOL,
            steps_per_tile: STEPS_PER_TILE,
            limits: limits(),
            codes: Code::ALL
                .iter()
                .map(|code| Numbered {
                    name: format!("{code:?}"),
                    number: u16::from(*code),
                    doc: code.text(),
                })
                .collect(),
            states: State::ALL
                .iter()
                .map(|(state, doc)| Numbered {
                    name: format!("{state:?}"),
                    number: *state as u16,
                    doc,
                })
                .collect(),
            commands: Command::DOCS,
            events: Event::DOCS,
            records: records(),
            near,
            parts: LAYOUT
                .iter()
                .map(|(bit, names)| Part {
                    bit: *bit,
                    fields: names.iter().filter_map(field).collect(),
                })
                .collect(),
        }
    }
}

fn limits() -> Vec<Limit> {
    [
        (
            "command_frame_bytes",
            "A command frame, at most.",
            COMMAND_FRAME_LEN_MAX,
        ),
        (
            "server_frame_bytes",
            "A server frame, at most.",
            SERVER_FRAME_LEN_MAX,
        ),
        (
            "name_bytes",
            "The name of a character, at most.",
            NAME_LEN_MAX,
        ),
        ("password_bytes", "A password, at most.", PASSWORD_LEN_MAX),
        ("spell_bytes", "The id of a spell, at most.", SPELL_LEN_MAX),
        (
            "room_bytes",
            "The way to write a room, at most.",
            ROOM_LEN_MAX,
        ),
        ("text_bytes", "What is said, at most.", TEXT_LEN_MAX),
        ("token_bytes", "A session's token, exactly.", TOKEN_LEN),
    ]
    .map(|(name, doc, value)| Limit { name, doc, value })
    .into()
}

fn records() -> Vec<&'static RecordDoc> {
    let mut found = Vec::new();
    for class in Command::DOCS.iter().chain(Event::DOCS) {
        meet(class.fields, &mut found);
    }
    found
}

fn meet(fields: &'static [FieldDoc], found: &mut Vec<&'static RecordDoc>) {
    for field in fields {
        let mut shape = &field.shape;
        while let Shape::List(inner) = shape {
            shape = inner;
        }
        if let Shape::Record(record) = shape
            && !found.contains(record)
        {
            meet(record.fields, found);
            found.push(record);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_tells_every_field_of_a_replica_once() {
        let model = Model::of_the_protocol();
        let told: Vec<&FieldDoc> = model
            .parts
            .iter()
            .flat_map(|part| part.fields.iter().copied())
            .collect();
        assert_eq!(
            told,
            model.near.fields.iter().collect::<Vec<_>>(),
            "each field of Near should belong to one bit of the mask, and LAYOUT should name no other"
        );
    }

    #[test]
    fn every_class_and_field_is_documented() {
        let model = Model::of_the_protocol();
        for class in model.commands.iter().chain(model.events) {
            assert!(!class.doc.is_empty(), "{} should have a doc", class.name);
            for field in class.fields {
                let place = format!("{} of {}", field.name, class.name);
                assert!(!field.doc.is_empty(), "{place} should have a doc");
            }
        }
        assert!(
            model.records.iter().any(|it| it.type_name == "ItemStack"),
            "what lists hold should be found"
        );
    }
}
