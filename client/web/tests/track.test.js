import assert from "node:assert/strict";
import { test } from "node:test";

import { Track } from "../track.js";

test("between two tellings one is between two places", () => {
  const track = new Track(1000, 0, 0);
  track.push(1100, 1, 0);
  track.push(1200, 1, 2);
  const at = track.at(1150);
  assert.deepEqual([at.x, at.y], [1, 1], "half way in time is half way in place");
  assert.equal(at.dy, 20, "its speed should be told in tiles per second");
});

test("who rested did not creep", () => {
  const track = new Track(1000, 0, 0);
  track.push(5000, 1, 0);
  assert.equal(track.at(3000).x, 0, "it stood until a moment before it was told elsewhere");
  assert.ok(track.at(4960).x > 0, "then it went");
});

test("without news a walk goes on a little, and comes to rest where it was told", () => {
  const track = new Track(1000, 0, 0);
  track.push(1100, 1, 0);
  assert.ok(track.at(1140).x > 1, "it should go on a little");
  assert.equal(track.at(3000).x, 1, "it should rest where it was told to be");
});

test("who was put elsewhere is not seen to fly there", () => {
  const track = new Track(1000, 0, 0);
  track.push(1100, 30, 30);
  assert.equal(track.at(1050).x, 30, "there is nothing between the two places");
});

test("a telling that comes late or twice changes nothing", () => {
  const track = new Track(1000, 0, 0);
  track.push(1100, 1, 0);
  track.push(1050, 9, 9);
  track.push(1100, 9, 9);
  assert.equal(track.at(1100).x, 1, "the newest telling counts");
});
