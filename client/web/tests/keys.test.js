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

test("who is stuck looks for other ways, a few times", () => {
  const asked = [];
  const legs = new Steering((from, to) => {
    asked.push([from, to]);
    return [{ x: 9, y: 9 }, to];
  });
  legs.follow([{ x: 2, y: 0 }, { x: 2, y: 2 }]);
  for (let now = 0; now < 1200; now += 100) {
    legs.steer({ x: 1, y: 0 }, now);
  }
  assert.deepEqual(asked, [[{ x: 1, y: 0 }, { x: 2, y: 2 }]], "it should ask for a way from where it is to where it wants to be");
  assert.deepEqual(legs.way[0], { x: 9, y: 9 }, "it should go the new way");
  for (let now = 1200; now < 9000; now += 100) {
    legs.steer({ x: 1, y: 0 }, now);
  }
  assert.ok(asked.length === 3 && !legs.busy, "after the fourth way it should give up");
});

test("who was thought to have arrived and did not goes on", () => {
  const goal = { x: 2, y: 2 };
  const legs = new Steering((from, to) => [to]);
  legs.follow([goal]);
  legs.steer({ x: 0, y: 0 }, 0);
  legs.steer({ x: 2, y: 2 }, 1000);
  assert.ok(!legs.busy, "it has arrived, as far as is known");
  legs.corrected({ x: 1, y: 0 }, () => true, 1500);
  assert.deepEqual(legs.steer({ x: 1, y: 0 }, 1600), goal, "the server says that it has not");
  legs.steer({ x: 2, y: 2 }, 2000);
  legs.corrected({ x: 1, y: 0 }, () => true, 9000);
  assert.ok(!legs.busy, "long after, it was moved for another reason");
});

test("a correction on the way leads to another way only where a wall is between", () => {
  let asked = 0;
  const legs = new Steering((from, to) => {
    asked += 1;
    return [to];
  });
  legs.follow([{ x: 2, y: 0 }, { x: 2, y: 2 }]);
  legs.corrected({ x: 1, y: 0 }, () => true, 100);
  assert.equal(asked, 0, "the way is as good as before");
  legs.corrected({ x: 1, y: 0 }, () => false, 100);
  assert.equal(asked, 1, "the way is shut from there");
});
