// Which key means what. By place on the keyboard, so that WASD lies together on every layout.

const WALK = {
  KeyW: [0, -1], ArrowUp: [0, -1],
  KeyS: [0, 1], ArrowDown: [0, 1],
  KeyA: [-1, 0], ArrowLeft: [-1, 0],
  KeyD: [1, 0], ArrowRight: [1, 0],
};

const DEEDS = {
  Tab: "next", KeyQ: "next",
  Digit1: "first", Numpad1: "first", Space: "first",
  Digit2: "second", Numpad2: "second",
  KeyE: "use", KeyF: "use",
  Enter: "talk", NumpadEnter: "talk", KeyT: "talk",
  Escape: "away",
  KeyH: "help",
};

/** What a pressed key asks for: `{walk}`, `{deed}` or nothing. Keys with Ctrl, Alt or Meta are the browser's. */
export function meaning({ code, shiftKey = false, ctrlKey = false, altKey = false, metaKey = false }) {
  if (ctrlKey || altKey || metaKey) {
    return null;
  }
  if (WALK[code]) {
    return { walk: code };
  }
  const deed = DEEDS[code];
  if (deed === "next" && shiftKey) {
    return { deed: "previous" };
  }
  return deed ? { deed } : null;
}

/** The direction of all keys that are held, of length 1; null when they hold each other or none is. */
export function direction(held) {
  let [x, y] = [0, 0];
  for (const code of held) {
    const [dx, dy] = WALK[code] ?? [0, 0];
    x += dx;
    y += dy;
  }
  [x, y] = [Math.sign(x), Math.sign(y)];
  const length = Math.hypot(x, y);
  return length > 0 ? { x: x / length, y: y / length } : null;
}
