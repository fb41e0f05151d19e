// The few strokes that all sprites are drawn with. One unit is a tile; the point (0, 0) is where something stands.

import { INK } from "../palette.js";

export const LINE = 0.055;

/** Fills a path, and draws its outline in ink. */
export function shape(ctx, fill, path, line = LINE) {
  ctx.beginPath();
  path(ctx);
  ctx.fillStyle = fill;
  ctx.fill();
  if (line > 0) {
    ctx.lineWidth = line;
    ctx.lineJoin = "round";
    ctx.lineCap = "round";
    ctx.strokeStyle = INK;
    ctx.stroke();
  }
}

export function oval(ctx, fill, x, y, rx, ry, line = LINE, turn = 0) {
  shape(ctx, fill, (p) => p.ellipse(x, y, rx, ry, turn, 0, Math.PI * 2), line);
}

export function box(ctx, fill, x, y, width, height, round = 0.08, line = LINE) {
  shape(ctx, fill, (p) => p.roundRect(x, y, width, height, round), line);
}

/** A closed path through points; each is `[x, y]`, or `[cx, cy, x, y]` for a bend. */
export function form(ctx, fill, points, line = LINE) {
  shape(
    ctx,
    fill,
    (p) => {
      points.forEach((point, index) => {
        if (index === 0) {
          p.moveTo(point[0], point[1]);
        } else if (point.length === 4) {
          p.quadraticCurveTo(...point);
        } else {
          p.lineTo(point[0], point[1]);
        }
      });
      p.closePath();
    },
    line,
  );
}

export function stroke(ctx, colour, width, points) {
  ctx.beginPath();
  points.forEach((point, index) => {
    if (index === 0) {
      ctx.moveTo(point[0], point[1]);
    } else if (point.length === 4) {
      ctx.quadraticCurveTo(...point);
    } else {
      ctx.lineTo(point[0], point[1]);
    }
  });
  ctx.lineWidth = width;
  ctx.lineCap = "round";
  ctx.lineJoin = "round";
  ctx.strokeStyle = colour;
  ctx.stroke();
}

/** A lighter or darker kind of a colour `#rrggbb`; `by` from -1 to 1. */
export function shade(colour, by) {
  const to = by < 0 ? 0 : 255;
  const part = Math.abs(by);
  const mixed = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16);
    return Math.round(value + (to - value) * part).toString(16).padStart(2, "0");
  });
  return `#${mixed.join("")}`;
}
