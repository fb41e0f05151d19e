// The client protocol of a realm: its classes, their codecs, what is to be seen, and a connection.
// Written by `realm bindings --lang js` from the tables that the server uses: do not edit.

/** The version of the protocol. */
export const PROTOCOL = 1;

/** Sizes that both sides keep to, in bytes. */
export const LIMITS = Object.freeze({
  /** A command frame, at most. */
  commandFrameBytes: 4096,
  /** A server frame, at most. */
  serverFrameBytes: 1048576,
  /** The name of a character, at most. */
  nameBytes: 64,
  /** A password, at most. */
  passwordBytes: 128,
  /** The id of a spell, at most. */
  spellBytes: 64,
  /** The way to write a room, at most. */
  roomBytes: 64,
  /** What is said, at most. */
  textBytes: 2048,
  /** A session's token, exactly. */
  tokenBytes: 64,
});

/** Why a server refuses a command or ends a connection. A realm may have newer ones. */
export const Code = Object.freeze({
  /** Log in first. */
  NotLoggedIn: 1,
  /** You are logged in already. */
  AlreadyLoggedIn: 2,
  /** That name cannot be used. */
  BadName: 3,
  /** That name is taken. */
  NameTaken: 4,
  /** That password is too short or too long. */
  BadPassword: 5,
  /** The name or the password is wrong. */
  WrongCredentials: 6,
  /** Wait for the answer to what you asked before. */
  Busy: 7,
  /** The server does not know that command. */
  UnknownClass: 8,
  /** The server could not read that command. */
  Malformed: 9,
  /** A value is outside what is allowed. */
  OutOfBounds: 10,
  /** You are not in the world. */
  NotInWorld: 11,
  /** You are in the world already. */
  AlreadyInWorld: 12,
  /** You do not know that spell. */
  UnknownSpell: 13,
  /** Your target is not there. */
  NoTarget: 14,
  /** Your target is too far away. */
  OutOfRange: 15,
  /** You cannot see your target. */
  NoSight: 16,
  /** That is not ready yet. */
  Cooldown: 17,
  /** Your target is dead. */
  TargetDead: 18,
  /** There is nothing to take. */
  NothingToLoot: 19,
  /** You are dead. */
  YouAreDead: 21,
  /** That command came twice or out of order. */
  StaleSequence: 22,
  /** Too many commands: slow down. */
  TooManyCommands: 23,
  /** The world is full: try again later. */
  Full: 24,
  /** That part of the realm does not answer: try again later. */
  Unavailable: 25,
  /** You logged in from somewhere else. */
  Replaced: 26,
  /** The realm is shutting down. */
  Stopping: 27,
  /** You were away for too long. */
  Idle: 28,
  /** Your session has ended: log in again. */
  BadToken: 29,
  /** Somebody stands in the way. */
  InTheWay: 30,
  /** Too many have tried to log in: wait a minute. */
  TooManyLogins: 31,
  /** You were sent away: your client breaks the rules. */
  Expelled: 32,
  /** Your session went on somewhere else: log in again. */
  OldToken: 33,
  /** That text is empty, too long, or holds what nobody could read. */
  BadText: 40,
  /** You talk too fast: slow down. */
  TooFast: 41,
  /** Nobody of that name is there. */
  NoSuchPlayer: 42,
  /** You are not in that room. */
  NoSuchRoom: 43,
  /** You are in too many rooms. */
  TooManyRooms: 44,
});

/** What an entity is at. A realm may have newer ones: make nothing of them. */
export const State = Object.freeze({
  /** Alive, on the spot. */
  Idle: 0,
  /** Alive, under way. */
  Walking: 1,
  /** A corpse. */
  Dead: 2,
  /** A door that stops way and sight. */
  Closed: 3,
  /** A door that lets through. */
  Open: 4,
  /** A chest or a plant that has something to give. */
  Full: 5,
  /** A chest or a plant that has nothing to give, for now. */
  Empty: 6,
});

/** What a player is told of a code. */
export const codeText = Object.freeze({
  1: "Log in first.",
  2: "You are logged in already.",
  3: "That name cannot be used.",
  4: "That name is taken.",
  5: "That password is too short or too long.",
  6: "The name or the password is wrong.",
  7: "Wait for the answer to what you asked before.",
  8: "The server does not know that command.",
  9: "The server could not read that command.",
  10: "A value is outside what is allowed.",
  11: "You are not in the world.",
  12: "You are in the world already.",
  13: "You do not know that spell.",
  14: "Your target is not there.",
  15: "Your target is too far away.",
  16: "You cannot see your target.",
  17: "That is not ready yet.",
  18: "Your target is dead.",
  19: "There is nothing to take.",
  21: "You are dead.",
  22: "That command came twice or out of order.",
  23: "Too many commands: slow down.",
  24: "The world is full: try again later.",
  25: "That part of the realm does not answer: try again later.",
  26: "You logged in from somewhere else.",
  27: "The realm is shutting down.",
  28: "You were away for too long.",
  29: "Your session has ended: log in again.",
  30: "Somebody stands in the way.",
  31: "Too many have tried to log in: wait a minute.",
  32: "You were sent away: your client breaks the rules.",
  33: "Your session went on somewhere else: log in again.",
  40: "That text is empty, too long, or holds what nobody could read.",
  41: "You talk too fast: slow down.",
  42: "Nobody of that name is there.",
  43: "You are not in that room.",
  44: "You are in too many rooms.",
});

const STEPS_PER_TILE = 32;

/** Bytes, or a value, that the protocol does not know. It is all that the codecs throw. */
export class ProtocolError extends Error {
  /**
   * @param {string} what a stable short word: "truncated", "trailing", "long", "version", "flags", "section", "kind", "mask",
   *   "class", "shape", "text", "range" or "bounds"
   * @param {string} message
   */
  constructor(what, message) {
    super(message);
    this.name = "ProtocolError";
    this.what = what;
  }
}

// A byte order mark is a letter like any other.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const toUtf8 = new TextEncoder();

const LEAST_NORMAL = 2 ** -126;

function isNumber(value) {
  return Number.isFinite(value) && (value === 0 || Math.abs(value) >= LEAST_NORMAL);
}

function fail(what, message) {
  throw new ProtocolError(what, message);
}

/** Refuses what is no object before its fields are read. */
function fields(value, what) {
  return value !== null && typeof value === "object" ? value : fail("shape", `${what} should be an object`);
}

function toBytes(bytes) {
  if (bytes instanceof Uint8Array) return bytes;
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  return fail("shape", "bytes should be a Uint8Array or an ArrayBuffer");
}

/** Reads fields off bytes, and never past their end. Widths are little-endian but where MessagePack is read. */
class Reader {
  constructor(bytes) {
    this.bytes = toBytes(bytes);
    this.data = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    this.at = 0;
  }

  get left() {
    return this.bytes.length - this.at;
  }

  /** Where the next `length` bytes begin, and steps over them. */
  step(length) {
    if (length > this.left) fail("truncated", "the bytes end too early");
    const at = this.at;
    this.at += length;
    return at;
  }

  take(length) {
    const at = this.step(length);
    return this.bytes.subarray(at, at + length);
  }

  end() {
    if (this.left > 0) fail("trailing", "more bytes follow than should");
  }

  u8() {
    return this.data.getUint8(this.step(1));
  }

  u16() {
    return this.data.getUint16(this.step(2), true);
  }

