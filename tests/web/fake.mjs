// A realm that says whatever a story wants, in the page's own WebSocket: for what a real one would not say, and for crowds.

import { State, decodeCommand, encodeEvent } from "../../client/bindings/js/realm.js";

const MAP = { map: "maps/meadow", width: 64, height: 64, cell: 8 };

/**
 * Answers the page's socket. `script(told)` may say more once the avatar is in: `told(events, cells)` sends a frame.
 * `refuse(type)` may name the code and text with which a command is refused.
 */
export async function fake(page, { name, script = () => {}, refuse = () => null }) {
  await page.routeWebSocket(/\/ws$/, (socket) => {
    let frame = 0;
    let ack = 0;
    const told = (events, cells = []) => {
      frame += 1;
      socket.send(serverFrame(frame, ack, events, cells));
    };
    told([{ type: "Welcome", protocol: 1, realm: "Fake" }]);
    socket.onMessage((message) => {
      const { sequence, command } = decodeCommand(new Uint8Array(message));
      ack = sequence;
      const refused = refuse(command.type);
      if (refused) {
        told([{ type: "Refused", sequence, ...refused }]);
      } else if (command.type === "Register" || command.type === "LogIn") {
        told([{ type: "LoggedIn", name, token: "0".repeat(64) }]);
      } else if (command.type === "Enter") {
        told([
          { type: "Entered", channel: 1, ...MAP, me: 1, x: 30.5, y: 32.5, hp: 90, hpMax: 100, xp: 10, coins: 3, items: [{ item: "items/<b>bone</b>", count: 1 }], spells: ["spells/strike", "spells/fireball"] },
        ]);
        script(told);
      } else if (command.type === "Ping") {
        told([{ type: "Pong", clientTimeMs: command.clientTimeMs, serverTimeMs: Date.now() }]);
      }
    });
  });
}

export const ME = 1;
export const WALKING = State.Walking;

/** A snapshot of one cell; entities have handle, x, y, hp, hpMax, state, kind, name. */
export function snapshot(cell, sequence, entities) {
  const texts = new TextEncoder();
  const bytes = [1, ...u16(cell.x), ...u16(cell.y), ...u32(1), ...u32(sequence), ...u16(entities.length)];
  for (const { handle, x, y, hp, hpMax, state, kind, name } of entities) {
    const [kindBytes, nameBytes] = [texts.encode(kind), texts.encode(name)];
    bytes.push(...u16(handle), 0x0f, ...u16(Math.floor(x * 32)), ...u16(Math.floor(y * 32)), ...u16(hp), ...u16(hpMax), state);
    bytes.push(kindBytes.length, ...kindBytes, nameBytes.length, ...nameBytes);
  }
  return bytes;
}

function serverFrame(frame, ack, events, cells) {
  const time = BigInt(Date.now());
  const bytes = [1, 0, ...u32(ack), ...u32(Number(time & 0xffffffffn)), ...u32(Number(time >> 32n)), ...u32(frame)];
  for (const event of events) {
    const { classId, bytes: body } = encodeEvent(event);
    bytes.push(1, ...u32(body.length + 4), ...u32(classId), ...body);
  }
  for (const cell of cells) {
    bytes.push(2, ...u32(cell.length), ...cell);
  }
  return Buffer.from(bytes);
}

function u16(value) {
  return [value & 255, (value >>> 8) & 255];
}

function u32(value) {
  return [...u16(value & 0xffff), ...u16(value >>> 16)];
}
