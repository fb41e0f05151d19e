// The sheet of sprites: each is drawn once by code for a size and kept as a picture, since three hundred of them are wanted in
// every frame. Knows kinds by their resource id; one it does not know gets a token.

import { drawBoar, drawDog, drawFallen, drawToken } from "./sprites/beast.js";
import { drawFallenHuman, drawHuman, looksOf } from "./sprites/human.js";
import { drawBush, drawChest, drawDoor, drawHerb } from "./sprites/object.js";
import { CLOTH, seedOf } from "./palette.js";
import { shade } from "./sprites/pencil.js";

/** The room of a sprite around its foot, in tiles. */
const ROOM = { left: 1.1, right: 1.1, up: 1.45, down: 0.65 };
/** More pictures than this are not kept: a hundred players as they walk in all directions have some sixteen each. */
const KEPT_MAX = 2400;

const SHADOW = "rgba(36, 28, 46, 0.26)";

const DOG_FURS = ["#b97a45", "#8f6a4d", "#c9a06a", "#7d746e"];
const BOAR_FURS = ["#6b5148", "#5c4b52", "#7a5a44"];

export class Sprites {
  /** `dots` is the size of a tile on the screen. */
  constructor(dots) {
    this.dots = dots;
    this.kept = new Map();
    this.sheet = document.createElement("canvas");
    this.sheet.width = Math.ceil((ROOM.left + ROOM.right) * dots);
    this.sheet.height = Math.ceil((ROOM.up + ROOM.down) * dots);
  }

  /** The picture of a being or object. `pose` is `{ side, flip, step, dead, width, open, full }`. */
  of(body, pose) {
    const key = `${body.kind}|${variant(body)}|${pose.side}|${pose.flip}|${pose.step}|${pose.dead}|${pose.width}|${pose.open}|${pose.full}`;
    return this.#keep(key, (ctx) => draw(ctx, body, pose));
  }

  /** The shadow of something so wide, in tiles, on the ground around its foot. */
  shadow(width) {
    return this.#keep(`shadow|${width}`, (ctx) => {
      ctx.fillStyle = SHADOW;
      ctx.beginPath();
      ctx.ellipse(0, 0, width, 0.15, 0, 0, Math.PI * 2);
      ctx.fill();
    });
  }

  /** A picture kept under `key`, drawn in tiles around (0, 0). */
  #keep(key, paint) {
    const found = this.kept.get(key);
    if (found) {
      return found;
    }
    if (this.kept.size >= KEPT_MAX) {
      this.kept.delete(this.kept.keys().next().value);
    }
    const ctx = this.sheet.getContext("2d", { willReadFrequently: true });
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, this.sheet.width, this.sheet.height);
    ctx.scale(this.dots, this.dots);
    ctx.translate(ROOM.left, ROOM.up);
    ctx.save();
    paint(ctx);
    ctx.restore();
    const picture = this.#cut(ctx);
    this.kept.set(key, picture);
    return picture;
  }

  /** The painted part of the sheet: every dot around it would be blended anew for each being in every frame. */
  #cut(ctx) {
    const { left, top, right, bottom } = painted(ctx.getImageData(0, 0, this.sheet.width, this.sheet.height));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [right - left, bottom - top];
    canvas.getContext("2d").drawImage(this.sheet, -left, -top);
    return { canvas, left: ROOM.left * this.dots - left, up: ROOM.up * this.dots - top };
  }
}

/** Where anything is painted on a sheet; one dot where nothing is. */
function painted({ data, width, height }) {
  const box = { left: width, top: height, right: 0, bottom: 0 };
  for (let at = 3; at < data.length; at += 4) {
    if (data[at] > 0) {
      const dot = (at - 3) / 4;
      const [x, y] = [dot % width, Math.floor(dot / width)];
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x + 1);
      box.top = Math.min(box.top, y);
      box.bottom = y + 1;
    }
  }
  return box.right > 0 ? box : { left: 0, top: 0, right: 1, bottom: 1 };
}

/** What tells two of a kind apart: an avatar's name, a beast's fur. */
function variant(body) {
  if (body.kind.startsWith("avatars/")) {
    return body.name;
  }
  return body.kind.startsWith("mobs/") ? body.handle % 4 : "";
}

function draw(ctx, body, pose) {
  if (pose.flip) {
    ctx.scale(-1, 1);
  }
  if (body.kind.startsWith("avatars/")) {
    const looks = looksOf(body.name);
    return pose.dead ? drawFallenHuman(ctx, looks) : drawHuman(ctx, looks, pose);
  }
  const paint = beast(body, pose);
  if (paint) {
    return pose.dead ? drawFallen(ctx, paint) : paint(ctx);
  }
  const object = OBJECTS[body.kind];
  if (object) {
    return object(ctx, pose);
  }
  const colour = CLOTH[seedOf(body.kind) % CLOTH.length];
  if (body.kind.startsWith("objects/")) {
    return pose.width ? drawDoor(ctx, pose) : drawChest(ctx, pose);
  }
  const letter = (body.name || body.kind.split("/").pop() || "?").charAt(0).toUpperCase();
  return drawToken(ctx, { letter, colour: pose.dead ? shade(colour, -0.4) : colour });
}

const OBJECTS = {
  "objects/chest": drawChest,
  "objects/berry_bush": drawBush,
  "objects/healwort": drawHerb,
  "objects/door": drawDoor,
};

function beast(body, { step, dead }) {
  const of = (furs) => furs[body.handle % furs.length];
  const fur = (furs) => (dead ? shade(of(furs), -0.15) : of(furs));
  switch (body.kind) {
    case "mobs/dog":
      return (ctx) => drawDog(ctx, { fur: fur(DOG_FURS), step });
    case "mobs/boar":
      return (ctx) => drawBoar(ctx, { fur: fur(BOAR_FURS), step });
    default:
      return null;
  }
}
