// The realm's process is killed and started again with the same data in the same place. Both players are back in play by
// themselves, without loading the page again.

import assert from "node:assert/strict";

import { DESK, PHONE, Realm, Window, browser } from "./harness.mjs";

const realm = await new Realm().start();
const chromium = await browser();
try {
  const players = [];
  for (const [name, how] of [["Ann", DESK], ["Bob", PHONE]]) {
    const player = await Window.open(chromium, how, realm.url);
    await player.register(name);
    // What is lost when the page is loaded again.
    await player.page.evaluate(() => (globalThis.notReloaded = true));
    players.push(player);
  }
  const [ann, bob] = players;
  await ann.page.keyboard.press("Enter");
  await ann.page.fill("#text", "/join hunters");
  await ann.page.keyboard.press("Enter");
  await realm.kill();
  for (const player of players) {
    await player.until("the loss is told", () => player.page.locator("#lost", { hasText: "The connection is lost" }).isVisible());
  }
  await ann.picture("lost");
  await realm.start();
  for (const [player, name] of [[ann, "Ann"], [bob, "Bob"]]) {
    await player.until("it is open again", (game) => game.connection.status === "open" && game.inside);
    await player.inside(name);
    await player.until("it is said", () => player.page.locator("#log", { hasText: "The connection is back" }).count());
    assert.equal(await player.page.locator("#lost").isVisible(), false, "the warning should be gone");
    assert.equal(await player.page.evaluate(() => globalThis.notReloaded), true, "the page should not have been loaded again");
  }
  // In play: they walk, see each other, and hear each other in the room that was joined before.
  await ann.page.locator("#world").focus();
  const before = await ann.place();
  await ann.page.keyboard.down("KeyA");
  await ann.until("she walks again", (game, from) => game.world.own.told.x < from.x - 1, before);
  await ann.page.keyboard.up("KeyA");
  await bob.until("he sees her", () => bob.page.locator("#near-list", { hasText: "Ann" }).count());
  await ann.page.selectOption("#room", "room:hunters");
  await ann.page.fill("#text", "Still here");
  await ann.page.press("#text", "Enter");
  await ann.until("she hears herself in the room", () => ann.page.locator("#log .room", { hasText: "Still here" }).count());
  // A page that is loaded again goes on with the same avatar.
  await ann.page.reload();
  await ann.hold();
  await ann.inside("Ann");
  // The browser itself notes each connection that it could not make while the realm was down, and nothing else.
  for (const player of players) {
    player.errors = player.errors.filter((error) => !/WebSocket connection to .* failed/.test(error));
    player.clean();
  }
} finally {
  await chromium.close();
  await realm.end();
}
