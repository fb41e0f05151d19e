// A connection in a real realm: what it sees, how well it knows the server's clock, and how it comes back after its socket was cut.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { Code, Connection, Refusal, State } from "../../bindings/js/realm.js";

const { WebSocket } = createRequire(import.meta.url)("ws");
const [url, name] = process.argv.slice(2);

const sockets = [];
class Watched extends WebSocket {
  constructor(url) {
    super(url);
    sockets.push(this);
  }
}

const connection = new Connection(url, { WebSocket: Watched });
const told = (name) => new Promise((resolve) => { const off = connection.on(name, (...told) => { off(); resolve(told); }); });
async function until(what, holds) {
  while (!holds()) {
    assert.notEqual(connection.status, "closed", `the connection should not end before ${what}`);
    await told("frame");
  }
}

await assert.rejects(connection.logIn(name, "nobody has this password"), (error) => error instanceof Refusal && error.code === Code.WrongCredentials);
const { token } = await connection.register(name, "a good password");
assert.equal(token.length, 64, "a token should be 64 hex digits");
const entered = await connection.enter();
assert.equal(connection.map.id, entered.map, "the map should be known");
await until("the own avatar is in view", () => connection.view.get(connection.me.handle)?.name === name);

// Walks a little: its own state and place should follow.
const from = connection.view.get(connection.me.handle);
const goal = { x: Math.min(from.x + 2, connection.map.width - 1), y: from.y };
connection.send({ type: "Move", ...goal });
await until("the avatar walks", () => connection.view.get(connection.me.handle)?.state === State.Walking);
await assert.rejects(connection.request({ type: "Cast", spell: "spells/none", target: connection.me.handle }, "Struck"), Refusal);

// Both run on this machine, so what it says of the server's clock can be held against the clock itself.
while (connection.clock.delayMs === null || connection.clock.delayMs > 40) await told("clock");
const error = Math.abs(connection.clock.serverNow() - Date.now());
const bound = connection.clock.delayMs / 2 + 2;
assert.ok(error <= bound, `the server's clock should be known within ${bound} ms, not ${error} ms`);

// The socket is cut, without a word.
const happened = [];
for (const name of ["status", "resumed"]) connection.on(name, (status) => happened.push(status ?? name));
const resumed = told("resumed");
sockets.at(-1).terminate();
await resumed;
assert.deepEqual(happened, ["waiting", "connecting", "open", "resumed"], "it should come back by itself");
assert.notEqual(connection.token, token, "resuming should hand out a new token");
await until("the own avatar is in view again", () => connection.view.get(connection.me.handle)?.name === name);
assert.equal(connection.name, name, "it should be the same player");
const pong = await connection.request({ type: "Ping", clientTimeMs: 7 }, "Pong", { where: ({ clientTimeMs }) => clientTimeMs === 7 });
assert.equal(pong.clientTimeMs, 7, "commands should go again");

// Another connection of the same character takes its place; this one stays away.
const goodbye = told("goodbye");
const other = new Connection(url, { WebSocket, token: connection.token });
await other.resume();
await other.enter();
assert.deepEqual(await goodbye, [Code.Replaced], "the first should be told who replaced it");
if (connection.status !== "closed") await told("status");
assert.equal(connection.status, "closed", "and not fight for the place");
await other.leave();
other.close();
assert.equal(other.me, null, "who left is nowhere");
