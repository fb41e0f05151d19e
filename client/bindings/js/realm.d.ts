// The client protocol of a realm: its classes, their codecs, what is to be seen, and a connection.
// Written by `realm bindings --lang js` from the tables that the server uses: do not edit.

/** The version of the protocol. */
export const PROTOCOL: 1;

/** Sizes that both sides keep to, in bytes. */
export const LIMITS: {
  /** A command frame, at most. */
  readonly commandFrameBytes: 4096;
  /** A server frame, at most. */
  readonly serverFrameBytes: 1048576;
  /** The name of a character, at most. */
  readonly nameBytes: 64;
  /** A password, at most. */
  readonly passwordBytes: 128;
  /** The id of a spell, at most. */
  readonly spellBytes: 64;
  /** The way to write a room, at most. */
  readonly roomBytes: 64;
  /** What is said, at most. */
  readonly textBytes: 2048;
  /** A session's token, exactly. */
  readonly tokenBytes: 64;
};

/** Why a server refuses a command or ends a connection. A realm may have newer ones. */
export const Code: {
  /** Log in first. */
  readonly NotLoggedIn: 1;
  /** You are logged in already. */
  readonly AlreadyLoggedIn: 2;
  /** That name cannot be used. */
  readonly BadName: 3;
  /** That name is taken. */
  readonly NameTaken: 4;
  /** That password is too short or too long. */
  readonly BadPassword: 5;
  /** The name or the password is wrong. */
  readonly WrongCredentials: 6;
  /** Wait for the answer to what you asked before. */
  readonly Busy: 7;
  /** The server does not know that command. */
  readonly UnknownClass: 8;
  /** The server could not read that command. */
  readonly Malformed: 9;
  /** A value is outside what is allowed. */
  readonly OutOfBounds: 10;
  /** You are not in the world. */
  readonly NotInWorld: 11;
  /** You are in the world already. */
  readonly AlreadyInWorld: 12;
  /** You do not know that spell. */
  readonly UnknownSpell: 13;
  /** Your target is not there. */
  readonly NoTarget: 14;
  /** Your target is too far away. */
  readonly OutOfRange: 15;
  /** You cannot see your target. */
  readonly NoSight: 16;
  /** That is not ready yet. */
  readonly Cooldown: 17;
  /** Your target is dead. */
  readonly TargetDead: 18;
  /** There is nothing to take. */
  readonly NothingToLoot: 19;
  /** You are dead. */
  readonly YouAreDead: 21;
  /** That command came twice or out of order. */
  readonly StaleSequence: 22;
  /** Too many commands: slow down. */
  readonly TooManyCommands: 23;
  /** The world is full: try again later. */
  readonly Full: 24;
  /** That part of the realm does not answer: try again later. */
  readonly Unavailable: 25;
  /** You logged in from somewhere else. */
  readonly Replaced: 26;
  /** The realm is shutting down. */
  readonly Stopping: 27;
  /** You were away for too long. */
  readonly Idle: 28;
  /** Your session has ended: log in again. */
  readonly BadToken: 29;
  /** Somebody stands in the way. */
  readonly InTheWay: 30;
  /** Too many have tried to log in: wait a minute. */
  readonly TooManyLogins: 31;
  /** You were sent away: your client breaks the rules. */
  readonly Expelled: 32;
  /** Your session went on somewhere else: log in again. */
  readonly OldToken: 33;
  /** That text is empty, too long, or holds what nobody could read. */
  readonly BadText: 40;
  /** You talk too fast: slow down. */
  readonly TooFast: 41;
  /** Nobody of that name is there. */
  readonly NoSuchPlayer: 42;
  /** You are not in that room. */
  readonly NoSuchRoom: 43;
  /** You are in too many rooms. */
  readonly TooManyRooms: 44;
};

/** What an entity is at. A realm may have newer ones: make nothing of them. */
export const State: {
  /** Alive, on the spot. */
  readonly Idle: 0;
  /** Alive, under way. */
  readonly Walking: 1;
  /** A corpse. */
  readonly Dead: 2;
  /** A door that stops way and sight. */
  readonly Closed: 3;
  /** A door that lets through. */
  readonly Open: 4;
  /** A chest or a plant that has something to give. */
  readonly Full: 5;
  /** A chest or a plant that has nothing to give, for now. */
  readonly Empty: 6;
};

/** What a player is told of a code. */
export const codeText: { readonly [code: number]: string | undefined };

/** Some items of one kind. */
export interface ItemStack {
  /** The resource id of the item. */
  item: string;
  /** How many. */
  count: number;
}

/** The part of an entity that everyone near may see. Texts are shared, so that publishing allocates nothing. */
export interface Near {
  /** Tiles from the map's left edge. */
  x: number;
  /** Tiles from the map's top edge. */
  y: number;
  /** Health left. */
  hp: number;
  /** Health when unhurt. */
  hpMax: number;
  /** What it is at. */
  state: number;
  /** The resource id of what it is, such as `mobs/dog`. */
  kind: string;
  /** The name above its head. */
  name: string;
}

