// Behind a proxy that adds a prefix, the page finds its parts and its WebSocket by its own address. A name that is taken and
// a wrong password are told, and the next try works. Without script the page says what it is.

import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { connect } from "node:net";

import { DESK, PASSWORD, Realm, Window, browser } from "./harness.mjs";

const PREFIX = "/games/meadow/";

const realm = await new Realm().start();
const proxy = await proxied(realm.port);
const chromium = await browser();
try {
  const url = `http://127.0.0.1:${proxy.address().port}${PREFIX}`;
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
  proxy.closeAllConnections();
  await realm.end();
}

/** A proxy that takes the prefix off and hands on the rest, WebSockets too. */
async function proxied(port) {
  const strip = (url) => (url.startsWith(PREFIX) ? `/${url.slice(PREFIX.length)}` : null);
  const server = createServer((asked, answer) => {
    const path = strip(asked.url);
    if (path === null) {
      answer.writeHead(404).end();
      return;
    }
    const onward = request({ port, path, method: asked.method, headers: asked.headers }, (told) => {
      answer.writeHead(told.statusCode, told.headers);
      told.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    asked.pipe(onward);
  });
  server.on("upgrade", (asked, socket) => {
    const onward = connect(port, "127.0.0.1", () => {
      const headers = asked.rawHeaders.flatMap((text, index) => (index % 2 === 0 ? [`${text}: ${asked.rawHeaders[index + 1]}`] : []));
      onward.write(`GET ${strip(asked.url)} HTTP/1.1\r\n${headers.join("\r\n")}\r\n\r\n`);
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [onward, socket]) {
      end.on("error", () => end.destroy());
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
