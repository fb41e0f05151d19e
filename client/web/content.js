// What the realm's content looks like and is called. It is fetched once; the address holds its hash.

import { Ground } from "./ground.js";

export class Content {
  constructor(told) {
    this.maps = told.maps ?? {};
    this.kinds = told.kinds ?? {};
    this.spells = told.spells ?? {};
    this.items = told.items ?? {};
  }

  static async fetch(url) {
    const answer = await fetch(url);
    if (!answer.ok) {
      throw new Error(`the realm's content did not come: ${answer.status}`);
    }
    return new Content(await answer.json());
  }

  /** The ground of a map; open ground of that size when the content does not have it. */
  ground(map, width, height) {
    const known = this.maps[map];
    return known ? new Ground(known.rows, known.doors) : Ground.open(width, height);
  }

  mapName(map) {
    return this.maps[map]?.name ?? last(map);
  }

  kindName(kind) {
    return this.kinds[kind]?.name ?? last(kind);
  }

  itemName(item) {
    return this.items[item]?.name ?? last(item);
  }

  spell(id) {
    const known = this.spells[id] ?? {};
    return { id, name: known.name ?? last(id), range: known.range ?? 1.5, cooldown: known.cooldown_ms ?? 1000 };
  }

  /** Tiles in a second. */
  speed(kind) {
    return this.kinds[kind]?.speed ?? 5;
  }

  levelEvery(kind) {
    return this.kinds[kind]?.level_every ?? null;
  }
}

/** `mobs/wild_dog` is called "wild dog" where nothing better is known. */
function last(id) {
  return String(id).split("/").pop().replaceAll("_", " ");
}

/** `3 coins, 2 Pelt` of what was gained; "nothing" of nothing. */
export function gains(content, coins, items) {
  const parts = items.map(({ item, count }) => `${count} ${content.itemName(item)}`);
  if (coins > 0) {
    parts.unshift(coins === 1 ? "1 coin" : `${coins} coins`);
  }
  return parts.length > 0 ? parts.join(", ") : "nothing";
}