/** Makes a character and logs it in: `LoggedIn` or a refusal. */
export interface Register {
  type: "Register";
  /**
   * The name of the new character.
   * 1 to 64 bytes in UTF-8.
   */
  name: string;
  /**
   * What will prove who plays it.
   * 0 to 128 bytes in UTF-8.
   */
  password: string;
}

/** Logs a character in: `LoggedIn` or a refusal. */
export interface LogIn {
  type: "LogIn";
  /**
   * The name of the character.
   * 1 to 64 bytes in UTF-8.
   */
  name: string;
  /**
   * The password given when it was made.
   * 0 to 128 bytes in UTF-8.
   */
  password: string;
}

/** Takes up the session that an earlier connection left: `LoggedIn` or a refusal. */
export interface Resume {
  type: "Resume";
  /**
   * The token of the session's `LoggedIn`.
   * 64 hex digits.
   */
  token: string;
}

/** Goes into the world: `Entered` or a refusal. */
export interface Enter {
  type: "Enter";
}

/** Walks towards a point; the server moves the avatar at its own speed, and stops it where the ground does. */
export interface Move {
  type: "Move";
  /**
   * Tiles from the map's left edge.
   * Finite, and 0 or at least 2^-126 either way.
   */
  x: number;
  /**
   * Tiles from the map's top edge.
   * Finite, and 0 or at least 2^-126 either way.
   */
  y: number;
}

/** Casts a spell: `Struck`, perhaps `Killed`, or a refusal. */
export interface Cast {
  type: "Cast";
  /**
   * The resource id of the spell.
   * 1 to 64 bytes in UTF-8.
   */
  spell: string;
  /** Who should feel it. */
  target: number;
}

/** Takes what a corpse holds: `Looted` or a refusal. */
export interface Loot {
  type: "Loot";
  /** The corpse. */
  target: number;
}

/** Uses an object: `Looted` from a chest or a plant; a door opens or closes, as all near it see; or a refusal. */
export interface Use {
  type: "Use";
  /** The object. */
  target: number;
}

/** Leaves the world, not the session: `Left` or a refusal. */
export interface Leave {
  type: "Leave";
}

/** Says something to a room: `Said`, to the player too, or a refusal. */
export interface Say {
  type: "Say";
  /**
   * `near`, `realm`, or `room:NAME` for a room that the player has joined.
   * 1 to 64 bytes in UTF-8.
   */
  room: string;
  /**
   * What; the server says which texts it takes.
   * 0 to 2048 bytes in UTF-8.
   */
  text: string;
}

/** Says something to one player: `Whispered`, to both, or a refusal. */
export interface Whisper {
  type: "Whisper";
  /**
   * The name of who should hear it.
   * 1 to 64 bytes in UTF-8.
   */
  to: string;
  /**
   * What; the server says which texts it takes.
   * 0 to 2048 bytes in UTF-8.
   */
  text: string;
}

/** Enters a room and hears what is said there from the acknowledgement on; or a refusal. A room needs no founder. */
export interface Join {
  type: "Join";
  /**
   * `room:NAME`: letters a-z, digits, `-` and `_`, 24 at most.
   * 1 to 64 bytes in UTF-8.
   */
  room: string;
}

/** Leaves a room: heard no more from the acknowledgement on; or a refusal. */
export interface Part {
  type: "Part";
  /**
   * `room:NAME`.
   * 1 to 64 bytes in UTF-8.
   */
  room: string;
}

/** Asks what time it is: `Pong`, at once and at any time. */
export interface Ping {
  type: "Ping";
  /** The client's own clock, or any number that it knows the answer by; comes back unchanged. */
  clientTimeMs: number;
}

/** The first thing that a server says on a connection. */
export interface Welcome {
  type: "Welcome";
  /** The version of the client protocol that the server speaks. */
  protocol: number;
  /** The name of the realm. */
  realm: string;
}

/** The session is this player's. Answers `Register`, `LogIn` and `Resume`. */
export interface LoggedIn {
  type: "LoggedIn";
  /** The character's name as it was registered. */
  name: string;
  /** What `Resume` takes on another connection, for as long as the session lasts. */
  token: string;
}

/** The avatar stands in the world. Answers `Enter`; all amounts are totals. */
export interface Entered {
  type: "Entered";
  /** The channel's durable id. */
  channel: number;
  /** The resource id of the map. */
  map: string;
  /** The map's width in tiles. */
  width: number;
  /** The map's height in tiles. */
  height: number;
  /** The side of a cell in tiles. */
  cell: number;
  /** The player's own avatar. */
  me: number;
  /**
   * Tiles from the left edge.
   * Finite, and 0 or at least 2^-126 either way.
   */
  x: number;
  /**
   * Tiles from the top edge.
   * Finite, and 0 or at least 2^-126 either way.
   */
  y: number;
  /** Health left. */
  hp: number;
  /** Health when unhurt. */
  hpMax: number;
  /** Experience in all. */
  xp: number;
  /** Coins owned. */
  coins: number;
  /** Items owned. */
  items: ItemStack[];
  /** Resource ids of the spells known. */
  spells: string[];
}