  u32() {
    return this.data.getUint32(this.step(4), true);
  }

  u64() {
    return safe(this.data.getBigUint64(this.step(8), true));
  }

  utf8(length) {
    const bytes = this.take(length);
    try {
      return utf8.decode(bytes);
    } catch {
      return fail("text", "a text is not UTF-8");
    }
  }

  shortText() {
    return this.utf8(this.u8());
  }

  /** The head of a MessagePack array. Nothing is made by this number: who reads the values finds out where they end. */
  count() {
    const head = this.u8();
    if ((head & 0xf0) === 0x90) return head & 0x0f;
    if (head === 0xdc) return this.data.getUint16(this.step(2));
    if (head === 0xdd) return this.data.getUint32(this.step(4));
    return fail("shape", "an array should be here");
  }

  /** The head of a record with so many fields. */
  record(count) {
    if (this.count() !== count) fail("shape", `an array should have ${count} values`);
  }

  list(read) {
    const values = [];
    for (let left = this.count(); left > 0; left--) values.push(read(this));
    return values;
  }

  /** Any MessagePack integer that lies within 0 and `max`. */
  integer(max) {
    const value = this.wide(this.u8());
    if (value === undefined) fail("shape", "an integer should be here");
    if (value < 0 || value > max) fail("range", `${value} does not fit`);
    return value;
  }

  wide(head) {
    if (head <= 0x7f) return head;
    if (head >= 0xe0) return head - 0x100;
    switch (head) {
      case 0xcc:
        return this.data.getUint8(this.step(1));
      case 0xcd:
        return this.data.getUint16(this.step(2));
      case 0xce:
        return this.data.getUint32(this.step(4));
      case 0xcf:
        return safe(this.data.getBigUint64(this.step(8)));
      case 0xd0:
        return this.data.getInt8(this.step(1));
      case 0xd1:
        return this.data.getInt16(this.step(2));
      case 0xd2:
        return this.data.getInt32(this.step(4));
      case 0xd3:
        return safe(this.data.getBigInt64(this.step(8)));
      default:
        return undefined;
    }
  }

  /** Any MessagePack number, rounded to float 32. */
  float() {
    const head = this.u8();
    if (head === 0xca) return this.data.getFloat32(this.step(4));
    if (head === 0xcb) return Math.fround(this.data.getFloat64(this.step(8)));
    const value = this.wide(head);
    return value === undefined ? fail("shape", "a number should be here") : Math.fround(value);
  }

  text() {
    const head = this.u8();
    if ((head & 0xe0) === 0xa0) return this.utf8(head & 0x1f);
    if (head === 0xd9) return this.utf8(this.u8());
    if (head === 0xda) return this.utf8(this.data.getUint16(this.step(2)));
    if (head === 0xdb) return this.utf8(this.data.getUint32(this.step(4)));
    return fail("shape", "a text should be here");
  }
}

function safe(wide) {
  const value = Number(wide);
  return Number.isSafeInteger(value) ? value : fail("range", "an integer is past 2^53 - 1");
}

/** Writes what `Reader` reads, in the shortest encoding. */
class Writer {
  constructor() {
    this.bytes = new Uint8Array(64);
    this.data = new DataView(this.bytes.buffer);
    this.at = 0;
  }

  /** Where the next `length` bytes begin, with room for them. */
  step(length) {
    const at = this.at;
    this.at += length;
    if (this.at > this.bytes.length) {
      const bytes = new Uint8Array(Math.max(this.at, this.bytes.length * 2));
      bytes.set(this.bytes);
      this.bytes = bytes;
      this.data = new DataView(bytes.buffer);
    }
    return at;
  }

  finish() {
    return this.bytes.slice(0, this.at);
  }

  put(bytes) {
    const from = toBytes(bytes);
    const at = this.step(from.length);
    this.bytes.set(from, at);
  }

  u8(value) {
    const number = whole(value, 0xff);
    const at = this.step(1);
    this.data.setUint8(at, number);
  }

  u16(value) {
    const number = whole(value, 0xffff);
    const at = this.step(2);
    this.data.setUint16(at, number, true);
  }

  u32(value) {
    const number = whole(value, 0xffffffff);
    const at = this.step(4);
    this.data.setUint32(at, number, true);
  }

  u64(value) {
    const number = BigInt(whole(value, Number.MAX_SAFE_INTEGER));
    const at = this.step(8);
    this.data.setBigUint64(at, number, true);
  }

  shortText(text) {
    const bytes = textBytes(text);
    this.u8(bytes.length);
    this.put(bytes);
  }

  /** A head byte and a big-endian integer of `width` bytes. */
  head(byte, width, value) {
    const at = this.step(1 + width);
    this.data.setUint8(at, byte);
    if (width === 1) this.data.setUint8(at + 1, value);
    else if (width === 2) this.data.setUint16(at + 1, value);
    else if (width === 4) this.data.setUint32(at + 1, value);
    else if (width === 8) this.data.setBigUint64(at + 1, BigInt(value));
  }

  record(count) {
    if (count < 0x10) this.head(0x90 | count, 0);
    else if (count <= 0xffff) this.head(0xdc, 2, count);
    else this.head(0xdd, 4, count);
  }

  list(values, write) {
    if (!Array.isArray(values)) fail("shape", "an array should be here");
    this.record(values.length);
    for (const value of values) write(this, value);
  }

  integer(value, max) {
    const number = whole(value, max);
    if (number <= 0x7f) this.head(number, 0);
    else if (number <= 0xff) this.head(0xcc, 1, number);
    else if (number <= 0xffff) this.head(0xcd, 2, number);
    else if (number <= 0xffffffff) this.head(0xce, 4, number);
    else this.head(0xcf, 8, number);
  }

  float(value) {
    if (typeof value !== "number") fail("shape", "a number should be here");
    const at = this.step(5);
    this.data.setUint8(at, 0xca);
    this.data.setFloat32(at + 1, value);
  }

  text(text) {
    const bytes = textBytes(text);
    if (bytes.length < 0x20) this.head(0xa0 | bytes.length, 0);
    else if (bytes.length <= 0xff) this.head(0xd9, 1, bytes.length);
    else if (bytes.length <= 0xffff) this.head(0xda, 2, bytes.length);
    else this.head(0xdb, 4, bytes.length);
    this.put(bytes);
  }
}

function whole(value, max) {
  if (!Number.isInteger(value)) fail("shape", "an integer should be here");
  return value >= 0 && value <= max ? value : fail("range", `${value} does not fit`);
}

function textBytes(text) {
  if (typeof text !== "string") fail("shape", "a text should be here");
  if (/\p{Surrogate}/u.test(text)) fail("text", "a text has half a letter");
  return toUtf8.encode(text);
}

/** The bounds of fields: each gives back what keeps it. */
function number(value, field) {
  if (typeof value !== "number") fail("shape", `${field} should be a number`);
  return isNumber(Math.fround(value)) ? value : fail("bounds", `${field} is out of bounds`);
}

function bytesBetween(text, min, max, field) {
  const length = textBytes(text).length;
  return length >= min && length <= max ? text : fail("bounds", `${field} is out of bounds`);
}

function hexDigits(text, count, field) {
  const keeps = typeof text === "string" && text.length === count && /^[0-9a-fA-F]*$/.test(text);
  return keeps ? text : fail("bounds", `${field} is out of bounds`);
}

/** Some items of one kind. */
function readItemStack(reader) {
  reader.record(2);
  return {
    item: reader.text(),
    count: reader.integer(0xffffffff),
  };
}

