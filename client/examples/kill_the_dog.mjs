// Registers, finds a dog, kills it, loots it, leaves, comes back, and checks that everything is still there. With Node 20 or newer:
//   node client/examples/kill_the_dog.mjs [URL] [NAME]
// Before Node 22 it also needs the package ws. Exit code 0 if all went well, 1 if not.
import { createRequire } from "node:module";
import { Code, Connection, NoAnswer, Refusal, State } from "../bindings/js/realm.js";

const DOG = "mobs/dog";
const STRIKE = "spells/strike";
const REACH = 1.3;
const PATIENCE_MS = 60_000;

const WebSocket = globalThis.WebSocket ?? createRequire(import.meta.url)("ws").WebSocket;
const distance = (one, other) => Math.hypot(one.x - other.x, one.y - other.y);
const askew = () => (Math.random() - 0.5) * 12;

/** The next frame: what is to be seen is up to date then. */
function frame(connection) {
  return new Promise((resolve, reject) => {
    const offs = [
      connection.on("frame", () => done(resolve)),
      connection.on("status", (status, why) => status === "closed" && done(() => reject(new Error(`the connection ended: ${why}`)))),
    ];
    const done = (settle) => {
      for (const off of offs) off();
      settle();
    };
  });
}

/** Walks to `goal()` until that is within reach; round whatever is in the way. */
async function walk(connection, goal) {
  const end = performance.now() + PATIENCE_MS;
  let [again, moved, spot] = [0, performance.now(), null];
  while (performance.now() < end) {
    await frame(connection);
    const here = connection.view.get(connection.me.handle) ?? connection.me;
    const there = goal(here);
    if (there.isEntity && distance(here, there) < REACH) return there;
    const now = performance.now();
    if (spot === null || here.x !== spot.x || here.y !== spot.y) [spot, moved] = [here, now];
    if (now < again || connection.me.dead) continue;
    const isStuck = now - moved > 1000;
    if (isStuck) moved = now;
    again = now + (isStuck ? 1500 : 300);
    const [x, y] = isStuck ? [here.x + askew(), here.y + askew()] : [there.x, there.y];
    connection.send({ type: "Move", x, y });
  }
  throw new Error("the way was too long");
}

/** Asks again and again while the refusal may pass. */
async function insist(ask, passing) {
  for (const end = performance.now() + PATIENCE_MS; ; ) {
    try {
      return await ask();
    } catch (error) {
      const mayPass = error instanceof Refusal ? passing.includes(error.code) : error instanceof NoAnswer && error.why === "late";
      if (!mayPass || performance.now() > end) throw error;
    }
  }
}

async function killTheDog(connection) {
  const { me, map, view } = connection;
  const nearestDog = (here) => {
    const dogs = [...view.entities()].filter(({ kind, state }) => kind === DOG && state !== State.Dead);
    dogs.sort((one, other) => distance(here, one) - distance(here, other));
    return dogs.length > 0 ? { ...dogs[0], isEntity: true } : { x: map.width / 2, y: map.height / 2 };
  };
  let dead = null;
  connection.on("killed", ({ target }) => (dead = target));
  while (dead === null) {
    const dog = await walk(connection, nearestDog);
    const cast = () =>
      connection.request({ type: "Cast", spell: STRIKE, target: dog.handle }, "Struck", {
        where: ({ by, target }) => by === connection.me.handle && target === dog.handle,
        timeoutMs: 2000,
      });
    try {
      await cast();
    } catch (error) {
      // It went away, it is too early, or one died first: look again.
      if (!(error instanceof Refusal) && !(error instanceof NoAnswer && error.why === "late")) throw error;
      await frame(connection);
    }
    if (dead === null) await frame(connection);
  }
  const corpse = view.get(dead) ?? me;
  await walk(connection, () => ({ ...corpse, isEntity: true }));
  return insist(
    () => connection.request({ type: "Loot", target: dead }, "Looted", { timeoutMs: 5000 }),
    [Code.OutOfRange, Code.YouAreDead],
  );
}

async function main(url = "ws://127.0.0.1:7777/ws", name = `Script${Math.floor(Math.random() * 1e9)}`) {
  const password = "a good password";
  const connection = new Connection(url, { WebSocket });
  await connection.register(name, password);
  await connection.enter();
  const looted = await killTheDog(connection);
  const before = connection.me;
  await connection.leave();
  connection.close();
  console.log(`${name} killed a dog and took ${JSON.stringify(looted.items)} and ${looted.coins} coins`);
  const again = new Connection(url, { WebSocket });
  await again.logIn(name, password);
  await again.enter();
  for (const what of ["xp", "coins", "items"]) {
    const [was, is] = [before[what], again.me[what]].map((value) => JSON.stringify(value));
    if (was !== is || is === "0" || is === "[]") throw new Error(`${what} is ${is} after the return, and was ${was}`);
  }
  again.close();
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(`the dog was not killed: ${error.stack}`);
  process.exit(1);
});
