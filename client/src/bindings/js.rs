//! Writes the protocol as one ES module, `realm.js`, and its types, `realm.d.ts`: no dependencies, nothing to build.
//!
//! What the tables decide is written here; the rest (bytes, frames, view, clock, connection) are the files beside it, joined
//! as they are. A 64-bit integer is a number there: past 2^53 - 1 it is refused, never rounded.

use std::fmt::Write;

use super::model::{Model, Numbered};
use crate::{Bound, ClassDoc, FieldDoc, Shape};

const BYTES: &str = include_str!("js/bytes.js");
const FRAMES: &str = include_str!("js/frames.js");
const VIEW: &str = include_str!("js/view.js");
const CLOCK: &str = include_str!("js/clock.js");
const CONNECTION: &str = include_str!("js/connection.js");
const TYPES: &str = include_str!("js/types.d.ts");

const HEAD: &str = "\
// The client protocol of a realm: its classes, their codecs, what is to be seen, and a connection.
// Written by `realm bindings --lang js` from the tables that the server uses: do not edit.
";

pub(super) fn files(model: &Model) -> Vec<(&'static str, String)> {
    vec![("realm.js", module(model)), ("realm.d.ts", types(model))]
}

fn module(model: &Model) -> String {
    let parts = [
        HEAD.to_owned(),
        constants(model, Written::Module),
        BYTES.to_owned(),
        codecs(model),
        replica(model),
        FRAMES.to_owned(),
        VIEW.to_owned(),
        CLOCK.to_owned(),
        CONNECTION.to_owned(),
    ];
    parts.join("\n")
}

fn types(model: &Model) -> String {
    let mut out = [HEAD.to_owned(), constants(model, Written::Types)].join("\n");
    for record in &model.records {
        out += &interface(record.doc, record.type_name, None, record.fields);
    }
    out += &interface(
        model.near.doc,
        model.near.type_name,
        None,
        model.near.fields,
    );
    for class in model.commands.iter().chain(model.events) {
        let tag = Some(class.type_name);
        out += &interface(class.doc, class.type_name, tag, class.fields);
    }
    for (name, doc, table) in [
        ("Command", "One command of a client.", model.commands),
        ("Event", "One event of a server.", model.events),
    ] {
        let names: Vec<&str> = table.iter().map(|class| class.type_name).collect();
        let names = names.join("\n  | ");
        out += &format!("\n/** {doc} */\nexport type {name} =\n  | {names};\n");
    }
    [out, TYPES.to_owned()].join("\n")
}

/// Which of the two files is written.
#[derive(Copy, Clone, PartialEq)]
enum Written {
    Module,
    Types,
}

fn constants(model: &Model, written: Written) -> String {
    let mut out = String::from("/** The version of the protocol. */\n");
    out += &match written {
        Written::Module => format!("export const PROTOCOL = {};\n", model.protocol),
        Written::Types => format!("export const PROTOCOL: {};\n", model.protocol),
    };
    let limits = model.limits.iter().map(|limit| {
        let name = camel(limit.name);
        (limit.doc, name, limit.value.to_string())
    });
    out += &object(
        "Sizes that both sides keep to, in bytes.",
        "LIMITS",
        limits.collect(),
        written,
    );
    let numbers = |list: &[Numbered]| {
        list.iter()
            .map(|it| (it.doc.trim(), it.name.clone(), it.number.to_string()))
            .collect::<Vec<_>>()
    };
    let codes = "Why a server refuses a command or ends a connection. A realm may have newer ones.";
    out += &object(codes, "Code", numbers(&model.codes), written);
    let states = "What an entity is at. A realm may have newer ones: make nothing of them.";
    out += &object(states, "State", numbers(&model.states), written);
    out += "\n/** What a player is told of a code. */\n";
    if written == Written::Types {
        return out + "export const codeText: { readonly [code: number]: string | undefined };\n";
    }
    out += "export const codeText = Object.freeze({\n";
    for code in &model.codes {
        out += &format!("  {}: {:?},\n", code.number, code.doc);
    }
    out += "});\n\n";
    out + &format!("const STEPS_PER_TILE = {};\n", model.steps_per_tile)
}

fn object(doc: &str, name: &str, members: Vec<(&str, String, String)>, written: Written) -> String {
    let (open, readonly, end, close) = match written {
        Written::Module => (" = Object.freeze({", "", ",", "});"),
        Written::Types => (": {", "readonly ", ";", "};"),
    };
    let mut out = format!("\n/** {doc} */\nexport const {name}{open}\n");
    for (doc, name, value) in members {
        out += &format!("  /** {doc} */\n  {readonly}{name}: {value}{end}\n");
    }
    out + close + "\n"
}

