// The map's tiles: where one can walk and see, by the rules of the server (actors/src/ground). It only foretells: where the
// avatar is, the server says.

/** How far from a wall a walk ends, in tiles: as on the server. */
const OFF_WALL = 1 / 64;

const WAY = 1;
const SIGHT = 2;

export class Ground {
  /** `rows` are those of the content: `#` a wall, `~` water, anything else floor. */
  constructor(rows, doors = []) {
    this.height = rows.length;
    this.width = rows.length > 0 ? rows[0].length : 0;
    this.tiles = new Uint8Array(this.width * this.height);
    this.rows = rows;
    this.doors = doors;
    this.barred = new Set();
    rows.forEach((row, y) => {
      for (let x = 0; x < this.width; x += 1) {
        const stops = { "#": WAY | SIGHT, "~": WAY }[row[x]] ?? 0;
        this.tiles[y * this.width + x] = stops;
      }
    });
  }

  /** An open ground, for a map that the content does not have. */
  static open(width, height) {
    return new Ground(Array.from({ length: height }, () => "0".repeat(width)));
  }

  /** Closes these doors, `{x, y}` of their middles, and opens all others. */
  bar(closed) {
    this.barred.clear();
    for (const { x, y } of closed) {
      const door = this.doorAt(x, y);
      for (const [tileX, tileY] of door?.tiles ?? []) {
        this.barred.add(tileY * this.width + tileX);
      }
    }
  }

  /** The door whose middle is here. */
  doorAt(x, y) {
    return this.doors.find((door) => Math.hypot(door.x - x, door.y - y) < 0.1);
  }

  blocksWay(x, y) {
    return this.#stops(x, y, WAY);
  }

  blocksSight(x, y) {
    return this.#stops(x, y, SIGHT);
  }

  /** What is drawn there: `#`, `~`, or the digit of the floor's look; `#` outside. */
  look(x, y) {
    return x >= 0 && y >= 0 && x < this.width && y < this.height ? this.rows[y][x] : "#";
  }

  passable(point) {
    return !this.blocksWay(Math.floor(point.x), Math.floor(point.y));
  }

  /** Where somebody ends who walks from `from` straight towards `to`, `distance` tiles at most, sliding along walls. */
  walk(from, to, distance) {
    const whole = Math.hypot(to.x - from.x, to.y - from.y);
    if (!this.passable(from) || !(distance > 0) || !(whole > 0) || !Number.isFinite(whole)) {
      return from;
    }
    const goal = distance < whole ? mix(from, to, distance / whole) : to;
    const hit = this.#firstWall(from, goal);
    if (!hit) {
      return goal;
    }
    let stop = mix(from, goal, hit.stop);
    if (this.#firstWall(from, stop)) {
      stop = from;
    }
    const left = Math.max(0, distance - Math.hypot(stop.x - from.x, stop.y - from.y));
    const along = (value) => Math.min(left, Math.max(-left, value));
    let beyond;
    if (hit.slide === "x") {
      beyond = { x: stop.x + along(to.x - stop.x), y: stop.y };
    } else if (hit.slide === "y") {
      beyond = { x: stop.x, y: stop.y + along(to.y - stop.y) };
    } else {
      return stop;
    }
    const second = this.#firstWall(stop, beyond);
    const slid = second ? mix(stop, beyond, second.stop) : beyond;
    return !this.#firstWall(stop, slid) && !this.#firstWall(from, slid) ? slid : stop;
  }

  /** Whether the straight way from `from` to `to` is free. */
  free(from, to) {
    return this.passable(from) && this.passable(to) && !this.#firstWall(from, to);
  }

  /** Whether somebody at `a` and somebody at `b` see each other. Their own tiles are left out. */
  sees(a, b) {
    const ends = [a, b].map((end) => Math.floor(end.y) * this.width + Math.floor(end.x));
    const clear = (x, y) => ends.includes(y * this.width + x) || !this.blocksSight(x, y);
    return cross(a, b, ({ x, y, corner }) => clear(x, y) && (!corner || corner.every(([cx, cy]) => clear(cx, cy))));
  }

  #stops(x, y, what) {
    if (!(x >= 0 && y >= 0 && x < this.width && y < this.height)) {
      return true;
    }
    const at = y * this.width + x;
    return (this.tiles[at] & what) !== 0 || this.barred.has(at);
  }

  /** The first wall on the segment: how much of it may be walked, and along which axis it leaves a way. */
  #firstWall(from, to) {
    let hit = null;
    cross(from, to, ({ at, x, y, border, corner }) => {
      let slide;
      if (border === "corner") {
        const [beside, level] = corner.map(([cx, cy]) => this.blocksWay(cx, cy));
        if (!beside && !level && !this.blocksWay(x, y)) {
          return true;
        }
        slide = beside && level ? null : beside ? "y" : "x";
      } else if (this.blocksWay(x, y)) {
        slide = border === "vertical" ? "y" : "x";
      } else {
        return true;
      }
      const across = { x: Math.abs(to.x - from.x), y: Math.abs(to.y - from.y) };
      const length =
        border === "corner" || slide === null
          ? Math.min(across.x, across.y)
          : slide === "y"
            ? across.x
            : across.y;
      hit = { stop: Math.max(0, at - OFF_WALL / length), slide };
      return false;
    });
    return hit;
  }
}

/** Follows the segment from tile to tile until `enter` returns false; returns whether it came to the end. */
function cross(from, to, enter) {
  let x = Math.floor(from.x);
  let y = Math.floor(from.y);
  const endX = Math.floor(to.x);
  const endY = Math.floor(to.y);
  const stepX = Math.sign(endX - x);
  const stepY = Math.sign(endY - y);
  const lengthX = Math.abs(to.x - from.x);
  const lengthY = Math.abs(to.y - from.y);
  while (x !== endX || y !== endY) {
    const edgeX = Math.abs(x + (stepX > 0 ? 1 : 0) - from.x);
    const edgeY = Math.abs(y + (stepY > 0 ? 1 : 0) - from.y);
    const order = x === endX ? 1 : y === endY ? -1 : Math.sign(edgeX * lengthY - edgeY * lengthX);
    let crossing;
    if (order < 0) {
      x += stepX;
      crossing = { at: edgeX / lengthX, x, y, border: "vertical" };
    } else if (order > 0) {
      y += stepY;
      crossing = { at: edgeY / lengthY, x, y, border: "horizontal" };
    } else {
      const corner = [[x + stepX, y], [x, y + stepY]];
      x += stepX;
      y += stepY;
      crossing = { at: edgeX / lengthX, x, y, border: "corner", corner };
    }
    if (!enter(crossing)) {
      return false;
    }
  }
  return true;
}

function mix(from, to, part) {
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}
