// What the player wants of the avatar's legs, put into as few commands as it takes: ten a second at most.

import { direction } from "./keys.js";

/** The least time between two commands, in ms. */
const PACE = 100;
/** A held key asks for a point so far ahead, in tiles: enough until the next command is there, and no long run should it not come. */
const AHEAD = 1.6;
/** Nearer than this to a corner of its way, in tiles, the avatar turns to the next. */
const TURN = 0.12;
/** Who gets nowhere for so long, in ms, looks for another way, and after so many gives up. */
const STUCK = 900;
const WAYS_MAX = 4;
/** So long after it was seen to arrive the server may still say that it did not, in ms. */
const DOUBT = 3000;

export class Steering {
  /** `findWay(from, to)` finds another way when one leads nowhere. */
  constructor(findWay = () => []) {
    this.findWay = findWay;
    this.held = new Set();
    this.way = [];
    this.ways = 0;
    this.arrived = null;
    this.said = null;
    this.saidAt = -Infinity;
    this.anchor = null;
  }

  press(code) {
    this.held.add(code);
    this.way = [];
    this.arrived = null;
  }

  release(code) {
    this.held.delete(code);
  }

  /** Walks along these points. */
  follow(way) {
    this.way = way.slice();
    this.arrived = null;
    this.ways = 1;
    this.said = null;
    this.anchor = null;
  }

  /**
   * The avatar was put right: it is at `place`, perhaps behind a wall whose corner it cut, and perhaps after it was thought
   * to have arrived. `free(from, to)` says whether the straight way is.
   */
  corrected(place, free, now) {
    const goal = this.#goal(now);
    const next = this.way[0] ?? goal;
    if (goal && (this.way.length === 0 || !free(place, next))) {
      this.#reroute(place, goal);
    }
  }

  /** All keys are up, all ways forgotten: the window lost its focus, the avatar died. */
  clear() {
    this.held.clear();
    this.way = [];
    this.arrived = null;
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

  /** Where it is to end, if it is to end anywhere. */
  #goal(now) {
    const arrived = this.arrived && now - this.arrived.at < DOUBT ? this.arrived.goal : null;
    return this.way.at(-1) ?? arrived;
  }

  #reroute(place, goal) {
    this.way = this.findWay(place, goal);
    this.said = null;
    this.anchor = null;
  }

  #along(place, now) {
    const goal = this.way.at(-1);
    while (this.way.length > 0 && Math.hypot(this.way[0].x - place.x, this.way[0].y - place.y) < TURN) {
      this.way.shift();
      this.ways = 1;
    }
    if (this.way.length === 0) {
      this.said = null;
      this.arrived = { goal, at: now };
      return null;
    }
    if (!this.anchor || Math.hypot(this.anchor.x - place.x, this.anchor.y - place.y) > 0.1) {
      this.anchor = { x: place.x, y: place.y, at: now };
    } else if (now - this.anchor.at > STUCK) {
      this.ways += 1;
      if (this.ways > WAYS_MAX) {
        this.way = [];
        this.said = null;
      } else {
        this.#reroute(place, this.way.at(-1));
      }
      return null;
    }
    const [next] = this.way;
    const same = this.said?.by === "way" && this.said.x === next.x && this.said.y === next.y;
    return same && now - this.saidAt < 4 * PACE ? null : this.#say(next, now, "way");
  }

  #say(goal, now, by) {
    this.said = { x: goal.x, y: goal.y, by };
    this.saidAt = now;
    return { x: goal.x, y: goal.y };
  }
}
