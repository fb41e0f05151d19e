// The meadow itself. Floor and water are painted once for each cell of 8 × 8 tiles and kept; walls and trees are pictures of
// one tile, which the renderer puts between those who stand before and behind them.

import { GRASS, INK, PATH, STONE, TREE, WATER, scatter } from "./palette.js";
import { oval, shade, shape, stroke } from "./sprites/pencil.js";

export const CHUNK = 8;
/** So many painted cells are kept; a screen shows about a dozen. */
const CHUNKS_MAX = 30;
/** How high walls stand, in tiles. */
export const WALL_UP = 0.6;
/** The room around a wall's or tree's tile in its picture, in tiles. */
const ROOM = { side: 0.7, up: 1.3, down: 0.15 };
const FLOWERS = ["#fbf3df", "#f4d35e", "#e58aa8", "#b9a3ec"];

export class Terrain {
  constructor(ground, dots) {
    this.ground = ground;
    this.dots = dots;
    this.chunks = new Map();
    this.pictures = new Map();
    this.forest = forestOf(ground);
  }

  /** The painted cell, a canvas of `CHUNK * dots` dots. */
  chunk(column, row) {
    const key = row * 65536 + column;
    let canvas = this.chunks.get(key);
    if (canvas) {
      this.chunks.delete(key);
    } else {
      canvas = this.#paint(column, row);
      if (this.chunks.size >= CHUNKS_MAX) {
        this.chunks.delete(this.chunks.keys().next().value);
      }
    }
    this.chunks.set(key, canvas);
    return canvas;
  }

  isWall(x, y) {
    return this.ground.look(x, y) === "#";
  }

  isWater(x, y) {
    return this.ground.look(x, y) === "~";
  }

  /** The picture of the wall or tree on a tile: `{ canvas, left, up }`, to be laid on the tile's corner. */
  standing(x, y) {
    const seed = tileSeed(x, y);
    const tree = this.forest.has(y * this.ground.width + x);
    const mask = tree ? 0 : this.#neighbours(x, y);
    const key = tree ? `tree${seed % 5}` : `wall${mask}.${seed % 3}`;
    let picture = this.pictures.get(key);
    if (!picture) {
      const canvas = document.createElement("canvas");
      canvas.width = Math.ceil((1 + 2 * ROOM.side) * this.dots);
      canvas.height = Math.ceil((1 + ROOM.up + ROOM.down) * this.dots);
      const ctx = canvas.getContext("2d");
      // Whole dots, or walls would have seams between their tiles.
      const [left, up] = [Math.round(ROOM.side * this.dots), Math.round(ROOM.up * this.dots)];
      ctx.setTransform(this.dots, 0, 0, this.dots, left, up);
      if (tree) {
        paintTree(ctx, scatter(seed % 5));
      } else {
        paintWall(ctx, mask, scatter(seed % 3));
      }
      picture = { canvas, left, up };
      this.pictures.set(key, picture);
    }
    return picture;
  }