function writeItemStack(writer, value) {
  fields(value, "ItemStack");
  writer.record(2);
  writer.text(value.item);
  writer.integer(value.count, 0xffffffff);
}

const COMMANDS = [
  /** Makes a character and logs it in: `LoggedIn` or a refusal. */
  {
    type: "Register",
    name: "client.register",
    id: 0x29cd9679,
    read(reader) {
      reader.record(2);
      return {
        type: "Register",
        name: bytesBetween(reader.text(), 1, 64, "name"),
        password: bytesBetween(reader.text(), 0, 128, "password"),
      };
    },
    write(writer, value) {
      writer.record(2);
      writer.text(bytesBetween(value.name, 1, 64, "name"));
      writer.text(bytesBetween(value.password, 0, 128, "password"));
    },
  },
  /** Logs a character in: `LoggedIn` or a refusal. */
  {
    type: "LogIn",
    name: "client.log_in",
    id: 0xc2db8f3c,
    read(reader) {
      reader.record(2);
      return {
        type: "LogIn",
        name: bytesBetween(reader.text(), 1, 64, "name"),
        password: bytesBetween(reader.text(), 0, 128, "password"),
      };
    },
    write(writer, value) {
      writer.record(2);
      writer.text(bytesBetween(value.name, 1, 64, "name"));
      writer.text(bytesBetween(value.password, 0, 128, "password"));
    },
  },
  /** Takes up the session that an earlier connection left: `LoggedIn` or a refusal. */
  {
    type: "Resume",
    name: "client.resume",
    id: 0x50ef9623,
    read(reader) {
      reader.record(1);
      return {
        type: "Resume",
        token: hexDigits(reader.text(), 64, "token"),
      };
    },
    write(writer, value) {
      writer.record(1);
      writer.text(hexDigits(value.token, 64, "token"));
    },
  },
  /** Goes into the world: `Entered` or a refusal. */
  {
    type: "Enter",
    name: "client.enter",
    id: 0x5cb790f6,
    read(reader) {
      reader.record(0);
      return { type: "Enter" };
    },
    write(writer) {
      writer.record(0);
    },
  },
  /** Walks towards a point; the server moves the avatar at its own speed, and stops it where the ground does. */
  {
    type: "Move",
    name: "client.move",
    id: 0x362f5c3d,
    read(reader) {
      reader.record(2);
      return {
        type: "Move",
        x: number(reader.float(), "x"),
        y: number(reader.float(), "y"),
      };
    },
    write(writer, value) {
      writer.record(2);
      writer.float(number(value.x, "x"));
      writer.float(number(value.y, "y"));
    },
  },
  /** Casts a spell: `Struck`, perhaps `Killed`, or a refusal. */
  {
    type: "Cast",
    name: "client.cast",
    id: 0x8836ceff,
    read(reader) {
      reader.record(2);
      return {
        type: "Cast",
        spell: bytesBetween(reader.text(), 1, 64, "spell"),
        target: reader.integer(0xffff),
      };
    },
    write(writer, value) {
      writer.record(2);
      writer.text(bytesBetween(value.spell, 1, 64, "spell"));
      writer.integer(value.target, 0xffff);
    },
  },
  /** Takes what a corpse holds: `Looted` or a refusal. */
  {
    type: "Loot",
    name: "client.loot",
    id: 0x52eea6ba,
    read(reader) {
      reader.record(1);
      return {
        type: "Loot",
        target: reader.integer(0xffff),
      };
    },
    write(writer, value) {
      writer.record(1);
      writer.integer(value.target, 0xffff);
    },
  },
  /** Uses an object: `Looted` from a chest or a plant; a door opens or closes, as all near it see; or a refusal. */
  {
    type: "Use",
    name: "client.use",
    id: 0xe1e81e13,
    read(reader) {
      reader.record(1);
      return {
        type: "Use",
        target: reader.integer(0xffff),
      };
    },
    write(writer, value) {
      writer.record(1);
      writer.integer(value.target, 0xffff);
    },
  },
  /** Leaves the world, not the session: `Left` or a refusal. */
  {
    type: "Leave",
    name: "client.leave",
    id: 0x923848af,
    read(reader) {
      reader.record(0);
      return { type: "Leave" };
    },
    write(writer) {
      writer.record(0);
    },
  },
  /** Says something to a room: `Said`, to the player too, or a refusal. */
  {
    type: "Say",
    name: "client.say",
    id: 0x1ce6c983,
    read(reader) {
      reader.record(2);
      return {
        type: "Say",
        room: bytesBetween(reader.text(), 1, 64, "room"),
        text: bytesBetween(reader.text(), 0, 2048, "text"),
      };
    },
    write(writer, value) {
      writer.record(2);
      writer.text(bytesBetween(value.room, 1, 64, "room"));
      writer.text(bytesBetween(value.text, 0, 2048, "text"));
    },
  },
  /** Says something to one player: `Whispered`, to both, or a refusal. */
  {
    type: "Whisper",
    name: "client.whisper",
    id: 0xcd6b717a,
    read(reader) {
      reader.record(2);
      return {
        type: "Whisper",
        to: bytesBetween(reader.text(), 1, 64, "to"),
        text: bytesBetween(reader.text(), 0, 2048, "text"),
      };
    },
    write(writer, value) {
      writer.record(2);
      writer.text(bytesBetween(value.to, 1, 64, "to"));
      writer.text(bytesBetween(value.text, 0, 2048, "text"));
    },
  },
  /** Enters a room and hears what is said there from the acknowledgement on; or a refusal. A room needs no founder. */
  {
    type: "Join",
    name: "client.join",
    id: 0x7ccd4940,
    read(reader) {
      reader.record(1);
      return {
        type: "Join",
        room: bytesBetween(reader.text(), 1, 64, "room"),
      };
    },
    write(writer, value) {
      writer.record(1);
      writer.text(bytesBetween(value.room, 1, 64, "room"));
    },
  },
  /** Leaves a room: heard no more from the acknowledgement on; or a refusal. */
  {
    type: "Part",
    name: "client.part",
    id: 0x5a628805,
    read(reader) {
      reader.record(1);
      return {
        type: "Part",
        room: bytesBetween(reader.text(), 1, 64, "room"),
      };
    },
    write(writer, value) {
      writer.record(1);
      writer.text(bytesBetween(value.room, 1, 64, "room"));
    },
  },
  /** Asks what time it is: `Pong`, at once and at any time. */
  {
    type: "Ping",
    name: "client.ping",
    id: 0xde17b1a8,
    read(reader) {
      reader.record(1);
      return {
        type: "Ping",
        clientTimeMs: reader.integer(Number.MAX_SAFE_INTEGER),
      };
    },
    write(writer, value) {
      writer.record(1);
      writer.integer(value.clientTimeMs, Number.MAX_SAFE_INTEGER);
    },
  },
];

const COMMAND_BY_TYPE = new Map(COMMANDS.map((codec) => [codec.type, codec]));
const COMMAND_BY_ID = new Map(COMMANDS.map((codec) => [codec.id, codec]));

