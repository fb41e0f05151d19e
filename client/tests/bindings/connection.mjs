// A connection against a server, a clock and chance that are all made up: nothing here waits for real time.
import assert from "node:assert/strict";
import * as realm from "../../bindings/js/realm.js";
import { Code, Connection, NoAnswer, ProtocolError, Refusal } from "../../bindings/js/realm.js";

/** A clock that stands still until it is moved, and the timers on it. */
class Time {
  at = 1000;
  #timers = [];

  now = () => this.at;

  after = (ms, run) => {
    const timer = { due: this.at + ms, run };
    this.#timers.push(timer);
    return () => (this.#timers = this.#timers.filter((other) => other !== timer));
  };

  get waiting() {
    return this.#timers.length;
  }

  pass(ms) {
    const end = this.at + ms;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.due <= end).sort((one, other) => one.due - other.due);
      if (due.length === 0) break;
      this.#timers = this.#timers.filter((timer) => timer !== due[0]);
      this.at = Math.max(this.at, due[0].due);
      due[0].run();
    }
    this.at = end;
  }
}

const TOKEN = "0f".repeat(32);
const ENTERED = {
  type: "Entered", channel: 9, map: "maps/meadow", width: 64, height: 48, cell: 8, me: 3, x: 1, y: 2, hp: 90, hpMax: 100, xp: 5, coins: 7,
  items: [{ item: "items/fang", count: 1 }], spells: ["spells/strike"],
};

/** A connection and all that it is given; `sockets` are those that it opened. */
function world(options = {}) {
  const time = new Time();
  const sockets = [];
  class WebSocket {
    sent = [];
    frames = 0;
    isClosed = false;

    constructor(url) {
      this.url = url;
      sockets.push(this);
    }

    send(bytes) {
      assert.ok(!this.isClosed, "nothing should be sent on a closed socket");
      this.sent.push(realm.decodeCommand(bytes));
    }

    close() {
      this.isClosed = true;
    }

    /** What the server says, in one frame. */
    say(...told) {
      this.frames += 1;
      const sections = told.map((one) => (one.type ? { kind: "event", ...realm.encodeEvent(one) } : one));
      const frame = { ack: this.ack ?? 0, serverTimeMs: 500_000 + time.at, frame: this.frames, sections };
      this.onmessage({ data: realm.encodeServerFrame(frame).buffer });
    }

    welcome() {
      this.say({ type: "Welcome", protocol: realm.PROTOCOL, realm: "test" });
    }

    /** The commands but for pings. */
    get asked() {
      return this.sent.filter(({ command }) => command.type !== "Ping");
    }

    refuseLast(code) {
      this.say({ type: "Refused", sequence: this.asked.at(-1).sequence, code, text: "no" });
    }

    lose() {
      this.onclose({ code: 1006, reason: "" });
    }
  }
  const connection = new Connection("ws://test/ws", { WebSocket, now: time.now, after: time.after, random: () => 1, ...options });
  const told = [];
  for (const name of ["status", "resumed", "goodbye", "refused", "entered", "frame"]) {
    connection.on(name, (first) => told.push(name === "status" || name === "goodbye" ? `${name} ${first}` : name));
  }
  return { time, sockets, connection, told, get socket() { return sockets.at(-1); } };
}