  /** Which of north, east, south and west are walls of stone too, as bits. */
  #neighbours(x, y) {
    const stone = (tileX, tileY) =>
      this.isWall(tileX, tileY) && !this.forest.has(tileY * this.ground.width + tileX);
    return (stone(x, y - 1) ? 1 : 0) | (stone(x + 1, y) ? 2 : 0) | (stone(x, y + 1) ? 4 : 0) | (stone(x - 1, y) ? 8 : 0);
  }

  #paint(column, row) {
    const canvas = document.createElement("canvas");
    canvas.width = CHUNK * this.dots;
    canvas.height = CHUNK * this.dots;
    const ctx = canvas.getContext("2d", { alpha: false });
    ctx.scale(this.dots, this.dots);
    ctx.translate(-column * CHUNK, -row * CHUNK);
    const x0 = column * CHUNK;
    const y0 = row * CHUNK;
    ctx.fillStyle = GRASS.base;
    ctx.fillRect(x0, y0, CHUNK, CHUNK);
    // Each layer is drawn for a rim of tiles around as well, so that cells join without a seam.
    const tiles = [];
    for (let y = y0 - 2; y < y0 + CHUNK + 2; y += 1) {
      for (let x = x0 - 2; x < x0 + CHUNK + 2; x += 1) {
        tiles.push({ x, y, look: this.ground.look(x, y), chance: scatter(tileSeed(x, y)) });
      }
    }
    for (const { x, y, chance } of tiles) {
      meadow(ctx, x, y, chance);
    }
    const isPath = (x, y) => /[1-9]/.test(this.#floor(x, y));
    const paths = tiles.filter(({ x, y }) => isPath(x, y));
    for (const tile of paths) {
      slab(ctx, PATH.edge, tile, isPath, 0.19);
    }
    for (const tile of paths) {
      slab(ctx, PATH.base, tile, isPath, 0.12);
    }
    for (const tile of paths) {
      gravel(ctx, tile);
    }
    const isWater = (x, y) => this.isWater(x, y);
    const isDeep = (x, y) => isWater(x, y) && [[0, -1], [1, 0], [0, 1], [-1, 0]].every(([dx, dy]) => isWater(x + dx, y + dy));
    const water = tiles.filter(({ x, y }) => isWater(x, y));
    for (const [colour, over] of [[shade(GRASS.deep, -0.12), 0.26], [WATER.foam, 0.14], [WATER.base, 0.06]]) {
      for (const tile of water) {
        slab(ctx, colour, tile, isWater, over);
      }
    }
    for (const tile of water.filter(({ x, y }) => isDeep(x, y))) {
      slab(ctx, WATER.dark, tile, isDeep, 0.12);
    }
    for (const tile of tiles) {
      if (tile.look === "0") {
        growth(ctx, tile, this);
      }
    }
    this.#wallShadows(ctx, tiles);
    return canvas;
  }

  /** The floor's look; a wall stands on what lies beside it. */
  #floor(x, y) {
    const look = this.ground.look(x, y);
    return look === "#" || look === "~" ? "0" : look;
  }

  /** All in one path, so that where two meet it is not twice as dark. */
  #wallShadows(ctx, tiles) {
    ctx.beginPath();
    for (const { x, y } of tiles) {
      if (this.isWall(x, y) && !this.forest.has(y * this.ground.width + x)) {
        ctx.rect(x, y, 1.26, 1.22);
      }
    }
    ctx.fillStyle = "rgba(36, 28, 46, 0.2)";
    ctx.fill();
  }
}

/** A number for a tile, the same for everybody. */
function tileSeed(x, y) {
  return (Math.imul(x + 7919, 73856093) ^ Math.imul(y + 104729, 19349663)) >>> 0;
}

/** Walls that hang together with the map's edge are drawn as a forest; those within are of stone. */
function forestOf(ground) {
  const forest = new Set();
  const open = [];
  const visit = (x, y) => {
    const at = y * ground.width + x;
    if (ground.look(x, y) === "#" && x >= 0 && y >= 0 && x < ground.width && y < ground.height && !forest.has(at)) {
      forest.add(at);
      open.push([x, y]);
    }
  };
  for (let x = 0; x < ground.width; x += 1) {
    visit(x, 0);
    visit(x, ground.height - 1);
  }
  for (let y = 0; y < ground.height; y += 1) {
    visit(0, y);
    visit(ground.width - 1, y);
  }
  while (open.length > 0) {
    const [x, y] = open.pop();
    [[1, 0], [-1, 0], [0, 1], [0, -1]].forEach(([dx, dy]) => visit(x + dx, y + dy));
  }
  return forest;
}

function meadow(ctx, x, y, chance) {
  const wave = Math.sin(x * 0.37 + Math.sin(y * 0.21) * 2) + Math.cos(y * 0.31 + Math.cos(x * 0.17) * 2);
  ctx.globalAlpha = Math.min(0.32, Math.abs(wave) * 0.18);
  const colour = wave > 0 ? GRASS.light : GRASS.dark;
  oval(ctx, colour, x + chance(), y + chance(), 0.9 + chance() * 0.7, 0.6 + chance() * 0.5, 0);
  ctx.globalAlpha = 1;
}

