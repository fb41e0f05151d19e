// Keys, mouse and touch, turned into what the player wants. Keeps out of the way of whoever writes or presses a button.

import { meaning } from "./keys.js";

/** How often a held press tells where it is, in ms. */
const DRAG_MS = 150;

export class Input {
  /**
   * `want` has `walk(code, down)`, `deed(name, repeated)`, `press(x, y)` for a first press, `drag(x, y)` while it is held, and
   * `letGo()` when the window no longer hears the keys. `isInside()` says whether there is a world to act in.
   */
  constructor(canvas, want, isInside) {
    this.canvas = canvas;
    this.want = want;
    this.isInside = isInside;
    this.pointer = null;
    window.addEventListener("keydown", (event) => this.#down(event));
    window.addEventListener("keyup", (event) => this.#up(event));
    window.addEventListener("blur", () => want.letGo());
    document.addEventListener("visibilitychange", () => document.hidden && want.letGo());
    canvas.addEventListener("pointerdown", (event) => this.#press(event));
    canvas.addEventListener("pointermove", (event) => this.#drag(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      canvas.addEventListener(end, () => (this.pointer = null));
    }
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  /** While a press is held it goes on leading. */
  tick(now) {
    const held = this.pointer;
    if (held?.leads && now - held.toldAt > DRAG_MS) {
      held.toldAt = now;
      this.want.drag(held.x, held.y);
    }
  }

  #down(event) {
    const focus = document.activeElement;
    if (!this.isInside() || document.querySelector("dialog[open]")) {
      return;
    }
    if (focus?.matches("input, textarea, select, [role=log]")) {
      if (event.key === "Escape") {
        this.want.deed("away", { onWorld: false });
        event.preventDefault();
      }
      return;
    }
    const means = meaning(event);
    if (!means) {
      return;
    }
    const onWorld = focus === this.canvas || focus === document.body || focus === null;
    if (means.walk) {
      event.preventDefault();
      if (!event.repeat) {
        this.want.walk(means.walk, true);
      }
      return;
    }
    // On a button these keys are the button's: who goes from part to part by Tab must not be caught in the world.
    if (!onWorld && ["Tab", "Enter", "NumpadEnter", "Space"].includes(event.code)) {
      return;
    }
    event.preventDefault();
    if (!event.repeat || means.deed === "first" || means.deed === "second") {
      this.want.deed(means.deed, { onWorld });
    }
  }

  #up(event) {
    const means = meaning({ code: event.code });
    if (means?.walk) {
      this.want.walk(means.walk, false);
    }
  }

  #press(event) {
    if (!this.isInside() || event.button !== 0 || (this.pointer && this.pointer.id !== event.pointerId)) {
      return;
    }
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    const leads = this.want.press(event.clientX, event.clientY);
    this.pointer = { id: event.pointerId, x: event.clientX, y: event.clientY, leads, toldAt: event.timeStamp };
    event.preventDefault();
  }

  #drag(event) {
    if (this.pointer?.id === event.pointerId) {
      this.pointer.x = event.clientX;
      this.pointer.y = event.clientY;
    }
  }
}