/** In the world, as Ann. */
async function inWorld(options) {
  const made = world(options);
  const opened = made.connection.open();
  made.socket.welcome();
  await opened;
  const loggedIn = made.connection.logIn("ann", "a password");
  await settled();
  made.socket.say({ type: "LoggedIn", name: "Ann", token: TOKEN });
  await loggedIn;
  const entered = made.connection.enter();
  made.socket.say(ENTERED, { kind: "cell", bytes: aCell(3, 1) });
  await entered;
  return made;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

function aCell(handle, sequence, column = 0) {
  const me = { handle, change: "whole", x: 1, y: 2, hp: 90, hpMax: 100, state: 0, kind: "avatars/human", name: "Ann" };
  return realm.encodeCellFrame({ kind: "snapshot", cell: { x: column, y: 0 }, epoch: 1, sequence, entries: [me] });
}

const tests = {
  async "a login opens the connection, and totals follow the events"() {
    const { connection, time, ...made } = world();
    const loggedIn = connection.logIn("ann", "a password");
    assert.equal(connection.status, "connecting", "a login should connect");
    assert.equal(connection.send({ type: "Enter" }), 0, "nothing should be sent before it is open");
    const socket = made.sockets[0];
    socket.welcome();
    await settled();
    assert.equal(connection.realm, "test", "the realm should have told its name");
    assert.deepEqual(socket.asked, [{ sequence: 2, command: { type: "LogIn", name: "ann", password: "a password" } }]);
    socket.say({ type: "LoggedIn", name: "Ann", token: TOKEN });
    assert.equal((await loggedIn).name, "Ann", "the answer should come through");
    assert.deepEqual([connection.name, connection.token], ["Ann", TOKEN]);
    const entered = connection.enter();
    let seen;
    connection.on("entered", () => (seen = [connection.me.handle, connection.view.size]));
    socket.say(ENTERED, { kind: "cell", bytes: aCell(3, 1) });
    await entered;
    assert.deepEqual(seen, [3, 1], "a listener should find the whole frame applied");
    assert.deepEqual(connection.map, { id: "maps/meadow", width: 64, height: 48, cell: 8 });
    const before = connection.me;
    socket.say(
      { type: "You", hp: 50, hpMax: 110, xp: 15, level: 2 },
      { type: "Looted", target: 9, items: [{ item: "items/fang", count: 2 }, { item: "items/pelt", count: 1 }], coins: 3 },
      { type: "Died", by: 9 },
    );
    const { hp, hpMax, xp, level, coins, items, dead } = connection.me;
    assert.deepEqual({ hp, hpMax, xp, level, coins, dead }, { hp: 50, hpMax: 110, xp: 15, level: 2, coins: 10, dead: true });
    assert.deepEqual(items, [{ item: "items/fang", count: 3 }, { item: "items/pelt", count: 1 }], "gains should be added");
    assert.equal(before.coins, 7, "a change should make a new object");
    socket.say({ type: "Respawned", x: 4, y: 5 });
    assert.equal(connection.me.dead, false, "who respawned is not dead");
    const left = connection.leave();
    socket.say({ type: "Left" });
    await left;
    assert.deepEqual([connection.me, connection.map, connection.view.size], [null, null, 0], "nothing of the world should stay");
    connection.close();
    assert.equal(time.waiting, 0, "no timer should outlive the connection");
  },

  async "a refusal, a delay and an end reject what was asked, and nothing else"() {
    const made = await inWorld();
    const { connection, time, socket, told } = made;
    const cast = connection.request({ type: "Cast", spell: "spells/strike", target: 9 }, "Struck", { where: ({ by }) => by === 3 });
    const other = connection.request({ type: "Loot", target: 9 }, "Looted");
    socket.say({ type: "Struck", spell: "spells/bite", by: 9, target: 3, amount: 1 });
    const { sequence } = socket.asked.find(({ command }) => command.type === "Loot");
    socket.say({ type: "Refused", sequence, code: Code.OutOfRange, text: "Too far." });
    await assert.rejects(other, (error) => error instanceof Refusal && error.code === 15 && error.text === "Too far." && error.command.type === "Loot");
    assert.ok(told.includes("refused"), "a refusal should be told to who listens, too");
    socket.say({ type: "Struck", spell: "spells/strike", by: 3, target: 9, amount: 7 });
    assert.equal((await cast).amount, 7, "what another did should be no answer");
    const late = assert.rejects(connection.request({ type: "Loot", target: 9 }, "Looted", { timeoutMs: 500 }), { name: "NoAnswer", why: "late" });
    time.pass(499);
    time.pass(1);
    await late;
    const ended = assert.rejects(connection.request({ type: "Loot", target: 9 }, "Looted"), { name: "NoAnswer", why: "ended" });
    socket.lose();
    await assert.rejects(connection.enter(), NoAnswer, "nothing can be asked while the socket is lost");
    await assert.rejects(connection.request({ type: "Move", x: NaN, y: 0 }, "Left"), NoAnswer);
    connection.close();
    await ended;
    const again = connection.logIn("ann", "a password");
    await settled();
    made.sockets.at(-1).welcome();
    await settled();
    let command;
    connection.on("refused", (_, told) => (command = told));
    made.sockets.at(-1).refuseLast(Code.WrongCredentials);
    await assert.rejects(again, { name: "Refusal", code: Code.WrongCredentials });
    assert.deepEqual(command, { type: "LogIn", name: "ann" }, "what proves who a player is should not be told again");
    connection.close();
    await assert.rejects(connection.logIn("x".repeat(65), ""), ProtocolError, "what cannot be sent should not cost a connection");
    assert.equal(connection.status, "closed");
    connection.close();
  },

  async "a lost socket is replaced, the session resumed and the world entered again"() {
    const made = await inWorld();
    const { connection, time, told, sockets } = made;
    told.length = 0;
    made.socket.lose();
    assert.deepEqual(told, ["status waiting"], "the loss should be told");
    assert.equal(connection.view.size, 1, "what was seen last should stay to be drawn");
    assert.equal(connection.me.handle, 3, "and who one is");
    time.pass(499);
    assert.equal(sockets.length, 1, "the first try should come after half a second at most");
    time.pass(1);
    assert.equal(sockets.length, 2, "and come then");
    made.socket.welcome();
    const last = Math.max(...sockets[0].sent.map(({ sequence }) => sequence));
    assert.deepEqual(made.socket.asked, [{ sequence: last + 1, command: { type: "Resume", token: TOKEN } }], "sequences should go on");
    made.socket.say({ type: "LoggedIn", name: "Ann", token: "1e".repeat(32) });
    assert.deepEqual(made.socket.asked.at(-1).command, { type: "Enter" });
    assert.equal(connection.status, "connecting", "it is open when it is back in the world, and not before");
    made.socket.say({ ...ENTERED, me: 4, hp: 80 }, { kind: "cell", bytes: aCell(4, 9, 1) });
    assert.deepEqual(told.filter((one) => one !== "frame"), ["status waiting", "status connecting", "status open", "resumed", "entered"]);
    assert.equal(connection.token, "1e".repeat(32), "the new token should be kept");
    assert.deepEqual([connection.me.handle, connection.view.size], [4, 1], "everything should be told anew");
    assert.equal(connection.view.get(3), undefined, "and nothing of before should be left");
    connection.close();
    assert.equal(time.waiting, 0, "no timer should outlive the connection");
  },

  async "what was not acknowledged is sent again as it was, and answered as if nothing had been"() {
    const made = await inWorld();
    const { connection, time, sockets } = made;
    const done = connection.send({ type: "Move", x: 1, y: 2 });
    made.socket.ack = done;
    made.socket.say();
    const looted = connection.request({ type: "Loot", target: 9 }, "Looted");
    const looting = made.socket.asked.at(-1);
    const said = connection.request({ type: "Whisper", to: "bea", text: "hello" }, "Whispered");
    const left = connection.request({ type: "Ping", clientTimeMs: 7 }, "Pong");
    const ended = assert.rejects(left, { name: "NoAnswer", why: "ended" }, "what belongs to a socket should end with it");
    made.socket.lose();
    await ended;
    for (const ack of [0, looting.sequence + 50]) {
      time.pass(1000);
      made.socket.welcome();
      made.socket.say({ type: "LoggedIn", name: "Ann", token: TOKEN });
      made.socket.ack = ack;
      made.socket.say(ENTERED);
      const again = made.socket.asked.slice(2);
      assert.deepEqual(again[0], looting, "it should be sent again under its number, and what was acknowledged should not");
      assert.equal(again.length, 2, "and so should what came after it");
      made.socket.ack = made.socket.asked[1].sequence;
      made.socket.say();
      if (ack === 0) made.socket.lose();
    }
    made.socket.say({ type: "LootedBefore", sequence: looting.sequence, target: 9, items: [], coins: 5 });
    assert.equal((await looted).type, "LootedBefore", "who waits should have an answer");
    assert.equal(connection.me.coins, ENTERED.coins, "the totals had it already");
    made.socket.say({ type: "Whispered", from: "Ann", to: "Bea", text: "hello" });
    await said;
    made.socket.ack = made.socket.sent.at(-1).sequence;
    made.socket.say();
    made.socket.lose();
    time.pass(1000);
    made.socket.welcome();
    made.socket.say({ type: "LoggedIn", name: "Ann", token: TOKEN });
    made.socket.say(ENTERED);
    assert.equal(made.socket.asked.length, 2, "what was acknowledged at last should not be sent a third time");
    connection.close();
    assert.equal(sockets.length, 4, "each loss should have cost one socket");
  },

  async "the same gateway is tried first, then the others in turn"() {
    const made = await inWorld();
    made.socket.say({ type: "Gateways", urls: ["ws://test/ws", "ws://one/ws", "ws://two/ws"] });
    const tried = () => {
      const count = made.sockets.length;
      made.socket.lose();
      while (made.sockets.length === count) made.time.pass(1);
      return made.socket.url;
    };
    assert.deepEqual([1, 2, 3, 4].map(tried), ["ws://test/ws", "ws://one/ws", "ws://two/ws", "ws://test/ws"]);
    assert.equal(tried(), "ws://one/ws", "and so on");
    made.socket.welcome();
    made.socket.say({ type: "LoggedIn", name: "Ann", token: TOKEN });
    made.socket.say(ENTERED);
    assert.equal(tried(), "ws://one/ws", "the one that was found should be the first the next time");
    made.connection.close();
  },

  async "waits grow, are of chance, and begin anew after a success"() {
    let chance = 1;
    const made = await inWorld({ random: () => chance });
    const { connection, time, sockets } = made;
    const waits = [];
    const wait = () => {
      made.socket.lose();
      const [from, count] = [time.at, sockets.length];
      while (sockets.length === count) time.pass(1);
      waits.push(time.at - from);
    };
    for (let tried = 0; tried < 8; tried++) wait();
    assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 15000, 15000, 15000], "each wait should double, up to a bound");
    chance = 0;
    wait();
    assert.equal(waits.at(-1), 7500, "chance should take away half at most");
    made.socket.welcome();
    made.socket.refuseLast(Code.Unavailable);
    assert.equal(connection.status, "waiting", "a realm that cannot take one back now should be asked again later");
    time.pass(60_000);
    made.socket.welcome();
    made.socket.say({ type: "LoggedIn", name: "Ann", token: TOKEN });
    made.socket.say(ENTERED);
    assert.equal(connection.status, "open", "and take one back then");
    chance = 1;
    wait();
    assert.equal(waits.at(-1), 500, "a success should make the waits short again");
    connection.close();
  },

  async "a session that has ended, and a goodbye for good, close the connection"() {
    const ended = await inWorld();
    ended.socket.lose();
    ended.time.pass(1000);
    ended.socket.welcome();
    let closed;
    ended.connection.on("status", (...told) => (closed = told));
    ended.socket.refuseLast(Code.BadToken);
    assert.deepEqual(closed, ["closed", "no", Code.BadToken], "it should be told why");
    assert.deepEqual([ended.connection.token, ended.connection.me], [null, null], "nothing of the session should stay");
    assert.equal(ended.time.waiting, 0, "no timer should outlive the connection");

    for (const code of [Code.Replaced, Code.Idle]) {
      const { connection, socket, told, time, sockets } = await inWorld();
      socket.say({ type: "Goodbye", code });
      assert.ok(told.includes(`goodbye ${code}`), "a goodbye should be told");
      socket.lose();
      assert.equal(connection.status, "closed", `after ${realm.codeText[code]} nobody should come back by itself`);
      time.pass(60_000);
      assert.equal(sockets.length, 1, "not even later");
    }

    const stopping = await inWorld();
    stopping.socket.say({ type: "Goodbye", code: Code.Stopping });
    stopping.socket.lose();
    assert.equal(stopping.connection.status, "waiting", "a realm that stops may start again");
    stopping.connection.close();
    stopping.time.pass(60_000);
    assert.equal(stopping.sockets.length, 1, "who closed should stay away");

    const once = await inWorld({ reconnect: false });
    once.socket.lose();
    assert.equal(once.connection.status, "closed", "without reconnect a lost socket is the end");
  },

  async "a silent server is lost, whatever its socket says"() {
    const { connection, socket, time } = await inWorld();
    for (let second = 0; second < 30; second++) {
      time.pass(1000);
      socket.say();
    }
    assert.equal(connection.status, "open", "a frame a second should keep it open");
    time.pass(9_999);
    assert.equal(connection.status, "open", "ten seconds are allowed");
    time.pass(1);
    assert.equal(connection.status, "waiting", "and no more");
    assert.ok(socket.isClosed, "the old socket should be closed");
    socket.say(ENTERED);
    assert.equal(connection.status, "waiting", "what the old socket says late should not be heard");
    connection.close();
  },

  async "a server that speaks otherwise ends the connection for good"() {
    for (const data of [new Uint8Array([2, 0, 0]).buffer, "text", new ArrayBuffer(0)]) {
      const { connection, socket, time, sockets } = await inWorld();
      let why;
      connection.on("status", (_, told) => (why = told));
      socket.onmessage({ data });
      assert.ok(why instanceof ProtocolError, `it should be told why, not ${why}`);
      assert.equal(connection.status, "closed", "there is nothing to hope for");
      time.pass(60_000);
      assert.equal(sockets.length, 1, "nor to try again");
    }
    const newer = world();
    const opened = assert.rejects(newer.connection.open(), NoAnswer);
    newer.socket.say({ type: "Welcome", protocol: 2, realm: "test" });
    await opened;
    assert.equal(newer.connection.status, "closed", "another version should end the connection");
    const unknown = await inWorld();
    unknown.socket.say({ kind: "event", classId: 7, bytes: new Uint8Array([0x90]) });
    assert.equal(unknown.connection.status, "open", "an unknown event should be passed over");
    unknown.connection.close();
  },

  async "the server's clock is asked for and known"() {
    const { connection, time, socket: first, ...made } = await inWorld();
    let asked = 0;
    connection.on("clock", () => (asked += 1));
    connection.on("pong", () => assert.fail("the clock's own questions should not be told"));
    const pings = (socket) => socket.sent.filter(({ command }) => command.type === "Ping").map(({ command }) => command.clientTimeMs);
    const answer = (socket, there, back, aheadMs) => {
      const clientTimeMs = pings(socket).at(-1);
      const serverTimeMs = time.at + there + aheadMs;
      time.pass(there + back);
      socket.say({ type: "Pong", clientTimeMs, serverTimeMs });
    };
    const aheadMs = 1_700_000_000_000;
    const { clock } = connection;
    assert.equal(clock.serverNow(), null, "nothing is known before the first answer");
    for (const [there, back] of [[40, 0], [5, 5], [0, 100], [20, 20], [30, 30]]) answer(first, there, back, aheadMs);
    assert.equal(asked, 5, "each answer should be told");
    assert.ok(Math.abs(clock.offsetMs - aheadMs) <= 0.5, "the answer that was least delayed should be believed");
    assert.equal(clock.delayMs, 10, "which came so fast");
    assert.ok(clock.errorMs > 5 && clock.errorMs < 6, "it is wrong by half of that at most");
    assert.equal(pings(first).length, 5, "it should be asked five times in the beginning");
    for (let second = 0; second < 21; second++) {
      time.pass(1000);
      first.say();
    }
    assert.equal(pings(first).length, 7, "and then every ten seconds");
    first.lose();
    time.pass(500);
    const second = made.sockets.at(-1);
    second.welcome();
    assert.ok(Math.abs(clock.serverNow() - time.at - aheadMs) <= 0.5, "what is known should hold until the new server has answered");
    answer(second, 10, 10, aheadMs - 60_000);
    assert.ok(Math.abs(clock.serverNow() - time.at - aheadMs + 60_000) <= 0.5, "which should be believed, wherever its clock stands");
    connection.close();
    assert.equal(time.waiting, 0, "no timer should outlive the connection");
  },

  async "a listener's own fault is reported and stops nothing"() {
    const { connection, socket } = await inWorld();
    const faults = [];
    process.once("uncaughtException", (error) => faults.push(error.message));
    const heard = [];
    connection.on("said", () => {
      throw new Error("mine");
    });
    const off = connection.on("said", ({ text }) => heard.push(text));
    socket.say({ type: "Said", room: "near", from: "Bea", text: "one" });
    await settled();
    assert.deepEqual([heard, faults], [["one"], ["mine"]], "the others should hear it, and the fault be reported");
    off();
    process.once("uncaughtException", () => {});
    socket.say({ type: "Said", room: "near", from: "Bea", text: "two" });
    await settled();
    assert.deepEqual(heard, ["one"], "who is taken off should hear no more");
    connection.on("left", () => connection.close());
    socket.say({ type: "Left" }, ENTERED);
    assert.equal(connection.status, "closed", "a listener may close the connection");
    assert.equal(connection.me, null, "and then nothing more is heard");
  },
};

for (const [name, run] of Object.entries(tests)) {
  try {
    await run();
  } catch (error) {
    console.error(`${name}:`);
    throw error;
  }
}
