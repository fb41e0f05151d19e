const SAMPLES_MAX = 8;

/**
 * The server's clock as seen from here: of the last answers to `Ping`, the one that was least delayed tells how far the server's
 * clock is ahead. Wrong by half of `delayMs` and a millisecond at most, as long as neither clock jumps.
 */
export class Clock {
  #now;
  #samples = [];

  constructor(now) {
    this.#now = now;
  }

  /** What to add to the own clock to get the server's; null before the first answer. */
  get offsetMs() {
    return this.#best()?.offsetMs ?? null;
  }

  /** From a ping to its pong, at the best; null before the first answer. */
  get delayMs() {
    return this.#best()?.delayMs ?? null;
  }

  /** How much later than the best the last answers came, on average; null before the first answer. */
  get jitterMs() {
    const best = this.#best();
    if (best === undefined) return null;
    const late = this.#samples.reduce((sum, sample) => sum + sample.delayMs - best.delayMs, 0);
    return late / this.#samples.length;
  }

  /** The server's clock now, in milliseconds since 1970; null before the first answer. */
  serverNow() {
    const best = this.#best();
    return best === undefined ? null : this.#now() + best.offsetMs;
  }

  /** Takes in an answer: the own clock when asked and when answered, and the server's in between. */
  add(sentMs, receivedMs, serverMs) {
    const delayMs = Math.max(receivedMs - sentMs, 0);
    const offsetMs = serverMs - (sentMs + receivedMs) / 2;
    const best = this.#best();
    // Two answers that cannot both be true: one of the clocks was set, and what was known before is worthless.
    if (best !== undefined && Math.abs(offsetMs - best.offsetMs) > (delayMs + best.delayMs) / 2 + 5) this.clear();
    this.#samples.push({ offsetMs, delayMs });
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }

  /** Forgets every answer. */
  clear() {
    this.#samples.length = 0;
  }

  #best() {
    return this.#samples.reduce((best, sample) => (best && best.delayMs <= sample.delayMs ? best : sample), undefined);
  }
}
