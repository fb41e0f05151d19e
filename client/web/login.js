// Before the door: a name and a password. What the realm refuses is told in its own words.

import { part, write } from "./page.js";

/** Who waits longer for an answer is told that it is being waited for, in ms. */
const PATIENCE_MS = 1500;

export class Login {
  /** `connection` registers and logs in; `entered()` is called when that worked. */
  constructor(connection, entered) {
    this.connection = connection;
    this.entered = entered;
    this.form = part("login");
    this.name = part("name");
    this.password = part("password");
    this.told = part("login-told");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask("logIn");
    });
    part("register").addEventListener("click", () => {
      this.password.autocomplete = "new-password";
      if (this.form.reportValidity()) {
        this.#ask("register");
      }
    });
  }

  show(text = "") {
    document.body.className = "outside scripted";
    write(this.told, sentence(text));
    this.#busy(false);
    if (window.matchMedia("(pointer: fine)").matches) {
      this.name.focus();
    }
  }

  hide() {
    document.body.className = "inside scripted";
    this.password.value = "";
    write(this.told, "");
  }

  async #ask(how) {
    write(this.told, "");
    this.#busy(true);
    const waits = setTimeout(() => write(this.told, "Waiting for the realm…"), PATIENCE_MS);
    try {
      await this.connection[how](this.name.value.trim(), this.password.value);
      await this.entered();
    } catch (refusal) {
      // Whatever was reached, the next try begins at the beginning.
      this.connection.close();
      write(this.told, sentence(refusal.text ?? "The realm does not answer. Try again."));
      this.#busy(false);
      this.password.focus();
    } finally {
      clearTimeout(waits);
    }
  }

  #busy(is) {
    for (const button of this.form.querySelectorAll("button")) {
      button.disabled = is;
    }
  }
}

/** The realm's words as they stand at the beginning of a line. */
function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
