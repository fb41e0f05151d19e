// Puts the parts together: what the connection tells goes to the world and the panels, what the player wants goes to the
// connection, and once a frame everything is moved on and drawn.

import { Code, Connection } from "../bindings/js/realm.js";
import { Chat } from "./chat.js";
import { gains } from "./content.js";
import { Deeds } from "./deeds.js";
import { Effects } from "./effects.js";
import { Hud } from "./hud.js";
import { Input } from "./input.js";
import { Login } from "./login.js";
import { Near } from "./near.js";
import { Notices } from "./notices.js";
import { part, write } from "./page.js";
import { BLOOD, CREAM, GOLD, SKY } from "./palette.js";
import { findPath } from "./path.js";
import { Renderer } from "./renderer.js";
import { Steering } from "./steering.js";
import { Tally } from "./tally.js";
import { World } from "./world.js";

/** Where the token of this tab lies, so that loading the page again goes on with the same avatar. */
const TOKEN = "realm-token";
/** A spell that reaches farther than this flies; a nearer one is a stroke. */
const FLIES = 3;
const CHAT_COMMANDS = ["Say", "Whisper", "Join", "Part"];
const WINDS = ["east", "south-east", "south", "south-west", "west", "north-west", "north", "north-east"];

export class Game {
  /** `now` and `storage` are handed in; `url` is the realm's WebSocket. */
  constructor({ content, url, now, storage }) {
    Object.assign(this, { content, now, storage });
    this.connection = new Connection(url, { now });
    this.inside = false;
    this.leaving = false;
    this.lastAt = now();
    this.frameNumber = 0;
    this.balls = [];

    const tell = (text, tone = "bad") => this.notices.tell(text, tone);
    this.notices = new Notices();
    this.tally = new Tally();
    this.effects = new Effects();
    this.steering = new Steering((from, to) => findPath(this.world.ground, from, to));
    this.world = new World(content, {
      hurt: (body, amount) => this.#seenHurt(body, amount),
      fell: (body) => this.#fell(body),
      corrected: () => this.steering.corrected(this.world.place, (from, to) => this.world.ground.free(from, to), now()),
    });
    const { connection, world, steering } = this;
    this.deeds = new Deeds({ connection, world, content, steering, tell });
    this.deeds.onTarget = (body) => this.#targeted(body);
    this.deeds.onCast = (spell, body) => this.#cast(spell, body);
    this.canvas = part("world");
    this.renderer = new Renderer(this.canvas);
    this.hud = new Hud(content, (deed, index) => this.#deed(deed, index));
    this.near = new Near(world, (body) => this.deeds.select(body));
    this.chat = new Chat(connection, { back: () => this.#backToWorld() });
    this.chat.onSaid = (from, text, room) => this.#speech(from, text, room);
    this.login = new Login(connection, () => connection.enter());
    this.input = new Input(
      this.canvas,
      {
        walk: (code, down) => this.#walk(code, down),
        deed: (name, how) => this.#key(name, how),
        press: (x, y) => this.#press(x, y),
        drag: (x, y) => this.#drag(x, y),
        letGo: () => this.steering.clear(),
      },
      () => this.inside,
    );
    const motion = window.matchMedia("(prefers-reduced-motion: reduce)");
    const calm = () => (this.renderer.calm = motion.matches);
    motion.addEventListener("change", calm);
    calm();
    this.#listen();
  }

  /** Shows the door, or goes on with the avatar that this tab had. */
  async start() {
    this.world.preview();
    requestAnimationFrame(() => this.#frame());
    const token = this.storage.getItem(TOKEN);
    if (!token) {
      this.login.show();
      return;
    }
    try {
      await this.connection.resume(token);
      await this.connection.enter();
    } catch (refusal) {
      this.storage.removeItem(TOKEN);
      this.connection.close();
      this.login.show(refusal.code === Code.BadToken ? "" : (refusal.text ?? "The realm does not answer."));
    }
  }

  #listen() {
    const { connection } = this;
    connection.on("loggedIn", ({ token }) => this.storage.setItem(TOKEN, token));
    connection.on("entered", (entered) => this.#entered(entered));
    connection.on("left", () => this.#left());
    connection.on("frame", (header, view) => this.#told(header, view));
    connection.on("you", (you) => this.hud.you(you));
    connection.on("struck", (struck) => this.#struck(struck));
    connection.on("castSeen", (seen) => this.#castSeen(seen));
    connection.on("killed", ({ target, xp }) => {
      const body = this.world.get(target);
      this.notices.tell(`${body ? this.#name(body) : "Your foe"} is dead: ${xp} experience`, "good");
    });
    connection.on("looted", ({ target, coins, items }) => this.#looted(target, coins, items));
    connection.on("died", ({ by }) => this.#died(by));
    connection.on("respawned", (place) => this.#respawned(place));
    connection.on("refused", (refusal, command) => this.#refused(refusal, command));
    connection.on("status", (status, why, code) => this.#status(status, why, code));
    connection.on("resumed", () => {
      part("lost").hidden = true;
      this.notices.tell("You are back.", "good");
      this.chat.note("The connection is back.", "", true);
      this.chat.rejoin();
    });
  }

  // What the realm says.

  #entered(entered) {
    const now = this.now();
    this.inside = true;
    this.leaving = false;
    this.world.enter(entered, now);
    this.effects.clear();
    this.steering.clear();
    this.deeds.enter(entered.spells);
    this.hud.enter(entered, this.connection.name, "avatars/human");
    this.login.hide();
    this.canvas.tabIndex = 0;
    part("lost").hidden = true;
    part("fallen").hidden = entered.hp > 0;
    this.canvas.focus({ preventScroll: true });
    this.notices.announce(`You are in ${this.content.mapName(entered.map)}.`);
  }

  #left() {
    if (this.leaving) {
      this.storage.removeItem(TOKEN);
      this.connection.close();
      return;
    }
    // The part of the realm that held the avatar was lost.
    this.world.leave();
    part("lost").hidden = false;
    write(part("lost"), "Your place in the world was lost. Coming back…");
    this.connection.enter().catch((refusal) => this.#outside(refusal.text ?? "The realm does not answer."));
  }

  #outside(text) {
    this.inside = false;
    this.connection.close();
    this.steering.clear();
    this.hud.leave();
    this.canvas.tabIndex = -1;
    part("lost").hidden = true;
    part("fallen").hidden = true;
    this.world.preview();
    this.login.show(text);
  }

  #status(status, why, code) {
    if (!this.inside) {
      return;
    }
    if (status === "closed") {
      if (code === Code.BadToken) {
        this.storage.removeItem(TOKEN);
      }
      this.#outside(this.leaving ? "" : String(why?.message ?? why ?? ""));
    } else if (status === "waiting") {
      this.steering.clear();
      if (part("lost").hidden) {
        this.chat.note("The connection is lost.", "bad", true);
      }
      part("lost").hidden = false;
      write(part("lost"), "The connection is lost. Coming back…");
    }
  }

  #told(header, view) {
    this.frameNumber = header.frame;
    this.world.update(header.serverTimeMs, view, this.now());
    this.hud.target(this.deeds.targetBody);
    if (this.deeds.target && !this.deeds.targetBody) {
      this.deeds.select(null);
    }
  }

  #struck({ spell, by, target, amount }) {
    const now = this.now();
    const body = this.world.get(target);
    const from = this.world.get(by);
    if (!body) {
      return;
    }
    if (from && by !== this.world.me && this.content.spell(spell).range <= FLIES) {
      from.face(body.shown.x - from.shown.x, body.shown.y - from.shown.y);
      this.effects.stroke(from.shown, body.shown, now, BLOOD);
    }
    this.#tellBlow(from, body, amount);
    const show = this.tally.told(target, amount, now);
    if (show > 0 || amount === 0) {
      this.#number(body, show, this.#arrives(target, now));
    }
  }

  /** Says aloud what the bars show. */
  #tellBlow(from, body, amount) {
    const left = Math.max(0, body.hp - this.tally.ahead(body.handle, amount, this.now()));
    if (body.handle === this.world.me) {
      this.notices.announce(`${from ? this.#name(from) : "Somebody"} strikes you for ${amount}, ${left} left`);
    } else {
      this.notices.announce(`You strike ${this.#name(body)} for ${amount}, ${left} left`);
    }
  }

  #seenHurt(body, amount) {
    const now = this.now();
    const show = this.tally.seen(body.handle, amount, now);
    if (show > 0) {
      this.#number(body, show, this.#arrives(body.handle, now));
    }
  }

  /** Somebody in view struck somebody: the two concerned show their own blows when they strike, and are struck. */
  #castSeen({ spell, by, target }) {
    const { me } = this.world;
    const [from, body] = [this.world.get(by), this.world.get(target)];
    if (!from || !body || by === me || (target === me && this.content.spell(spell).range <= FLIES)) {
      return;
    }
    const now = this.now();
    from.face(body.shown.x - from.shown.x, body.shown.y - from.shown.y);
    if (this.content.spell(spell).range > FLIES) {
      this.#flies(from, body, now);
    } else {
      this.effects.stroke(from.shown, body.shown, now, from.isAvatar ? CREAM : BLOOD);
    }
  }

  #flies(from, body, now) {
    this.balls = this.balls.filter((ball) => ball.until > now);
    this.balls.push({ target: body.handle, until: this.effects.ball(from.shown, body.shown, now) });
  }

  /** When what flies at somebody arrives: so long its numbers wait. Now, if nothing does. */
  #arrives(target, now) {
    return Math.max(now, ...this.balls.filter((ball) => ball.target === target).map((ball) => ball.until));
  }

  #number(body, amount, at) {
    const own = body.handle === this.world.me;
    this.effects.number(body.shown, amount > 0 ? String(amount) : "miss", own ? "#ff8d7f" : body.isAvatar ? SKY : "#ffe08a", at);
    this.effects.burst(body.shown, own ? BLOOD : CREAM, at);
  }

  #fell(body) {
    this.tally.forget(body.handle);
    if (body.handle === this.deeds.target) {
      this.notices.announce(`${this.#name(body)} is dead.`);
    }
  }

  #looted(target, coins, items) {
    const body = this.world.get(target);
    const what = gains(this.content, coins, items);
    this.hud.gained(coins, items);
    this.deeds.emptied(target);
    this.notices.tell(`You took ${what}`, "good");
    this.chat.note(`You took ${what} from ${body ? this.#name(body) : "there"}.`, "good", true);
    const own = this.world.own;
    if (own) {
      this.effects.number(own.shown, `+ ${what}`, GOLD, this.now());
    }
    if (this.deeds.target === target) {
      this.deeds.select(null);
    }
  }

