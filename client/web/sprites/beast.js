// Dogs and boars, and a plain token for mobs that are not drawn yet. They look to the right.

import { CREAM, GOLD, INK } from "../palette.js";
import { form, oval, shade, stroke } from "./pencil.js";

/** `step` is 0–3, `fur` a colour. */
export function drawDog(ctx, { fur = "#b97a45", step = 0 }) {
  const swing = [0, 1, 0, -1][step] * 0.1;
  const bob = step % 2 === 1 ? -0.03 : 0;
  const dark = shade(fur, -0.28);
  const pale = shade(fur, 0.45);
  legs(ctx, dark, -0.25, -0.27, swing, 0.09);
  legs(ctx, dark, 0.21, -0.27, -swing, 0.09);
  // The tail stands up and wags with the step.
  form(ctx, fur, [[-0.36, -0.48 + bob], [-0.62, -0.52, -0.56 + swing * 0.6, -0.84 + bob], [-0.44, -0.68, -0.28, -0.6 + bob]]);
  form(ctx, fur, [[-0.42, -0.42 + bob], [-0.42, -0.66 + bob, -0.1, -0.64 + bob], [0.2, -0.66 + bob, 0.34, -0.56 + bob], [0.42, -0.3 + bob, 0.2, -0.25 + bob], [-0.1, -0.18 + bob, -0.3, -0.25 + bob], [-0.44, -0.26 + bob, -0.42, -0.42 + bob]]);
  form(ctx, pale, [[-0.2, -0.25 + bob], [0, -0.36 + bob, 0.28, -0.32 + bob], [0.3, -0.26 + bob, 0.2, -0.245 + bob], [0, -0.2 + bob, -0.2, -0.25 + bob]], 0);
  legs(ctx, fur, -0.3, -0.27, -swing, 0.1);
  legs(ctx, fur, 0.26, -0.27, swing, 0.1);
  // The head.
  form(ctx, dark, [[0.2, -0.78 + bob], [0.16, -1.04 + bob, 0.28, -1.06 + bob], [0.38, -0.98 + bob, 0.4, -0.82 + bob]]);
  form(ctx, fur, [[0.18, -0.68 + bob], [0.18, -0.92 + bob, 0.42, -0.9 + bob], [0.54, -0.88 + bob, 0.58, -0.76 + bob], [0.76, -0.72 + bob, 0.74, -0.62 + bob], [0.7, -0.53 + bob, 0.48, -0.53 + bob], [0.26, -0.46 + bob, 0.18, -0.68 + bob]]);
  form(ctx, pale, [[0.5, -0.6 + bob], [0.58, -0.7 + bob, 0.72, -0.66 + bob], [0.74, -0.56 + bob, 0.5, -0.55 + bob]], 0);
  form(ctx, dark, [[0.24, -0.84 + bob], [0.14, -0.9 + bob, 0.12, -0.62 + bob], [0.26, -0.6 + bob, 0.34, -0.78 + bob]]);
  oval(ctx, INK, 0.725, -0.69 + bob, 0.05, 0.042, 0);
  eye(ctx, 0.5, -0.74 + bob);
  stroke(ctx, "#c8503f", 0.07, [[0.2, -0.55 + bob], [0.3, -0.49 + bob, 0.4, -0.5 + bob]]);
  oval(ctx, GOLD, 0.33, -0.45 + bob, 0.04, 0.04, 0.025);
}

export function drawBoar(ctx, { fur = "#6b5148", step = 0 }) {
  const swing = [0, 1, 0, -1][step] * 0.09;
  const bob = step % 2 === 1 ? -0.03 : 0;
  const dark = shade(fur, -0.3);
  legs(ctx, dark, -0.34, -0.26, swing, 0.11);
  legs(ctx, dark, 0.2, -0.26, -swing, 0.11);
  stroke(ctx, INK, 0.08, [[-0.54, -0.58 + bob], [-0.72, -0.62 + bob, -0.68, -0.44 + bob]]);
  // Bristles along the back.
  form(ctx, dark, [[-0.56, -0.66 + bob], [-0.46, -0.96 + bob], [-0.36, -0.88 + bob], [-0.24, -1.08 + bob], [-0.12, -0.95 + bob], [0.02, -1.12 + bob], [0.12, -0.96 + bob], [0.26, -1.04 + bob], [0.34, -0.8 + bob]]);
  form(ctx, fur, [[-0.58, -0.5 + bob], [-0.58, -0.9 + bob, -0.1, -0.92 + bob], [0.3, -0.94 + bob, 0.44, -0.66 + bob], [0.46, -0.28 + bob, 0.1, -0.22 + bob], [-0.2, -0.16 + bob, -0.42, -0.24 + bob], [-0.6, -0.3 + bob, -0.58, -0.5 + bob]]);
  legs(ctx, fur, -0.4, -0.26, -swing, 0.12);
  legs(ctx, fur, 0.26, -0.26, swing, 0.12);
  form(ctx, dark, [[0.28, -0.84 + bob], [0.22, -1.04 + bob, 0.38, -1.02 + bob], [0.5, -0.92 + bob, 0.46, -0.8 + bob]]);
  form(ctx, shade(fur, 0.08), [[0.2, -0.56 + bob], [0.22, -0.88 + bob, 0.5, -0.82 + bob], [0.64, -0.76 + bob, 0.84, -0.6 + bob], [0.9, -0.44 + bob, 0.76, -0.38 + bob], [0.5, -0.26 + bob, 0.34, -0.32 + bob], [0.2, -0.38 + bob, 0.2, -0.56 + bob]]);
  oval(ctx, "#c79a8a", 0.83, -0.51 + bob, 0.075, 0.12, undefined, -0.35);
  oval(ctx, INK, 0.845, -0.54 + bob, 0.02, 0.025, 0);
  oval(ctx, INK, 0.835, -0.47 + bob, 0.02, 0.025, 0);
  form(ctx, CREAM, [[0.6, -0.4 + bob], [0.62, -0.56 + bob, 0.74, -0.66 + bob], [0.76, -0.5 + bob, 0.7, -0.38 + bob]], 0.035);
  eye(ctx, 0.52, -0.64 + bob, "#f0b04a");
}

/** For a mob without a picture: a round token with its first letter. */
export function drawToken(ctx, { letter, colour }) {
  oval(ctx, colour, 0, -0.45, 0.42, 0.42);
  oval(ctx, shade(colour, 0.25), 0, -0.5, 0.3, 0.3, 0);
  ctx.fillStyle = INK;
  ctx.font = "bold 0.42px system-ui, sans-serif";
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(letter, 0, -0.48);
}

/** On its side, with its legs in the air no more. */
export function drawFallen(ctx, draw) {
  ctx.save();
  ctx.scale(1, -1);
  ctx.translate(0, 0.52);
  ctx.rotate(0.05);
  draw(ctx);
  ctx.restore();
}

function legs(ctx, fur, x, y, swing, width) {
  form(ctx, fur, [[x - width / 2, y - 0.06], [x - width / 2 + swing, 0], [x + width / 2 + swing + 0.03, 0], [x + width / 2, y - 0.06]]);
}

function eye(ctx, x, y, colour = INK) {
  oval(ctx, colour, x, y, 0.04, 0.05, colour === INK ? 0 : 0.03);
  oval(ctx, CREAM, x + 0.014, y - 0.018, 0.014, 0.014, 0);
}
