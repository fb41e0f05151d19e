// What the player does: chooses a target, strikes, casts, takes. Walks up to what is too far away first. The server decides
// what comes of it; ranges and cooldowns here only spare it what it would refuse.

import { Code } from "../bindings/js/realm.js";
import { findPath } from "./path.js";

/** As on the server: so near one can loot and use, in tiles. */
const REACH = 2;
/** `use` looks for something so near. */
const LOOK_AROUND = 7;
/** Stands a little nearer than it must: the target may take a step. */
const NEARER = 0.85;
/** A way to a target is looked for anew so often, in ms. */
const REROUTE_MS = 350;
/** The avatar may be a little behind where it is shown: so often a deed that came too early is tried again. */
const TRIES_MAX = 3;

export class Deeds {
  /** `tell(text)` says to the player what does not go. */
  constructor({ connection, world, content, steering, tell }) {
    Object.assign(this, { connection, world, content, steering, tell });
    this.spells = [];
    this.target = 0;
    this.wish = null;
    this.done = null;
    this.onTarget = () => {};
    this.onCast = () => {};
  }

  enter(spells) {
    this.spells = spells.map((id) => ({ ...this.content.spell(id), readyAt: 0, castAt: 0 }));
    this.target = 0;
    this.wish = null;
    this.onTarget(null);
  }

  /** Who is chosen. One that just went to another cell may be missing for a moment, and is waited for. */
  get targetBody() {
    return this.world.get(this.target);
  }

  select(body) {
    const handle = body?.handle ?? 0;
    if (handle !== this.target) {
      this.target = handle;
      this.wish = null;
      this.onTarget(body ?? null);
    }
  }

  /** The next living target, from the nearest outwards; mobs before players. */
  cycle(step) {
    const here = this.world.place;
    const far = (body) => Math.hypot(body.shown.x - here.x, body.shown.y - here.y);
    const list = [...this.world.bodies.values()]
      .filter((body) => body.here && body.alive && body.handle !== this.world.me)
      .sort((a, b) => Number(b.isMob) - Number(a.isMob) || far(a) - far(b));
    if (list.length === 0) {
      this.tell("Nobody is in sight.");
      return;
    }
    const at = list.findIndex((body) => body.handle === this.target);
    const next = at < 0 ? (step > 0 ? 0 : list.length - 1) : (at + step + list.length) % list.length;
    this.select(list[next]);
  }

  /** Casts the spell of that number at the target, or at the nearest mob when there is none. */
  cast(index, now) {
    const spell = this.spells[index];
    if (!spell || !this.#lives()) {
      return;
    }
    if (!this.targetBody) {
      this.cycle(1);
    }
    const target = this.targetBody;
    if (!target) {
      return;
    }
    // Whoever strikes once more than it takes should not run at the next one.
    if (!target.alive) {
      this.tell(target.dead ? "Your target is dead." : "There is nothing to strike there.");
      return;
    }
    this.wish = { spell, target: target.handle, range: spell.range, tries: 1, routeAt: 0 };
    this.tick(now);
  }

  /** Loots or uses the target, or the nearest thing that gives something. */
  use(now) {
    if (!this.#lives()) {
      return;
    }
    const here = this.world.place;
    const far = (body) => Math.hypot(body.told.x - here.x, body.told.y - here.y);
    let body = this.targetBody?.usable ? this.targetBody : null;
    if (!body) {
      // What gives something goes before a door.
      [body] = [...this.world.bodies.values()]
        .filter((other) => other.here && other.usable && far(other) < LOOK_AROUND)
        .sort((a, b) => far(a) + (a.isDoor ? 3 : 0) - far(b) - (b.isDoor ? 3 : 0));
    }
    if (!body) {
      this.tell("There is nothing to take or to use near you.");
      return;
    }
    this.wish = { use: true, target: body.handle, range: REACH, tries: 1, routeAt: 0 };
    this.tick(now);
  }

  /** Somebody pressed on a body: choose it, and at the second time do with it what one does. */
  press(body, now) {
    if (body.usable) {
      this.select(body);
      this.use(now);
    } else if (body.handle === this.target && body.alive) {
      this.cast(0, now);
    } else {
      this.select(body);
    }
  }

  /** The player walks elsewhere: what was wished for is off. */
  forget() {
    this.wish = null;
  }

  /** Goes on with what is wished for. */
  tick(now) {
    const wish = this.wish;
    const body = wish && this.world.get(wish.target);
    if (!wish) {
      return;
    }
    if (!body || !(wish.use ? body.usable : body.alive) || !this.#lives()) {
      this.wish = null;
      return;
    }
    const here = this.world.place;
    const there = body.told;
    const near = Math.hypot(there.x - here.x, there.y - here.y) <= wish.range * (wish.moving ? NEARER : 0.98);
    if (near && (body.isDoor || this.world.ground.sees(here, there))) {
      if (wish.moving) {
        this.steering.follow([]);
        wish.moving = false;
      }
      if (wish.use || now >= wish.spell.readyAt) {
        this.wish = null;
        this.done = wish;
        this.#act(wish, body, now);
      }
      return;
    }
    if (this.steering.byKeys) {
      this.tell(near ? "You cannot see your target." : "Too far away.");
      this.wish = null;
    } else if (now >= wish.routeAt) {
      wish.routeAt = now + REROUTE_MS;
      wish.moving = true;
      this.steering.follow(findPath(this.world.ground, here, there));
    }
  }

  /**
   * What was done last was refused. A cast then costs no time; who was not quite there yet goes nearer and tries again, for
   * which this returns true.
   */
  refused(code, command, now) {
    const spell = command?.type === "Cast" && this.spells.find((known) => known.id === command.spell);
    if (spell && code !== Code.Cooldown) {
      spell.readyAt = 0;
    }
    if (code === Code.NothingToLoot && command) {
      this.emptied(command.target);
    }
    const wish = this.done;
    const missed = code === Code.OutOfRange || code === Code.NoSight;
    if (!missed || this.wish || wish?.target !== command?.target || wish.tries >= TRIES_MAX || this.steering.byKeys) {
      return false;
    }
    this.wish = { ...wish, range: wish.range * NEARER, tries: wish.tries + 1, routeAt: now };
    return true;
  }

  /** There is nothing left in it. */
  emptied(handle) {
    const body = this.world.get(handle);
    if (body?.isMob) {
      body.emptied = true;
    }
  }

  #lives() {
    return this.world.own?.alive ?? false;
  }

  #act(wish, body, now) {
    const own = this.world.own;
    own.face(body.told.x - own.shown.x, body.told.y - own.shown.y);
    if (wish.use) {
      this.connection.send({ type: body.isMob ? "Loot" : "Use", target: body.handle });
      return;
    }
    wish.spell.castAt = now;
    wish.spell.readyAt = now + wish.spell.cooldown;
    this.connection.send({ type: "Cast", spell: wish.spell.id, target: body.handle });
    this.onCast(wish.spell, body);
  }
}
