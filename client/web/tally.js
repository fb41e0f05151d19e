// Health that was lost is told twice: by an event when the own avatar has to do with it, and by the bar of whoever lost it,
// in any order. Each loss is to be shown once.

/** Both tellings of one loss come within this time, in ms. */
const WITHIN = 1500;

export class Tally {
  constructor() {
    this.open = new Map();
  }

  /** An event says that `handle` lost `amount`. Returns what is still to be shown of it. */
  told(handle, amount, now) {
    return this.#settle(handle, amount, 1, now);
  }

  /** A bar fell by `amount`. Returns what is still to be shown of it. */
  seen(handle, amount, now) {
    return this.#settle(handle, amount, -1, now);
  }

  forget(handle) {
    this.open.delete(handle);
  }

  /** One side's amounts are kept until the other side's come; what is left over on a side was shown there. */
  #settle(handle, amount, side, now) {
    const entry = this.open.get(handle);
    const balance = entry && now - entry.at < WITHIN ? entry.balance : 0;
    const known = Math.min(amount, Math.max(0, -side * balance));
    this.open.set(handle, { balance: balance + side * amount, at: now });
    return amount - known;
  }
}
