import assert from "node:assert/strict";
import { test } from "node:test";

import { Camera } from "../camera.js";

test("a point of the screen is the point of the map that is drawn there", () => {
  const camera = new Camera();
  camera.resize(1280, 800, 2);
  camera.follow(30, 30, 64, 64);
  const dots = camera.toScreen(33.25, 28.5);
  const back = camera.toWorld(dots.x / 2, dots.y / 2);
  assert.ok(Math.abs(back.x - 33.25) < 0.02 && Math.abs(back.y - 28.5) < 0.02, `it should be 33.25, 28.5, not ${back.x}, ${back.y}`);
});

test("the camera keeps to the map, and a small map to the middle", () => {
  const camera = new Camera();
  camera.resize(1280, 800, 1);
  camera.follow(0, 64, 64, 64);
  assert.equal(camera.left, 0, "nothing left of the map should be seen");
  assert.equal(camera.top + 800, Math.round(64 * camera.tile), "nothing below the map should be seen");
  camera.follow(1, 1, 4, 4);
  assert.deepEqual([camera.x, camera.y], [2, 2], "a map smaller than the screen should stand in its middle");
});

test("a tile is a whole number of dots on every screen", () => {
  for (const [width, height, density] of [[390, 844, 3], [1280, 800, 1], [1000, 777, 1.25], [2560, 1440, 2]]) {
    const camera = new Camera();
    camera.resize(width, height, density);
    const dots = camera.tile * density;
    assert.ok(Math.abs(dots - Math.round(dots)) < 1e-9, `${dots} dots would leave seams`);
  }
});