const EVENTS = [
  /** The first thing that a server says on a connection. */
  {
    type: "Welcome",
    name: "client.event.welcome",
    id: 0x1e4ce256,
    read(reader) {
      reader.record(2);
      return {
        type: "Welcome",
        protocol: reader.integer(0xff),
        realm: reader.text(),
      };
    },
    write(writer, value) {
      writer.record(2);
      writer.integer(value.protocol, 0xff);
      writer.text(value.realm);
    },
  },
  /** The session is this player's. Answers `Register`, `LogIn` and `Resume`. */
  {
    type: "LoggedIn",
    name: "client.event.logged_in",
    id: 0xe7e3bce2,
    read(reader) {
      reader.record(2);
      return {
        type: "LoggedIn",
        name: reader.text(),
        token: reader.text(),
      };
    },
    write(writer, value) {
      writer.record(2);
      writer.text(value.name);
      writer.text(value.token);
    },
  },
  /** The avatar stands in the world. Answers `Enter`; all amounts are totals. */
  {
    type: "Entered",
    name: "client.event.entered",
    id: 0x2cbbdee5,
    read(reader) {
      reader.record(14);
      return {
        type: "Entered",
        channel: reader.integer(Number.MAX_SAFE_INTEGER),
        map: reader.text(),
        width: reader.integer(0xffff),
        height: reader.integer(0xffff),
        cell: reader.integer(0xffff),
        me: reader.integer(0xffff),
        x: number(reader.float(), "x"),
        y: number(reader.float(), "y"),
        hp: reader.integer(0xffffffff),
        hpMax: reader.integer(0xffffffff),
        xp: reader.integer(Number.MAX_SAFE_INTEGER),
        coins: reader.integer(Number.MAX_SAFE_INTEGER),
        items: reader.list(readItemStack),
        spells: reader.list((reader) => reader.text()),
      };
    },
    write(writer, value) {
      writer.record(14);
      writer.integer(value.channel, Number.MAX_SAFE_INTEGER);
      writer.text(value.map);
      writer.integer(value.width, 0xffff);
      writer.integer(value.height, 0xffff);
      writer.integer(value.cell, 0xffff);
      writer.integer(value.me, 0xffff);
      writer.float(number(value.x, "x"));
      writer.float(number(value.y, "y"));
      writer.integer(value.hp, 0xffffffff);
      writer.integer(value.hpMax, 0xffffffff);
      writer.integer(value.xp, Number.MAX_SAFE_INTEGER);
      writer.integer(value.coins, Number.MAX_SAFE_INTEGER);
      writer.list(value.items, writeItemStack);
      writer.list(value.spells, (writer, value) => writer.text(value));
    },
  },
  /** The avatar is out of the world and saved; the session stays. Answers `Leave`. */
  {
    type: "Left",
    name: "client.event.left",
    id: 0x6f8dbe6f,
    read(reader) {
      reader.record(0);
      return { type: "Left" };
    },
    write(writer) {
      writer.record(0);
    },
  },
  /** The player's own figures changed; all are totals. */
  {
    type: "You",
    name: "client.event.you",
    id: 0xb0d6db8d,
    read(reader) {
      reader.record(4);
      return {
        type: "You",
        hp: reader.integer(0xffffffff),
        hpMax: reader.integer(0xffffffff),
        xp: reader.integer(Number.MAX_SAFE_INTEGER),
        level: reader.integer(0xffffffff),
      };
    },
    write(writer, value) {
      writer.record(4);
      writer.integer(value.hp, 0xffffffff);
      writer.integer(value.hpMax, 0xffffffff);
      writer.integer(value.xp, Number.MAX_SAFE_INTEGER);
      writer.integer(value.level, 0xffffffff);
    },
  },
  /** A spell took effect, by or on the player. */
  {
    type: "Struck",
    name: "client.event.struck",
    id: 0xa09376a6,
    read(reader) {
      reader.record(4);
      return {
        type: "Struck",
        spell: reader.text(),
        by: reader.integer(0xffff),
        target: reader.integer(0xffff),
        amount: reader.integer(0xffffffff),
      };
    },
    write(writer, value) {
      writer.record(4);
      writer.text(value.spell);
      writer.integer(value.by, 0xffff);
      writer.integer(value.target, 0xffff);
      writer.integer(value.amount, 0xffffffff);
    },
  },
  /**
   * A spell took effect between two that the player sees, whoever they are. To be shown: what it did is told by `Struck`
   * to the two of them, and by cell frames to all.
   */
  {
    type: "CastSeen",
    name: "client.event.cast_seen",
    id: 0x480a5e79,
    read(reader) {
      reader.record(3);
      return {
        type: "CastSeen",
        spell: reader.text(),
        by: reader.integer(0xffff),
        target: reader.integer(0xffff),
      };
    },
    write(writer, value) {
      writer.record(3);
      writer.text(value.spell);
      writer.integer(value.by, 0xffff);
      writer.integer(value.target, 0xffff);
    },
  },
  /** The player killed somebody. */
  {
    type: "Killed",
    name: "client.event.killed",
    id: 0xaac3bd17,
    read(reader) {
      reader.record(2);
      return {
        type: "Killed",
        target: reader.integer(0xffff),
        xp: reader.integer(Number.MAX_SAFE_INTEGER),
      };
    },
    write(writer, value) {
      writer.record(2);
      writer.integer(value.target, 0xffff);
      writer.integer(value.xp, Number.MAX_SAFE_INTEGER);
    },
  },
  /**
   * The player took what a corpse, a chest or a plant held. Answers `Loot` and `Use`; the amounts are what was gained,
   * and are already saved.
   */
  {
    type: "Looted",
    name: "client.event.looted",
    id: 0xe9972cfd,
    read(reader) {
      reader.record(3);
      return {
        type: "Looted",
        target: reader.integer(0xffff),
        items: reader.list(readItemStack),
        coins: reader.integer(Number.MAX_SAFE_INTEGER),
      };
    },
    write(writer, value) {
      writer.record(3);
      writer.integer(value.target, 0xffff);
      writer.list(value.items, writeItemStack);
      writer.integer(value.coins, Number.MAX_SAFE_INTEGER);
    },
  },
  /**
   * A `Loot` or `Use` that was sent again had been carried out before the connection was lost. `Entered` has told the
   * totals with it.
   */
  {
    type: "LootedBefore",
    name: "client.event.looted_before",
    id: 0x75a5d9f1,
    read(reader) {
      reader.record(4);
      return {
        type: "LootedBefore",
        sequence: reader.integer(0xffffffff),
        target: reader.integer(0xffff),
        items: reader.list(readItemStack),
        coins: reader.integer(Number.MAX_SAFE_INTEGER),
      };
    },
    write(writer, value) {
      writer.record(4);
      writer.integer(value.sequence, 0xffffffff);
      writer.integer(value.target, 0xffff);
      writer.list(value.items, writeItemStack);
      writer.integer(value.coins, Number.MAX_SAFE_INTEGER);
    },
  },
  /**
   * Where the realm can be reached when this connection is lost: this gateway first, if it has an address. Told after
   * `LoggedIn`, and again when it changes.
   */
  {
    type: "Gateways",
    name: "client.event.gateways",
    id: 0x0123229d,
    read(reader) {
      reader.record(1);
      return {
        type: "Gateways",
        urls: reader.list((reader) => reader.text()),
      };
    },
    write(writer, value) {
      writer.record(1);
      writer.list(value.urls, (writer, value) => writer.text(value));
    },
  },
  /** The player's avatar died; `Respawned` follows. */
  {
    type: "Died",
    name: "client.event.died",
    id: 0xa36a8e98,
    read(reader) {
      reader.record(1);
      return {
        type: "Died",
        by: reader.integer(0xffff),
      };
    },
    write(writer, value) {
      writer.record(1);
      writer.integer(value.by, 0xffff);
    },
  },
  /** The player's avatar lives again. */
  {
    type: "Respawned",
    name: "client.event.respawned",
    id: 0x5ed1b41b,
    read(reader) {
      reader.record(2);
      return {
        type: "Respawned",
        x: number(reader.float(), "x"),
        y: number(reader.float(), "y"),
      };
    },
    write(writer, value) {
      writer.record(2);
      writer.float(number(value.x, "x"));
      writer.float(number(value.y, "y"));
    },
  },
  /** Somebody said something to a room that the player hears; a client shows it as text, whatever it holds. */
  {
    type: "Said",
    name: "client.event.said",
    id: 0xbe0abe1b,
    read(reader) {
      reader.record(3);
      return {
        type: "Said",
        room: reader.text(),
        from: reader.text(),
        text: reader.text(),
      };
    },
    write(writer, value) {
      writer.record(3);
      writer.text(value.room);
      writer.text(value.from);
      writer.text(value.text);
    },
  },
  /** Somebody whispered to the player, or the player to somebody. */
  {
    type: "Whispered",
    name: "client.event.whispered",
    id: 0x3da2f3e5,
    read(reader) {
      reader.record(3);
      return {
        type: "Whispered",
        from: reader.text(),
        to: reader.text(),
        text: reader.text(),
      };
    },
    write(writer, value) {
      writer.record(3);
      writer.text(value.from);
      writer.text(value.to);
      writer.text(value.text);
    },
  },
  /** A command was not carried out. */
  {
    type: "Refused",
    name: "client.event.refused",
    id: 0xe5e69aca,
    read(reader) {
      reader.record(3);
      return {
        type: "Refused",
        sequence: reader.integer(0xffffffff),
        code: reader.integer(0xffff),
        text: reader.text(),
      };
    },
    write(writer, value) {
      writer.record(3);
      writer.integer(value.sequence, 0xffffffff);
      writer.integer(value.code, 0xffff);
      writer.text(value.text);
    },
  },
  /** The last thing that a server says before it closes the connection. */
  {
    type: "Goodbye",
    name: "client.event.goodbye",
    id: 0xdc990ac9,
    read(reader) {
      reader.record(1);
      return {
        type: "Goodbye",
        code: reader.integer(0xffff),
      };
    },
    write(writer, value) {
      writer.record(1);
      writer.integer(value.code, 0xffff);
    },
  },
  /** Answers `Ping`. */
  {
    type: "Pong",
    name: "client.event.pong",
    id: 0x0c0d9a78,
    read(reader) {
      reader.record(2);
      return {
        type: "Pong",
        clientTimeMs: reader.integer(Number.MAX_SAFE_INTEGER),
        serverTimeMs: reader.integer(Number.MAX_SAFE_INTEGER),
      };
    },
    write(writer, value) {
      writer.record(2);
      writer.integer(value.clientTimeMs, Number.MAX_SAFE_INTEGER);
      writer.integer(value.serverTimeMs, Number.MAX_SAFE_INTEGER);
    },
  },
];