  #died(by) {
    const body = this.world.get(by);
    this.steering.clear();
    this.deeds.forget();
    part("fallen").hidden = false;
    write(part("fallen-by"), `${body ? `${this.#name(body)} was too much for you.` : ""} You will wake where you came in.`);
  }

  #respawned(place) {
    part("fallen").hidden = true;
    this.world.put(place, this.now());
    this.notices.tell("You live again.", "good");
  }

  #refused(refusal, command) {
    const type = command?.type ?? "";
    if (CHAT_COMMANDS.includes(type)) {
      this.chat.refused(refusal, command);
    } else if (["Cast", "Loot", "Use"].includes(type)) {
      const goesOn = this.deeds.refused(refusal.code, command, this.now());
      if (refusal.code !== Code.Cooldown && !goesOn) {
        this.notices.tell(refusal.text, "bad");
      }
    } else if (type === "Leave") {
      this.leaving = false;
      this.notices.tell(refusal.text, "bad");
    }
  }

  #speech(from, text, room) {
    if (room !== "near") {
      return;
    }
    const body = [...this.world.bodies.values()].find((other) => other.isAvatar && other.name === from);
    if (body) {
      this.effects.speech(body, text, this.now());
    }
  }

  // What the player wants.

  #walk(code, down) {
    if (down) {
      this.steering.press(code);
      this.deeds.forget();
    } else {
      this.steering.release(code);
    }
  }

  #key(name, { onWorld }) {
    const now = this.now();
    switch (name) {
      case "first":
        return this.deeds.cast(0, now);
      case "second":
        return this.deeds.cast(1, now);
      case "next":
        return this.deeds.cycle(1);
      case "previous":
        return this.deeds.cycle(-1);
      case "use":
        return this.deeds.use(now);
      case "talk":
        this.steering.clear();
        return this.chat.open();
      case "help":
        return part("help").showModal();
      case "away":
        if (!onWorld) {
          return this.#backToWorld();
        }
        if (this.deeds.target) {
          return this.deeds.select(null);
        }
        this.chat.fold(true);
        return this.hud.focus();
      default:
        return undefined;
    }
  }

  #deed(deed, index) {
    const now = this.now();
    switch (deed) {
      case "spell":
        return this.deeds.cast(index, now);
      case "use":
        return this.deeds.use(now);
      case "next":
        return this.deeds.cycle(1);
      case "off":
        this.deeds.select(null);
        return this.canvas.focus();
      case "help":
        return part("help").showModal();
      case "leave":
        this.leaving = true;
        this.connection.leave().catch(() => {});
        return undefined;
      default:
        return undefined;
    }
  }

  #backToWorld() {
    this.chat.fold(true);
    this.canvas.focus({ preventScroll: true });
  }

  /** Returns whether the press leads the avatar. */
  #press(x, y) {
    const at = this.renderer.camera.toWorld(x, y);
    const body = this.#under(at);
    if (body) {
      this.deeds.press(body, this.now());
      return false;
    }
    this.effects.mark(at, this.now());
    this.#goTo(at);
    return true;
  }

  #drag(x, y) {
    const at = this.renderer.camera.toWorld(x, y);
    const here = this.world.place;
    if (Math.hypot(at.x - here.x, at.y - here.y) > 0.5) {
      this.#goTo(at);
    }
  }

  #goTo(at) {
    if (this.world.own?.alive) {
      this.deeds.forget();
      this.steering.follow(findPath(this.world.ground, this.world.place, at));
    }
  }

  /** Who is drawn at a point of the map: the nearest, somebody alive before somebody dead. */
  #under(at) {
    const [found] = [...this.world.bodies.values()]
      .filter((body) => body.here && body.handle !== this.world.me)
      .map((body) => ({ body, dx: Math.abs(at.x - body.shown.x), dy: at.y - body.shown.y + (body.dead ? 0.1 : 0.45) }))
      .filter(({ body, dx, dy }) => dx < (body.isDoor ? 0.95 : 0.6) && Math.abs(dy) < 0.75)
      .sort((a, b) => Number(a.body.dead) - Number(b.body.dead) || a.dx + Math.abs(a.dy) - b.dx - Math.abs(b.dy));
    return found?.body ?? null;
  }

  #targeted(body) {
    this.hud.target(body);
    if (body) {
      const [dx, dy] = [body.shown.x - this.world.place.x, body.shown.y - this.world.place.y];
      const wind = WINDS[(Math.round((Math.atan2(dy, dx) / Math.PI) * 4) + 8) % 8];
      const health = body.isObject ? "" : `, ${body.hp} of ${body.hpMax}`;
      this.notices.announce(`${this.#name(body)}${health}, ${Math.round(Math.hypot(dx, dy))} tiles ${wind}`);
    }
  }

  #cast(spell, body) {
    const now = this.now();
    const from = this.world.own.shown;
    if (spell.range > FLIES) {
      this.#flies(this.world.own, body, now);
    } else {
      this.effects.stroke(from, body.shown, now);
    }
  }

  #name(body) {
    return body.name || this.content.kindName(body.kind);
  }

  // Once a frame.

  #frame() {
    requestAnimationFrame(() => this.#frame());
    const now = this.now();
    const time = Math.min(250, now - this.lastAt);
    this.lastAt = now;
    const { world, connection, deeds } = this;
    if (this.inside && world.prediction) {
      this.input.tick(now);
      world.prediction.advance(now);
      deeds.tick(now);
      const goal = world.own?.alive ? this.steering.steer(world.place, now) : null;
      if (goal && connection.send({ type: "Move", x: goal.x, y: goal.y }) > 0) {
        world.prediction.walkTo(goal, now);
      }
    }
    world.advance(this.#serverNow(), now, time, this.renderer.calm);
    this.renderer.fit(window.innerWidth, window.innerHeight, window.devicePixelRatio);
    const target = deeds.targetBody;
    this.renderer.draw(world, { target, effects: this.effects, now, time, clock: this.now });
    if (this.inside && world.ground) {
      const distance = target?.alive ? Math.hypot(target.told.x - world.place.x, target.told.y - world.place.y) : null;
      const map = this.content.mapName(world.map);
      this.hud.update({ spells: deeds.spells, distance, connection, frame: this.frameNumber, map, now });
      this.near.update(now);
    }
  }

  #serverNow() {
    const clock = this.connection.clock;
    return clock.offsetMs === null ? (this.connection.header?.serverTimeMs ?? 0) : clock.serverNow();
  }
}
