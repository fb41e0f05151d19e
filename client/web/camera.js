// From tiles to the screen and back. It looks at the own avatar and keeps to the map, as far as the map fills the screen.

/** How many tiles fit the shorter side of the screen, and how large a tile may be, in CSS pixels. */
const TILES_ACROSS = 13;
const TILE_MIN = 34;
const TILE_MAX = 64;

export class Camera {
  constructor() {
    this.x = 0;
    this.y = 0;
    this.resize(1, 1, 1);
  }

  /** The screen is so large, in CSS pixels, each of them `density` dots wide. */
  resize(width, height, density) {
    this.width = width;
    this.height = height;
    this.density = density;
    const tile = Math.min(TILE_MAX, Math.max(TILE_MIN, Math.min(width, height) / TILES_ACROSS));
    // A tile is a whole number of dots wide, so that pieces of ground meet without a seam.
    this.tile = Math.round(tile * density) / density;
  }

  /** Looks at a point of a map of `columns` by `rows` tiles. */
  follow(x, y, columns, rows) {
    this.x = held(x, this.width / this.tile / 2, columns);
    this.y = held(y, this.height / this.tile / 2, rows);
  }

  /** The screen's left and top edges, in dots, whole ones. */
  get left() {
    return Math.round((this.x * this.tile - this.width / 2) * this.density);
  }

  get top() {
    return Math.round((this.y * this.tile - this.height / 2) * this.density);
  }

  /** A point of the map on the screen, in dots. */
  toScreen(x, y) {
    const dots = this.tile * this.density;
    return { x: x * dots - this.left, y: y * dots - this.top };
  }

  /** What lies under a point of the screen, given in CSS pixels. */
  toWorld(x, y) {
    return {
      x: (x - this.width / 2) / this.tile + this.x,
      y: (y - this.height / 2) / this.tile + this.y,
    };
  }
}

function held(at, half, side) {
  return side <= 2 * half ? side / 2 : Math.min(side - half, Math.max(half, at));
}
