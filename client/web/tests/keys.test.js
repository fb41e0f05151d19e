import assert from "node:assert/strict";
import { test } from "node:test";

import { direction, meaning } from "../keys.js";
import { Steering } from "../steering.js";

test("keys mean what the page says, and those of the browser nothing", () => {
  assert.deepEqual(meaning({ code: "KeyW" }), { walk: "KeyW" });
  assert.deepEqual(meaning({ code: "Tab" }), { deed: "next" });
  assert.deepEqual(meaning({ code: "Tab", shiftKey: true }), { deed: "previous" });
  assert.deepEqual(meaning({ code: "Digit1" }), { deed: "first" });
  assert.equal(meaning({ code: "KeyW", ctrlKey: true }), null, "Ctrl and W closes the window");
  assert.equal(meaning({ code: "F5" }), null, "F5 loads the page again");
});

test("two keys make a slant no faster than one, and opposite ones hold each other", () => {
  const slant = direction(new Set(["KeyW", "ArrowRight"]));
  assert.ok(Math.abs(Math.hypot(slant.x, slant.y) - 1) < 1e-9 && slant.x > 0 && slant.y < 0, "up and right, of length 1");
  assert.equal(direction(new Set(["KeyA", "KeyD"])), null);
  assert.deepEqual(direction(new Set(["KeyW", "ArrowUp"])), { x: 0, y: -1 }, "the same twice is once");
});

test("a held key asks for a point ahead, ten times a second at most, and letting go stops there", () => {
  const legs = new Steering();
  legs.press("KeyD");
  const said = [];
  for (let now = 0; now < 1000; now += 16) {
    const goal = legs.steer({ x: 5 + now / 200, y: 5 }, now);
    if (goal) {
      said.push(goal);
    }
  }
  assert.ok(said.length >= 8 && said.length <= 10, `a second should take at most ten commands, not ${said.length}`);
  assert.ok(said[0].x > 6 && said[0].y === 5, "the point should lie ahead");
  legs.release("KeyD");
  assert.deepEqual(legs.steer({ x: 10, y: 5 }, 1200), { x: 10, y: 5 }, "it should stop where it is");
  assert.equal(legs.steer({ x: 10, y: 5 }, 1400), null, "and say so once");
});

test("a way is walked corner by corner, and given up when there is no getting on", () => {
  const legs = new Steering();
  legs.follow([{ x: 2, y: 0 }, { x: 2, y: 2 }]);
  assert.deepEqual(legs.steer({ x: 0, y: 0 }, 0), { x: 2, y: 0 });
  assert.equal(legs.steer({ x: 0.5, y: 0 }, 150), null, "what was said need not be said again at once");
  assert.deepEqual(legs.steer({ x: 1.95, y: 0 }, 300), { x: 2, y: 2 }, "at the corner it turns");
  for (let now = 400; now < 2000; now += 100) {
    legs.steer({ x: 2, y: 0.5 }, now);
  }
  assert.ok(!legs.busy, "who stands still for a second has given up");
});
