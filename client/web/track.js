// The way of somebody else: places at the server's times, shown a little late so that there is always a next one to walk to.

/** How late others are shown, in ms: the server tells of them ten times a second. */
export const BEHIND = 160;
/** Positions farther apart than this, in ms, had rest between them. */
const RHYTHM = 150;
/** Farther than this between two places, in tiles, nobody walked. */
const JUMP = 4;
/** How far a walk goes on without news, in ms. */
const ONWARD = 120;
const LENGTH_MAX = 20;

export class Track {
  constructor(at, x, y) {
    this.points = [{ at, x, y }];
  }

  /** Told at the server's time `at`. Repeats of the same place cost nothing. */
  push(at, x, y) {
    const last = this.points[this.points.length - 1];
    if (at <= last.at || (last.x === x && last.y === y)) {
      return;
    }
    if (Math.hypot(last.x - x, last.y - y) > JUMP) {
      this.points = [{ at, x, y }];
      return;
    }
    // It stood until a moment ago: without this point it would creep there all the time since.
    if (at - last.at > RHYTHM) {
      this.points.push({ at: at - RHYTHM / 1.5, x: last.x, y: last.y });
    }
    this.points.push({ at, x, y });
    if (this.points.length > LENGTH_MAX) {
      this.points.splice(0, this.points.length - LENGTH_MAX);
    }
  }

  /** Where it is at the server's time `at`, and how it moves, in tiles per second. */
  at(at) {
    const points = this.points;
    let next = points.length;
    while (next > 0 && points[next - 1].at > at) {
      next -= 1;
    }
    if (next === 0) {
      return { x: points[0].x, y: points[0].y, dx: 0, dy: 0 };
    }
    if (next === points.length) {
      return this.#beyond(at);
    }
    const [a, b] = [points[next - 1], points[next]];
    const time = b.at - a.at;
    const part = (at - a.at) / time;
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    return { x: a.x + dx * part, y: a.y + dy * part, dx: (dx * 1000) / time, dy: (dy * 1000) / time };
  }

  /** After the last news it goes on a little, then stands; it is never shown where it has not been for long. */
  #beyond(at) {
    const points = this.points;
    const last = points[points.length - 1];
    const before = points[points.length - 2];
    const since = at - last.at;
    if (!before || since > ONWARD || last.at - before.at > RHYTHM) {
      return { x: last.x, y: last.y, dx: 0, dy: 0 };
    }
    const time = last.at - before.at;
    const [dx, dy] = [(last.x - before.x) / time, (last.y - before.y) / time];
    const on = Math.min(since, ONWARD - since);
    return { x: last.x + dx * on, y: last.y + dy * on, dx: dx * 1000, dy: dy * 1000 };
  }
}
