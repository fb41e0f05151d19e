function codecOf(value, byType, table) {
  const type = fields(value, `a ${table}`).type;
  const codec = typeof type === "string" ? byType.get(type) : undefined;
  return codec ?? fail("class", `no ${table} is called that`);
}

function encodeBody(codec, value) {
  const writer = new Writer();
  codec.write(writer, value);
  return writer.finish();
}

function decodeBody(codec, bytes) {
  const reader = new Reader(bytes);
  const value = codec.read(reader);
  reader.end();
  return value;
}

function readVersion(reader) {
  const version = reader.u8();
  if (version !== PROTOCOL) fail("version", `version ${version} of the protocol is unknown`);
}

/** A command frame: what goes out as one binary WebSocket message. */
export function encodeCommand(command, sequence) {
  const codec = codecOf(command, COMMAND_BY_TYPE, "command");
  const writer = new Writer();
  writer.u8(PROTOCOL);
  writer.u32(codec.id);
  writer.u32(sequence);
  codec.write(writer, command);
  const bytes = writer.finish();
  if (bytes.length > LIMITS.commandFrameBytes) fail("long", "the command frame is too long");
  return bytes;
}

/** Reads a command frame: `{ sequence, command }`. */
export function decodeCommand(bytes) {
  const reader = new Reader(bytes);
  if (reader.left > LIMITS.commandFrameBytes) fail("long", "the command frame is too long");
  readVersion(reader);
  const codec = COMMAND_BY_ID.get(reader.u32()) ?? fail("class", "no command has this number");
  const sequence = reader.u32();
  return { sequence, command: decodeBody(codec, reader.take(reader.left)) };
}

/** Reads the body of an event; null when its class is unknown, which a client passes over. */
export function decodeEvent(classId, bytes) {
  const codec = EVENT_BY_ID.get(classId);
  return codec === undefined ? null : decodeBody(codec, bytes);
}

/** The class and the body that `decodeEvent` takes. */
export function encodeEvent(event) {
  const codec = codecOf(event, EVENT_BY_TYPE, "event");
  return { classId: codec.id, bytes: encodeBody(codec, event) };
}

/** Reads a server frame; the bytes of its sections stay where they are. */
export function decodeServerFrame(bytes) {
  const reader = new Reader(bytes);
  if (reader.left > LIMITS.serverFrameBytes) fail("long", "the server frame is too long");
  readVersion(reader);
  const flags = reader.u8();
  if (flags !== 0) fail("flags", `flags ${flags} are unknown`);
  const ack = reader.u32();
  const serverTimeMs = reader.u64();
  const frame = reader.u32();
  const sections = [];
  while (reader.left > 0) {
    const kind = reader.u8();
    sections.push(readSection(kind, new Reader(reader.take(reader.u32()))));
  }
  return { ack, serverTimeMs, frame, sections };
}

function readSection(kind, body) {
  if (kind === SECTION.event) {
    const classId = body.u32();
    return { kind: "event", classId, bytes: body.take(body.left) };
  }
  if (kind === SECTION.cell) return { kind: "cell", bytes: body.take(body.left) };
  if (kind !== SECTION.cellLeft) fail("section", `section kind ${kind} is unknown`);
  const cell = { kind: "cellLeft", x: body.u16(), y: body.u16() };
  body.end();
  return cell;
}

/** Writes what `decodeServerFrame` reads: for tests and tools. */
export function encodeServerFrame(frame) {
  const { ack, serverTimeMs, frame: count, sections } = fields(frame, "a server frame");
  const writer = new Writer();
  writer.u8(PROTOCOL);
  writer.u8(0);
  writer.u32(ack);
  writer.u64(serverTimeMs);
  writer.u32(count);
  if (!Array.isArray(sections)) fail("shape", "sections should be an array");
  for (const section of sections) {
    const body = new Writer();
    const { kind } = fields(section, "a section");
    if (kind === "event") body.u32(section.classId);
    if (kind === "event" || kind === "cell") {
      body.put(section.bytes);
    } else if (kind === "cellLeft") {
      body.u16(section.x);
      body.u16(section.y);
    } else {
      fail("section", "no section is called that");
    }
    const bytes = body.finish();
    writer.u8(SECTION[kind]);
    writer.u32(bytes.length);
    writer.put(bytes);
  }
  return writer.finish();
}

