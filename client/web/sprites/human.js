// Avatars: a traveller with a cloak and a sword, in the colours of its name. Seen from the front, from behind and from the side.

import { CLOTH, CREAM, GOLD, HAIR, INK, SKIN, seedOf } from "../palette.js";
import { box, form, oval, shade, stroke } from "./pencil.js";

const STEEL = "#d5d9e2";
const BOOT = "#4b352b";
const BELT = "#5a3d2b";

/** The colours in which a name goes. */
export function looksOf(name) {
  const seed = seedOf(name);
  return {
    cloth: CLOTH[seed % CLOTH.length],
    hair: HAIR[(seed >>> 4) % HAIR.length],
    skin: SKIN[(seed >>> 8) % SKIN.length],
    long: ((seed >>> 12) & 1) === 1,
  };
}

/** `pose` is `{ side: "down" | "up" | "side", step: 0–3 }`; from the side it looks to the right. */
export function drawHuman(ctx, looks, pose) {
  const bob = pose.step % 2 === 1 ? -0.035 : 0;
  const swing = [0, 1, 0, -1][pose.step] * 0.12;
  if (pose.side === "side") {
    side(ctx, looks, bob, swing);
  } else {
    front(ctx, looks, bob, swing, pose.side === "up");
  }
}

export function drawFallenHuman(ctx, looks) {
  ctx.save();
  ctx.translate(0.45, -0.12);
  ctx.rotate(-Math.PI / 2);
  side(ctx, looks, 0, 0.06, true);
  ctx.restore();
}

function front(ctx, looks, bob, swing, back) {
  const { cloth, skin } = looks;
  const dark = shade(cloth, -0.25);
  // The cloak hangs behind the body, and before it when one sees the back.
  if (!back) {
    form(ctx, dark, [[-0.27, -0.66 + bob], [-0.38, -0.3, -0.33, -0.1], [0.33, -0.1], [0.38, -0.3, 0.27, -0.66 + bob]]);
  }
  box(ctx, BOOT, -0.2, -0.22 - Math.max(0, swing), 0.17, 0.24, 0.06);
  box(ctx, BOOT, 0.03, -0.22 - Math.max(0, -swing), 0.17, 0.24, 0.06);
  form(ctx, cloth, [[-0.22, -0.7 + bob], [0.22, -0.7 + bob], [0.3, -0.35, 0.27, -0.16 + bob], [0, -0.1 + bob, -0.27, -0.16 + bob], [-0.3, -0.35, -0.22, -0.7 + bob]]);
  if (!back) {
    stroke(ctx, BELT, 0.08, [[-0.25, -0.36 + bob], [0, -0.32 + bob, 0.25, -0.36 + bob]]);
    oval(ctx, GOLD, 0, -0.34 + bob, 0.045, 0.045, 0.03);
  }
  oval(ctx, cloth, -0.29, -0.5 + bob - swing * 0.4, 0.095, 0.17, undefined, 0.18);
  oval(ctx, skin, -0.31, -0.36 + bob - swing * 0.5, 0.07, 0.07);
  sword(ctx, back ? -0.31 : 0.31, -0.36 + bob + swing * 0.5, back ? -1 : 1);
  oval(ctx, cloth, 0.29, -0.5 + bob + swing * 0.4, 0.095, 0.17, undefined, -0.18);
  oval(ctx, skin, 0.31, -0.36 + bob + swing * 0.5, 0.07, 0.07);
  if (back) {
    form(ctx, dark, [[-0.24, -0.7 + bob], [0.24, -0.7 + bob], [0.4, -0.3, 0.32, -0.08 + bob], [0, -0.02, -0.32, -0.08 + bob], [-0.4, -0.3, -0.24, -0.7 + bob]]);
    stroke(ctx, shade(dark, -0.2), 0.03, [[-0.08, -0.5 + bob], [-0.12, -0.14 + bob]]);
    stroke(ctx, shade(dark, -0.2), 0.03, [[0.1, -0.5 + bob], [0.14, -0.14 + bob]]);
  }
  head(ctx, looks, 0, -0.93 + bob, back ? "up" : "down");
}

