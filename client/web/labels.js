// Words over heads, each set in type once and kept as a picture: text is the dearest thing to draw in every frame.

import { INK } from "./palette.js";

const KEPT_MAX = 400;

export class Labels {
  /** `density` is the number of dots in a CSS pixel. */
  constructor(density) {
    this.density = density;
    this.kept = new Map();
    this.probe = document.createElement("canvas").getContext("2d");
  }

  /** The picture of a text, `size` CSS pixels high, with an edge of ink. */
  of(text, colour, size, weight = 600) {
    const key = `${size}|${weight}|${colour}|${text}`;
    const found = this.kept.get(key);
    if (found) {
      return found;
    }
    if (this.kept.size >= KEPT_MAX) {
      this.kept.delete(this.kept.keys().next().value);
    }
    const dots = size * this.density;
    const font = `${weight} ${dots}px ui-rounded, "Nunito", "Segoe UI", system-ui, sans-serif`;
    this.probe.font = font;
    const edge = dots * 0.28;
    const canvas = document.createElement("canvas");
    canvas.width = Math.ceil(this.probe.measureText(text).width + edge * 2);
    canvas.height = Math.ceil(dots * 1.35 + edge);
    const ctx = canvas.getContext("2d");
    ctx.font = font;
    ctx.textBaseline = "middle";
    ctx.lineJoin = "round";
    ctx.lineWidth = edge;
    ctx.strokeStyle = INK;
    ctx.strokeText(text, edge, canvas.height / 2);
    ctx.fillStyle = colour;
    ctx.fillText(text, edge, canvas.height / 2);
    this.kept.set(key, canvas);
    return canvas;
  }
}