const SECTION = Object.freeze({ event: 1, cell: 2, cellLeft: 3 });
const CELL_KINDS = Object.freeze(["delta", "snapshot"]);
const GONE = 0x80;

/** Reads a cell frame. A state that this module does not know is passed on as its number. */
export function decodeCellFrame(bytes) {
  const reader = new Reader(bytes);
  const kindNumber = reader.u8();
  const kind = CELL_KINDS[kindNumber] ?? fail("kind", `cell frame kind ${kindNumber} is unknown`);
  const cell = { x: reader.u16(), y: reader.u16() };
  const epoch = reader.u32();
  const sequence = reader.u32();
  const entries = [];
  for (let left = reader.u16(); left > 0; left--) {
    const entry = readEntry(reader);
    if (kind === "snapshot" && entry.change !== "whole") fail("mask", "a snapshot holds whole entities only");
    entries.push(entry);
  }
  reader.end();
  return { kind, cell, epoch, sequence, entries };
}

function readEntry(reader) {
  const handle = reader.u16();
  const mask = reader.u8();
  if (mask === GONE) {
    const where = reader.u8();
    if (where > 1) fail("mask", `departure ${where} is unknown`);
    return { handle, change: "gone", to: where === 1 ? { x: reader.u16(), y: reader.u16() } : null };
  }
  const isWhole = mask === WHOLE;
  // Who somebody is never changes while it stays; so an identity comes with all the rest.
  if (!isWhole && (mask === 0 || (mask & ~WHOLE) !== 0 || (mask & IDENTITY) !== 0)) {
    fail("mask", `mask ${mask} is unknown`);
  }
  const entry = { handle, change: isWhole ? "whole" : "part" };
  readParts(reader, mask, entry);
  return entry;
}

/** Writes what `decodeCellFrame` reads: for tests and tools. */
export function encodeCellFrame(frame) {
  const { kind, cell, epoch, sequence, entries } = fields(frame, "a cell frame");
  const writer = new Writer();
  const kindNumber = CELL_KINDS.indexOf(kind);
  if (kindNumber < 0) fail("kind", "a cell frame is a delta or a snapshot");
  writer.u8(kindNumber);
  writer.u16(fields(cell, "a cell").x);
  writer.u16(cell.y);
  writer.u32(epoch);
  writer.u32(sequence);
  if (!Array.isArray(entries)) fail("shape", "entries should be an array");
  writer.u16(entries.length);
  for (const entry of entries) {
    const { handle, change, to } = fields(entry, "an entry");
    if (kind === "snapshot" && change !== "whole") fail("mask", "a snapshot holds whole entities only");
    writer.u16(handle);
    if (change === "gone") {
      writer.u8(GONE);
      writer.u8(to ? 1 : 0);
      if (to) {
        writer.u16(to.x);
        writer.u16(to.y);
      }
      continue;
    }
    if (change !== "whole" && change !== "part") fail("mask", "an entry is whole, part or gone");
    const mask = change === "whole" ? WHOLE : maskOf(entry);
    if (mask === 0) fail("mask", "a part should tell something");
    writer.u8(mask);
    writeParts(writer, mask, entry);
  }
  return writer.finish();
}

/** Tiles to steps, rounded down; what is outside the ground is moved to its edge. */
function steps(tiles) {
  if (typeof tiles !== "number") fail("shape", "a number should be here");
  const count = Math.trunc(Math.fround(tiles * STEPS_PER_TILE));
  return count > 0 ? Math.min(count, 0xffff) : 0;
}
