// Measures the page: bytes and time to its first paint, and frames a second with three hundred beings in view. Writes
// target/bench/page.json. Drawing is done in software here, by a browser without a screen: a screen's own machine is faster.

import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";

import { ME, WALKING, fake, snapshot } from "./fake.mjs";
import { DESK, ROOT, Realm, Window, browser } from "./harness.mjs";

const BEINGS = 300;
const MEASURE_MS = 8000;
const ROUNDS = 5;

const realm = await new Realm().start();
const chromium = await browser();
try {
  const paints = [];
  let bytes = 0;
  let requests = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    [bytes, requests] = [0, 0];
    const visitor = await Window.open(chromium, DESK, realm.url, async (page) => {
      const session = await page.context().newCDPSession(page);
      await session.send("Network.enable");
      session.on("Network.loadingFinished", ({ encodedDataLength }) => {
        bytes += encodedDataLength;
        requests += 1;
      });
    });
    await visitor.until("the meadow is drawn", (game) => game.renderer.terrain !== null);
    const paint = await visitor.page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null);
    paints.push(paint);
    await visitor.page.context().close();
  }
  const frames = await crowd();
  const figures = {
    machine: { cores: cpus().length, drawing: "software, headless Chromium" },
    first_paint_ms: { each: paints.map(Math.round), median: Math.round(paints.sort((a, b) => a - b)[ROUNDS >> 1]) },
    page: { bytes_transferred: bytes, requests },
    crowd: frames,
  };
  const folder = join(ROOT, "target/bench");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "page.json"), `${JSON.stringify(figures, null, 2)}\n`);
  console.log(JSON.stringify(figures, null, 2));
} finally {
  await chromium.close();
  await realm.end();
}

/** Three hundred beings that all walk, told anew ten times a second as a realm does. */
async function crowd() {
  let ticker;
  const script = (told) => {
    let sequence = 0;
    const start = Date.now();
    const tell = () => {
      sequence += 1;
      const cells = new Map();
      for (let index = 0; index < BEINGS; index += 1) {
        const angle = index * 2.4 + (Date.now() - start) / 900;
        // All of them on the screen: within eight tiles to the sides and five up and down.
        const x = 30.5 + ((index * 37) % 160) / 10 - 8 + Math.cos(angle) * 0.7;
        const y = 32.5 + ((index * 53) % 100) / 10 - 5 + Math.sin(angle) * 0.7;
        const own = index === 0;
        const kind = own || index % 3 === 0 ? "avatars/human" : index % 3 === 1 ? "mobs/dog" : "mobs/boar";
        const being = { handle: own ? ME : index + 1, x: own ? 30.5 : x, y: own ? 32.5 : y, hp: 50 + (index % 50), hpMax: 100, state: WALKING, kind, name: kind.startsWith("avatars") ? `Player${index}` : "" };
        const key = Math.floor(being.y / 8) * 8 + Math.floor(being.x / 8);
        cells.set(key, [...(cells.get(key) ?? []), being]);
      }
      told([], [...cells].map(([key, list]) => snapshot({ x: key % 8, y: Math.floor(key / 8) }, sequence, list)));
    };
    tell();
    ticker = setInterval(tell, 100);
  };
  const eye = await Window.open(chromium, DESK, realm.url, (page) => fake(page, { name: "Player0", script }));
  await eye.page.fill("#name", "Player0");
  await eye.page.fill("#password", "correct horse");
  await eye.page.click("#log-in");
  await eye.until("the crowd is there", (game, count) => game.world.bodies.size >= count, BEINGS);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const stop = await traced(chromium);
  const told = await eye.page.evaluate(
    (time) =>
      new Promise((resolve) => {
        const { game } = globalThis;
        const gaps = [];
        const parts = { ground: [], bodies: [], over: [] };
        let last = null;
        const begin = performance.now();
        const step = (now) => {
          if (last !== null) {
            gaps.push(now - last);
            for (const [part, list] of Object.entries(parts)) {
              list.push(game.renderer.figures[part]);
            }
          }
          last = now;
          if (performance.now() - begin < time) {
            requestAnimationFrame(step);
          } else {
            const sorted = (list) => list.toSorted((a, b) => a - b);
            const at = (list, share) => Number(sorted(list)[Math.floor((list.length - 1) * share)].toFixed(2));
            resolve({
              frames_per_second: Number(((gaps.length * 1000) / gaps.reduce((sum, gap) => sum + gap, 0)).toFixed(1)),
              gap_ms: { median: at(gaps, 0.5), p95: at(gaps, 0.95), p99: at(gaps, 0.99) },
              frames: gaps.length,
              script_ms: Object.fromEntries(Object.entries(parts).map(([part, list]) => [part, at(list, 0.5)])),
            });
          }
        };
        requestAnimationFrame(step);
      }),
    MEASURE_MS,
  );
  const busy = await stop();
  await eye.picture("crowd");
  clearInterval(ticker);
  // What each thread computes for one picture, however busy the machine is otherwise.
  const cpu_ms_per_frame = Object.fromEntries(busy.map(([thread, ms]) => [thread, Number((ms / told.frames).toFixed(2))]));
  return { beings: BEINGS, ...told, cpu_ms_per_frame };
}

/** Notes what the browser's threads compute from now on. Returns what ends that and tells the busiest: `[thread, ms]`. */
async function traced(chromium) {
  const session = await chromium.newBrowserCDPSession();
  const events = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  const traceConfig = { includedCategories: ["toplevel"], excludedCategories: ["*"] };
  await session.send("Tracing.start", { traceConfig, transferMode: "ReportEvents" });
  return async () => {
    const whole = new Promise((resolve) => session.once("Tracing.tracingComplete", resolve));
    await session.send("Tracing.end");
    await whole;
    const names = new Map();
    for (const { name, pid, tid, args } of events) {
      if (name === "thread_name") {
        names.set(`${pid} ${tid}`, args.name);
      }
    }
    const busy = new Map();
    for (const { ph, name, pid, tid, tdur } of events) {
      if (ph === "X" && tdur && /RunTask$/.test(name)) {
        const thread = names.get(`${pid} ${tid}`) ?? "other";
        busy.set(thread, (busy.get(thread) ?? 0) + tdur / 1000);
      }
    }
    return [...busy].sort((a, b) => b[1] - a[1]).slice(0, 8);
  };
}