fn codecs(model: &Model) -> String {
    let mut out = String::new();
    for record in &model.records {
        let name = record.type_name;
        let (reads, writes) = (reads(record.fields, "    "), writes(record.fields, "  "));
        let count = record.fields.len();
        out += &format!(
            "{doc}function read{name}(reader) {{\n  reader.record({count});\n  return {{\n{reads}  }};\n}}\n\n\
             function write{name}(writer, value) {{\n  fields(value, \"{name}\");\n  \
             writer.record({count});\n{writes}}}\n\n",
            doc = doc_comment(record.doc, ""),
        );
    }
    for (name, table) in [("COMMAND", model.commands), ("EVENT", model.events)] {
        out += &format!("const {name}S = [\n");
        for class in table {
            out += &codec(class);
        }
        out += &format!(
            "];\n\nconst {name}_BY_TYPE = new Map({name}S.map((codec) => [codec.type, codec]));\n\
             const {name}_BY_ID = new Map({name}S.map((codec) => [codec.id, codec]));\n\n"
        );
    }
    out.pop();
    out
}

fn reads(fields: &[FieldDoc], indent: &str) -> String {
    let reads = fields.iter().map(|field| {
        let name = camel(field.name);
        format!("{indent}{name}: {},\n", read(field))
    });
    reads.collect()
}

fn writes(fields: &[FieldDoc], indent: &str) -> String {
    let writes = fields.iter().map(|field| {
        let value = format!("value.{}", camel(field.name));
        format!("{indent}{};\n", write(field, &value))
    });
    writes.collect()
}

fn codec(class: &ClassDoc) -> String {
    let name = class.type_name;
    let count = class.fields.len();
    let (reads, writes) = (
        reads(class.fields, "        "),
        writes(class.fields, "      "),
    );
    let (value, fields) = match count {
        0 => ("", format!("{{ type: \"{name}\" }}")),
        _ => (
            ", value",
            format!("{{\n        type: \"{name}\",\n{reads}      }}"),
        ),
    };
    format!(
        "{doc}  {{\n    type: \"{name}\",\n    name: \"{wire}\",\n    id: 0x{id:08x},\n    read(reader) {{\n      \
         reader.record({count});\n      return {fields};\n    }},\n    write(writer{value}) {{\n      \
         writer.record({count});\n{writes}    }},\n  }},\n",
        doc = doc_comment(class.doc, "  "),
        wire = class.name,
        id = class.id.0,
    )
}

/// Reads a field off `reader`.
fn read(field: &FieldDoc) -> String {
    bounded(field, read_shape(&field.shape))
}

fn read_shape(shape: &Shape) -> String {
    match shape {
        Shape::F32 => "reader.float()".to_owned(),
        Shape::Text => "reader.text()".to_owned(),
        Shape::List(Shape::Record(record)) => format!("reader.list(read{})", record.type_name),
        Shape::List(inner) => format!("reader.list((reader) => {})", read_shape(inner)),
        Shape::Record(record) => format!("read{}(reader)", record.type_name),
        integer => format!("reader.integer({})", most(integer)),
    }
}

/// Writes the field whose value is `value` to `writer`.
fn write(field: &FieldDoc, value: &str) -> String {
    write_shape(&field.shape, &bounded(field, value.to_owned()))
}

fn write_shape(shape: &Shape, value: &str) -> String {
    match shape {
        Shape::F32 => format!("writer.float({value})"),
        Shape::Text => format!("writer.text({value})"),
        Shape::List(Shape::Record(record)) => {
            format!("writer.list({value}, write{})", record.type_name)
        }
        Shape::List(inner) => format!(
            "writer.list({value}, (writer, value) => {})",
            write_shape(inner, "value")
        ),
        Shape::Record(record) => format!("write{}(writer, {value})", record.type_name),
        integer => format!("writer.integer({value}, {})", most(integer)),
    }
}

fn bounded(field: &FieldDoc, value: String) -> String {
    let name = camel(field.name);
    match field.bound {
        None => value,
        Some(Bound::Number) => format!("number({value}, \"{name}\")"),
        Some(Bound::Bytes { min, max }) => {
            format!("bytesBetween({value}, {min}, {max}, \"{name}\")")
        }
        Some(Bound::HexDigits(count)) => format!("hexDigits({value}, {count}, \"{name}\")"),
    }
}

/// The greatest value of an integer, which for the widest is the greatest that JavaScript can hold.
fn most(shape: &Shape) -> &'static str {
    match shape {
        Shape::U8 | Shape::State => "0xff",
        Shape::U16 | Shape::Handle | Shape::Code => "0xffff",
        Shape::U32 => "0xffffffff",
        _ => "Number.MAX_SAFE_INTEGER",
    }
}

