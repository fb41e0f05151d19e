// What is to be seen, as it is shown: bodies by handle, the ground, and the own avatar ahead of the server's word.

import { Body, FADE_MS } from "./body.js";
import { Prediction } from "./prediction.js";
import { BEHIND } from "./track.js";
import { State } from "../bindings/js/realm.js";

export class World {
  /** `told` has `hurt(body, amount)`, `fell(body)`, `came(body)`, `changed()` and `corrected()`, which are
   * called as such things are seen. */
  constructor(content, told) {
    this.content = content;
    this.told = told;
    this.bodies = new Map();
    this.ground = null;
    this.me = 0;
    this.prediction = null;
    this.vantage = { x: 0, y: 0 };
  }

  /** The avatar is in the world, perhaps again: everything is told anew. */
  enter(entered, now) {
    this.bodies.clear();
    this.me = entered.me;
    this.map = entered.map;
    this.cell = entered.cell;
    this.ground = this.content.ground(entered.map, entered.width, entered.height);
    this.prediction = new Prediction(this.ground, 5, entered, now);
  }

  leave() {
    this.bodies.clear();
    this.ground = null;
    this.prediction = null;
    this.me = 0;
  }

  /** Nobody is in it yet: the first map is shown as one flies over it. */
  preview() {
    this.leave();
    const [map] = Object.keys(this.content.maps);
    this.ground = map ? this.content.ground(map, 0, 0) : null;
    this.vantage = { x: (this.ground?.width ?? 0) / 2, y: (this.ground?.height ?? 0) / 2 };
  }

  get(handle) {
    return this.bodies.get(handle) ?? null;
  }

  get own() {
    return this.bodies.get(this.me) ?? null;
  }

  /** Where the avatar stands, as far as one knows. */
  get place() {
    return this.prediction?.place ?? this.vantage;
  }

  /** The own avatar was put somewhere. */
  put(place, now) {
    this.prediction?.put(place, now);
    const own = this.own;
    if (own) {
      own.shown = { x: place.x, y: place.y };
    }
  }

  /** Takes over what a server frame changed in the view. */
  update(serverTime, view, now) {
    if (!this.ground) {
      return;
    }
    const listed = new Set();
    let doors = false;
    let changed = false;
    for (const entity of view.entities()) {
      listed.add(entity.handle);
      let body = this.bodies.get(entity.handle);
      if (!body || !body.is(entity)) {
        body = new Body(entity, serverTime, now);
        this.bodies.set(entity.handle, body);
        changed = true;
        doors ||= body.isDoor;
        if (entity.handle === this.me) {
          this.prediction.speed = this.content.speed(entity.kind);
        }
        this.told.came?.(body);
        continue;
      }
      changed ||= body.goneAt !== null;
      body.goneAt = null;
      body.track.push(serverTime, entity.x, entity.y);
      body.told = { x: entity.x, y: entity.y };
      if (entity.hp < body.hp) {
        body.hurtAt = now;
        this.told.hurt?.(body, body.hp - entity.hp);
      }
      if (entity.state !== body.state) {
        changed = true;
        doors ||= body.isDoor;
        const fell = entity.state === State.Dead;
        body.state = entity.state;
        body.emptied = false;
        if (fell) {
          this.told.fell?.(body);
        }
      }
      body.hp = entity.hp;
      body.hpMax = entity.hpMax;
      if (entity.handle === this.me && body.alive) {
        if (this.prediction.correct(entity, now) > 0) {
          this.told.corrected?.();
        }
      }
    }
    for (const body of this.bodies.values()) {
      if (!listed.has(body.handle) && body.goneAt === null) {
        body.goneAt = now;
        changed = true;
        doors ||= body.isDoor;
      }
    }
    if (doors) {
      this.ground.bar([...this.bodies.values()].filter((body) => body.state === State.Closed && body.here).map((body) => body.told));
    }
    if (changed) {
      this.told.changed?.();
    }
  }

  /** Moves everybody on to now. `serverNow` is the server's time as it is thought to be; who wants it calm is not flown about. */
  advance(serverNow, now, time, calm = false) {
    this.prediction?.advance(now);
    if (!this.prediction && this.ground && !calm) {
      const { width, height } = this.ground;
      this.vantage = { x: width / 2 + (Math.cos(now / 30000) * width) / 5, y: height / 2 + (Math.sin(now / 21000) * height) / 5 };
    }
    for (const body of this.bodies.values()) {
      if (body.goneAt !== null && now - body.goneAt > FADE_MS) {
        this.bodies.delete(body.handle);
        this.told.changed?.();
      } else if (body.handle === this.me && this.prediction) {
        const { x, y } = body.alive ? this.prediction.shown : body.told;
        body.show(x, y, time);
      } else {
        const { x, y } = body.track.at(serverNow - BEHIND);
        body.show(x, y, time);
      }
    }
  }
}
