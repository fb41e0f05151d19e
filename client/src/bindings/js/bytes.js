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