/// How the parts of an entry are read and written: fixed widths, apart from MessagePack.
fn replica(model: &Model) -> String {
    let whole = model.parts.iter().fold(0, |mask, part| mask | part.bit);
    // Who somebody is comes last, and never without the rest.
    let identity = model.parts.last().map_or(0, |part| part.bit);
    let mut reads = String::new();
    let mut writes = String::new();
    let mut masks = String::new();
    for part in &model.parts {
        let bit = format!("0x{:02x}", part.bit);
        let _ = writeln!(reads, "  if ((mask & {bit}) !== 0) {{");
        let _ = writeln!(writes, "  if ((mask & {bit}) !== 0) {{");
        for field in &part.fields {
            let name = camel(field.name);
            let _ = writeln!(reads, "    entry.{name} = {};", read_fixed(&field.shape));
            let value = format!("entry.{name}");
            let _ = writeln!(writes, "    {};", write_fixed(&field.shape, &value));
        }
        reads += "  }\n";
        writes += "  }\n";
        if part.bit != identity {
            let first = part.fields.first().map_or("", |field| field.name);
            let _ = writeln!(
                masks,
                "  if (entry.{} !== undefined) mask |= {bit};",
                camel(first)
            );
        }
    }
    format!(
        "const WHOLE = 0x{whole:02x};\nconst IDENTITY = 0x{identity:02x};\n\n\
         function readParts(reader, mask, entry) {{\n{reads}}}\n\n\
         function writeParts(writer, mask, entry) {{\n{writes}}}\n\n\
         /** The bits of what a part tells. */\n\
         function maskOf(entry) {{\n  let mask = 0;\n{masks}  return mask;\n}}\n"
    )
}

fn read_fixed(shape: &Shape) -> &'static str {
    match shape {
        Shape::F32 => "reader.u16() / STEPS_PER_TILE",
        Shape::Text => "reader.shortText()",
        Shape::U8 | Shape::State => "reader.u8()",
        Shape::U16 | Shape::Handle | Shape::Code => "reader.u16()",
        Shape::U32 => "reader.u32()",
        Shape::U64 | Shape::List(_) | Shape::Record(_) => "reader.u64()",
    }
}

fn write_fixed(shape: &Shape, value: &str) -> String {
    match shape {
        Shape::F32 => format!("writer.u16(steps({value}))"),
        Shape::Text => format!("writer.shortText({value})"),
        Shape::U8 | Shape::State => format!("writer.u8({value})"),
        Shape::U16 | Shape::Handle | Shape::Code => format!("writer.u16({value})"),
        Shape::U32 => format!("writer.u32({value})"),
        Shape::U64 | Shape::List(_) | Shape::Record(_) => format!("writer.u64({value})"),
    }
}

fn interface(doc: &[&str], name: &str, tag: Option<&str>, fields: &[FieldDoc]) -> String {
    let mut out = format!("\n{}export interface {name} {{\n", doc_comment(doc, ""));
    if let Some(tag) = tag {
        let _ = writeln!(out, "  type: \"{tag}\";");
    }
    for field in fields {
        let mut doc: Vec<String> = field.doc.iter().map(|line| (*line).to_owned()).collect();
        doc.extend(field.bound.map(|bound| format!(" {}", told(bound))));
        let doc: Vec<&str> = doc.iter().map(String::as_str).collect();
        out += &doc_comment(&doc, "  ");
        let _ = writeln!(out, "  {}: {};", camel(field.name), ts(&field.shape));
    }
    out + "}\n"
}

fn told(bound: Bound) -> String {
    match bound {
        Bound::Number => "Finite, and 0 or at least 2^-126 either way.".to_owned(),
        Bound::Bytes { min, max } => format!("{min} to {max} bytes in UTF-8."),
        Bound::HexDigits(count) => format!("{count} hex digits."),
    }
}

fn ts(shape: &Shape) -> String {
    match shape {
        Shape::Text => "string".to_owned(),
        Shape::List(inner) => format!("{}[]", ts(inner)),
        Shape::Record(record) => record.type_name.to_owned(),
        _ => "number".to_owned(),
    }
}

fn doc_comment(lines: &[&str], indent: &str) -> String {
    let lines: Vec<String> = lines
        .iter()
        .map(|line| line.trim().replace("*/", "* /"))
        .collect();
    match &lines[..] {
        [] => String::new(),
        [line] => format!("{indent}/** {line} */\n"),
        _ => {
            let mut out = format!("{indent}/**\n");
            for line in lines {
                let _ = writeln!(out, "{indent} * {line}");
            }
            out + indent + " */\n"
        }
    }
}

/// `hp_max` as `hpMax`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |out, word| {
        let mut letters = word.chars();
        let head = letters.next().map(|letter| letter.to_ascii_uppercase());
        out + &head.into_iter().chain(letters).collect::<String>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_many_words_goes_in_camel_case() {
        for (rust, js) in [
            ("x", "x"),
            ("hp_max", "hpMax"),
            ("client_time_ms", "clientTimeMs"),
        ] {
            assert_eq!(camel(rust), js, "{rust} should be {js} in JavaScript");
        }
    }
}
