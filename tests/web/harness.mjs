// What the stories of the page have in common: a realm in a process of its own, browsers that keep note of everything that
// goes wrong in them, and waiting for what is to be seen. Needs what tests/node and tests/chromium bring.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const { chromium } = createRequire(join(ROOT, "target/node/package.json"))("playwright-core");

export const PASSWORD = "correct horse";
/** Nothing that a story waits for takes this long; what does has failed. */
const PATIENCE_MS = 40_000;
const LOOK_MS = 50;
const PICTURES = join(ROOT, "target/web");

export const DESK = { viewport: { width: 1280, height: 800 } };
export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

/** A realm in a process of its own, with data of its own; it may be killed and started again in the same place. */
export class Realm {
  constructor() {
    this.binary = process.env.REALM_BINARY ?? join(ROOT, "target/debug/realm");
    this.data = mkdtempSync(join(tmpdir(), "realm-page-"));
    this.port = 0;
  }

  async start() {
    const listen = ["--listen", `127.0.0.1:${this.port}`, "--admin", "127.0.0.1:0"];
    this.child = spawn(this.binary, ["up", "--data", this.data, ...listen], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.ended = new Promise((resolve) => this.child.once("exit", resolve));
    const lines = createInterface({ input: this.child.stdout });
    const ready = await Promise.race([new Promise((resolve) => lines.once("line", resolve)), this.ended]);
    assert.match(String(ready), /^realm ready/, "the realm should start");
    this.url = /http:\/\/\S+\//.exec(ready)[0];
    this.port = Number(new URL(this.url).port);
    return this;
  }

  /** Ends the process as a fault would. */
  async kill() {
    this.child.kill("SIGKILL");
    await this.ended;
  }

  async end() {
    await this.kill();
    rmSync(this.data, { recursive: true, force: true });
  }
}

/** Starts Chromium: the one that `CHROMIUM` names, or Debian's. A missing one fails. */
export async function browser() {
  const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"];
  const found = places.find((place) => place && existsSync(place));
  assert.ok(found, "there is no Chromium to see the page in: install it, such as by apt-get install chromium");
  return chromium.launch({ executablePath: found, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
}

/** A window of a browser. It notes every error of its console; `errors` is what a story must find empty. */
export class Window {
  static async open(from, how, url, before = () => {}) {
    const context = await from.newContext(how);
    const page = await context.newPage();
    const window = new Window(page, how.hasTouch ?? false);
    await before(page);
    await page.goto(url);
    await window.until("the page is ready", async () => (await page.locator("body.scripted").count()) === 1);
    await window.hold();
    return window;
  }

  constructor(page, touch) {
    this.page = page;
    this.touch = touch;
    this.errors = [];
    page.on("pageerror", (error) => this.errors.push(`error: ${error.stack}`));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        this.errors.push(`${message.type()}: ${message.text()}`);
      }
    });
  }

  /** Keeps the page's game where `look` finds it. */
  async hold() {
    await this.page.evaluate(async () => {
      const { game } = await import(document.querySelector("script[type=module]").src);
      globalThis.game = game;
    });
  }

  /** What `seen(game, given)` says within the page. */
  look(seen, given) {
    return this.page.evaluate(`(${seen})(globalThis.game, ${JSON.stringify(given ?? null)})`);
  }

  /** Waits until `seen` is true of the page; `what` is the sentence of a story that waited in vain. */
  async until(what, seen, given) {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const told = seen.length === 0 ? await seen() : await this.look(seen, given);
      if (told) {
        return told;
      }
      if (Date.now() > end) {
        await this.picture("in-vain");
        assert.fail(`in vain: ${what}; it was told: ${this.errors.join("\n")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  async register(name) {
    await this.page.fill("#name", name);
    await this.page.fill("#password", PASSWORD);
    await this.page.click("#register");
    await this.inside(name);
  }

  async inside(name) {
    await this.until(`${name} stands in the world`, (game, who) => game.inside && game.world.own?.name === who, name);
  }

  /** Presses or taps on a point of the map. */
  async press(x, y) {
    const at = await this.look(
      ({ renderer: { camera } }, [px, py]) => {
        const dots = camera.toScreen(px, py);
        return { x: dots.x / camera.density, y: dots.y / camera.density };
      },
      [x, y],
    );
    if (this.touch) {
      await this.page.touchscreen.tap(at.x, at.y);
    } else {
      await this.page.mouse.click(at.x, at.y);
    }
  }

  /** Where the server told that the avatar is. */
  place() {
    return this.look((game) => game.world.own?.told ?? null);
  }

  async picture(name) {
    mkdirSync(PICTURES, { recursive: true });
    await this.page.screenshot({ path: join(PICTURES, `${name}.png`) });
  }

  clean() {
    assert.deepEqual(this.errors, [], "nothing should go wrong in the browser");
  }
}