const EVENT_BY_TYPE = new Map(EVENTS.map((codec) => [codec.type, codec]));
const EVENT_BY_ID = new Map(EVENTS.map((codec) => [codec.id, codec]));

const WHOLE = 0x0f;
const IDENTITY = 0x08;

function readParts(reader, mask, entry) {
  if ((mask & 0x01) !== 0) {
    entry.x = reader.u16() / STEPS_PER_TILE;
    entry.y = reader.u16() / STEPS_PER_TILE;
  }
  if ((mask & 0x02) !== 0) {
    entry.hp = reader.u16();
    entry.hpMax = reader.u16();
  }
  if ((mask & 0x04) !== 0) {
    entry.state = reader.u8();
  }
  if ((mask & 0x08) !== 0) {
    entry.kind = reader.shortText();
    entry.name = reader.shortText();
  }
}

function writeParts(writer, mask, entry) {
  if ((mask & 0x01) !== 0) {
    writer.u16(steps(entry.x));
    writer.u16(steps(entry.y));
  }
  if ((mask & 0x02) !== 0) {
    writer.u16(entry.hp);
    writer.u16(entry.hpMax);
  }
  if ((mask & 0x04) !== 0) {
    writer.u8(entry.state);
  }
  if ((mask & 0x08) !== 0) {
    writer.shortText(entry.kind);
    writer.shortText(entry.name);
  }
}

/** The bits of what a part tells. */
function maskOf(entry) {
  let mask = 0;
  if (entry.x !== undefined) mask |= 0x01;
  if (entry.hp !== undefined) mask |= 0x02;
  if (entry.state !== undefined) mask |= 0x04;
  return mask;
}

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

/**
 * What is to be seen: the entities of the cells in view, kept up to date by cell frames. An entity that two cells list for a
 * moment is where it was told whole last. An object that the view handed out never changes: a change makes a new one.
 */
export class View {
  #cells = new Map();
  #places = new Map();

  /**
   * Takes in a decoded cell frame. Deltas of cells that are not in view, and frames that are not newer, change nothing.
   * Answers null, or which frames are missing; the server heals that by itself.
   */
  apply(frame) {
    const key = cellKey(frame.cell.x, frame.cell.y);
    const seen = this.#cells.get(key);
    const order = seen === undefined ? 1 : frame.epoch - seen.epoch || frame.sequence - seen.sequence;
    if (frame.kind === "snapshot") {
      if (order < 0) return null;
      this.#drop(key);
      const { x, y } = frame.cell;
      this.#cells.set(key, { x, y, epoch: 0, sequence: 0, entities: new Map() });
      this.#takeIn(key, frame);
      return null;
    }
    if (seen === undefined || order <= 0) return null;
    const known = { epoch: seen.epoch, sequence: seen.sequence };
    this.#takeIn(key, frame);
    if (frame.epoch === known.epoch && frame.sequence === known.sequence + 1) return null;
    return { cell: frame.cell, known, got: { epoch: frame.epoch, sequence: frame.sequence } };
  }

  /** Forgets a cell that left the view, and whoever is listed there alone. */
  cellLeft(x, y) {
    this.#drop(cellKey(x, y));
  }

  /** Forgets everything. */
  clear() {
    this.#cells.clear();
    this.#places.clear();
  }

  /** How many entities are in view. */
  get size() {
    return this.#places.size;
  }

  /** An entity in view, or undefined. */
  get(handle) {
    const key = this.#places.get(handle);
    return key === undefined ? undefined : this.#cells.get(key)?.entities.get(handle);
  }

  /** The cell that an entity in view is in, or undefined. */
  cellOf(handle) {
    const cell = this.#cells.get(this.#places.get(handle));
    return cell === undefined ? undefined : { x: cell.x, y: cell.y };
  }

  /** Every entity in view, in no order. */
  *entities() {
    for (const [handle, key] of this.#places) {
      const entity = this.#cells.get(key)?.entities.get(handle);
      if (entity !== undefined) yield entity;
    }
  }