/** A piece of path or pond: it reaches `over` its tile where that ends, and is round where it turns. */
function slab(ctx, colour, { x, y }, isSame, over) {
  const [north, east, south, west] = [isSame(x, y - 1), isSame(x + 1, y), isSame(x, y + 1), isSame(x - 1, y)];
  const reach = (joined) => (joined ? 0.02 : over);
  const round = (one, other) => (one || other ? 0 : 0.4);
  const left = x - reach(west);
  const top = y - reach(north);
  const right = x + 1 + reach(east);
  const bottom = y + 1 + reach(south);
  const corners = [round(north, west), round(north, east), round(south, east), round(south, west)];
  shape(ctx, colour, (p) => p.roundRect(left, top, right - left, bottom - top, corners), 0);
  const chance = scatter(tileSeed(x, y) + 17);
  const bulge = (at, down, tall = false) => {
    const [long, short] = [0.2 + over * 0.5 + chance() * 0.16, 0.06 + over * 0.6 + chance() * 0.08];
    oval(ctx, colour, at, down, tall ? short : long, tall ? long : short, 0);
  };
  for (const along of [0.25, 0.75]) {
    const jitter = () => along + (chance() - 0.5) * 0.4;
    [[north, () => bulge(x + jitter(), y - 0.02)], [south, () => bulge(x + jitter(), y + 1.02)], [west, () => bulge(x - 0.02, y + jitter(), true)], [east, () => bulge(x + 1.02, y + jitter(), true)]]
      .filter(([joined]) => !joined)
      .forEach(([, draw]) => draw());
  }
}

function gravel(ctx, { x, y, chance }) {
  for (let index = 0; index < 2; index += 1) {
    ctx.globalAlpha = 0.5;
    oval(ctx, chance() < 0.5 ? PATH.light : PATH.dark, x + chance(), y + chance(), 0.1 + chance() * 0.18, 0.06 + chance() * 0.08, 0);
    ctx.globalAlpha = 1;
  }
  if (chance() < 0.18) {
    oval(ctx, PATH.dark, x + 0.2 + chance() * 0.6, y + 0.2 + chance() * 0.6, 0.07, 0.05, 0.025);
  }
}

function growth(ctx, { x, y, chance }, terrain) {
  const pick = chance();
  const [at, down] = [x + 0.15 + chance() * 0.7, y + 0.3 + chance() * 0.6];
  if (pick < 0.3) {
    for (const lean of [-0.09, 0, 0.09]) {
      stroke(ctx, chance() < 0.5 ? GRASS.deep : GRASS.light, 0.045, [[at + lean * 0.5, down], [at + lean, down - 0.12, at + lean * 1.8, down - 0.17 - chance() * 0.08]]);
    }
  } else if (pick < 0.37) {
    const colour = FLOWERS[Math.floor(chance() * FLOWERS.length)];
    for (let flower = 0; flower < 3; flower += 1) {
      const [fx, fy] = [at + (chance() - 0.5) * 0.5, down + (chance() - 0.5) * 0.4];
      if (terrain.ground.look(Math.floor(fx), Math.floor(fy)) === "0") {
        stroke(ctx, GRASS.deep, 0.035, [[fx, fy + 0.12], [fx, fy]]);
        oval(ctx, colour, fx, fy, 0.06, 0.055, 0.02);
        oval(ctx, "#e8a33a", fx, fy, 0.022, 0.022, 0);
      }
    }
  } else if (pick < 0.395) {
    oval(ctx, "rgba(36, 28, 46, 0.2)", at + 0.03, down + 0.06, 0.17, 0.09, 0);
    oval(ctx, STONE.top, at, down, 0.15, 0.11, 0.04);
    oval(ctx, STONE.light, at - 0.04, down - 0.04, 0.06, 0.035, 0);
  }
}

