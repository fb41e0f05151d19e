// Draws the world on a canvas: ground, then rows of walls and beings from the back to the front, then what hangs over them.

import { BLOOD, CREAM, GOLD, INK, SKY, WATER } from "./palette.js";
import { FADE_MS } from "./body.js";
import { State } from "../bindings/js/realm.js";
import { Camera } from "./camera.js";
import { Labels } from "./labels.js";
import { Sprites } from "./sprites.js";
import { CHUNK, Terrain } from "./terrain.js";

/** How many dots a CSS pixel is drawn with at most: more costs more than it shows. */
const DENSITY_MAX = 2;
/** How fast the edge of sight follows, per ms. */
const SIGHT_PACE = 0.006;
const HURT_MS = 130;
const STEPS_PER_TILE = 3.2;

export class Renderer {
  constructor(canvas) {
    this.canvas = canvas;
    this.ctx = canvas.getContext("2d", { alpha: false });
    this.camera = new Camera();
    this.sight = null;
    this.calm = false;
    this.figures = { ground: 0, bodies: 0, over: 0 };
  }

  /** Fits the canvas to the screen. Cheap when nothing changed. */
  fit(width, height, density) {
    const dense = Math.min(DENSITY_MAX, density || 1);
    const [columns, rows] = [Math.max(1, Math.round(width * dense)), Math.max(1, Math.round(height * dense))];
    if (this.canvas.width === columns && this.canvas.height === rows && this.camera.density === dense) {
      return;
    }
    this.canvas.width = columns;
    this.canvas.height = rows;
    this.camera.resize(width, height, dense);
    this.labels = new Labels(dense);
    this.dots = Math.round(this.camera.tile * dense);
    this.sprites = new Sprites(this.dots);
    this.terrain = null;
  }

  /** One picture. `clock` hands in the time for what it costs: `() => ms`. */
  draw(world, { target, effects, now, time, clock }) {
    const { ctx, camera, dots } = this;
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    if (!world.ground) {
      ctx.fillStyle = INK;
      ctx.fillRect(0, 0, this.canvas.width, this.canvas.height);
      return;
    }
    const started = clock();
    if (this.terrain?.ground !== world.ground) {
      this.terrain = new Terrain(world.ground, dots);
      this.sight = null;
    }
    const looked = world.own?.shown ?? world.place;
    camera.follow(looked.x, looked.y, world.ground.width, world.ground.height);
    const area = {
      left: Math.floor(camera.left / dots) - 1,
      top: Math.floor(camera.top / dots) - 1,
      right: Math.ceil((camera.left + this.canvas.width) / dots) + 1,
      bottom: Math.ceil((camera.top + this.canvas.height) / dots) + 2,
    };
    this.#ground(area, now);
    const grounded = clock();
    effects.calm = this.calm;
    this.#rings(world, target, now);
    this.#standing(world, area, now);
    const stood = clock();
    if (world.prediction) {
      this.#sight(world, looked, time);
    }
    this.#over(world, target);
    effects.draw(ctx, camera, this.labels, now);
    this.figures = { ground: grounded - started, bodies: stood - grounded, over: clock() - stood };
  }