  /** Every cell in view, in no order, and how far its frames are known. */
  *cells() {
    for (const { x, y, epoch, sequence } of this.#cells.values()) yield { x, y, epoch, sequence };
  }

  #takeIn(key, frame) {
    const cell = this.#cells.get(key);
    cell.epoch = frame.epoch;
    cell.sequence = frame.sequence;
    const gone = new Set();
    for (const { change, ...told } of frame.entries) {
      const { handle } = told;
      if (change === "whole") {
        cell.entities.set(handle, told);
        this.#places.set(handle, key);
        gone.delete(handle);
      } else if (change === "part") {
        const entity = cell.entities.get(handle);
        if (entity !== undefined) cell.entities.set(handle, { ...entity, ...told });
      } else {
        cell.entities.delete(handle);
        gone.add(handle);
      }
    }
    for (const handle of gone) this.#left(handle, key);
  }

  #drop(key) {
    const dropped = this.#cells.get(key);
    if (dropped === undefined) return;
    this.#cells.delete(key);
    for (const handle of dropped.entities.keys()) this.#left(handle, key);
  }

  /** After a cell stopped listing an entity: it may still be listed by the cell that it went to. */
  #left(handle, key) {
    if (this.#places.get(handle) !== key) return;
    let elsewhere;
    for (const [other, cell] of this.#cells) {
      if (cell.entities.has(handle) && (elsewhere === undefined || other < elsewhere)) elsewhere = other;
    }
    if (elsewhere === undefined) this.#places.delete(handle);
    else this.#places.set(handle, elsewhere);
  }
}

/** A cell as one number, which orders as x, then y. */
function cellKey(x, y) {
  return x * 0x10000 + y;
}

const SAMPLES_MAX = 8;
const FIRST_ANSWERS = 5;
const ASK_EVERY_MS = 10_000;
const ANSWER_WITHIN_MS = 2_000;
/** How far two clocks may drift apart in each millisecond. */
const DRIFT = 0.0001;
/** The server tells whole milliseconds, so the middle of one is off by so much at most. */
const ROUNDING_MS = 0.5;

/**
 * The server's clock as seen from here. An answer to `Ping` tells it at some moment between question and arrival; taken for the
 * middle, it is wrong by half of the delay at most. Of the last answers the one that may be wrong by the least is believed.
 * All times are in milliseconds, and null before the first answer.
 */
export class Clock {
  #now;
  #samples = [];
  #answers = 0;
  #asked = null;
  #askedAt = -Infinity;
  #told = null;
  #isOther = false;

  constructor(now) {
    this.#now = now;
  }

  /** What to add to the own clock to get the server's. */
  get offsetMs() {
    return this.#best()?.offset ?? null;
  }

  /** From a question to its answer, at best. */
  get delayMs() {
    return this.#best()?.delay ?? null;
  }

