// Where the own avatar is shown: it walks at once as the server will let it, and is led back when the server says otherwise.
//
// The server's word is about the past. So it is compared with the way that was walked lately, not with where the avatar is
// now: a place on that way is right, whatever the delay. One beside it is an error, by which the whole is shifted.

/** Shorter than this no error is made good: positions come in 1/32 tile, and a tick may fall before or after a turn. */
const TOLERANCE = 0.15;
/** Farther than this the avatar was put there, and is not seen to slide. */
const JUMP = 3;
/** So long the way is remembered, in ms; the longest delay at which walking still feels right. */
const MEMORY = 2000;
/** Who stands so long, in ms, has been heard of wherever it is. */
const SETTLED = 800;
/** The time in which two thirds of an error fade from the screen, in ms. */
const FADE = 90;
/** As on the server: nearer than this to its goal an avatar has arrived. */
const ARRIVED = 0.02;
const STEP = 50;

export class Prediction {
  constructor(ground, speed, place, now) {
    this.ground = ground;
    this.speed = speed;
    this.put(place, now);
  }

  /** Puts the avatar somewhere, standing: it entered or lives again. */
  put(place, now) {
    this.place = { x: place.x, y: place.y };
    this.goal = null;
    this.past = [{ at: now, x: place.x, y: place.y }];
    this.off = { x: 0, y: 0 };
    this.now = now;
    this.movedAt = now;
  }

  /** It walks there from now on. */
  walkTo(goal, now) {
    this.advance(now);
    this.goal = { x: goal.x, y: goal.y };
  }

  stop(now) {
    this.advance(now);
    this.goal = null;
  }

  get walks() {
    return this.goal !== null;
  }

  /** Lets time pass. */
  advance(now) {
    let left = Math.min(Math.max(0, now - this.now), MEMORY);
    const fade = Math.exp(-left / FADE);
    this.off.x *= fade;
    this.off.y *= fade;
    this.now = Math.max(this.now, now);
    while (left > 0 && this.goal) {
      const step = Math.min(left, STEP);
      left -= step;
      this.#step((this.speed * step) / 1000, this.now - left);
    }
    while (this.past.length > 1 && this.past[1].at < this.now - MEMORY) {
      this.past.shift();
    }
  }

  /** Where it is drawn: an error that was just made good is faded out of sight. */
  get shown() {
    return { x: this.place.x + this.off.x, y: this.place.y + this.off.y };
  }

  /** The server says where the avatar was a moment ago. Returns the size of the error that was made good, 0 if none. */
  correct(said, now) {
    this.advance(now);
    const stands = !this.goal && now - this.movedAt > SETTLED;
    const near = stands ? this.place : nearestOn(this.past, said);
    const error = { x: said.x - near.x, y: said.y - near.y };
    const size = Math.hypot(error.x, error.y);
    if (size > JUMP) {
      this.put(said, now);
      return size;
    }
    if (size < TOLERANCE) {
      return 0;
    }
    const shifted = { x: this.place.x + error.x, y: this.place.y + error.y };
    const before = this.shown;
    this.place = this.ground.passable(shifted) ? shifted : { x: said.x, y: said.y };
    for (const point of this.past) {
      point.x += error.x;
      point.y += error.y;
    }
    this.past.push({ at: now, ...this.place });
    this.off = { x: before.x - this.place.x, y: before.y - this.place.y };
    return size;
  }

  #step(distance, at) {
    const from = this.place;
    this.place = this.ground.walk(from, this.goal, distance);
    const gone = Math.hypot(this.place.x - from.x, this.place.y - from.y);
    if (Math.hypot(this.goal.x - this.place.x, this.goal.y - this.place.y) <= ARRIVED || gone < distance - ARRIVED) {
      this.goal = null;
    }
    if (gone > 0) {
      this.movedAt = at;
      this.past.push({ at, ...this.place });
    }
  }
}

/** The point nearest to `to` on a line of points. */
export function nearestOn(line, to) {
  let best = line[0];
  let least = Math.hypot(to.x - best.x, to.y - best.y);
  for (let index = 1; index < line.length; index += 1) {
    const [a, b] = [line[index - 1], line[index]];
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    const square = dx * dx + dy * dy;
    const part = square > 0 ? Math.min(1, Math.max(0, ((to.x - a.x) * dx + (to.y - a.y) * dy) / square)) : 0;
    const point = { x: a.x + dx * part, y: a.y + dy * part };
    const distance = Math.hypot(to.x - point.x, to.y - point.y);
    if (distance < least) {
      [best, least] = [point, distance];
    }
  }
  return best;
}
