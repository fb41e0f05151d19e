const SAMPLES_MAX = 8;
const FIRST_ANSWERS = 5;
const ASK_EVERY_MS = 10_000;
const ANSWER_WITHIN_MS = 2_000;
/** How far two clocks may drift apart in each millisecond. */
const DRIFT = 0.0001;
/** The server tells whole milliseconds, so the middle of one is off by so much at most. */
const ROUNDING_MS = 0.5;

/**
 * The server's clock as seen from here. An answer to `Ping` tells it at some moment between question and arrival; taken for the
 * middle, it is wrong by half of the delay at most. Of the last answers the one that may be wrong by the least is believed.
 * All times are in milliseconds, and null before the first answer.
 */
export class Clock {
  #now;
  #samples = [];
  #answers = 0;
  #asked = null;
  #askedAt = -Infinity;
  #told = null;
  #isOther = false;

  constructor(now) {
    this.#now = now;
  }

  /** What to add to the own clock to get the server's. */
  get offsetMs() {
    return this.#best()?.offset ?? null;
  }

  /** From a question to its answer, at best. */
  get delayMs() {
    return this.#best()?.delay ?? null;
  }

  /** How much longer than that it takes on average. */
  get jitterMs() {
    if (this.#samples.length === 0) return null;
    const delays = this.#samples.map(({ delay }) => delay);
    const least = Math.min(...delays);
    return delays.reduce((sum, delay) => sum + delay - least, 0) / delays.length;
  }

  /** The offset is wrong by so much at most. */
  get errorMs() {
    const best = this.#best();
    return best === undefined ? null : errorOf(best, this.#now()) + ROUNDING_MS;
  }

  /**
   * The server's clock now, as in the headers of its frames. On one connection it never runs backwards: when it turns out to be
   * ahead, it goes at half speed until it is right again.
   */
  serverNow() {
    const best = this.#best();
    if (best === undefined) return null;
    const at = this.#now();
    const right = at + best.offset;
    const server = this.#told === null ? right : Math.max(right, this.#told.server + Math.max(at - this.#told.at, 0) / 2);
    this.#told = { at, server };
    return server;
  }

  /** The number to ask the server with now, or null if it is not time to. */
  ask() {
    const at = this.#now();
    const isBeginning = this.#answers < FIRST_ANSWERS;
    const wait = !isBeginning ? ASK_EVERY_MS : this.#asked === null ? 0 : ANSWER_WITHIN_MS;
    if (at - this.#askedAt < wait) return null;
    this.#askedAt = at;
    this.#asked = { number: Math.max(Math.floor(at), 0), at };
    return this.#asked.number;
  }

  /** Takes the answer to the question with this number; false when it is not the one that is open. */
  answered(number, serverTimeMs) {
    const asked = this.#asked;
    if (asked?.number !== number) return false;
    this.#asked = null;
    this.#answers += 1;
    if (this.#isOther) this.#forget();
    const at = this.#now();
    const delay = Math.max(at - asked.at, 0);
    const sample = { at, delay, offset: serverTimeMs + ROUNDING_MS - (asked.at + delay / 2) };
    this.#samples = this.#samples.filter((earlier) => agree(earlier, sample)).slice(1 - SAMPLES_MAX);
    this.#samples.push(sample);
    return true;
  }

  /** On a new connection there may be another server; what is known holds until it has answered. */
  connected() {
    this.#answers = 0;
    this.#asked = null;
    this.#askedAt = -Infinity;
    this.#isOther = true;
  }

  #forget() {
    this.#samples = [];
    this.#told = null;
    this.#isOther = false;
  }

  #best() {
    const at = this.#now();
    return this.#samples.reduce(
      (best, sample) => (best !== undefined && errorOf(best, at) <= errorOf(sample, at) ? best : sample),
      undefined,
    );
  }
}

/** By how much the offset may be wrong, the rounding left out. */
function errorOf(sample, at) {
  return sample.delay / 2 + Math.max(at - sample.at, 0) * DRIFT;
}

/** False when one of the two clocks must have jumped in between. */
function agree(earlier, later) {
  const error = errorOf(earlier, later.at) + errorOf(later, later.at);
  return Math.abs(earlier.offset - later.offset) <= error + 2 * ROUNDING_MS;
}