  /** How much longer than that it takes on average. */
  get jitterMs() {
    if (this.#samples.length === 0) return null;
    const delays = this.#samples.map(({ delay }) => delay);
    const least = Math.min(...delays);
    return delays.reduce((sum, delay) => sum + delay - least, 0) / delays.length;
  }

  /** The offset is wrong by so much at most. */
  get errorMs() {
    const best = this.#best();
    return best === undefined ? null : errorOf(best, this.#now()) + ROUNDING_MS;
  }

  /**
   * The server's clock now, as in the headers of its frames. On one connection it never runs backwards: when it turns out to be
   * ahead, it goes at half speed until it is right again.
   */
  serverNow() {
    const best = this.#best();
    if (best === undefined) return null;
    const at = this.#now();
    const right = at + best.offset;
    const server = this.#told === null ? right : Math.max(right, this.#told.server + Math.max(at - this.#told.at, 0) / 2);
    this.#told = { at, server };
    return server;
  }

  /** The number to ask the server with now, or null if it is not time to. */
  ask() {
    const at = this.#now();
    const isBeginning = this.#answers < FIRST_ANSWERS;
    const wait = !isBeginning ? ASK_EVERY_MS : this.#asked === null ? 0 : ANSWER_WITHIN_MS;
    if (at - this.#askedAt < wait) return null;
    this.#askedAt = at;
    this.#asked = { number: Math.max(Math.floor(at), 0), at };
    return this.#asked.number;
  }

  /** Takes the answer to the question with this number; false when it is not the one that is open. */
  answered(number, serverTimeMs) {
    const asked = this.#asked;
    if (asked?.number !== number) return false;
    this.#asked = null;
    this.#answers += 1;
    if (this.#isOther) this.#forget();
    const at = this.#now();
    const delay = Math.max(at - asked.at, 0);
    const sample = { at, delay, offset: serverTimeMs + ROUNDING_MS - (asked.at + delay / 2) };
    this.#samples = this.#samples.filter((earlier) => agree(earlier, sample)).slice(1 - SAMPLES_MAX);
    this.#samples.push(sample);
    return true;
  }

  /** On a new connection there may be another server; what is known holds until it has answered. */
  connected() {
    this.#answers = 0;
    this.#asked = null;
    this.#askedAt = -Infinity;
    this.#isOther = true;
  }

  #forget() {
    this.#samples = [];
    this.#told = null;
    this.#isOther = false;
  }

  #best() {
    const at = this.#now();
    return this.#samples.reduce(
      (best, sample) => (best !== undefined && errorOf(best, at) <= errorOf(sample, at) ? best : sample),
      undefined,
    );
  }
}

/** By how much the offset may be wrong, the rounding left out. */
function errorOf(sample, at) {
  return sample.delay / 2 + Math.max(at - sample.at, 0) * DRIFT;
}

/** False when one of the two clocks must have jumped in between. */
function agree(earlier, later) {
  const error = errorOf(earlier, later.at) + errorOf(later, later.at);
  return Math.abs(earlier.offset - later.offset) <= error + 2 * ROUNDING_MS;
}

/** The server did not carry out a command. */
export class Refusal extends Error {
  constructor(code, text, command) {
    super(text);
    this.name = "Refusal";
    this.code = code;
    this.text = text;
    this.command = command;
  }
}

/** A command was neither answered nor refused: it may have been carried out or not. */
export class NoAnswer extends Error {
  /** @param {"late" | "ended"} why no answer in time, or the connection ended first */
  constructor(why, type) {
    super(why === "late" ? `${type} was not answered in time` : `the connection ended before ${type} was answered`);
    this.name = "NoAnswer";
    this.why = why;
  }
}

const ANSWER_MS = 15_000;
const SILENCE_MS = 10_000;
const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 15_000;
const SENT_KEPT = 256;
/** Commands that are kept until the realm has acknowledged them; more are applied or not. */
const KEPT_MOST = 64;
/** Gateways that are kept. */
const GATEWAYS_MOST = 16;
/** What belongs to one socket and is not sent again on another. */
const OF_ONE_SOCKET = new Set(["Register", "LogIn", "Resume", "Enter", "Ping"]);

/** Sets a timer and answers with what cancels it. */
function onTimer(ms, run) {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/**
 * A connection to a realm: one login, its view, and the commands that it sends. It finds a lost socket by itself, connects anew
 * with growing waits, to the same gateway and then to the others, resumes the session, enters again if it was in the world, and
 * sends again what was not acknowledged; the realm applies each command once.
 */
export class Connection {
  /** Where the realm can be reached; `#at` is the one that is tried. */
  #urls;
  #at = 0;
  #WebSocket;
  #now;
  #after;
  #random;
  #reconnect;

  #listeners = new Map();
  #status = "closed";
  #socket = null;
  #goodbye = null;
  #tries = 0;
  #cancelTry = null;
  #cancelSilence = null;
  #opened = [];

  #sequence = 0;
  #sent = new Map();
  #kept = [];
  #pending = [];

  #loggedIn = false;
  #inWorld = false;
  #return = null;
  #header = null;

  constructor(url, options = {}) {
    this.#urls = [url];
    this.#WebSocket = options.WebSocket ?? globalThis.WebSocket;
    this.#now = options.now ?? (() => performance.now());
    this.#after = options.after ?? onTimer;
    this.#random = options.random ?? Math.random;
    this.#reconnect = options.reconnect ?? true;
    /** What `resume` takes: kept from the last login. */
    this.token = options.token ?? null;
    /** The character's name as registered; null before the login. */
    this.name = null;
    /** The realm's name; null before it was told. */
    this.realm = null;
    /** The channel's durable id; null outside the world. */
    this.channel = null;
    /** `{ id, width, height, cell }` of the map, in tiles; null outside the world. */
    this.map = null;
    /** The own avatar's totals; null outside the world. A change makes a new object. */
    this.me = null;
    /** What is to be seen. While a lost socket is replaced it stays as it was. */
    this.view = new View();
    /** The server's clock. */
    this.clock = new Clock(this.#now);
  }

  /** "closed", "connecting", "open", or "waiting" before the next try. */
  get status() {
    return this.#status;
  }

  /** The header of the last server frame: `{ ack, serverTimeMs, frame }`; null before the first. */
  get header() {
    return this.#header;
  }

  /** Calls `heard` at every happening of that name; answers with what ends that. */
  on(name, heard) {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    // A function of its own for each call, so that one that listens twice can be taken off once.
    const listener = (...told) => heard(...told);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** Connects, and stays connected until `close`. The promise ends once commands can be sent. */
  open() {
    if (this.#status === "open") return Promise.resolve();
    const opened = new Promise((resolve, reject) => this.#opened.push({ resolve, reject }));
    if (this.#status === "closed") {
      this.#tries = 0;
      this.#connect();
    }
    return opened;
  }

  /** Ends the connection for good. The avatar stays in the world for the realm's grace time: `leave` first to take it out. */
  close() {
    this.#end("closed by this client");
  }

  /** Makes a character and logs it in; opens the connection if need be. */
  register(name, password) {
    return this.#logIn({ type: "Register", name, password });
  }

  /** Logs a character in; opens the connection if need be. */
  logIn(name, password) {
    return this.#logIn({ type: "LogIn", name, password });
  }

  /** Takes up the session that an earlier connection left; opens the connection if need be. */
  resume(token = this.token) {
    return this.#logIn({ type: "Resume", token });
  }

  /** Goes into the world. */
  enter() {
    return this.request({ type: "Enter" }, "Entered");
  }

  /** Leaves the world, not the session. */
  leave() {
    return this.request({ type: "Leave" }, "Left");
  }

  /** Sends a command and awaits nothing. Answers with its sequence, or 0 when nothing was sent because the connection is not open. */
  send(command) {
    return this.#status === "open" ? this.#write(command) : 0;
  }

  #write(command) {
    const bytes = encodeCommand(command, this.#sequence + 1);
    this.#sequence += 1;
    if (!OF_ONE_SOCKET.has(command.type)) {
      this.#kept.push({ sequence: this.#sequence, until: this.#sequence, bytes });
      if (this.#kept.length > KEPT_MOST) this.#kept.shift();
    }
    this.#socket.send(bytes);
    // What proves who a player is should not lie about.
    const { password, token, ...told } = command;
    this.#sent.set(this.#sequence, told);
    this.#sent.delete(this.#sequence - SENT_KEPT);
    return this.#sequence;
  }

  /**
   * Sends a command and awaits the event that answers it: the next one of that type, for which `where` holds. Rejects with
   * `Refusal`, or with `NoAnswer` after `timeoutMs` or when the connection ends, or with `ProtocolError` if it cannot be sent.
   */
  request(command, answerType, { timeoutMs = ANSWER_MS, where = () => true } = {}) {
    return new Promise((resolve, reject) => {
      const sequence = this.send(command);
      if (sequence === 0) {
        reject(new NoAnswer("ended", command.type));
        return;
      }
      const waiter = { sequence, answerType, where, command: this.#sent.get(sequence) };
      const cancel = this.#after(timeoutMs, () => waiter.reject(new NoAnswer("late", command.type)));
      const done = (settle) => (value) => {
        cancel();
        this.#pending = this.#pending.filter((other) => other !== waiter);
        settle(value);
      };
      waiter.resolve = done(resolve);
      waiter.reject = done(reject);
      this.#pending.push(waiter);
    });
  }

  async #logIn(command) {
    // A typing error should not cost a connection.
    encodeCommand(command, 1);
    await this.#openWithin(ANSWER_MS, command.type);
    return this.request(command, "LoggedIn");
  }

  #openWithin(ms, type) {
    return new Promise((resolve, reject) => {
      const cancel = this.#after(ms, () => reject(new NoAnswer("late", type)));
      this.open().then(resolve, reject).finally(cancel);
    });
  }

  // The socket's life.

  #connect() {
    this.#setStatus("connecting");
    if (this.#status !== "connecting") return;
    let socket;
    try {
      socket = new this.#WebSocket(this.#urls[this.#at]);
    } catch (error) {
      this.#end(error);
      return;
    }
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#goodbye = null;
    // Who resumes goes on with its numbers, so that the realm knows what it is sent again.
    if (!this.#loggedIn) this.#countAnew();
    this.#header = null;
    this.clock.connected();
    socket.onmessage = (message) => {
      if (socket === this.#socket) this.#take(message.data);
    };
    socket.onclose = (closing) => {
      if (socket === this.#socket) this.#lost(closing.reason || `the socket closed with ${closing.code}`);
    };
    // A close follows every error.
    socket.onerror = () => {};
    this.#watchSilence();
  }

  #countAnew() {
    this.#sequence = 0;
    this.#sent.clear();
    this.#kept = [];
  }

  /** A server tells something about once a second; one that is silent for long is gone, whatever the socket believes. */
  #watchSilence() {
    this.#cancelSilence?.();
    this.#cancelSilence = this.#after(SILENCE_MS, () => this.#lost("the server is silent"));
  }

  #dropSocket(code) {
    const socket = this.#socket;
    this.#socket = null;
    this.#cancelSilence?.();
    this.#return?.cancel();
    this.#return = null;
    try {
      socket?.close(code);
    } catch {
      // It is as good as closed.
    }
    // What is sent again is answered later.
    const lasts = ({ sequence }) => this.#kept.some((kept) => kept.sequence === sequence);
    for (const waiter of [...this.#pending]) {
      if (!lasts(waiter)) waiter.reject(new NoAnswer("ended", waiter.command.type));
    }
  }

  #lost(why) {
    const goodbye = this.#goodbye;
    // Whoever replaced this connection would be replaced by it in turn; whoever is idle would be idle again.
    const isFinal = goodbye !== null && goodbye !== Code.Stopping;
    if (!this.#reconnect || isFinal) {
      this.#end(goodbye === null ? why : codeText[goodbye] ?? why, goodbye);
      return;
    }
    this.#dropSocket(1000);
    const count = this.#urls.length;
    const most = Math.min(RETRY_FIRST_MS * 2 ** Math.floor(this.#tries / count), RETRY_MOST_MS);
    // The same gateway first, then the others in turn.
    if (this.#tries > 0) this.#at = (this.#at + 1) % count;
    this.#tries += 1;
    // A whole realm's clients come back after one fault: not all in the same moment.
    this.#cancelTry = this.#after(most * (0.5 + this.#random() / 2), () => this.#connect());
    this.#setStatus("waiting", why);
  }

  #end(why, code = null) {
    if (this.#status === "closed") return;
    this.#cancelTry?.();
    this.#kept = [];
    this.#dropSocket(1000);
    this.#loggedIn = false;
    this.#inWorld = false;
    this.#forgetWorld();
    for (const { reject } of this.#opened.splice(0)) reject(new NoAnswer("ended", "open"));
    this.#setStatus("closed", why, code);
  }

  #setStatus(status, why, code = null) {
    this.#status = status;
    this.#emit("status", status, why ?? null, code);
  }

  #emit(name, ...told) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        listener(...told);
      } catch (error) {
        // The listener's own fault: it is reported, and the connection goes on.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  // What the server says.

  #take(data) {
    this.#watchSilence();
    let frame;
    const events = [];
    try {
      frame = decodeServerFrame(data);
      for (const section of frame.sections) this.#takeSection(section, events);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#end(error);
      return;
    }
    this.#header = { ack: frame.ack, serverTimeMs: frame.serverTimeMs, frame: frame.frame };
    // On the way back the realm acknowledges that way, and knows nothing yet of what will be sent again.
    if (this.#status === "open") this.#kept = this.#kept.filter(({ until }) => until > frame.ack);
    const socket = this.#socket;
    for (const event of events) {
      // A listener may have closed the connection.
      if (socket !== this.#socket) return;
      this.#tell(event);
    }
    if (socket !== this.#socket) return;
    this.#emit("frame", this.#header, this.view);
    if (socket === this.#socket) this.#askTheTime();
  }

  /** Frames come about once a second at least, so no timer is needed. */
  #askTheTime() {
    const clientTimeMs = this.clock.ask();
    if (clientTimeMs !== null) this.#write({ type: "Ping", clientTimeMs });
  }

  #takeSection(section, events) {
    if (section.kind === "cell") this.view.apply(decodeCellFrame(section.bytes));
    else if (section.kind === "cellLeft") this.view.cellLeft(section.x, section.y);
    else {
      const event = decodeEvent(section.classId, section.bytes);
      if (event === null) return;
      // The cells of a new view follow in the same frame, so this cannot wait until the event is told.
      if (event.type === "Entered" || event.type === "Left") this.view.clear();
      events.push(event);
    }
  }

  #tell(event) {
    if (event.type === "Pong" && this.clock.answered(event.clientTimeMs, event.serverTimeMs)) {
      this.#emit("clock", this.clock);
      return;
    }
    this.#learn(event);
    if (this.#socket === null) return;
    this.#answer(event);
    this.#emit("event", event);
    if (event.type === "Refused") this.#emit("refused", event, this.#sent.get(event.sequence) ?? null);
    else if (event.type === "Goodbye") this.#emit("goodbye", event.code);
    else this.#emit(event.type[0].toLowerCase() + event.type.slice(1), event);
  }

  #answer(event) {
    if (event.type === "Refused") {
      const refused = this.#pending.find(({ sequence }) => sequence === event.sequence);
      refused?.reject(new Refusal(event.code, event.text, refused.command));
      return;
    }
    if (event.type === "LootedBefore") {
      this.#pending.find(({ sequence }) => sequence === event.sequence)?.resolve(event);
      return;
    }
    const answered = this.#pending.find(({ answerType, where }) => answerType === event.type && where(event));
    answered?.resolve(event);
  }

  #learn(event) {
    switch (event.type) {
      case "Welcome":
        this.#welcome(event);
        break;
      case "LoggedIn":
        this.name = event.name;
        this.token = event.token;
        this.#loggedIn = true;
        if (this.#return !== null) this.#inWorld ? this.#returnBy({ type: "Enter" }) : this.#returned();
        break;
      case "Entered":
        this.#entered(event);
        if (this.#return !== null) this.#returned();
        break;
      case "Left":
        this.#inWorld = false;
        this.#forgetWorld();
        break;
      case "You":
        this.#change({ hp: event.hp, hpMax: event.hpMax, xp: event.xp, level: event.level });
        break;
      case "Looted":
        if (this.me !== null) this.#change(gained(this.me, event));
        break;
      case "Died":
        this.#change({ dead: true });
        break;
      case "Respawned":
        this.#change({ dead: false, x: event.x, y: event.y });
        break;
      case "Gateways":
        this.#learnGateways(event.urls);
        break;
      case "Goodbye":
        this.#goodbye = event.code;
        break;
      case "Refused":
        this.#refused(event);
        break;
    }
  }

  #learnGateways(urls) {
    const here = this.#urls[this.#at];
    // A page that came by TLS may not connect without it.
    const may = (url) => url !== here && (url.startsWith("wss:") || !here.startsWith("wss:"));
    this.#urls = [here, ...urls.filter(may)].slice(0, GATEWAYS_MOST);
    this.#at = 0;
  }

  #entered(event) {
    const { channel, map, width, height, cell, me, x, y, hp, hpMax, xp, coins, items, spells } = event;
    this.#inWorld = true;
    this.channel = channel;
    this.map = { id: map, width, height, cell };
    this.me = { handle: me, x, y, hp, hpMax, xp, level: null, coins, items, spells, dead: hp === 0 };
  }

  #change(fields) {
    if (this.me !== null) this.me = { ...this.me, ...fields };
  }

  #forgetWorld() {
    this.channel = null;
    this.map = null;
    this.me = null;
    this.view.clear();
  }

  #welcome({ protocol, realm }) {
    if (protocol !== PROTOCOL) {
      this.#end(new ProtocolError("version", `the realm speaks version ${protocol} of the protocol`));
      return;
    }
    this.realm = realm;
    if (this.#loggedIn) this.#returnBy({ type: "Resume", token: this.token });
    else this.#isOpen();
  }

  #isOpen() {
    this.#tries = 0;
    this.#setStatus("open");
    for (const { resolve } of this.#opened.splice(0)) resolve();
  }

  // The way back after a lost socket: resume, enter if it was in the world, and only then it is open again.

  #returnBy(command) {
    this.#return?.cancel();
    const cancel = this.#after(ANSWER_MS, () => this.#lost(`${command.type} was not answered in time`));
    this.#return = { sequence: this.#write(command), cancel };
  }

  #returned() {
    this.#return.cancel();
    this.#return = null;
    this.#sendAgain();
    this.#isOpen();
    this.#emit("resumed");
  }

  /** Only the acknowledgement of what follows them tells that they are done: their own numbers are lower than the way back's. */
  #sendAgain() {
    for (const kept of this.#kept) {
      kept.until = this.#sequence + 1;
      this.#socket.send(kept.bytes);
    }
    this.#write({ type: "Ping", clientTimeMs: 0 });
  }

  #refused({ sequence, code, text }) {
    if (this.#return?.sequence !== sequence) return;
    if (code !== Code.BadToken && code !== Code.OldToken) {
      this.#lost(text);
      return;
    }
    this.token = null;
    this.#end(text, code);
  }
}

/** The totals after a gain. */
function gained(me, { items, coins }) {
  const counts = new Map(me.items.map(({ item, count }) => [item, count]));
  for (const { item, count } of items) counts.set(item, (counts.get(item) ?? 0) + count);
  return { coins: me.coins + coins, items: [...counts].map(([item, count]) => ({ item, count })) };
}