function paintWall(ctx, mask, chance) {
  const [north, east, south, west] = [mask & 1, mask & 2, mask & 4, mask & 8];
  const top = -WALL_UP;
  if (!south) {
    ctx.fillStyle = STONE.face;
    ctx.fillRect(0, 1 + top, 1, WALL_UP);
    ctx.fillStyle = STONE.dark;
    ctx.fillRect(0, 0.86, 1, 0.14);
    for (const [y, from] of [[1 + top + 0.04, 0], [1 + top + 0.3, 0.22]]) {
      for (let x = from - 0.45; x < 1; x += 0.45) {
        const left = Math.max(0.02, x + 0.02);
        const width = Math.min(0.98, x + 0.43) - left;
        if (width > 0.05) {
          shape(ctx, shade(STONE.face, (chance() - 0.4) * 0.25), (p) => p.roundRect(left, y, width, 0.22, 0.04), 0.03);
        }
      }
    }
  }
  ctx.fillStyle = STONE.top;
  ctx.fillRect(0, top, 1, south ? 1.02 : 1);
  ctx.save();
  ctx.beginPath();
  ctx.rect(0, top, 1, 1);
  ctx.clip();
  for (let index = 0; index < 4; index += 1) {
    ctx.globalAlpha = 0.6;
    oval(ctx, chance() < 0.5 ? STONE.light : STONE.face, chance(), top + chance(), 0.08 + chance() * 0.12, 0.05 + chance() * 0.06, 0);
    ctx.globalAlpha = 1;
  }
  if (chance() < 0.5) {
    oval(ctx, shade(GRASS.dark, -0.1), 0.25 + chance() * 0.5, top + 0.8, 0.14, 0.07, 0);
  }
  ctx.restore();
  const edge = (points) => stroke(ctx, INK, 0.06, points);
  if (!north) {
    edge([[0, top], [1, top]]);
    stroke(ctx, STONE.light, 0.05, [[0.04, top + 0.08], [0.96, top + 0.08]]);
  }
  const low = south ? 1 + top : 1;
  if (!west) {
    edge([[0.0, top], [0.0, low]]);
  }
  if (!east) {
    edge([[1, top], [1, low]]);
  }
  if (!south) {
    stroke(ctx, STONE.seam, 0.05, [[0, 1 + top], [1, 1 + top]]);
    edge([[0, 1], [1, 1]]);
  }
}

function paintTree(ctx, chance) {
  const lean = (chance() - 0.5) * 0.24;
  oval(ctx, "rgba(36, 28, 46, 0.25)", 0.55 + lean, 0.92, 0.5, 0.17, 0);
  shape(ctx, TREE.trunk, (p) => {
    p.moveTo(0.38 + lean, 0.95);
    p.quadraticCurveTo(0.45 + lean, 0.6, 0.42 + lean, 0.3);
    p.lineTo(0.6 + lean, 0.3);
    p.quadraticCurveTo(0.58 + lean, 0.6, 0.66 + lean, 0.95);
    p.closePath();
  });
  const leaf = shade(TREE.leaf, (chance() - 0.5) * 0.16);
  const crowns = [[0.1, 0.1, 0.42], [0.9, 0.12, 0.42], [0.5, 0.2, 0.46], [0.5, -0.45, 0.55]];
  for (const [x, y, size] of crowns) {
    oval(ctx, shade(leaf, -0.22), x + lean, y, size, size * 0.86, 0.06);
  }
  for (const [x, y, size] of crowns) {
    oval(ctx, leaf, x + lean - 0.02, y - 0.06, size * 0.86, size * 0.72, 0);
  }
  for (const [x, y, size] of [[0.36, -0.6, 0.26], [0.02, -0.02, 0.2], [0.82, 0, 0.18]]) {
    oval(ctx, TREE.light, x + lean, y, size, size * 0.66, 0);
  }
}
