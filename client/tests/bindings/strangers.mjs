// Hands bytes and values from strangers to the module, by a seed: it throws ProtocolError or nothing, and allocates nothing by a
// length that it is told.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as realm from "../../bindings/js/realm.js";

let seed = 7;
/** mulberry32 */
function roll(end) {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end);
}
const pick = (from) => from[roll(from.length)];

function only(run, told) {
  try {
    return run();
  } catch (error) {
    assert.ok(error instanceof realm.ProtocolError, `${told()} should throw ProtocolError, not ${error?.stack ?? error}`);
    assert.match(error.what, /^[a-z]+$/, "what is wrong should be one word");
    return undefined;
  }
}

const decoders = [
  realm.decodeCommand,
  realm.decodeServerFrame,
  realm.decodeCellFrame,
  ...eventIds().map((id) => (bytes) => realm.decodeEvent(id, bytes)),
];

/** The numbers of every event, found by encoding none of their fields. */
function eventIds() {
  const text = new TextEncoder();
  const names = "welcome logged_in entered left you struck killed looted died respawned said whispered refused goodbye pong";
  const ids = names.split(" ").map((name) =>
    text.encode(`client.event.${name}`).reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, 0x811c9dc5),
  );
  for (const id of ids) {
    assert.notEqual(only(() => realm.decodeEvent(id, new Uint8Array([0x90])) ?? null, () => "an event"), null, "an id should be known");
  }
  return ids;
}

const HEADS = [0x90, 0x91, 0x92, 0x9e, 0xa1, 0xbf, 0xc0, 0xc1, 0xc4, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd3, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xdf, 0xff];
for (let round = 0; round < 60_000; round++) {
  const bytes = Uint8Array.from({ length: roll(40) }, () => (roll(3) === 0 ? pick(HEADS) : roll(256)));
  if (roll(2) === 0 && bytes.length > 1) bytes.set([1, 0].slice(0, 1 + roll(2)));
  const decode = pick(decoders);
  only(() => decode(roll(2) === 0 ? bytes : bytes.buffer), () => `${decode} of ${Buffer.from(bytes).toString("hex")}`);
}

// Lengths that nothing can hold, in the place of every value of an event, and arrays in arrays in arrays.
const claims = [
  [0xdd, 0xff, 0xff, 0xff, 0xff],
  [0xdb, 0xff, 0xff, 0xff, 0xff],
  [0xdf, 0xff, 0xff, 0xff, 0xff],
  [0xc6, 0xff, 0xff, 0xff, 0xff],
  [0xdc, 0xff, 0xff],
  [0xda, 0xff, 0xff],
  Array(4000).fill(0x91),
];
globalThis.gc?.();
const before = process.memoryUsage();
for (let round = 0; round < 300; round++) {
  for (const id of eventIds()) {
    for (const claim of claims) {
      for (let place = 0; place < 15; place++) {
        const body = Uint8Array.from([0x90 | roll(16), ...Array(place).fill(pick([0x01, 0xa0])), ...claim]);
        assert.notEqual(only(() => realm.decodeEvent(id, body), () => "a claim"), null, "a claim should be refused");
      }
    }
  }
}
const after = process.memoryUsage();
for (const where of ["heapUsed", "arrayBuffers"]) {
  const grown = (after[where] - before[where]) / 2 ** 20;
  assert.ok(grown < 100, `claimed lengths should take no memory, but ${where} grew by ${grown} MiB`);
}

// Values that are none of the protocol's.
const circle = {};
circle.circle = circle;
const odd = () =>
  pick([
    undefined, null, true, NaN, Infinity, -1, 0, 1.5, 2 ** 16, 2 ** 32, 2 ** 53, 1e300, 10n, "", "x", "\ud800", "x".repeat(70), "0f".repeat(32),
    Symbol("x"), [], [[]], [null], [{ item: 1 }], [{ item: "x", count: 1 }], {}, circle, () => 1, new Date(0), new Uint8Array(3), { x: 1, y: 2 },
    "event", "cell", "cellLeft", "delta", "snapshot", "whole", "part", "gone", "__proto__", "constructor", "toString",
  ]);
const TYPES =
  "Register LogIn Resume Enter Move Cast Loot Use Leave Say Whisper Join Part Ping Welcome LoggedIn Entered Left You Struck Killed Looted Died Respawned Said Whispered Refused Goodbye Pong constructor __proto__".split(" ");