function side(ctx, looks, bob, swing, asleep = false) {
  const { cloth, skin } = looks;
  const dark = shade(cloth, -0.25);
  form(ctx, dark, [[-0.1, -0.68 + bob], [-0.42 - Math.abs(swing) * 0.5, -0.35, -0.34 - Math.abs(swing), -0.08 + bob], [0.02, -0.12 + bob], [0.06, -0.66 + bob]]);
  box(ctx, shade(BOOT, -0.2), -0.09 - swing, -0.22, 0.2, 0.23, 0.06);
  box(ctx, BOOT, -0.07 + swing, -0.22, 0.22, 0.24, 0.06);
  form(ctx, cloth, [[-0.15, -0.7 + bob], [0.14, -0.7 + bob], [0.25, -0.4, 0.2, -0.16 + bob], [0, -0.1 + bob, -0.18, -0.16 + bob], [-0.24, -0.4, -0.15, -0.7 + bob]]);
  stroke(ctx, BELT, 0.08, [[-0.18, -0.36 + bob], [0.2, -0.36 + bob]]);
  head(ctx, looks, 0.02, -0.93 + bob, asleep ? "asleep" : "side");
  sword(ctx, 0.16 - swing, -0.36 + bob, 1);
  oval(ctx, shade(cloth, 0.12), 0.06 - swing * 0.6, -0.5 + bob, 0.09, 0.17, undefined, swing * 2 - 0.25);
  oval(ctx, skin, 0.14 - swing, -0.36 + bob, 0.07, 0.07);
}

function sword(ctx, x, y, hand) {
  ctx.save();
  ctx.translate(x, y);
  ctx.rotate(hand * 0.5);
  form(ctx, STEEL, [[-0.045, -0.06], [-0.045, -0.44], [0, -0.52], [0.045, -0.44], [0.045, -0.06]], 0.04);
  box(ctx, GOLD, -0.12, -0.09, 0.24, 0.06, 0.03, 0.035);
  box(ctx, BELT, -0.035, -0.04, 0.07, 0.12, 0.03, 0.035);
  ctx.restore();
}

function head(ctx, { hair, skin, long }, x, y, side) {
  if (long && side !== "up") {
    oval(ctx, shade(hair, -0.2), side === "down" ? x : x - 0.1, y + 0.1, 0.27, 0.28);
  }
  oval(ctx, skin, x, y, 0.265, 0.25);
  if (side === "up") {
    oval(ctx, hair, x, y - 0.01, 0.275, long ? 0.31 : 0.265);
    stroke(ctx, shade(hair, 0.2), 0.035, [[x - 0.12, y - 0.14], [x, y - 0.2, x + 0.12, y - 0.14]]);
    return;
  }
  if (side === "down") {
    form(ctx, hair, [[x - 0.28, y + 0.02], [x - 0.3, y - 0.3, x, y - 0.3], [x + 0.3, y - 0.3, x + 0.28, y + 0.02], [x + 0.2, y - 0.14, x + 0.06, y - 0.12], [x - 0.16, y - 0.1, x - 0.28, y + 0.02]]);
    eye(ctx, x - 0.1, y + 0.03);
    eye(ctx, x + 0.1, y + 0.03);
    stroke(ctx, shade(skin, -0.4), 0.03, [[x - 0.045, y + 0.14], [x, y + 0.165, x + 0.045, y + 0.14]]);
  } else {
    form(ctx, hair, [[x + 0.2, y - 0.13], [x + 0.1, y - 0.33, x - 0.1, y - 0.27], [x - 0.36, y - 0.2, x - 0.27, y + 0.14], [x - 0.12, y + 0.12, x - 0.06, y - 0.08], [x + 0.06, y - 0.06, x + 0.2, y - 0.13]]);
    if (side === "asleep") {
      stroke(ctx, INK, 0.035, [[x + 0.1, y + 0.02], [x + 0.19, y + 0.02]]);
    } else {
      eye(ctx, x + 0.15, y + 0.03);
    }
  }
  stroke(ctx, shade(hair, 0.25), 0.03, [[x - 0.1, y - 0.2], [x, y - 0.23, x + 0.08, y - 0.2]]);
}

function eye(ctx, x, y) {
  ctx.beginPath();
  ctx.ellipse(x, y, 0.034, 0.052, 0, 0, Math.PI * 2);
  ctx.fillStyle = INK;
  ctx.fill();
  ctx.beginPath();
  ctx.arc(x + 0.012, y - 0.018, 0.014, 0, Math.PI * 2);
  ctx.fillStyle = CREAM;
  ctx.fill();
}
