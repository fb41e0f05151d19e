import assert from "node:assert/strict";
import { test } from "node:test";

import { Ground } from "../ground.js";
import { Prediction, nearestOn } from "../prediction.js";

const meadow = () => Ground.open(40, 40);
const near = (a, b, by = 0.01) => Math.hypot(a.x - b.x, a.y - b.y) <= by;

test("the avatar walks at once, at its own speed, and stops at its goal", () => {
  const me = new Prediction(meadow(), 5, { x: 5, y: 5 }, 0);
  me.walkTo({ x: 10, y: 5 }, 0);
  me.advance(400);
  assert.ok(near(me.place, { x: 7, y: 5 }), `0.4 s should take it 2 tiles, not to ${me.place.x}`);
  me.advance(2000);
  assert.ok(near(me.place, { x: 10, y: 5 }, 0.03) && !me.walks, "it should stand at its goal");
});

test("what the server says late of the way that was walked is no error", () => {
  const me = new Prediction(meadow(), 5, { x: 5, y: 5 }, 0);
  me.walkTo({ x: 9, y: 5 }, 0);
  me.advance(300);
  me.walkTo({ x: 9, y: 9 }, 300);
  for (const [now, said] of [[400, { x: 5.5, y: 5 }], [600, { x: 6.25, y: 5 }]]) {
    assert.equal(me.correct(said, now), 0, `${said.x}, ${said.y} lies on the way that was walked`);
  }
});

test("an error is made good at once and shown gradually", () => {
  const me = new Prediction(meadow(), 5, { x: 5, y: 5 }, 0);
  me.walkTo({ x: 10, y: 5 }, 0);
  me.advance(500);
  const before = me.shown;
  const size = me.correct({ x: 4, y: 6 }, 500);
  assert.ok(Math.abs(size - Math.SQRT2) < 0.01, `the error is a tile down and one to the left, not ${size}`);
  assert.ok(near(me.place, { x: 6.5, y: 6 }), "the whole way should be shifted");
  assert.ok(near(me.shown, before), "nothing should jump on the screen");
  assert.equal(me.correct({ x: 4, y: 6 }, 510), 0, "the same word twice should not shift it twice");
  me.stop(510);
  me.advance(1500);
  assert.ok(near(me.shown, me.place), "the shift should have faded");
});

test("who stands is where the server says it is", () => {
  const me = new Prediction(meadow(), 5, { x: 5, y: 5 }, 0);
  me.walkTo({ x: 8, y: 5 }, 0);
  me.advance(3000);
  me.correct({ x: 6, y: 5 }, 3000);
  assert.ok(near(me.place, { x: 6, y: 5 }), "it walked only so far, whatever was thought");
});

test("a far place is jumped to", () => {
  const me = new Prediction(meadow(), 5, { x: 5, y: 5 }, 0);
  me.walkTo({ x: 10, y: 5 }, 0);
  me.correct({ x: 30, y: 30 }, 100);
  assert.deepEqual(me.shown, { x: 30, y: 30 }, "nobody slides across the map");
  assert.ok(!me.walks, "the walk should have ended with it");
});

test("a wall ends the walk as it does on the server", () => {
  const me = new Prediction(new Ground(["0000#000"]), 5, { x: 0.5, y: 0.5 }, 0);
  me.walkTo({ x: 7.5, y: 0.5 }, 0);
  me.advance(2000);
  assert.ok(me.place.x < 4 && me.place.x > 3.9 && !me.walks, `it should stand before the wall, not at ${me.place.x}`);
});

test("the nearest point of a line may lie between its points", () => {
  const line = [{ x: 0, y: 0 }, { x: 10, y: 0 }, { x: 10, y: 10 }];
  assert.deepEqual(nearestOn(line, { x: 4, y: 3 }), { x: 4, y: 0 });
  assert.deepEqual(nearestOn(line, { x: 20, y: 20 }), { x: 10, y: 10 });
});
