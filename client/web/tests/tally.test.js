import assert from "node:assert/strict";
import { test } from "node:test";

import { Tally } from "../tally.js";

test("a loss that is told twice is shown once, whichever comes first", () => {
  const tally = new Tally();
  assert.equal(tally.told(9, 8, 0), 8);
  assert.equal(tally.seen(9, 8, 50), 0, "the bar tells the same");
  assert.equal(tally.seen(9, 6, 900), 6);
  assert.equal(tally.told(9, 6, 950), 0, "the event tells the same");
});

test("what others did to it is shown too", () => {
  const tally = new Tally();
  assert.equal(tally.told(9, 8, 0), 8);
  assert.equal(tally.seen(9, 13, 80), 5, "five of thirteen were somebody else's");
});

test("what was told long ago hides nothing", () => {
  const tally = new Tally();
  tally.told(9, 8, 0);
  assert.equal(tally.seen(9, 8, 60_000), 8);
});
