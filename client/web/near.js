// The list of players near, the nearest first. Pressing a name chooses that player.

import { make, part } from "./page.js";

const MOST = 12;
const EVERY_MS = 500;

export class Near {
  constructor(world, choose) {
    this.world = world;
    this.choose = choose;
    this.list = part("near-list");
    this.shown = "";
    this.nextAt = 0;
  }

  /** Cheap when nothing has changed; looks twice a second. */
  update(now) {
    if (now < this.nextAt) {
      return;
    }
    this.nextAt = now + EVERY_MS;
    const here = this.world.place;
    const players = [...this.world.bodies.values()]
      .filter((body) => body.isAvatar && body.here && body.handle !== this.world.me)
      .map((body) => ({ body, far: Math.hypot(body.shown.x - here.x, body.shown.y - here.y) }))
      .sort((a, b) => a.far - b.far);
    const lines = players.slice(0, MOST).map(({ body, far }) => ({ body, far: far < 1.5 ? "1 tile" : `${Math.round(far)} tiles` }));
    const shown = lines.map(({ body, far }) => `${body.handle} ${body.name} ${far}`).join("|") + players.length;
    if (shown === this.shown) {
      return;
    }
    this.shown = shown;
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.handle : null;
    this.list.replaceChildren(...lines.map((line) => this.#line(line)));
    if (players.length === 0) {
      this.list.append(make("li", "nobody", "Nobody"));
    } else if (players.length > MOST) {
      this.list.append(make("li", "nobody", `and ${players.length - MOST} more`));
    }
    if (focused) {
      this.list.querySelector(`[data-handle="${Number(focused)}"]`)?.focus();
    }
  }

  #line({ body, far }) {
    const line = make("li", "");
    const button = make("button", "");
    button.type = "button";
    button.dataset.handle = String(body.handle);
    button.append(make("span", "", body.name), make("small", "", far));
    button.addEventListener("click", () => this.choose(body));
    line.append(button);
    return line;
  }
}
