/** Bytes, or a value, that the protocol does not know. It is all that the codecs throw. */
export class ProtocolError extends Error {
  /** A stable short word for what is wrong. */
  readonly what:
    | "truncated"
    | "trailing"
    | "long"
    | "version"
    | "flags"
    | "section"
    | "kind"
    | "mask"
    | "class"
    | "shape"
    | "text"
    | "range"
    | "bounds";
}

/** A command frame: what goes out as one binary WebSocket message. */
export function encodeCommand(command: Command, sequence: number): Uint8Array;
/** Reads a command frame. */
export function decodeCommand(bytes: Uint8Array | ArrayBuffer): { sequence: number; command: Command };
/** Reads the body of an event; null when its class is unknown, which a client passes over. */
export function decodeEvent(classId: number, bytes: Uint8Array | ArrayBuffer): Event | null;
/** The class and the body that `decodeEvent` takes. */
export function encodeEvent(event: Event): { classId: number; bytes: Uint8Array };

/** What every server frame begins with. */
export interface Header {
  /** The highest sequence up to which every command is done. */
  ack: number;
  /** The server's clock: steady, in milliseconds from about 1970. */
  serverTimeMs: number;
  /** The connection's count of server frames. */
  frame: number;
}

/** One part of a server frame. */
export type Section =
  | { kind: "event"; classId: number; bytes: Uint8Array }
  | { kind: "cell"; bytes: Uint8Array }
  | { kind: "cellLeft"; x: number; y: number };

/** A server frame, its sections still encoded. */
export interface ServerFrame extends Header {
  /** In the order in which a client applies them. */
  sections: Section[];
}

/** Reads a server frame; the bytes of its sections stay where they are. */
export function decodeServerFrame(bytes: Uint8Array | ArrayBuffer): ServerFrame;
/** Writes what `decodeServerFrame` reads: for tests and tools. */
export function encodeServerFrame(frame: ServerFrame): Uint8Array;

/** A square of a channel's ground, counted in cells from the map's left and top edges. */
export interface Cell {
  x: number;
  y: number;
}

/** What is told of one entity: all of it, some of its fields, or that it went away, perhaps to another cell. */
export type Entry =
  | ({ handle: number; change: "whole" } & Near)
  | ({ handle: number; change: "part" } & Partial<Near>)
  | { handle: number; change: "gone"; to: Cell | null };

/** What a cell's publisher tells to all who see the cell. */
export interface CellFrame {
  /** What changed, or all there is. */
  kind: "delta" | "snapshot";
  cell: Cell;
  /** The ownership epoch of who publishes the cell. */
  epoch: number;
  /** The publisher's count of frames of this cell. */
  sequence: number;
  entries: Entry[];
}

/** Reads a cell frame. A state that this module does not know is passed on as its number. */
export function decodeCellFrame(bytes: Uint8Array | ArrayBuffer): CellFrame;
/** Writes what `decodeCellFrame` reads: for tests and tools. */
export function encodeCellFrame(frame: CellFrame): Uint8Array;

/** An entity in view. */
export type Entity = Readonly<{ handle: number } & Near>;

/** Frames of a cell are missing. What came was applied; the server heals the view by a snapshot. */
export interface Gap {
  cell: Cell;
  known: { epoch: number; sequence: number };
  got: { epoch: number; sequence: number };
}

/**
 * What is to be seen: the entities of the cells in view, kept up to date by cell frames. An entity that two cells list for a
 * moment is where it was told whole last. An object that the view handed out never changes: a change makes a new one.
 */
export class View {
  /** Takes in a decoded cell frame; one that is old or of a cell out of view changes nothing. */
  apply(frame: CellFrame): Gap | null;
  /** Forgets a cell that left the view, and whoever is listed there alone. */
  cellLeft(x: number, y: number): void;
  /** Forgets everything. */
  clear(): void;
  /** How many entities are in view. */
  get size(): number;
  /** An entity in view. */
  get(handle: number): Entity | undefined;
  /** The cell that an entity in view is in. */
  cellOf(handle: number): Cell | undefined;
  /** Every entity in view, in no order. */
  entities(): IterableIterator<Entity>;
  /** Every cell in view, in no order, and how far its frames are known. */
  cells(): IterableIterator<Cell & { epoch: number; sequence: number }>;
}

/**
 * The server's clock as seen from here. An answer to `Ping` tells it at some moment between question and arrival; taken for the
 * middle, it is wrong by half of the delay at most. Of the last answers the one that may be wrong by the least is believed.
 * All times are in milliseconds, and null before the first answer.
 */
export class Clock {
  /** The own clock is steady, in milliseconds from anywhere. */
  constructor(now: () => number);
  /** What to add to the own clock to get the server's. */
  get offsetMs(): number | null;
  /** From a question to its answer, at best. */
  get delayMs(): number | null;
  /** How much longer than that it takes on average. */
  get jitterMs(): number | null;
  /** The offset is wrong by so much at most. */
  get errorMs(): number | null;
  /**
   * The server's clock now, as in the headers of its frames. On one connection it never runs backwards: when it turns out to be
   * ahead, it goes at half speed until it is right again.
   */
  serverNow(): number | null;
  /** The number to ask the server with now, or null if it is not time to. */
  ask(): number | null;
  /** Takes the answer to the question with this number; false when it is not the one that is open. */
  answered(number: number, serverTimeMs: number): boolean;
  /** On a new connection there may be another server; what is known holds until it has answered. */
  connected(): void;
}

