// What flies and fades: numbers over heads, fireballs, sword strokes, sparks, speech. It only shows; nothing depends on it.

import { BLOOD, CREAM, EMBER, GOLD, INK } from "./palette.js";
import { oval } from "./sprites/pencil.js";

const NUMBER_MS = 1100;
const STROKE_MS = 220;
const BURST_MS = 420;
const SPEECH_MS = 5000;
/** Tiles in a second. */
const BALL_SPEED = 16;
const KEPT_MAX = 200;

export class Effects {
  constructor() {
    this.list = [];
    this.calm = false;
  }

  clear() {
    this.list = [];
  }

  number(place, text, colour, now) {
    this.#add({ kind: "number", x: place.x, y: place.y, text, colour, from: now, until: now + NUMBER_MS });
  }

  /** A stroke of `by`'s weapon towards `at`. */
  stroke(by, at, now, colour = CREAM) {
    const angle = Math.atan2(at.y - by.y, at.x - by.x);
    this.#add({ kind: "stroke", x: by.x, y: by.y, angle, colour, from: now, until: now + STROKE_MS });
  }

  /** A ball of fire. Returns when it arrives. */
  ball(by, at, now) {
    const distance = Math.hypot(at.x - by.x, at.y - by.y);
    const until = now + (distance * 1000) / BALL_SPEED;
    this.#add({ kind: "ball", x: by.x, y: by.y, to: { x: at.x, y: at.y }, from: now, until });
    this.burst(at, EMBER, until, 1.5);
    return until;
  }

  burst(at, colour, from, size = 1) {
    this.#add({ kind: "burst", x: at.x, y: at.y, colour, size, seed: (at.x * 7 + at.y * 13) % 6, from, until: from + BURST_MS });
  }

  /** What somebody says hangs over their head for a while; `body` is who. */
  speech(body, text, now) {
    this.list = this.list.filter((effect) => effect.kind !== "speech" || effect.body !== body);
    const short = text.length > 60 ? `${text.slice(0, 58)}…` : text;
    this.#add({ kind: "speech", body, text: short, from: now, until: now + SPEECH_MS });
  }

  /** Where the avatar was told to go. */
  mark(place, now) {
    this.list = this.list.filter((effect) => effect.kind !== "mark");
    this.#add({ kind: "mark", x: place.x, y: place.y, from: now, until: now + 500 });
  }

  /** Draws all that there is, over the world. */
  draw(ctx, camera, labels, now) {
    this.list = this.list.filter((effect) => effect.until > now);
    const dots = camera.tile * camera.density;
    for (const effect of this.list) {
      if (effect.from <= now) {
        const part = (now - effect.from) / (effect.until - effect.from);
        DRAW[effect.kind](ctx, effect, part, { camera, labels, dots, calm: this.calm });
      }
    }
    ctx.globalAlpha = 1;
  }

  #add(effect) {
    if (this.list.length >= KEPT_MAX) {
      this.list.shift();
    }
    this.list.push(effect);
  }
}