const FIELDS =
  "name password token x y spell target room text to clientTimeMs protocol realm channel map width height cell me hp hpMax xp coins items spells level by amount from sequence code serverTimeMs ack frame sections kind classId bytes epoch entries handle change state".split(" ");
const filled = () => Object.fromEntries(FIELDS.filter(() => roll(4) > 0).map((field) => [field, odd()]));
const encoders = {
  encodeCommand: () => realm.encodeCommand(roll(9) === 0 ? odd() : { ...filled(), type: pick(TYPES) }, roll(3) === 0 ? odd() : 1),
  encodeEvent: () => realm.encodeEvent(roll(9) === 0 ? odd() : { ...filled(), type: pick(TYPES) }),
  encodeServerFrame: () =>
    realm.encodeServerFrame(roll(9) === 0 ? odd() : { ack: 1, serverTimeMs: 2, frame: 3, sections: roll(5) === 0 ? odd() : [filled(), odd()] }),
  encodeCellFrame: () =>
    realm.encodeCellFrame(
      roll(9) === 0 ? odd() : { kind: "delta", cell: { x: 1, y: 1 }, epoch: 1, sequence: 1, entries: [{ handle: 1, ...filled() }] },
    ),
  decodeCommand: () => realm.decodeCommand(odd()),
  decodeEvent: () => realm.decodeEvent(roll(2) === 0 ? odd() : pick(eventIds()), odd()),
  decodeServerFrame: () => realm.decodeServerFrame(odd()),
  decodeCellFrame: () => realm.decodeCellFrame(odd()),
};
for (let round = 0; round < 60_000; round++) {
  const [name, encode] = pick(Object.entries(encoders));
  only(encode, () => name);
}

// What is refused, and by which word.
const refused = (run, what) => assert.throws(run, (error) => error instanceof realm.ProtocolError && error.what === what);
refused(() => realm.encodeCommand({ type: "Ping", clientTimeMs: 2 ** 53 }, 1), "range");
refused(() => realm.encodeCommand({ type: "Ping", clientTimeMs: -1 }, 1), "range");
refused(() => realm.encodeCommand({ type: "Ping", clientTimeMs: 0.5 }, 1), "shape");
refused(() => realm.encodeCommand({ type: "Move", x: NaN, y: 0 }, 1), "bounds");
refused(() => realm.encodeCommand({ type: "Move", x: 1e39, y: 0 }, 1), "bounds");
refused(() => realm.encodeCommand({ type: "Move", x: 1e-40, y: 0 }, 1), "bounds");
refused(() => realm.encodeCommand({ type: "Say", room: "near", text: "\ud83d" }, 1), "text");
refused(() => realm.encodeCommand({ type: "Say", room: "", text: "" }, 1), "bounds");
refused(() => realm.encodeCommand({ type: "Say", room: "near", text: "犬".repeat(683) }, 1), "bounds");
refused(() => realm.encodeCommand({ type: "Fly" }, 1), "class");
refused(() => realm.encodeCommand({ type: "Enter" }, 2 ** 32), "range");
assert.equal(realm.encodeCommand({ type: "Say", room: "near", text: "犬".repeat(682) }, 1).length, 9 + 1 + 5 + 3 + 2046, "2046 bytes are a text");
const step = (x) => {
  const near = { x, y: 0, hp: 1, hpMax: 1, state: 0, kind: "", name: "" };
  const entries = [{ handle: 1, change: "whole", ...near }];
  const bytes = realm.encodeCellFrame({ kind: "delta", cell: { x: 0, y: 0 }, epoch: 1, sequence: 1, entries });
  return realm.decodeCellFrame(bytes).entries[0].x * 32;
};
for (const [tiles, steps] of [[1.999, 63], [1, 32], [-3, 0], [NaN, 0], [1e9, 0xffff], [Infinity, 0xffff]]) {
  assert.equal(step(tiles), steps, `${tiles} tiles should go as ${steps} steps`);
}
for (const sealed of [realm.Code, realm.State, realm.LIMITS, realm.codeText]) {
  assert.ok(Object.isFrozen(sealed), "the tables should be frozen");
}
const types = readFileSync(new URL("../../bindings/js/realm.d.ts", import.meta.url), "utf8");
const declared = [...types.matchAll(/^export (?:class|function|const) (\w+)/gm)].map(([, name]) => name);
assert.deepEqual(declared.sort(), Object.keys(realm).sort(), "the types should declare what the module exports");
