// One entity as it is shown: what the server told of it last, and where it is drawn between two tellings.

import { State } from "../bindings/js/realm.js";
import { Track } from "./track.js";

/** How long who is gone fades, in ms; one that only went to another cell is back before. */
export const FADE_MS = 350;

export class Body {
  constructor(entity, serverTime, now) {
    this.handle = entity.handle;
    this.kind = entity.kind;
    this.name = entity.name;
    this.hp = entity.hp;
    this.hpMax = entity.hpMax;
    this.state = entity.state;
    this.told = { x: entity.x, y: entity.y };
    this.track = new Track(serverTime, entity.x, entity.y);
    this.shown = { x: entity.x, y: entity.y };
    this.side = "down";
    this.flip = false;
    this.walked = 0;
    this.moves = false;
    this.bornAt = now;
    this.goneAt = null;
    this.hurtAt = -Infinity;
    this.emptied = false;
  }

  is(entity) {
    return this.kind === entity.kind && this.name === entity.name;
  }

  get isAvatar() {
    return this.kind.startsWith("avatars/");
  }

  get isMob() {
    return this.kind.startsWith("mobs/");
  }

  get isObject() {
    return !this.isAvatar && !this.isMob;
  }

  get isDoor() {
    return this.state === State.Closed || this.state === State.Open;
  }

  get dead() {
    return this.state === State.Dead;
  }

  get alive() {
    return this.state === State.Idle || this.state === State.Walking;
  }

  get here() {
    return this.goneAt === null;
  }

  /** Whether using or looting it may give something, or do something. */
  get usable() {
    return (this.isMob && this.dead && !this.emptied) || this.isDoor || this.state === State.Full;
  }

  /** Is shown at a place, having come from where it was shown before. */
  show(x, y, time) {
    const [dx, dy] = [x - this.shown.x, y - this.shown.y];
    const gone = Math.hypot(dx, dy);
    this.shown = { x, y };
    const speed = time > 0 ? (gone * 1000) / time : 0;
    this.moves = this.alive && speed > 0.4 && gone < 1;
    if (this.moves) {
      this.walked += gone;
      this.face(dx, dy);
    }
  }

  /** Turns to a direction. */
  face(dx, dy) {
    if (Math.abs(dx) > Math.abs(dy) * 0.8) {
      this.side = "side";
      this.flip = dx < 0;
    } else if (Math.abs(dy) > 0) {
      this.side = dy < 0 ? "up" : "down";
      // Beasts have one side only, which they keep.
      this.flip = this.isMob ? this.flip : false;
    }
  }
}