const DRAW = {
  number(ctx, effect, part, { camera, labels, dots, calm }) {
    const picture = labels.of(effect.text, effect.colour, effect.text.length > 4 ? 15 : 20, 800);
    const { x, y } = camera.toScreen(effect.x, effect.y);
    const rise = calm ? 0.3 : 1 - (1 - part) ** 3;
    ctx.globalAlpha = part > 0.6 ? (1 - part) / 0.4 : 1;
    ctx.drawImage(picture, Math.round(x - picture.width / 2), Math.round(y - (1.35 + rise * 0.8) * dots - picture.height / 2));
    ctx.globalAlpha = 1;
  },

  stroke(ctx, effect, part, { camera, dots }) {
    const { x, y } = camera.toScreen(effect.x, effect.y - 0.5);
    ctx.globalAlpha = 1 - part * part;
    ctx.beginPath();
    const sweep = 1.9 * Math.min(1, part * 1.8);
    ctx.arc(x, y, dots * 0.85, effect.angle - 0.95, effect.angle - 0.95 + sweep);
    ctx.arc(x, y, dots * (0.62 + part * 0.12), effect.angle - 0.95 + sweep, effect.angle - 0.95, true);
    ctx.closePath();
    ctx.fillStyle = effect.colour;
    ctx.fill();
    ctx.lineWidth = dots * 0.03;
    ctx.strokeStyle = INK;
    ctx.stroke();
    ctx.globalAlpha = 1;
  },

  ball(ctx, effect, part, { camera, dots, calm }) {
    for (let tail = calm ? 0 : 5; tail >= 0; tail -= 1) {
      const at = Math.max(0, part - tail * 0.035);
      const { x, y } = camera.toScreen(
        effect.x + (effect.to.x - effect.x) * at,
        effect.y + (effect.to.y - effect.y) * at - 0.55,
      );
      ctx.globalAlpha = tail === 0 ? 1 : 0.4 - tail * 0.06;
      oval(ctx, tail === 0 ? EMBER : BLOOD, x, y, dots * (0.24 - tail * 0.028), dots * (0.24 - tail * 0.028), tail === 0 ? dots * 0.05 : 0);
      if (tail === 0) {
        oval(ctx, GOLD, x, y, dots * 0.15, dots * 0.15, 0);
        oval(ctx, CREAM, x, y, dots * 0.07, dots * 0.07, 0);
      }
    }
    ctx.globalAlpha = 1;
  },

  burst(ctx, effect, part, { camera, dots, calm }) {
    const { x, y } = camera.toScreen(effect.x, effect.y - 0.45);
    const rays = calm ? 0 : 7;
    ctx.globalAlpha = 1 - part;
    for (let ray = 0; ray < rays; ray += 1) {
      const angle = effect.seed + (ray / rays) * Math.PI * 2;
      const far = dots * effect.size * (0.15 + part * 0.5);
      oval(ctx, effect.colour, x + Math.cos(angle) * far, y + Math.sin(angle) * far * 0.8, dots * 0.09 * effect.size * (1 - part), dots * 0.09 * effect.size * (1 - part), dots * 0.025);
    }
    if (part < 0.35) {
      oval(ctx, CREAM, x, y, dots * 0.22 * effect.size, dots * 0.22 * effect.size, 0);
    }
    ctx.globalAlpha = 1;
  },

  mark(ctx, effect, part, { camera, dots }) {
    const { x, y } = camera.toScreen(effect.x, effect.y);
    ctx.globalAlpha = 1 - part;
    ctx.beginPath();
    ctx.ellipse(x, y, dots * (0.4 - part * 0.2), dots * (0.22 - part * 0.11), 0, 0, Math.PI * 2);
    ctx.lineWidth = dots * 0.06;
    ctx.strokeStyle = CREAM;
    ctx.stroke();
    ctx.globalAlpha = 1;
  },

  speech(ctx, effect, part, { camera, labels, dots }) {
    const picture = labels.of(effect.text, CREAM, 13, 600);
    const pad = dots * 0.12;
    // Over the name, which keeps its size where tiles are small.
    const { x, y: head } = camera.toScreen(effect.body.shown.x, effect.body.shown.y - 1.5);
    const y = head - 22 * camera.density - picture.height / 2;
    ctx.globalAlpha = part > 0.9 ? (1 - part) * 10 : 1;
    ctx.beginPath();
    ctx.roundRect(x - picture.width / 2 - pad, y - picture.height / 2, picture.width + 2 * pad, picture.height, picture.height / 2);
    ctx.fillStyle = "rgba(36, 28, 46, 0.82)";
    ctx.fill();
    ctx.drawImage(picture, Math.round(x - picture.width / 2), Math.round(y - picture.height / 2));
    ctx.globalAlpha = 1;
  },
};
