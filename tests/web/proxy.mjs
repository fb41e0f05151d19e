// Behind a proxy that adds a prefix, the page finds its parts and its WebSocket by its own address. A name that is taken and
// a wrong password are told, and the next try works. Without script the page says what it is.

import assert from "node:assert/strict";

import { DESK, PASSWORD, Realm, Window, browser } from "./harness.mjs";
import { proxied } from "./proxied.mjs";

const PREFIX = "/games/meadow/";

const realm = await new Realm().start();
const proxy = await proxied(realm.port, { prefix: PREFIX });
const chromium = await browser();
try {
  const { url } = proxy;
  const cleo = await Window.open(chromium, DESK, url);
  await cleo.register("Cleo");
  const socket = await cleo.look((game) => game.connection.status);
  assert.equal(socket, "open", "the socket should be found below the prefix");
  await cleo.page.click("#leave");
  await cleo.until("she is at the door again", () => cleo.page.locator("#login").isVisible());

  const fill = async (name, password, press) => {
    await cleo.page.fill("#name", name);
    await cleo.page.fill("#password", password);
    await cleo.page.click(press);
  };
  const told = (text) => cleo.until(`it is told: ${text}`, () => cleo.page.locator("#login-told", { hasText: text }).count());
  await fill("Cleo", PASSWORD, "#register");
  await told("taken");
  await fill("Cleo", "not her password", "#log-in");
  await told("wrong");
  await fill("Cleo", PASSWORD, "#log-in");
  await cleo.inside("Cleo");
  cleo.clean();

  const plain = await chromium.newContext({ javaScriptEnabled: false });
  const page = await plain.newPage();
  await page.goto(url);
  const text = await page.textContent("body");
  assert.match(text, /gateway of an online world/, "the page should say what it is without script");
} finally {
  await chromium.close();
  proxy.close();
  await realm.end();
}
