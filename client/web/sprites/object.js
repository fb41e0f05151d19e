// Chests, plants and doors. What has something to give looks so.

import { BLOOD, CREAM, GOLD, LEAF, TREE, WOOD } from "../palette.js";
import { box, form, oval, shade, stroke } from "./pencil.js";

export function drawChest(ctx, { full }) {
  box(ctx, WOOD.base, -0.42, -0.46, 0.84, 0.46, 0.06);
  stroke(ctx, WOOD.dark, 0.03, [[-0.4, -0.24], [0.4, -0.24]]);
  box(ctx, WOOD.iron, -0.34, -0.46, 0.1, 0.46, 0.02, 0.03);
  box(ctx, WOOD.iron, 0.24, -0.46, 0.1, 0.46, 0.02, 0.03);
  if (full) {
    form(ctx, WOOD.light, [[-0.44, -0.44], [-0.46, -0.8, -0.2, -0.82], [0.2, -0.82], [0.46, -0.8, 0.44, -0.44]]);
    form(ctx, WOOD.iron, [[-0.36, -0.45], [-0.38, -0.76, -0.26, -0.81], [-0.2, -0.81], [-0.27, -0.7, -0.25, -0.45]], 0.03);
    form(ctx, WOOD.iron, [[0.36, -0.45], [0.38, -0.76, 0.26, -0.81], [0.2, -0.81], [0.27, -0.7, 0.25, -0.45]], 0.03);
    box(ctx, GOLD, -0.1, -0.53, 0.2, 0.2, 0.04);
    oval(ctx, WOOD.iron, 0, -0.45, 0.03, 0.04, 0);
  } else {
    form(ctx, WOOD.light, [[-0.42, -0.6], [-0.48, -0.98, -0.2, -1], [0.2, -1], [0.48, -0.98, 0.42, -0.6]]);
    form(ctx, "#3b2a22", [[-0.42, -0.46], [-0.38, -0.64], [0.38, -0.64], [0.42, -0.46]]);
  }
}

export function drawBush(ctx, { full }) {
  const leaf = LEAF;
  oval(ctx, shade(leaf, -0.35), -0.22, -0.22, 0.26, 0.22);
  oval(ctx, shade(leaf, -0.35), 0.24, -0.22, 0.26, 0.22);
  oval(ctx, shade(leaf, -0.18), 0, -0.42, 0.36, 0.32);
  oval(ctx, shade(leaf, -0.05), -0.16, -0.36, 0.22, 0.18, 0);
  oval(ctx, shade(leaf, 0.12), 0.08, -0.54, 0.18, 0.13, 0);
  if (full) {
    for (const [x, y] of [[-0.28, -0.25], [-0.1, -0.5], [0.06, -0.26], [0.2, -0.46], [0.34, -0.22], [-0.16, -0.14]]) {
      oval(ctx, BLOOD, x, y, 0.07, 0.07, 0.035);
      oval(ctx, CREAM, x - 0.02, y - 0.025, 0.016, 0.016, 0);
    }
  }
}

export function drawHerb(ctx, { full }) {
  const stem = shade(TREE.leaf, -0.1);
  for (const [x, y, bend] of [[-0.22, -0.4, -0.1], [0, -0.58, 0.02], [0.22, -0.42, 0.1]]) {
    stroke(ctx, shade(stem, -0.35), 0.09, [[0, 0], [bend, -0.2, x, y]]);
    stroke(ctx, stem, 0.05, [[0, 0], [bend, -0.2, x, y]]);
  }
  oval(ctx, TREE.light, -0.2, -0.12, 0.17, 0.07, 0.04, 0.5);
  oval(ctx, TREE.light, 0.2, -0.12, 0.17, 0.07, 0.04, -0.5);
  if (full) {
    for (const [x, y] of [[-0.22, -0.42], [0, -0.62], [0.22, -0.44]]) {
      for (let petal = 0; petal < 5; petal += 1) {
        const angle = (petal / 5) * Math.PI * 2 - Math.PI / 2;
        oval(ctx, "#e9e4ff", x + Math.cos(angle) * 0.08, y + Math.sin(angle) * 0.08, 0.065, 0.065, 0.025);
      }
      oval(ctx, GOLD, x, y, 0.05, 0.05, 0.02);
    }
  }
}

/** A door `width` tiles wide. Open, its leaves stand to the sides. */
export function drawDoor(ctx, { open, width }) {
  const half = width / 2;
  if (open) {
    leaf(ctx, -half, 0.16);
    leaf(ctx, half - 0.16, 0.16);
    return;
  }
  const leaves = Math.max(1, Math.round(width));
  for (let index = 0; index < leaves; index += 1) {
    leaf(ctx, -half + (index * width) / leaves, width / leaves);
  }
  for (const side of width >= 2 ? [-0.12, 0.12] : [0.3]) {
    oval(ctx, GOLD, side, -0.12, 0.055, 0.055, 0.035);
  }
}

function leaf(ctx, x, width) {
  box(ctx, WOOD.base, x + 0.02, -0.82, width - 0.04, 1.3, 0.05);
  const planks = Math.max(1, Math.round(width / 0.3));
  for (let plank = 1; plank < planks; plank += 1) {
    const at = x + (width * plank) / planks;
    stroke(ctx, WOOD.dark, 0.03, [[at, -0.76], [at, 0.42]]);
  }
  if (width > 0.5) {
    box(ctx, WOOD.iron, x + 0.06, -0.62, width - 0.12, 0.1, 0.03, 0.03);
    box(ctx, WOOD.iron, x + 0.06, 0.18, width - 0.12, 0.1, 0.03, 0.03);
  }
}
