/** The server did not carry out a command. */
export class Refusal extends Error {
  constructor(code, text, command) {
    super(text);
    this.name = "Refusal";
    this.code = code;
    this.text = text;
    this.command = command;
  }
}

/** A command was neither answered nor refused: it may have been carried out or not. */
export class NoAnswer extends Error {
  /** @param {"late" | "ended"} why no answer in time, or the connection ended first */
  constructor(why, type) {
    super(why === "late" ? `${type} was not answered in time` : `the connection ended before ${type} was answered`);
    this.name = "NoAnswer";
    this.why = why;
  }
}

const ANSWER_MS = 15_000;
const SILENCE_MS = 10_000;
const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 15_000;
const SENT_KEPT = 256;
/** Commands that are kept until the realm has acknowledged them; more are applied or not. */
const KEPT_MOST = 64;
/** Gateways that are kept. */
const GATEWAYS_MOST = 16;
/** What belongs to one socket and is not sent again on another. */
const OF_ONE_SOCKET = new Set(["Register", "LogIn", "Resume", "Enter", "Ping"]);

/** Sets a timer and answers with what cancels it. */
function onTimer(ms, run) {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/**
 * A connection to a realm: one login, its view, and the commands that it sends. It finds a lost socket by itself, connects anew
 * with growing waits, to the same gateway and then to the others, resumes the session, enters again if it was in the world, and
 * sends again what was not acknowledged; the realm applies each command once.
 */
export class Connection {
  /** Where the realm can be reached; `#at` is the one that is tried. */
  #urls;
  #at = 0;
  #WebSocket;
  #now;
  #after;
  #random;
  #reconnect;

  #listeners = new Map();
  #status = "closed";
  #socket = null;
  #goodbye = null;
  #tries = 0;
  #cancelTry = null;
  #cancelSilence = null;
  #opened = [];

  #sequence = 0;
  #sent = new Map();
  #kept = [];
  #pending = [];

  #loggedIn = false;
  #inWorld = false;
  #return = null;
  #header = null;

  constructor(url, options = {}) {
    this.#urls = [url];
    this.#WebSocket = options.WebSocket ?? globalThis.WebSocket;
    this.#now = options.now ?? (() => performance.now());
    this.#after = options.after ?? onTimer;
    this.#random = options.random ?? Math.random;
    this.#reconnect = options.reconnect ?? true;
    /** What `resume` takes: kept from the last login. */
    this.token = options.token ?? null;
    /** The character's name as registered; null before the login. */
    this.name = null;
    /** The realm's name; null before it was told. */
    this.realm = null;
    /** The channel's durable id; null outside the world. */
    this.channel = null;
    /** `{ id, width, height, cell }` of the map, in tiles; null outside the world. */
    this.map = null;
    /** The own avatar's totals; null outside the world. A change makes a new object. */
    this.me = null;
    /** What is to be seen. While a lost socket is replaced it stays as it was. */
    this.view = new View();
    /** The server's clock. */
    this.clock = new Clock(this.#now);
  }

  /** "closed", "connecting", "open", or "waiting" before the next try. */
  get status() {
    return this.#status;
  }

  /** The header of the last server frame: `{ ack, serverTimeMs, frame }`; null before the first. */
  get header() {
    return this.#header;
  }

  /** Calls `heard` at every happening of that name; answers with what ends that. */
  on(name, heard) {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    // A function of its own for each call, so that one that listens twice can be taken off once.
    const listener = (...told) => heard(...told);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** Connects, and stays connected until `close`. The promise ends once commands can be sent. */
  open() {
    if (this.#status === "open") return Promise.resolve();
    const opened = new Promise((resolve, reject) => this.#opened.push({ resolve, reject }));
    if (this.#status === "closed") {
      this.#tries = 0;
      this.#connect();
    }
    return opened;
  }

  /** Ends the connection for good. The avatar stays in the world for the realm's grace time: `leave` first to take it out. */
  close() {
    this.#end("closed by this client");
  }

  /** Makes a character and logs it in; opens the connection if need be. */
  register(name, password) {
    return this.#logIn({ type: "Register", name, password });
  }

  /** Logs a character in; opens the connection if need be. */
  logIn(name, password) {
    return this.#logIn({ type: "LogIn", name, password });
  }

  /** Takes up the session that an earlier connection left; opens the connection if need be. */
  resume(token = this.token) {
    return this.#logIn({ type: "Resume", token });
  }

  /** Goes into the world. */
  enter() {
    return this.request({ type: "Enter" }, "Entered");
  }

  /** Leaves the world, not the session. */
  leave() {
    return this.request({ type: "Leave" }, "Left");
  }

  /** Sends a command and awaits nothing. Answers with its sequence, or 0 when nothing was sent because the connection is not open. */
  send(command) {
    return this.#status === "open" ? this.#write(command) : 0;
  }

  #write(command) {
    const bytes = encodeCommand(command, this.#sequence + 1);
    this.#sequence += 1;
    if (!OF_ONE_SOCKET.has(command.type)) {
      this.#kept.push({ sequence: this.#sequence, until: this.#sequence, bytes });
      if (this.#kept.length > KEPT_MOST) this.#kept.shift();
    }
    this.#socket.send(bytes);
    // What proves who a player is should not lie about.
    const { password, token, ...told } = command;
    this.#sent.set(this.#sequence, told);
    this.#sent.delete(this.#sequence - SENT_KEPT);
    return this.#sequence;
  }

  /**
   * Sends a command and awaits the event that answers it: the next one of that type, for which `where` holds. Rejects with
   * `Refusal`, or with `NoAnswer` after `timeoutMs` or when the connection ends, or with `ProtocolError` if it cannot be sent.
   */
  request(command, answerType, { timeoutMs = ANSWER_MS, where = () => true } = {}) {
    return new Promise((resolve, reject) => {
      const sequence = this.send(command);
      if (sequence === 0) {
        reject(new NoAnswer("ended", command.type));
        return;
      }
      const waiter = { sequence, answerType, where, command: this.#sent.get(sequence) };
      const cancel = this.#after(timeoutMs, () => waiter.reject(new NoAnswer("late", command.type)));
      const done = (settle) => (value) => {
        cancel();
        this.#pending = this.#pending.filter((other) => other !== waiter);
        settle(value);
      };
      waiter.resolve = done(resolve);
      waiter.reject = done(reject);
      this.#pending.push(waiter);
    });
  }

  async #logIn(command) {
    // A typing error should not cost a connection.
    encodeCommand(command, 1);
    await this.#openWithin(ANSWER_MS, command.type);
    return this.request(command, "LoggedIn");
  }

  #openWithin(ms, type) {
    return new Promise((resolve, reject) => {
      const cancel = this.#after(ms, () => reject(new NoAnswer("late", type)));
      this.open().then(resolve, reject).finally(cancel);
    });
  }

  // The socket's life.

  #connect() {
    this.#setStatus("connecting");
    if (this.#status !== "connecting") return;
    let socket;
    try {
      socket = new this.#WebSocket(this.#urls[this.#at]);
    } catch (error) {
      this.#end(error);
      return;
    }
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#goodbye = null;
    // Who resumes goes on with its numbers, so that the realm knows what it is sent again.
    if (!this.#loggedIn) this.#countAnew();
    this.#header = null;
    this.clock.connected();
    socket.onmessage = (message) => {
      if (socket === this.#socket) this.#take(message.data);
    };
    socket.onclose = (closing) => {
      if (socket === this.#socket) this.#lost(closing.reason || `the socket closed with ${closing.code}`);
    };
    // A close follows every error.
    socket.onerror = () => {};
    this.#watchSilence();
  }

  #countAnew() {
    this.#sequence = 0;
    this.#sent.clear();
    this.#kept = [];
  }

  /** A server tells something about once a second; one that is silent for long is gone, whatever the socket believes. */
  #watchSilence() {
    this.#cancelSilence?.();
    this.#cancelSilence = this.#after(SILENCE_MS, () => this.#lost("the server is silent"));
  }

  #dropSocket(code) {
    const socket = this.#socket;
    this.#socket = null;
    this.#cancelSilence?.();
    this.#return?.cancel();
    this.#return = null;
    try {
      socket?.close(code);
    } catch {
      // It is as good as closed.
    }
    // What is sent again is answered later.
    const lasts = ({ sequence }) => this.#kept.some((kept) => kept.sequence === sequence);
    for (const waiter of [...this.#pending]) {
      if (!lasts(waiter)) waiter.reject(new NoAnswer("ended", waiter.command.type));
    }
  }

  #lost(why) {
    const goodbye = this.#goodbye;
    // Whoever replaced this connection would be replaced by it in turn; whoever is idle would be idle again.
    const isFinal = goodbye !== null && goodbye !== Code.Stopping;
    if (!this.#reconnect || isFinal) {
      this.#end(goodbye === null ? why : codeText[goodbye] ?? why, goodbye);
      return;
    }
    this.#dropSocket(1000);
    const count = this.#urls.length;
    const most = Math.min(RETRY_FIRST_MS * 2 ** Math.floor(this.#tries / count), RETRY_MOST_MS);
    // The same gateway first, then the others in turn.
    if (this.#tries > 0) this.#at = (this.#at + 1) % count;
    this.#tries += 1;
    // A whole realm's clients come back after one fault: not all in the same moment.
    this.#cancelTry = this.#after(most * (0.5 + this.#random() / 2), () => this.#connect());
    this.#setStatus("waiting", why);
  }

  #end(why, code = null) {
    if (this.#status === "closed") return;
    this.#cancelTry?.();
    this.#kept = [];
    this.#dropSocket(1000);
    this.#loggedIn = false;
    this.#inWorld = false;
    this.#forgetWorld();
    for (const { reject } of this.#opened.splice(0)) reject(new NoAnswer("ended", "open"));
    this.#setStatus("closed", why, code);
  }

  #setStatus(status, why, code = null) {
    this.#status = status;
    this.#emit("status", status, why ?? null, code);
  }

  #emit(name, ...told) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        listener(...told);
      } catch (error) {
        // The listener's own fault: it is reported, and the connection goes on.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  // What the server says.

  #take(data) {
    this.#watchSilence();
    let frame;
    const events = [];
    try {
      frame = decodeServerFrame(data);
      for (const section of frame.sections) this.#takeSection(section, events);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#end(error);
      return;
    }
    this.#header = { ack: frame.ack, serverTimeMs: frame.serverTimeMs, frame: frame.frame };
    // On the way back the realm acknowledges that way, and knows nothing yet of what will be sent again.
    if (this.#status === "open") this.#kept = this.#kept.filter(({ until }) => until > frame.ack);
    const socket = this.#socket;
    for (const event of events) {
      // A listener may have closed the connection.
      if (socket !== this.#socket) return;
      this.#tell(event);
    }
    if (socket !== this.#socket) return;
    this.#emit("frame", this.#header, this.view);
    if (socket === this.#socket) this.#askTheTime();
  }

  /** Frames come about once a second at least, so no timer is needed. */
  #askTheTime() {
    const clientTimeMs = this.clock.ask();
    if (clientTimeMs !== null) this.#write({ type: "Ping", clientTimeMs });
  }

  #takeSection(section, events) {
    if (section.kind === "cell") this.view.apply(decodeCellFrame(section.bytes));
    else if (section.kind === "cellLeft") this.view.cellLeft(section.x, section.y);
    else {
      const event = decodeEvent(section.classId, section.bytes);
      if (event === null) return;
      // The cells of a new view follow in the same frame, so this cannot wait until the event is told.
      if (event.type === "Entered" || event.type === "Left") this.view.clear();
      events.push(event);
    }
  }

  #tell(event) {
    if (event.type === "Pong" && this.clock.answered(event.clientTimeMs, event.serverTimeMs)) {
      this.#emit("clock", this.clock);
      return;
    }
    this.#learn(event);
    if (this.#socket === null) return;
    this.#answer(event);
    this.#emit("event", event);
    if (event.type === "Refused") this.#emit("refused", event, this.#sent.get(event.sequence) ?? null);
    else if (event.type === "Goodbye") this.#emit("goodbye", event.code);
    else this.#emit(event.type[0].toLowerCase() + event.type.slice(1), event);
  }

  #answer(event) {
    if (event.type === "Refused") {
      const refused = this.#pending.find(({ sequence }) => sequence === event.sequence);
      refused?.reject(new Refusal(event.code, event.text, refused.command));
      return;
    }
    if (event.type === "LootedBefore") {
      this.#pending.find(({ sequence }) => sequence === event.sequence)?.resolve(event);
      return;
    }
    const answered = this.#pending.find(({ answerType, where }) => answerType === event.type && where(event));
    answered?.resolve(event);
  }

  #learn(event) {
    switch (event.type) {
      case "Welcome":
        this.#welcome(event);
        break;
      case "LoggedIn":
        this.name = event.name;
        this.token = event.token;
        this.#loggedIn = true;
        if (this.#return !== null) this.#inWorld ? this.#returnBy({ type: "Enter" }) : this.#returned();
        break;
      case "Entered":
        this.#entered(event);
        if (this.#return !== null) this.#returned();
        break;
      case "Left":
        this.#inWorld = false;
        this.#forgetWorld();
        break;
      case "You":
        this.#change({ hp: event.hp, hpMax: event.hpMax, xp: event.xp, level: event.level });
        break;
      case "Looted":
        if (this.me !== null) this.#change(gained(this.me, event));
        break;
      case "Died":
        this.#change({ dead: true });
        break;
      case "Respawned":
        this.#change({ dead: false, x: event.x, y: event.y });
        break;
      case "Gateways":
        this.#learnGateways(event.urls);
        break;
      case "Goodbye":
        this.#goodbye = event.code;
        break;
      case "Refused":
        this.#refused(event);
        break;
    }
  }

  #learnGateways(urls) {
    const here = this.#urls[this.#at];
    // A page that came by TLS may not connect without it.
    const may = (url) => url !== here && (url.startsWith("wss:") || !here.startsWith("wss:"));
    this.#urls = [here, ...urls.filter(may)].slice(0, GATEWAYS_MOST);
    this.#at = 0;
  }

  #entered(event) {
    const { channel, map, width, height, cell, me, x, y, hp, hpMax, xp, coins, items, spells } = event;
    this.#inWorld = true;
    this.channel = channel;
    this.map = { id: map, width, height, cell };
    this.me = { handle: me, x, y, hp, hpMax, xp, level: null, coins, items, spells, dead: hp === 0 };
  }

  #change(fields) {
    if (this.me !== null) this.me = { ...this.me, ...fields };
  }

  #forgetWorld() {
    this.channel = null;
    this.map = null;
    this.me = null;
    this.view.clear();
  }

  #welcome({ protocol, realm }) {
    if (protocol !== PROTOCOL) {
      this.#end(new ProtocolError("version", `the realm speaks version ${protocol} of the protocol`));
      return;
    }
    this.realm = realm;
    if (this.#loggedIn) this.#returnBy({ type: "Resume", token: this.token });
    else this.#isOpen();
  }

  #isOpen() {
    this.#tries = 0;
    this.#setStatus("open");
    for (const { resolve } of this.#opened.splice(0)) resolve();
  }

  // The way back after a lost socket: resume, enter if it was in the world, and only then it is open again.

  #returnBy(command) {
    this.#return?.cancel();
    const cancel = this.#after(ANSWER_MS, () => this.#lost(`${command.type} was not answered in time`));
    this.#return = { sequence: this.#write(command), cancel };
  }

  #returned() {
    this.#return.cancel();
    this.#return = null;
    this.#sendAgain();
    this.#isOpen();
    this.#emit("resumed");
  }

  /** Only the acknowledgement of what follows them tells that they are done: their own numbers are lower than the way back's. */
  #sendAgain() {
    for (const kept of this.#kept) {
      kept.until = this.#sequence + 1;
      this.#socket.send(kept.bytes);
    }
    this.#write({ type: "Ping", clientTimeMs: 0 });
  }

  #refused({ sequence, code, text }) {
    if (this.#return?.sequence !== sequence) return;
    if (code !== Code.BadToken && code !== Code.OldToken) {
      this.#lost(text);
      return;
    }
    this.token = null;
    this.#end(text, code);
  }
}

/** The totals after a gain. */
function gained(me, { items, coins }) {
  const counts = new Map(me.items.map(({ item, count }) => [item, count]));
  for (const { item, count } of items) counts.set(item, (counts.get(item) ?? 0) + count);
  return { coins: me.coins + coins, items: [...counts].map(([item, count]) => ({ item, count })) };
}