  #ground(area, now) {
    const { ctx, camera, dots, terrain, canvas } = this;
    const outside = camera.left < 0 || camera.top < 0 || area.right > terrain.ground.width || area.bottom > terrain.ground.height;
    if (outside) {
      ctx.fillStyle = INK;
      ctx.fillRect(0, 0, canvas.width, canvas.height);
    }
    const size = CHUNK * dots;
    const columns = Math.ceil(terrain.ground.width / CHUNK);
    const rows = Math.ceil(terrain.ground.height / CHUNK);
    for (let row = Math.max(0, Math.floor(camera.top / size)); row < rows && row * size - camera.top < canvas.height; row += 1) {
      for (let column = Math.max(0, Math.floor(camera.left / size)); column < columns && column * size - camera.left < canvas.width; column += 1) {
        ctx.drawImage(terrain.chunk(column, row), column * size - camera.left, row * size - camera.top);
      }
    }
    if (!this.calm) {
      this.#ripples(area, now);
    }
  }

  #ripples(area, now) {
    const { ctx, camera, dots, terrain } = this;
    ctx.beginPath();
    for (let y = area.top; y < area.bottom; y += 1) {
      for (let x = area.left; x < area.right; x += 1) {
        if ((x * 5 + y * 3) % 4 !== 0 || !terrain.isWater(x, y)) {
          continue;
        }
        const swell = Math.sin(now / 900 + x * 1.7 + y * 2.3);
        const at = camera.toScreen(x + 0.3 + swell * 0.12, y + 0.55);
        ctx.moveTo(at.x, at.y);
        ctx.quadraticCurveTo(at.x + dots * 0.2, at.y - dots * 0.07 * (1 + swell), at.x + dots * 0.4, at.y);
      }
    }
    ctx.lineWidth = Math.max(1, dots * 0.045);
    ctx.lineCap = "round";
    ctx.strokeStyle = WATER.light;
    ctx.stroke();
  }

  /** The ring under the target, and under oneself. */
  #rings(world, target, now) {
    const { ctx, camera, dots } = this;
    const ring = (body, colour, size, width) => {
      const { x, y } = camera.toScreen(body.shown.x, body.shown.y);
      ctx.beginPath();
      ctx.ellipse(x, y, dots * size, dots * size * 0.55, 0, 0, Math.PI * 2);
      ctx.lineWidth = dots * width;
      ctx.strokeStyle = colour;
      ctx.stroke();
    };
    if (world.own?.alive) {
      ring(world.own, "rgba(248, 238, 216, 0.55)", 0.42, 0.04);
    }
    if (target?.here) {
      const pulse = this.calm ? 0 : Math.sin(now / 180) * 0.03;
      ring(target, INK, 0.58 + pulse, 0.12);
      ring(target, target.isMob && target.alive ? BLOOD : GOLD, 0.58 + pulse, 0.07);
    }
  }

  #standing(world, area, now) {
    const { ctx, camera, dots, terrain } = this;
    const bodies = [];
    for (const body of world.bodies.values()) {
      const { x, y } = body.shown;
      if (x > area.left - 2 && x < area.right + 2 && y > area.top - 2 && y < area.bottom + 2) {
        bodies.push(body);
      }
    }
    // The dead lie under who stands.
    bodies.sort((a, b) => depth(a) - depth(b) || a.handle - b.handle);
    let next = 0;
    for (let y = area.top; y < area.bottom; y += 1) {
      for (let x = area.left; x < area.right; x += 1) {
        if (terrain.isWall(x, y) && x >= 0 && y >= 0 && x < terrain.ground.width && y < terrain.ground.height) {
          const picture = terrain.standing(x, y);
          ctx.drawImage(picture.canvas, x * dots - camera.left - picture.left, y * dots - camera.top - picture.up);
        }
      }
      while (next < bodies.length && depth(bodies[next]) < y + 1) {
        this.#body(bodies[next], world, now);
        next += 1;
      }
    }
  }

  #body(body, world, now) {
    const { ctx, camera, dots } = this;
    const { x, y } = camera.toScreen(body.shown.x, body.shown.y);
    const fading = body.goneAt === null ? 1 : 1 - (now - body.goneAt) / FADE_MS;
    const dawning = Math.min(1, (now - body.bornAt) / FADE_MS + 0.2);
    ctx.globalAlpha = Math.max(0, Math.min(fading, dawning));
    if (!body.isDoor) {
      const shadow = this.sprites.shadow(body.isAvatar ? 0.32 : 0.46);
      ctx.drawImage(shadow.canvas, Math.round(x - shadow.left), Math.round(y - shadow.up));
    }
    const picture = this.sprites.of(body, this.#pose(body, world));
    const breath = body.alive && !body.moves && !this.calm ? Math.sin(now / 420 + body.handle) * 0.012 * dots : 0;
    ctx.drawImage(picture.canvas, Math.round(x - picture.left), Math.round(y - picture.up + breath));
    if (now - body.hurtAt < HURT_MS) {
      ctx.globalCompositeOperation = "lighter";
      ctx.globalAlpha *= 0.6;
      ctx.drawImage(picture.canvas, Math.round(x - picture.left), Math.round(y - picture.up));
      ctx.globalCompositeOperation = "source-over";
    }
    ctx.globalAlpha = 1;
    if (!this.calm && ((body.isMob && body.usable) || body.state === State.Full)) {
      this.#glint(x, y, body.handle, now);
    }
  }

  /** A small star over what has something to give. */
  #glint(x, y, handle, now) {
    const { ctx, dots } = this;
    const part = ((now / 1400 + handle * 0.37) % 1) * 2;
    if (part > 1) {
      return;
    }
    const size = Math.sin(part * Math.PI) * dots * 0.16;
    const [cx, cy] = [x + dots * 0.26 * Math.sin(handle * 3), y - dots * 0.62];
    ctx.beginPath();
    for (let ray = 0; ray < 8; ray += 1) {
      const far = ray % 2 === 0 ? size : size * 0.3;
      const angle = (ray * Math.PI) / 4;
      ctx.lineTo(cx + Math.cos(angle) * far, cy + Math.sin(angle) * far);
    }
    ctx.closePath();
    ctx.fillStyle = "#fff3c4";
    ctx.fill();
  }

  #pose(body, world) {
    const beast = body.isMob;
    const door = body.isDoor ? world.ground.doorAt(body.told.x, body.told.y) : null;
    return {
      side: beast ? "side" : body.isAvatar ? body.side : "front",
      flip: body.isObject ? false : beast ? body.flip : body.side === "side" && body.flip,
      step: body.moves ? Math.floor(body.walked * STEPS_PER_TILE) % 4 : 0,
      dead: body.dead,
      full: body.state === State.Full,
      open: body.state === State.Open,
      width: body.isDoor ? new Set((door?.tiles ?? [[0, 0]]).map(([column]) => column)).size : 0,
    };
  }

  /** Shades what lies beyond the cells in view: nobody would be seen there. */
  #sight(world, looked, time) {
    const { ctx, camera, canvas } = this;
    const cell = world.cell || CHUNK;
    const aim = [
      (Math.floor(looked.x / cell) - 1) * cell,
      (Math.floor(looked.y / cell) - 1) * cell,
      (Math.floor(looked.x / cell) + 2) * cell,
      (Math.floor(looked.y / cell) + 2) * cell,
    ];
    const pace = this.calm ? 1 : 1 - Math.exp(-time * SIGHT_PACE);
    this.sight = this.sight ? this.sight.map((at, index) => at + (aim[index] - at) * pace) : aim;
    const from = camera.toScreen(this.sight[0], this.sight[1]);
    const to = camera.toScreen(this.sight[2], this.sight[3]);
    ctx.fillStyle = "rgba(36, 28, 46, 0.34)";
    const [top, bottom] = [Math.max(0, from.y), Math.min(canvas.height, to.y)];
    ctx.fillRect(0, 0, canvas.width, top);
    ctx.fillRect(0, bottom, canvas.width, canvas.height - bottom);
    ctx.fillRect(0, top, from.x, bottom - top);
    ctx.fillRect(to.x, top, canvas.width - to.x, bottom - top);
  }

  /** Names and health. */
  #over(world, target) {
    const { ctx, camera, dots } = this;
    for (const body of world.bodies.values()) {
      if (!body.here || body.isObject || body.dead) {
        if (body !== target || !body.here) {
          continue;
        }
      }
      const { x, y } = camera.toScreen(body.shown.x, body.shown.y);
      if (x < -dots || y < -dots || x > this.canvas.width + dots || y > this.canvas.height + 2 * dots) {
        continue;
      }
      const own = body.handle === world.me;
      const high = (body.isAvatar ? 1.36 : body.isObject ? 1.15 : 1.22) * dots;
      if (body.alive && (body.hp < body.hpMax || body === target)) {
        this.#bar(x, y - high, body.hp / Math.max(1, body.hpMax), own || body.isAvatar ? "#8fce5a" : BLOOD);
      }
      if ((body.isAvatar && !body.dead) || body === target) {
        const name = body.name || world.content.kindName(body.kind);
        const picture = this.labels.of(body.dead ? `${name} †` : name, own ? GOLD : body.isAvatar ? SKY : CREAM, 12);
        ctx.drawImage(picture, Math.round(x - picture.width / 2), Math.round(y - high - dots * 0.08 - picture.height));
      }
    }
  }

  #bar(x, y, part, colour) {
    const { ctx, dots } = this;
    const [width, height] = [Math.round(dots * 0.84), Math.max(4, Math.round(dots * 0.11))];
    const left = Math.round(x - width / 2);
    const top = Math.round(y - height / 2);
    ctx.fillStyle = INK;
    ctx.fillRect(left - 2, top - 2, width + 4, height + 4);
    ctx.fillStyle = "#4a4357";
    ctx.fillRect(left, top, width, height);
    ctx.fillStyle = colour;
    ctx.fillRect(left, top, Math.round(width * Math.max(0, Math.min(1, part))), height);
    ctx.fillStyle = "rgba(255, 255, 255, 0.25)";
    ctx.fillRect(left, top, Math.round(width * Math.max(0, Math.min(1, part))), Math.max(1, Math.floor(height / 3)));
  }
}

function depth(body) {
  return body.shown.y - (body.dead ? 0.6 : 0);
}
