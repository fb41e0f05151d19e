// A newcomer registers, walks round a wall, kills the dog and sees the loot, by mouse and keys. Somebody on a phone sees it
// happen, and they talk.

import assert from "node:assert/strict";

import { DESK, PHONE, Realm, Window, browser } from "./harness.mjs";

const realm = await new Realm().start();
const chromium = await browser();
try {
  const ann = await Window.open(chromium, DESK, realm.url);
  await ann.picture("login");
  await ann.register("Ann");
  const bob = await Window.open(chromium, PHONE, realm.url);
  await bob.register("Bob");

  // On foot by keys, then round the wall of the yard by one press: its gate is on the other side.
  await ann.page.locator("#world").focus();
  await ann.page.keyboard.down("KeyS");
  await ann.until("she walks down", (game) => game.world.own.told.y > 37.5);
  await ann.page.keyboard.up("KeyS");
  const goal = { x: 10.5, y: 41.5 };
  const straight = await ann.look((game, to) => game.world.ground.free(game.world.place, to), goal);
  assert.equal(straight, false, "there should be a wall in the way");
  await ann.press(goal.x, goal.y);
  await ann.until("she is round the wall", (game, to) => Math.hypot(game.world.own.told.x - to.x, game.world.own.told.y - to.y) < 0.3, goal);
  await ann.until("what is shown of her agrees with the server", ({ world }) => Math.hypot(world.own.told.x - world.place.x, world.own.told.y - world.place.y) < 0.2);

  // The phone comes nearer, by touch.
  await bob.press(16.5, 36.5);
  await bob.until("he walks by touch", (game) => game.world.own.told.y > 36);
  await bob.until("Ann is listed near him", () => bob.page.locator("#near-list", { hasText: "Ann" }).count());

  // The dog: chosen by Tab, struck by key. She walks up to it by herself.
  await ann.page.keyboard.press("Tab");
  const dog = await ann.until("a dog is chosen", (game) => game.deeds.targetBody?.kind === "mobs/dog" && game.deeds.target);
  const said = await ann.page.textContent("#announced");
  assert.match(said, /^Dog, \d+ of 30, \d+ tiles /, "who cannot see the canvas should be told of the target");
  await bob.until("he sees the dog too", (game, handle) => game.world.get(handle)?.alive, dog);
  await bob.page.evaluate(() => {
    const { effects } = globalThis.game;
    const ball = effects.ball.bind(effects);
    effects.ball = (...told) => ball(...told, (globalThis.balls = (globalThis.balls ?? 0) + 1));
  });
  await ann.page.keyboard.press("Digit2");
  await ann.until("the dog is hit", (game, handle) => (game.world.get(handle)?.hp ?? 0) < 30, dog);
  await ann.picture("fight");
  await bob.until("he sees the fireball fly", () => bob.page.evaluate(() => globalThis.balls === 1));
  await ann.until(
    "the dog is dead",
    async () => {
      await ann.page.keyboard.press("Digit1");
      return ann.look((game, handle) => game.world.get(handle)?.dead, dog);
    },
  );
  await bob.until("he sees it dead", (game, handle) => game.world.get(handle)?.dead, dog);
  await bob.picture("phone");

  // The loot: she goes to the corpse and takes it.
  await ann.page.keyboard.press("KeyE");
  await ann.until("the loot is told", () => ann.page.locator("#notices", { hasText: "You took" }).count());
  const log = await ann.page.textContent("#log");
  assert.match(log, /You took \d+ coins?, .*1 Bone.* from Dog\./, "the loot should stay in the log");
  assert.match(await ann.page.textContent("#own-coins"), /[1-5] coins?/, "the coins should be counted");
  await ann.picture("loot");

  // Talk: near, realm, a room, a whisper.
  const say = async (who, text) => {
    await who.page.keyboard.press("Enter");
    await who.page.fill("#text", text);
    await who.page.keyboard.press("Enter");
  };
  const hears = (who, text) => who.until(`it is heard: ${text}`, () => who.page.locator("#log li", { hasText: text }).count());
  await ann.page.locator("#world").focus();
  await say(ann, "That dog is no more");
  await hears(ann, "That dog is no more");
  await bob.page.click("#chat-toggle");
  await bob.page.selectOption("#room", "realm");
  await bob.page.fill("#text", "I saw it");
  await bob.page.click("#say");
  await hears(ann, "I saw it");
  await say(ann, "/join hunters");
  await bob.page.click("#chat-toggle");
  await bob.page.fill("#text", "/join hunters");
  await bob.page.click("#say");
  await ann.until("she is in the room", (game) => game.chat.room.value === "room:hunters");
  await bob.until("he is in the room", (game) => game.chat.room.value === "room:hunters");
  await bob.page.click("#chat-toggle");
  await bob.page.fill("#text", "Good hunting");
  await bob.page.click("#say");
  await hears(ann, "Good hunting");
  await say(ann, "/w bob Thank you");
  await hears(bob, "Thank you");
  // The realm refuses markup, and says so.
  await say(ann, "<b>loud</b>");
  await ann.until("the refusal is told", () => ann.page.locator("#log .bad").count());
  await bob.picture("phone-chat");
  await ann.picture("chat");
  ann.clean();
  bob.clean();
} finally {
  await chromium.close();
  await realm.end();
}
