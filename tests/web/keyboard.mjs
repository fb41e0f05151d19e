// The whole story by keyboard alone: register, walk, kill the dog, take its loot, talk, leave. What happens is told to screen
// readers, every control has a name and a role, the focus is always to be seen, all text has contrast, and who wants no motion
// gets none.

import assert from "node:assert/strict";

import { DESK, PASSWORD, Realm, Window, browser } from "./harness.mjs";
import { contrasts } from "./contrast.mjs";

/** Roles with which somebody does something: each such part needs a name. */
const CONTROLS = ["button", "textbox", "combobox", "application", "log", "meter", "DisclosureTriangle", "menuitem", "link", "dialog", "alert"];

const realm = await new Realm().start();
const chromium = await browser();
try {
  const eva = await Window.open(chromium, { ...DESK, reducedMotion: "reduce" }, realm.url, listen);
  const { keyboard } = eva.page;
  const focus = () => eva.page.evaluate(() => document.activeElement.id);
  const heard = (what, words) => eva.until(what, () => eva.page.evaluate((text) => globalThis.heard.some((line) => new RegExp(text).test(line)), words));

  // At the door.
  await named(eva, ["textbox Name", "textbox Password", "button Log in", "button I am new here", "heading The Meadow"]);
  await contrasting(eva);
  const still = await eva.look((game) => game.world.place);
  assert.equal(await focus(), "name", "one should be able to write the name at once");
  await visible(eva);
  await keyboard.type("Eva");
  await keyboard.press("Tab");
  await keyboard.type(PASSWORD);
  await keyboard.press("Tab");
  assert.equal(await focus(), "log-in", "Tab should lead on to the buttons");
  await visible(eva);
  await keyboard.press("Tab");
  assert.equal(await focus(), "register", "Tab should lead on to the button for newcomers");
  await visible(eva);
  assert.deepEqual(await eva.look((game) => game.world.place), still, "who wants no motion should not be flown over the meadow");
  await keyboard.press("Enter");
  await eva.inside("Eva");
  await heard("it is told where she is", "^You are in ");
  await visible(eva);

  // On foot.
  const from = await eva.place();
  await keyboard.down("ArrowDown");
  await eva.until("she walks down", (game, before) => game.world.own.told.y > before.y + 3, from);
  await keyboard.up("ArrowDown");

  // The dog. Whoever falls wakes again and goes on; that is told too.
  const dog = await eva.until("a dog is chosen", async () => {
    await keyboard.press("Tab");
    return eva.look(({ deeds, world }) => deeds.targetBody?.kind === "mobs/dog" && Math.hypot(deeds.targetBody.told.x - world.place.x, deeds.targetBody.told.y - world.place.y) < 14 && deeds.target);
  });
  await heard("the target is told", "^Dog, \\d+ of 30, \\d+ tiles ");
  await named(eva, ["application The world", "meter Health", "meter Experience", "meter Health of the target", "button Strike", "button Fireball", "button Take", "button Target", "button Let go of the target", "button Leave", "button Keys and help", "log What was said", "textbox What to say", "combobox Where to say it", "button Say"]);
  await contrasting(eva);
  await keyboard.press("Digit2");
  await eva.until("the dog is dead", async () => {
    await keyboard.press("Digit1");
    return eva.look((game, handle) => !game.world.get(handle) || game.world.get(handle).dead, dog);
  });
  await heard("blows are told", "^You strike Dog for \\d+, \\d+ left$");
  await heard("the death is told", "^Dog is dead: \\d+ experience$");

  // The loot.
  await keyboard.press("KeyE");
  await heard("the loot is told", "^You took ");
  const twice = await eva.page.evaluate(() => globalThis.heard.filter((line) => line.startsWith("You took ")).length);
  assert.equal(twice, 1, "the loot should be told once, though the log keeps it too");
  await eva.picture("keyboard");

  // Talk.
  await keyboard.press("Enter");
  assert.equal(await focus(), "text", "Enter should lead to the talk");
  await visible(eva);
  await keyboard.type("Good dog");
  await keyboard.press("Enter");
  await heard("the talk is told", "Eva.*Good dog");
  assert.equal(await focus(), "world", "after that one should be in the world again");

  // Help, and back to where one was.
  await keyboard.press("KeyH");
  await named(eva, ["dialog Keys and help", "button Back to the world"]);
  await contrasting(eva);
  await keyboard.press("Escape");
  assert.equal(await focus(), "world", "the help should give the keys back");

  // Every button can be reached by Tab from the world, and its focus is seen.
  // (The first Escape lets go of a target, if there is one.)
  await eva.until("Escape leads out of the world", async () => {
    await keyboard.press("Escape");
    return (await focus()) !== "world";
  });
  const reached = new Set();
  for (let steps = 0; steps < 24 && !reached.has("leave"); steps += 1) {
    reached.add((await focus()) || (await eva.page.evaluate(() => document.activeElement.textContent)));
    await visible(eva);
    await keyboard.press("Tab");
    if ((await focus()) === "leave") {
      reached.add("leave");
    }
  }
  for (const id of ["use", "next", "help-open", "leave"]) {
    assert.ok(reached.has(id), `Tab should lead to #${id}, not only to ${[...reached]}`);
  }
  assert.equal(await eva.look((game) => game.renderer.calm), true, "who wants no motion should get none in the world");
  const moving = await eva.page.evaluate(() => document.getAnimations().length);
  assert.equal(moving, 0, "who wants no motion should get none around it");

  // The connection.
  await realm.kill();
  await heard("the loss is told", "The connection is lost");
  await realm.start();
  await heard("it is told that she is back", "^You are back");
  await eva.page.locator("#leave").focus();
  await keyboard.press("Enter");
  await eva.until("she is at the door", () => eva.page.locator("#login").isVisible());
  assert.equal(await focus(), "name", "at the door one should be able to write at once");
  eva.errors = eva.errors.filter((error) => !/WebSocket connection to .* failed/.test(error));
  eva.clean();
} finally {
  await chromium.close();
  await realm.end();
}

