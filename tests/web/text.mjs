// Whatever a realm or its players say is shown as text: names, talk, items and refusals full of markup make no element and
// run nothing. A real realm refuses such names, so a scripted one says them.

import assert from "node:assert/strict";

import { ME, WALKING, fake, snapshot } from "./fake.mjs";
import { DESK, Realm, Window, browser } from "./harness.mjs";

const EVIL = "<img src=x onerror=\"globalThis.ran=1\"><script>globalThis.ran=1</script><b>bold</b>";
const NAME = "<b>Eve</b>";

const realm = await new Realm().start();
const chromium = await browser();
try {
  const script = (told) => {
    const being = { hp: 10, hpMax: 10, state: WALKING };
    told(
      [],
      [
        snapshot({ x: 3, y: 4 }, 1, [
          { handle: ME, x: 30.5, y: 32.5, kind: "avatars/human", name: NAME, ...being },
          { handle: 2, x: 31.5, y: 32.5, kind: "avatars/human", name: EVIL, ...being },
          { handle: 3, x: 29.5, y: 33.5, kind: `mobs/${EVIL}`, name: "", ...being },
        ]),
      ],
    );
    told([
      { type: "Said", room: "realm", from: EVIL, text: EVIL },
      { type: "Said", room: `room:${EVIL}`, from: NAME, text: EVIL },
      { type: "Said", room: "near", from: EVIL, text: EVIL },
      { type: "Whispered", from: EVIL, to: NAME, text: EVIL },
      { type: "Looted", target: 2, items: [{ item: `items/${EVIL}`, count: 2 }], coins: 1 },
      { type: "Died", by: 2 },
    ]);
  };
  const eve = await Window.open(chromium, DESK, realm.url, (page) => fake(page, { name: NAME, script }));
  await eve.page.fill("#name", "Eve");
  await eve.page.fill("#password", "correct horse");
  await eve.page.click("#log-in");
  await eve.until("the avatar is there", (game) => game.world.own?.name === "<b>Eve</b>");
  await eve.until("the player near is listed", () => eve.page.locator("#near-list button").count());
  await eve.page.click("#near-list button");
  await eve.page.click("#bag summary");
  assert.equal(await eve.page.textContent("#own-name"), NAME, "a name should be shown as it is written");
  assert.ok((await eve.page.textContent("#target-name")).includes(EVIL), "a target's name should be shown as it is written");
  assert.equal(await eve.page.locator("#log li", { hasText: "onerror" }).count(), 5, "all that was said should be in the log");
  assert.ok((await eve.page.textContent("#fallen-by")).includes("<b>bold</b>"), "who killed the avatar should be told as text");
  const made = await eve.page.locator("#hud img, #hud script, #hud b:not([aria-hidden]), #notices b, #fallen b").count();
  assert.equal(made, 0, "no markup should become an element");
  assert.equal(await eve.page.evaluate(() => globalThis.ran), undefined, "nothing that was said should run");
  // Were a part of the page to make markup of a text, the browser would refuse it.
  const refused = await eve.page.evaluate(() => {
    try {
      document.getElementById("log").innerHTML = "<b>x</b>";
      return false;
    } catch (error) {
      return error instanceof TypeError;
    }
  });
  assert.ok(refused, "the policy of the page should refuse markup made of text");
  await eve.picture("text");
  eve.errors = eve.errors.filter((error) => !/requires 'TrustedHTML'/.test(error));
  eve.clean();
} finally {
  await chromium.close();
  await realm.end();
}
