// Compiles only while realm.d.ts tells what the module has. Never run.
import * as realm from "../../bindings/js/realm.js";
import type { Command, Entity, Event, Me } from "../../bindings/js/realm.js";

const move: Command = { type: "Move", x: 1, y: 2 };
// @ts-expect-error: a command has all of its fields
const half: Command = { type: "Move", x: 1 };
// @ts-expect-error: an event is no command
const event: Command = { type: "Left" };
// @ts-expect-error: the tables are frozen
realm.Code.Busy = 8;
const busy: 7 = realm.Code.Busy;
const text: string | undefined = realm.codeText[busy];

const bytes: Uint8Array = realm.encodeCommand(move, 1);
const { sequence, command } = realm.decodeCommand(bytes);
const told: Event | null = realm.decodeEvent(1, bytes);
for (const section of realm.decodeServerFrame(bytes).sections) {
  if (section.kind === "cellLeft") section.x + section.y;
  else if (section.kind === "event") realm.decodeEvent(section.classId, section.bytes);
  else new realm.View().apply(realm.decodeCellFrame(section.bytes));
}

async function play(): Promise<void> {
  const connection = new realm.Connection("ws://127.0.0.1:7777/ws", { now: () => 0, random: () => 0.5 });
  const off: () => void = connection.on("status", (status, why, code) => {
    if (status === "waiting") console.log(String(why), code === realm.Code.Idle);
  });
  connection.on("struck", ({ by, target, amount }) => by + target + amount);
  connection.on("goodbye", (code) => code + 1);
  connection.on("refused", ({ code }, command) => command?.type === "Cast" && code);
  connection.on("frame", ({ serverTimeMs }, view) => [serverTimeMs, ...view.entities()]);
  // @ts-expect-error: nothing is called that
  connection.on("stuck", () => {});
  const { token } = await connection.logIn("Ann", "a password");
  const { spells } = await connection.enter();
  const [spell = "spells/strike"] = spells;
  const me: Me | null = connection.me;
  const dog: Entity | undefined = [...connection.view.entities()].find(({ kind }) => kind === "mobs/dog");
  if (me === null || dog === undefined) return;
  // @ts-expect-error: what the view hands out is its own
  dog.hp = 0;
  try {
    const struck = await connection.request({ type: "Cast", spell, target: dog.handle }, "Struck", {
      where: ({ by }) => by === me.handle,
    });
    struck.amount + (connection.clock.serverNow() ?? 0);
  } catch (error) {
    if (error instanceof realm.Refusal) console.log(error.code, error.text, error.command.type);
    if (error instanceof realm.NoAnswer) console.log(error.why === "late");
    if (error instanceof realm.ProtocolError) console.log(error.what === "bounds");
  }
  connection.send({ type: "Ping", clientTimeMs: 1 });
  off();
  connection.close();
  void [token, half, event, text, sequence, command, told];
}
void play;