/** The avatar is out of the world and saved; the session stays. Answers `Leave`. */
export interface Left {
  type: "Left";
}

/** The player's own figures changed; all are totals. */
export interface You {
  type: "You";
  /** Health left. */
  hp: number;
  /** Health when unhurt. */
  hpMax: number;
  /** Experience in all. */
  xp: number;
  /** The level that the experience makes. */
  level: number;
}

/** A spell took effect, by or on the player. */
export interface Struck {
  type: "Struck";
  /** The resource id of the spell. */
  spell: string;
  /** Who cast it. */
  by: number;
  /** Who felt it. */
  target: number;
  /** How much health it took. */
  amount: number;
}

/**
 * A spell took effect between two that the player sees, whoever they are. To be shown: what it did is told by `Struck`
 * to the two of them, and by cell frames to all.
 */
export interface CastSeen {
  type: "CastSeen";
  /** The resource id of the spell. */
  spell: string;
  /** Who cast it. */
  by: number;
  /** Who felt it. */
  target: number;
}

/** The player killed somebody. */
export interface Killed {
  type: "Killed";
  /** Who died. */
  target: number;
  /** The experience that the kill earned. */
  xp: number;
}

/**
 * The player took what a corpse, a chest or a plant held. Answers `Loot` and `Use`; the amounts are what was gained,
 * and are already saved.
 */
export interface Looted {
  type: "Looted";
  /** The corpse or the object. */
  target: number;
  /** Items gained. */
  items: ItemStack[];
  /** Coins gained. */
  coins: number;
}

/**
 * A `Loot` or `Use` that was sent again had been carried out before the connection was lost. `Entered` has told the
 * totals with it.
 */
export interface LootedBefore {
  type: "LootedBefore";
  /** The command's. */
  sequence: number;
  /** The corpse or the object. */
  target: number;
  /** Items gained then. */
  items: ItemStack[];
  /** Coins gained then. */
  coins: number;
}

/**
 * Where the realm can be reached when this connection is lost: this gateway first, if it has an address. Told after
 * `LoggedIn`, and again when it changes.
 */
export interface Gateways {
  type: "Gateways";
  /** Addresses such as `ws://127.0.0.1:7777/ws`. */
  urls: string[];
}

/** The player's avatar died; `Respawned` follows. */
export interface Died {
  type: "Died";
  /** Who killed it. */
  by: number;
}

/** The player's avatar lives again. */
export interface Respawned {
  type: "Respawned";
  /**
   * Tiles from the left edge.
   * Finite, and 0 or at least 2^-126 either way.
   */
  x: number;
  /**
   * Tiles from the top edge.
   * Finite, and 0 or at least 2^-126 either way.
   */
  y: number;
}

/** Somebody said something to a room that the player hears; a client shows it as text, whatever it holds. */
export interface Said {
  type: "Said";
  /** `near`, `realm`, or `room:NAME`. */
  room: string;
  /** The name of who said it. */
  from: string;
  /** What. */
  text: string;
}

/** Somebody whispered to the player, or the player to somebody. */
export interface Whispered {
  type: "Whispered";
  /** The name of who whispered. */
  from: string;
  /** The name of who it was for. */
  to: string;
  /** What. */
  text: string;
}

/** A command was not carried out. */
export interface Refused {
  type: "Refused";
  /** The sequence of the command. */
  sequence: number;
  /** Why. */
  code: number;
  /** Why, in words for the player. */
  text: string;
}

/** The last thing that a server says before it closes the connection. */
export interface Goodbye {
  type: "Goodbye";
  /** Why. */
  code: number;
}

/** Answers `Ping`. */
export interface Pong {
  type: "Pong";
  /** What the ping carried. */
  clientTimeMs: number;
  /** The server's clock when it answered. */
  serverTimeMs: number;
}

/** One command of a client. */
export type Command =
  | Register
  | LogIn
  | Resume
  | Enter
  | Move
  | Cast
  | Loot
  | Use
  | Leave
  | Say
  | Whisper
  | Join
  | Part
  | Ping;

/** One event of a server. */
export type Event =
  | Welcome
  | LoggedIn
  | Entered
  | Left
  | You
  | Struck
  | CastSeen
  | Killed
  | Looted
  | LootedBefore
  | Gateways
  | Died
  | Respawned
  | Said
  | Whispered
  | Refused
  | Goodbye
  | Pong;

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
