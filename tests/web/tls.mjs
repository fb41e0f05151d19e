// Behind a proxy that ends TLS and adds a prefix, the page comes by https, plays by wss, and its policy holds.

import assert from "node:assert/strict";

import { DESK, Realm, Window, browser } from "./harness.mjs";
import { proxied } from "./proxied.mjs";

const realm = await new Realm().start();
const proxy = await proxied(realm.port, { prefix: "/meadow/", tls: true });
const chromium = await browser();
try {
  const sockets = [];
  const requests = [];
  const dora = await Window.open(chromium, { ...DESK, ignoreHTTPSErrors: true }, proxy.url, (page) => {
    page.on("websocket", (socket) => sockets.push(socket.url()));
    page.on("request", (request) => requests.push(request.url()));
  });
  await dora.register("Dora");
  const home = new URL(proxy.url);
  assert.deepEqual(sockets, [`wss://${home.host}/meadow/ws`], "the socket should be found by the page's own address, with TLS");
  assert.ok(requests.every((url) => url.startsWith(proxy.url)), `all parts should come by https from below the prefix: ${requests}`);
  const secure = await dora.page.evaluate(() => globalThis.isSecureContext);
  assert.equal(secure, true, "the page should be secure");

  await dora.page.locator("#world").focus();
  const from = await dora.place();
  await dora.page.keyboard.down("KeyD");
  await dora.until("she walks", (game, before) => game.world.own.told.x > before.x + 1, from);
  await dora.page.keyboard.up("KeyD");

  // The policy holds for https as well: a socket to elsewhere is refused by the browser, before anything is sent.
  const refused = await dora.page.evaluate(
    () =>
      new Promise((resolve) => {
        document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => resolve(effectiveDirective));
        new WebSocket("wss://127.0.0.1:9/");
      }),
  );
  assert.equal(refused, "connect-src", "the policy should refuse a socket to another server");
  dora.errors = dora.errors.filter((error) => !/violates the following Content Security Policy/.test(error));
  dora.clean();
} finally {
  await chromium.close();
  proxy.close();
  await realm.end();
}
