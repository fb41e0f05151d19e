// What can go wrong at the door and in the world is told in words, and the player can go on from there: no answer, refusals at
// the login and at the entry, a limit on tries, being sent away.

import assert from "node:assert/strict";

import { Code, codeText } from "../../client/bindings/js/realm.js";
import { fake } from "./fake.mjs";
import { DESK, PASSWORD, Realm, Window, browser } from "./harness.mjs";

const realm = await new Realm().start();
const chromium = await browser();
try {
  // Refusals, one after the other on the same page: each is told, and the next try is free.
  let refused = null;
  let sent = null;
  const script = (told) => (sent = told);
  const refuse = (type) => (refused?.at.includes(type) ? { code: refused.code, text: codeText[refused.code] } : null);
  const kim = await Window.open(chromium, DESK, realm.url, (page) => fake(page, { name: "Kim", script, refuse }));
  const knock = async () => {
    await kim.page.fill("#name", "Kim");
    await kim.page.fill("#password", PASSWORD);
    await kim.page.click("#log-in");
  };
  const told = (text) =>
    kim.until(`at the door it is told: ${text}`, async () => (await kim.page.locator("#log-in").isEnabled()) && (await kim.page.textContent("#login-told")) === text);
  for (const [code, at] of [
    [Code.BadName, ["LogIn"]],
    [Code.WrongCredentials, ["LogIn"]],
    [Code.TooManyLogins, ["LogIn"]],
    [Code.Busy, ["LogIn"]],
    [Code.Full, ["Enter"]],
    [Code.Unavailable, ["Enter"]],
  ]) {
    refused = { code, at };
    await knock();
    await told(codeText[code]);
  }
  refused = null;

  // Sent away from the world: why is told at the door, and the way in is open.
  for (const code of [Code.Expelled, Code.Idle, Code.Replaced]) {
    await knock();
    await kim.until("she is in the world", (game) => game.inside);
    sent([{ type: "Goodbye", code }]);
    await told(codeText[code]);
    assert.equal(await kim.page.locator("#hud").isVisible(), false, "the figures should be gone with the world");
  }

  // A command that is refused is told where one looks.
  await knock();
  await kim.until("she is in the world again", (game) => game.inside);
  refused = { code: Code.TooFast, at: ["Say"] };
  await kim.page.keyboard.press("Enter");
  await kim.page.keyboard.type("again and again");
  await kim.page.keyboard.press("Enter");
  await kim.until("it is told in the talk", (_, text) => [...document.querySelectorAll("#log .bad")].some((line) => line.textContent === text), codeText[Code.TooFast]);
  await kim.picture("states");
  kim.clean();

  // No realm behind the page: that is told while one waits, and when the wait is over.
  const lee = await Window.open(chromium, DESK, realm.url);
  await realm.kill();
  await lee.page.fill("#name", "Lee");
  await lee.page.fill("#password", PASSWORD);
  await lee.page.click("#register");
  await lee.until("it is told that one waits", () => lee.page.locator("#login-told", { hasText: "Waiting for the realm" }).count());
  await lee.until("it is told that nobody answers", () => lee.page.locator("#login-told", { hasText: "does not answer" }).count());
  await lee.picture("no-answer");
  await realm.start();
  await lee.page.click("#register");
  await lee.inside("Lee");
  lee.errors = lee.errors.filter((error) => !/WebSocket connection to .* failed/.test(error));
  lee.clean();
} finally {
  await chromium.close();
  await realm.end();
}
