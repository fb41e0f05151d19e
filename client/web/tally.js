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

  /** How much of `amount`, which an event tells now, its bar has yet to lose. */
  ahead(handle, amount, now) {
    return amount - this.#known(handle, amount, 1, now);
  }

  forget(handle) {
    this.open.delete(handle);
  }

  /** One side's amounts are kept until the other side's come; what is left over on a side was shown there. */
  #settle(handle, amount, side, now) {
    const known = this.#known(handle, amount, side, now);
    this.open.set(handle, { balance: this.#balance(handle, now) + side * amount, at: now });
    return amount - known;
  }

  #known(handle, amount, side, now) {
    return Math.min(amount, Math.max(0, -side * this.#balance(handle, now)));
  }

  #balance(handle, now) {
    const entry = this.open.get(handle);
    return entry && now - entry.at < WITHIN ? entry.balance : 0;
  }
}
