// On a phone, upright and on its side: register, walk and strike by touch. Nothing that one presses lies over another, no text
// is too small to read, nothing is cut off.

import assert from "node:assert/strict";

import { PHONE, Realm, Window, browser } from "./harness.mjs";
import { contrasts } from "./contrast.mjs";

/** In CSS pixels. */
const TEXT_MIN = 12;
const TOUCH_MIN = 24;
const SIDEWAYS = { ...PHONE, viewport: { width: 844, height: 390 } };

const realm = await new Realm().start();
const chromium = await browser();
try {
  await played("Una", PHONE, "phone-upright");
  await played("Sid", SIDEWAYS, "phone-sideways");
} finally {
  await chromium.close();
  await realm.end();
}

async function played(name, how, picture) {
  const player = await Window.open(chromium, how, realm.url);
  const { page } = player;
  await legible(player, `${picture}, at the door`);
  await player.picture(`${picture}-door`);
  await page.tap("#name");
  await page.keyboard.type(name);
  await page.tap("#password");
  await page.keyboard.type("correct horse");
  await page.tap("#register");
  await player.inside(name);
  await player.until("the figures are there", () => page.locator("#fps", { hasText: "fps" }).count());
  await legible(player, picture);

  // On foot by touch: on the free ground, not on a panel.
  const from = await player.place();
  await player.press(from.x + 2, from.y + 1.5);
  await player.until("the avatar walks by touch", (game, [x, y]) => Math.hypot(game.world.own.told.x - x, game.world.own.told.y - y) > 1.5, [from.x, from.y]);

  // The dog: chosen and struck by the buttons. The avatar walks up to it.
  const dog = await player.until("a dog is chosen", async () => {
    await page.tap("#next");
    return player.look((game) => game.deeds.targetBody?.kind === "mobs/dog" && game.deeds.target);
  });
  await legible(player, `${picture}, with a target`);
  await page.tap("#spells button:nth-child(2)");
  await player.until("the dog is hit", (game, handle) => (game.world.get(handle)?.hp ?? 0) < 30, dog);
  await player.picture(picture);
  await player.until("the dog is struck dead", async () => {
    await page.tap("#spells button:first-child");
    return player.look((game, handle) => !game.world.get(handle) || game.world.get(handle).dead, dog);
  });
  await page.tap("#use");
  await player.until("the loot is told", () => page.locator("#notices", { hasText: "You took" }).count());
  await page.tap("#bag summary");
  await player.until("the bag is open", () => page.locator("#bag-list", { hasText: "Bone" }).isVisible());
  await page.tap("#bag summary");

  // Talk.
  if (await page.locator("#chat-toggle").isVisible()) {
    await page.tap("#chat-toggle");
  }
  await page.tap("#text");
  await page.keyboard.type("Hello from the road");
  await legible(player, `${picture}, talking`);
  await player.picture(`${picture}-talk`);
  await page.tap("#say");
  await player.until("it is heard", () => page.locator("#log li", { hasText: "Hello from the road" }).count());
  await page.tap("#help-open");
  await legible(player, `${picture}, help`);
  await page.tap("#help button");
  await player.picture(`${picture}-after`);
  player.clean();
  await page.context().close();
}

/** All that is seen can be read and pressed. */
async function legible(window, where) {
  const faults = await window.page.evaluate(
    ([textMin, touchMin]) => {
      const told = [];
      const dialog = document.querySelector("dialog[open]");
      const shown = (element) => element.checkVisibility({ visibilityProperty: true }) && (!dialog || dialog.contains(element));
      const name = (element) => `${element.tagName.toLowerCase()}#${element.id || element.textContent.trim().slice(0, 20)}`;
      const pressed = [...document.querySelectorAll("button, input, select, summary")].filter(shown);
      const boxes = pressed.map((element) => [element, element.getBoundingClientRect()]);
      for (const [element, box] of boxes) {
        if (box.width < touchMin || box.height < touchMin) {
          told.push(`${name(element)} is too small to press: ${box.width} by ${box.height}`);
        }
        if (box.left < 0 || box.right > innerWidth || (box.top < 0 || box.bottom > innerHeight) && !element.closest("#door, dialog")) {
          told.push(`${name(element)} is cut off: ${JSON.stringify(box)}`);
        }
      }
      const apart = (a, b) => a.right <= b.left + 0.5 || b.right <= a.left + 0.5 || a.bottom <= b.top + 0.5 || b.bottom <= a.top + 0.5;
      boxes.forEach(([one, a], at) => {
        for (const [other, b] of boxes.slice(at + 1)) {
          if (!apart(a, b)) {
            told.push(`${name(one)} and ${name(other)} lie over each other`);
          }
        }
      });
      const panels = ["#self", "#target", "#corner", "#near", "#chat", "#deeds", "#more"].map((id) => document.querySelector(id)).filter(shown);
      panels.forEach((one, at) => {
        for (const other of panels.slice(at + 1)) {
          if (!apart(one.getBoundingClientRect(), other.getBoundingClientRect())) {
            told.push(`the panels ${name(one).slice(0, 30)} and ${name(other).slice(0, 30)} lie over each other`);
          }
        }
      });
      for (const panel of panels) {
        if (panel.scrollWidth > panel.clientWidth + 1) {
          told.push(`something is cut off in ${name(panel)}`);
        }
      }
      const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node = walk.nextNode(); node; node = walk.nextNode()) {
        const { parentElement: element } = node;
        if (node.textContent.trim() !== "" && shown(element) && parseFloat(getComputedStyle(element).fontSize) < textMin) {
          told.push(`"${node.textContent.trim()}" is too small to read`);
        }
      }
      if (document.documentElement.scrollWidth > innerWidth) {
        told.push("the page is wider than the screen");
      }
      return told;
    },
    [TEXT_MIN, TOUCH_MIN],
  );
  assert.deepEqual(faults, [], `on a phone (${where}) all should be legible and apart`);
  const poor = (await contrasts(window.page)).filter(({ ratio, least }) => ratio < least);
  assert.deepEqual(poor, [], `on a phone (${where}) all text should stand out`);
}
