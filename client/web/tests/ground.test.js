import assert from "node:assert/strict";
import { test } from "node:test";

import { Ground } from "../ground.js";
import { findPath } from "../path.js";

const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);

test("a walk in the open goes its distance and no further than its goal", () => {
  const ground = new Ground(["0000", "0000"]);
  assert.deepEqual(ground.walk({ x: 0.5, y: 0.5 }, { x: 3.5, y: 0.5 }, 1), { x: 1.5, y: 0.5 }, "it should go a tile");
  assert.deepEqual(ground.walk({ x: 0.5, y: 0.5 }, { x: 3.5, y: 0.5 }, 99), { x: 3.5, y: 0.5 }, "it should end at its goal");
  assert.deepEqual(ground.walk({ x: 0.5, y: 0.5 }, { x: NaN, y: 0.5 }, 1), { x: 0.5, y: 0.5 }, "no number is no goal");
});

test("a walk stops before a wall and slides along one", () => {
  const before = new Ground(["000#000"]).walk({ x: 0.5, y: 0.5 }, { x: 6.5, y: 0.5 }, 6);
  assert.ok(before.x > 2.9 && before.x < 3, `a wall should stop the walk, not let it to ${before.x}`);
  const along = new Ground(["00#", "00#", "00#", "00#"]).walk({ x: 1.5, y: 0.5 }, { x: 2.9, y: 3.5 }, 3);
  assert.ok(along.x < 2 && along.y > 2.5, `the walk should go on along the wall, not end at ${along.x}, ${along.y}`);
  const corner = new Ground(["0#", "#0"]).walk({ x: 0.5, y: 0.5 }, { x: 1.5, y: 1.5 }, 5);
  assert.ok(corner.x < 1 && corner.y < 1, "nobody should slip between two walls that meet at a corner");
});

test("many short steps never enter a wall", () => {
  let seed = 7;
  const chance = () => ((seed = (seed * 48271) % 2147483647) / 2147483647);
  for (let round = 0; round < 300; round += 1) {
    const rows = Array.from({ length: 9 }, () => Array.from({ length: 12 }, () => (chance() < 0.25 ? "#" : "0")).join(""));
    const ground = new Ground(rows);
    let at = { x: chance() * 12, y: chance() * 9 };
    if (!ground.passable(at)) {
      continue;
    }
    for (let step = 0; step < 60; step += 1) {
      const next = ground.walk(at, { x: chance() * 14 - 1, y: chance() * 11 - 1 }, 0.3);
      assert.ok(ground.passable(next), `${next.x}, ${next.y} should not be in a wall of\n${rows.join("\n")}`);
      assert.ok(distance(at, next) <= 0.3 + 1e-6, "a step should not be longer than it may be");
      at = next;
    }
  }
});

test("a closed door stops way and sight, and an open one neither", () => {
  const ground = new Ground(["00000"], [{ x: 2.5, y: 0.5, tiles: [[2, 0]] }]);
  const [west, east] = [{ x: 0.5, y: 0.5 }, { x: 4.5, y: 0.5 }];
  ground.bar([{ x: 2.5, y: 0.5 }]);
  assert.ok(!ground.free(west, east) && !ground.sees(west, east), "a closed door should be shut");
  ground.bar([]);
  assert.ok(ground.free(west, east) && ground.sees(west, east), "an open door should be open");
});

test("water stops the way and not the sight", () => {
  const ground = new Ground(["0~0"]);
  assert.ok(!ground.free({ x: 0.5, y: 0.5 }, { x: 2.5, y: 0.5 }), "nobody should walk on water");
  assert.ok(ground.sees({ x: 0.5, y: 0.5 }, { x: 2.5, y: 0.5 }), "everybody should see across it");
});

test("a way leads round a wall, with every part of it free", () => {
  const ground = new Ground(["0000000", "000#000", "000#000", "000#000", "0000000"]);
  const [from, to] = [{ x: 1.5, y: 2.5 }, { x: 5.5, y: 2.5 }];
  const way = findPath(ground, from, to);
  assert.deepEqual(way.at(-1), to, "the way should end at its goal");
  assert.ok(way.length > 1, "the straight way is shut");
  let at = from;
  for (const next of way) {
    assert.ok(ground.free(at, next), `the way from ${at.x}, ${at.y} to ${next.x}, ${next.y} should be free`);
    at = next;
  }
});

test("a way into a wall leads as near as one gets", () => {
  const ground = new Ground(["00000", "000##", "000##"]);
  const way = findPath(ground, { x: 0.5, y: 2.5 }, { x: 4.5, y: 2.5 });
  const end = way.at(-1);
  assert.ok(ground.passable(end) && end.x > 2, "the way should end beside the wall");
});