/** Notes all that a screen reader would read out by itself: what is added to the live parts of the page. */
async function listen(page) {
  await page.addInitScript(() => {
    globalThis.heard = [];
    const told = (node) => {
      const element = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
      const live = element?.closest("[aria-live], [role=alert], [role=log], [role=status]");
      if (live && live.getAttribute("aria-live") !== "off" && !element.closest("[hidden]")) {
        globalThis.heard.push(node.textContent);
      }
    };
    new MutationObserver((changes) => {
      for (const { type, target, addedNodes } of changes) {
        (type === "childList" ? [...addedNodes] : target.getAttribute("role") === "alert" && !target.hidden ? [target] : []).forEach(told);
      }
    }).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["hidden"] });
  });
}

/** The accessibility tree has all of `wanted`, as "role name", and no control without a name. */
async function named(window, wanted) {
  const session = await window.page.context().newCDPSession(window.page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  await session.detach();
  const seen = nodes.filter((node) => !node.ignored).map((node) => ({ role: node.role?.value, name: node.name?.value ?? "" }));
  for (const text of wanted) {
    assert.ok(seen.some(({ role, name }) => `${role} ${name}` === text), `a screen reader should find "${text}" among ${seen.map(({ role, name }) => `${role} ${name}`).filter((line) => !/^(StaticText|Inline|generic|none)/.test(line))}`);
  }
  const nameless = seen.filter(({ role, name }) => CONTROLS.includes(role) && role !== "alert" && name.trim() === "");
  assert.deepEqual(nameless, [], "every control should have a name");
}

/** Whoever has the focus shows it by an outline. */
async function visible(window) {
  const { width, style, id } = await window.page.evaluate(() => {
    const { outlineWidth, outlineStyle } = getComputedStyle(document.activeElement);
    return { width: parseFloat(outlineWidth), style: outlineStyle, id: document.activeElement.id };
  });
  assert.ok(width >= 2 && style === "solid", `the focus on #${id} should be seen`);
}

async function contrasting(window) {
  const poor = (await contrasts(window.page)).filter(({ ratio, least }) => ratio < least);
  assert.deepEqual(poor, [], "all text should stand out from what is behind it, whatever the ground");
}