/** The server did not carry out a command. */
export class Refusal extends Error {
  /** One of `Code`, or a newer one. */
  readonly code: number;
  /** Why, in words for the player. */
  readonly text: string;
  /** What was refused, without what proves who the player is. */
  readonly command: { readonly type: Command["type"] };
}

/** A command was neither answered nor refused: it may have been carried out or not. */
export class NoAnswer extends Error {
  /** No answer in time, or the connection ended first. */
  readonly why: "late" | "ended";
}

/** The own avatar's totals. */
export interface Me {
  /** Its handle in the view. */
  readonly handle: number;
  /** Where it entered or came to life again; where it is now is told by the view. */
  readonly x: number;
  readonly y: number;
  readonly hp: number;
  readonly hpMax: number;
  readonly xp: number;
  /** Null until the server tells it. */
  readonly level: number | null;
  readonly coins: number;
  readonly items: readonly ItemStack[];
  readonly spells: readonly string[];
  readonly dead: boolean;
}

/** What a connection can be given. Time, chance and the network are handed in; the defaults are those of the browser. */
export interface ConnectionOptions {
  /** A class like the browser's `WebSocket`. */
  WebSocket?: new (url: string) => unknown;
  /** The own clock, in milliseconds from anywhere; it should not jump. */
  now?: () => number;
  /** Runs something once after so many milliseconds, and answers with what cancels it. */
  after?: (ms: number, run: () => void) => () => void;
  /** A number of 0 to 1, chosen at random. */
  random?: () => number;
  /** The token of an earlier login, for `resume`. */
  token?: string | null;
  /** False if a lost socket ends the connection. */
  reconnect?: boolean;
}

export type Status = "closed" | "connecting" | "open" | "waiting";

/** What `on` tells of, besides every event under its own name in camelCase. */
export interface Happenings {
  /** The status changed; perhaps why; and the code of a goodbye or refusal that ended the connection for good. */
  status: [status: Status, why: string | Error | null, code: number | null];
  /** An event, after the frame that brought it was applied as a whole. */
  event: [event: Event];
  /** A server frame was applied and its events were told. */
  frame: [header: Header, view: View];
  /** A command was not carried out: which, if it is still known, without what proves who the player is. */
  refused: [event: Refused, command: { readonly type: Command["type"] } | null];
  /** A lost socket was replaced: the session is back, and so is the avatar if there was one. Rooms have to be joined again. */
  resumed: [];
  /** The server is about to end the connection. */
  goodbye: [code: number];
  /** The server has told its clock. */
  clock: [clock: Clock];
}

type Told = Happenings & {
  [E in Exclude<Event, Refused | Goodbye> as Uncapitalize<E["type"]>]: [event: E];
};

/**
 * A connection to a realm: one login, its view, and the commands that it sends. It finds a lost socket by itself, connects anew
 * with growing waits, resumes the session, and enters again if it was in the world.
 */
export class Connection {
  constructor(url: string, options?: ConnectionOptions);
  /** "waiting" is before the next try; "open" is when commands can be sent. */
  get status(): Status;
  /** The header of the last server frame; null before the first. */
  get header(): Header | null;
  /** What `resume` takes: kept from the last login. */
  token: string | null;
  /** The character's name as registered; null before the login. */
  readonly name: string | null;
  /** The realm's name; null before it was told. */
  readonly realm: string | null;
  /** The channel's durable id; null outside the world. */
  readonly channel: number | null;
  /** The map, its size in tiles, and the side of its cells; null outside the world. */
  readonly map: { readonly id: string; readonly width: number; readonly height: number; readonly cell: number } | null;
  /** The own avatar's totals; null outside the world. A change makes a new object. */
  readonly me: Me | null;
  /** What is to be seen. While a lost socket is replaced it stays as it was. */
  readonly view: View;
  /** The server's clock. */
  readonly clock: Clock;
  /** Calls `heard` at every happening of that name; answers with what ends that. */
  on<Name extends keyof Told>(name: Name, heard: (...told: Told[Name]) => void): () => void;
  /** Connects, and stays connected until `close`. The promise ends once commands can be sent. */
  open(): Promise<void>;
  /** Ends the connection for good. The avatar stays in the world for the realm's grace time: `leave` first to take it out. */
  close(): void;
  /** Makes a character and logs it in; opens the connection if need be. */
  register(name: string, password: string): Promise<LoggedIn>;
  /** Logs a character in; opens the connection if need be. */
  logIn(name: string, password: string): Promise<LoggedIn>;
  /** Takes up the session that an earlier connection left; opens the connection if need be. */
  resume(token?: string | null): Promise<LoggedIn>;
  /** Goes into the world. */
  enter(): Promise<Entered>;
  /** Leaves the world, not the session. */
  leave(): Promise<Left>;
  /** Sends a command and awaits nothing. Answers with its sequence, or 0 when nothing was sent because the connection is not open. */
  send(command: Command): number;
  /**
   * Sends a command and awaits the event that answers it: the next one of that type, for which `where` holds. Rejects with
   * `Refusal`, or with `NoAnswer` after `timeoutMs` or when the connection ends, or with `ProtocolError` if it cannot be sent.
   * What is asked of the avatar or the chat outlives a lost socket: it is sent again. A loot that was carried out before then
   * resolves with its `LootedBefore`, whose gains `me` has already.
   */
  request<Type extends Event["type"]>(
    command: Command,
    answerType: Type,
    options?: { timeoutMs?: number; where?: (event: Extract<Event, { type: Type }>) => boolean },
  ): Promise<Extract<Event, { type: Type }>>;
}
