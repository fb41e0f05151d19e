// Short words to the player: some stay a moment over the deeds, some are for screen readers alone.

import { make, part, write } from "./page.js";

const STAY_MS = 3500;
const MOST = 3;

export class Notices {
  constructor() {
    this.list = part("notices");
    this.aside = part("announced");
  }

  /** `tone` is "", "good" or "bad". The same word twice is one. */
  tell(text, tone = "") {
    const last = this.list.lastElementChild;
    if (last?.textContent === text) {
      last.remove();
    }
    const notice = make("span", tone, text);
    this.list.append(notice);
    while (this.list.childElementCount > MOST) {
      this.list.firstElementChild.remove();
    }
    setTimeout(() => notice.remove(), STAY_MS);
  }

  /** For who cannot see the canvas. */
  announce(text) {
    write(this.aside, text);
  }
}
