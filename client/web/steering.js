// What the player wants of the avatar's legs, put into as few commands as it takes: ten a second at most.

import { direction } from "./keys.js";

/** The least time between two commands, in ms. */
const PACE = 100;
/** A held key asks for a point so far ahead, in tiles: enough until the next command is there, and no long run should it not come. */
const AHEAD = 1.6;
/** Nearer than this to a corner of its way, in tiles, the avatar turns to the next. */
const TURN = 0.12;
/** Who gets nowhere for so long, in ms, gives up. */
const STUCK = 900;

export class Steering {
  constructor() {
    this.held = new Set();
    this.way = [];
    this.said = null;
    this.saidAt = -Infinity;
    this.anchor = null;
  }

  press(code) {
    this.held.add(code);
    this.way = [];
  }

  release(code) {
    this.held.delete(code);
  }

  /** Walks along these points. */
  follow(way) {
    this.way = way.slice();
    this.said = null;
    this.anchor = null;
  }

  /** All keys are up, all ways forgotten: the window lost its focus, the avatar died. */
  clear() {
    this.held.clear();
    this.way = [];
    this.said = null;
  }

  get busy() {
    return this.way.length > 0 || direction(this.held) !== null;
  }

  get byKeys() {
    return direction(this.held) !== null;
  }

  /** The point to ask for now, or null. `place` is where the avatar is thought to be. */
  steer(place, now) {
    if (now - this.saidAt < PACE) {
      return null;
    }
    const towards = direction(this.held);
    if (towards) {
      return this.#say({ x: place.x + towards.x * AHEAD, y: place.y + towards.y * AHEAD }, now, "keys");
    }
    if (this.way.length > 0) {
      return this.#along(place, now);
    }
    if (this.said?.by === "keys") {
      // Keys were let go: stand where one is seen to be.
      this.#say(place, now, "stop");
      return { x: place.x, y: place.y };
    }
    return null;
  }

  #along(place, now) {
    while (this.way.length > 0 && Math.hypot(this.way[0].x - place.x, this.way[0].y - place.y) < TURN) {
      this.way.shift();
    }
    if (this.way.length === 0) {
      this.said = null;
      return null;
    }
    if (!this.anchor || Math.hypot(this.anchor.x - place.x, this.anchor.y - place.y) > 0.1) {
      this.anchor = { x: place.x, y: place.y, at: now };
    } else if (now - this.anchor.at > STUCK) {
      this.way = [];
      this.said = null;
      return null;
    }
    const [goal] = this.way;
    const same = this.said?.by === "way" && this.said.x === goal.x && this.said.y === goal.y;
    return same && now - this.saidAt < 4 * PACE ? null : this.#say(goal, now, "way");
  }

  #say(goal, now, by) {
    this.said = { x: goal.x, y: goal.y, by };
    this.saidAt = now;
    return { x: goal.x, y: goal.y };
  }
}
