// Reads what Rust made of bytes, line by line, and does the same with the module.
import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import * as realm from "../../bindings/js/realm.js";

const hex = (bytes) => Buffer.from(bytes).toString("hex");
// Within a larger buffer, so that nobody reads from its beginning.
const bytes = (hex) => new Uint8Array(Buffer.from("ff" + hex + "ff", "hex")).subarray(1, -1);

const kinds = {
  command: {
    decode: (line) => realm.decodeCommand(bytes(line.hex)),
    encode: ({ sequence, command }) => realm.encodeCommand(command, sequence),
  },
  event: {
    decode: (line) => realm.decodeEvent(line.classId, bytes(line.hex)),
    encode: (event) => realm.encodeEvent(event).bytes,
  },
  server: {
    decode: (line) => realm.decodeServerFrame(bytes(line.hex)),
    encode: realm.encodeServerFrame,
    told: ({ sections, ...header }) => ({
      ...header,
      sections: sections.map((section) => (section.bytes ? { ...section, bytes: hex(section.bytes) } : section)),
    }),
  },
  cell: {
    decode: (line) => realm.decodeCellFrame(bytes(line.hex)),
    encode: realm.encodeCellFrame,
  },
};

/** Integers past 2^53 - 1, which JSON cannot carry here either. */
const isWide = (value) =>
  typeof value === "number"
    ? Number.isInteger(value) && Math.abs(value) > Number.MAX_SAFE_INTEGER
    : typeof value === "object" && value !== null && Object.values(value).some(isWide);

/** Where this module is meant to differ from Rust. */
function isMeantToDiffer(line, value, error) {
  if (line.value === undefined && error === undefined) {
    if (line.kind === "event" && value === null) return line.why === "UnknownClass ClassId";
    // A newer realm may have states that this module does not know.
    return line.kind === "cell" && line.why === "UnknownState";
  }
  if (line.value !== undefined && error !== undefined) {
    return error.what === "range" && (isWide(line.value) || /cf|d3/.test(line.hex));
  }
  return false;
}

function compare(line) {
  const kind = kinds[line.kind];
  let value;
  let error;
  try {
    value = kind.decode(line);
  } catch (thrown) {
    assert.ok(thrown instanceof realm.ProtocolError, `only ProtocolError should be thrown, not ${thrown.stack}`);
    error = thrown;
  }
  if (isMeantToDiffer(line, value, error)) return;
  const told = `${line.kind} ${line.hex.slice(0, 400)} is ${line.why ?? "good"} to Rust`;
  assert.equal(error === undefined, line.value !== undefined, `${told}, and here ${error ?? JSON.stringify(value)}`);
  if (line.why === "OutOfBounds") assert.match(error.what, /bounds|range/, `${told}, and here ${error}`);
  if (error !== undefined) return;
  if (line.kind === "event" && line.value.code === 0) {
    // Rust takes every code that it does not know for one; here it stays the number that it is.
    assert.equal(realm.codeText[value.code], undefined, told);
    value.code = 0;
  }
  assert.deepEqual((kind.told ?? ((it) => it))(value), line.value, told);
  assert.equal(hex(kind.encode(value)), line.canonical, `${told} and should be written alike`);
}

function replay({ steps }) {
  const view = new realm.View();
  for (const [at, step] of steps.entries()) {
    if (step.clear) view.clear();
    else if (step.left) view.cellLeft(...step.left);
    else assert.equal(view.apply(realm.decodeCellFrame(bytes(step.cell))) !== null, step.isGap, `a gap at step ${at}`);
    const entities = [...view.entities()].sort((one, other) => one.handle - other.handle);
    const seen = entities.map((entity) => {
      assert.equal(view.get(entity.handle), entity, "get should find what entities lists");
      const { x, y } = view.cellOf(entity.handle);
      return { ...entity, cell: [x, y] };
    });
    assert.deepEqual(seen, step.entities, `the entities after step ${at} should be those of Rust`);
    assert.equal(view.size, seen.length, "the size should be the number of entities");
    const cells = [...view.cells()].map(({ x, y, epoch, sequence }) => [x, y, epoch, sequence]);
    cells.sort((one, other) => one[0] - other[0] || one[1] - other[1]);
    assert.deepEqual(cells, step.cells, `the cells after step ${at} should be those of Rust`);
  }
}

/** Asks and answers of a clock: what is known of the server's, and when it is asked. */
function tick({ steps }) {
  let now = 0;
  const clock = new realm.Clock(() => now);
  for (const [at, step] of steps.entries()) {
    now = step.atMs;
    if (step.answer === undefined) assert.equal(clock.ask(), step.number, `the question of step ${at} should be that of Rust`);
    else assert.equal(clock.answered(...step.answer), step.isTaken, `the answer of step ${at} should be taken as Rust takes it`);
    // Rust counts whole microseconds.
    for (const what of ["offsetMs", "delayMs", "jitterMs", "errorMs"]) {
      const off = Math.abs(clock[what] - step.known?.[what]);
      const isAlike = step.known === null ? clock[what] === null : off < 0.005;
      assert.ok(isAlike, `${what} after step ${at} should be ${step.known?.[what]}, not ${clock[what]}`);
    }
    const serverNow = clock.serverNow();
    const isAlike = step.serverNowMs === null ? serverNow === null : Math.abs(Math.floor(serverNow + 0.005) - step.serverNowMs) <= 1;
    assert.ok(isAlike, `the server's clock after step ${at} should be ${step.serverNowMs}, not ${serverNow}`);
  }
}

let count = 0;
for await (const text of createInterface({ input: createReadStream(process.argv[2]) })) {
  const line = JSON.parse(text);
  if (line.kind === "view") replay(line);
  else if (line.kind === "clock") tick(line);
  else compare(line);
  count += 1;
}
assert.ok(count > 0, "there should be vectors");
