// The figures around the world: oneself, the target, the deeds and their cooldowns, the corner.

import { CREAM, EMBER, GOLD, INK } from "./palette.js";
import { make, meter, part, write } from "./page.js";

const CORNER_MS = 500;

export class Hud {
  /** `act` is told `"spell", index`, `"use"`, `"next"`, `"off"`, `"leave"` or `"help"` when something is pressed. */
  constructor(content, act) {
    this.content = content;
    this.act = act;
    this.root = part("hud");
    this.buttons = [];
    this.items = new Map();
    this.figures = { hp: 0, hpMax: 1, xp: 0, level: 1, coins: 0 };
    this.frames = 0;
    this.cornerAt = 0;
    for (const [id, deed] of [["use", "use"], ["next", "next"], ["target-off", "off"], ["leave", "leave"], ["help-open", "help"]]) {
      part(id).addEventListener("click", () => act(deed));
    }
    // A press must not take the keys from the world.
    for (const button of [part("use"), part("next")]) {
      button.addEventListener("pointerdown", (event) => event.preventDefault());
    }
  }

  enter(entered, name, kind) {
    this.root.hidden = false;
    this.kind = kind;
    write(part("own-name"), name);
    this.items = new Map(entered.items.map(({ item, count }) => [item, count]));
    this.figures.coins = entered.coins;
    this.you(entered);
    this.#bag();
    this.#spells(entered.spells);
  }

  leave() {
    this.root.hidden = true;
  }

  /** The keys go to the first thing to press. */
  focus() {
    (this.buttons[0]?.element ?? part("use")).focus();
  }

  /** Totals, as far as they are told. */
  you({ hp, hpMax, xp, level }) {
    const figures = this.figures;
    Object.assign(figures, { hp, hpMax, xp });
    figures.level = level ?? figures.level;
    const every = this.content.levelEvery(this.kind);
    if (level === undefined && every) {
      figures.level = Math.floor(xp / every) + 1;
    }
    write(part("own-hp"), `${hp} / ${hpMax}`);
    meter(part("own-hp-bar"), hp, hpMax, `${hp} of ${hpMax}`);
    write(part("own-level"), `Level ${figures.level}`);
    meter(part("own-xp-bar"), every ? xp % every : 0, every ?? 1, `${xp} in all`);
    part("own-xp-bar").parentElement.title = `${xp} experience`;
  }

  gained(coins, items) {
    this.figures.coins += coins;
    for (const { item, count } of items) {
      this.items.set(item, (this.items.get(item) ?? 0) + count);
    }
    this.#bag();
  }

  target(body) {
    const panel = part("target");
    panel.hidden = !body;
    if (!body) {
      return;
    }
    const name = body.name || this.content.kindName(body.kind);
    write(part("target-name"), body.dead ? `${name} (dead)` : name);
    const counts = body.isMob || body.isAvatar;
    part("target-hp-bar").parentElement.hidden = !counts;
    write(part("target-hp"), `${body.hp} / ${body.hpMax}`);
    meter(part("target-hp-bar"), body.hp, body.hpMax, `${body.hp} of ${body.hpMax}`);
  }

  /** Once a frame: cooldowns, and every now and then the corner. */
  update({ spells, distance, connection, frame, map, now }) {
    this.frames += 1;
    spells.forEach((spell, index) => {
      const button = this.buttons[index];
      if (button) {
        const left = Math.max(0, spell.readyAt - now) / Math.max(1, spell.cooldown);
        const value = `scaleY(${left.toFixed(2)})`;
        if (button.shade.style.transform !== value) {
          button.shade.style.transform = value;
        }
        button.element.classList.toggle("far", distance !== null && distance > spell.range);
      }
    });
    if (now >= this.cornerAt) {
      const rate = this.cornerAt > 0 ? Math.round((this.frames * 1000) / (now - this.cornerAt + CORNER_MS)) : 0;
      this.cornerAt = now + CORNER_MS;
      this.frames = 0;
      const ping = Math.round(connection.clock.delayMs ?? 0);
      write(part("ping"), `${ping} ms`);
      write(part("place"), `${map} #${Number(connection.channel ?? 0) % 1000}`);
      write(part("frame"), `frame ${frame}`);
      write(part("fps"), `${rate} fps`);
    }
  }

  #bag() {
    const coins = this.figures.coins;
    write(part("own-coins"), `${coins} ${coins === 1 ? "coin" : "coins"}`);
    const lines = [...this.items].map(([item, count]) => make("li", "", `${count} × ${this.content.itemName(item)}`));
    part("bag-list").replaceChildren(...(lines.length > 0 ? lines : [make("li", "", "Your bag is empty.")]));
  }

  #spells(ids) {
    this.buttons = ids.map((id, index) => {
      const spell = this.content.spell(id);
      const element = make("button", "deed");
      element.type = "button";
      const picture = make("b", "");
      picture.setAttribute("aria-hidden", "true");
      picture.append(symbol(id));
      const shade = make("i", "");
      const key = make("kbd", "", String(index + 1));
      key.setAttribute("aria-hidden", "true");
      element.setAttribute("aria-keyshortcuts", String(index + 1));
      element.append(picture, make("span", "", spell.name), key, shade);
      element.addEventListener("pointerdown", (event) => event.preventDefault());
      element.addEventListener("click", () => this.act("spell", index));
      return { element, shade };
    });
    part("spells").replaceChildren(...this.buttons.map(({ element }) => element));
  }
}

const PICTURES = {
  "spells/strike": [["M6 26 20 12l8-8 1 3-8 8L10 29z", CREAM], ["M4 20l3-2 8 8-2 3-3-1-4 3-3-3 3-4z", GOLD]],
  "spells/fireball": [["M16 2c2 6 9 8 9 16a9 9 0 0 1-18 1c0-4 3-6 4-9 2 1 2 2 3 4 2-4 3-7 2-12z", EMBER], ["M16 14c1 4 5 5 5 9a5 5 0 0 1-10 0c0-3 2-4 3-6 1 1 1 1 1 2 1-1 2-3 1-5z", GOLD]],
};

/** A spell's picture; a star for those without one. */
function symbol(id) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 32 32");
  for (const [shape, colour] of PICTURES[id] ?? [["M16 3l4 9 9 1-7 6 2 10-8-5-8 5 2-10-7-6 9-1z", GOLD]]) {
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", shape);
    path.setAttribute("fill", colour);
    path.setAttribute("stroke", INK);
    path.setAttribute("stroke-width", "1.6");
    path.setAttribute("stroke-linejoin", "round");
    svg.append(path);
  }
  return svg;
}
