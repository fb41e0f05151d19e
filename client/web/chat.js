// Talk: what is said in the rooms one is in, and where one's own words go. All of it is text, whatever it holds.

import { Code } from "../bindings/js/realm.js";
import { make, part } from "./page.js";

const KEPT_MAX = 200;
const HELP = "/join NAME enters a room, /part NAME leaves it, /w NAME text whispers.";
const PLACES = { near: "Near", realm: "Realm" };

export class Chat {
  constructor(connection, { back }) {
    this.connection = connection;
    this.panel = part("chat");
    this.log = part("log");
    this.room = part("room");
    this.text = part("text");
    this.toggle = part("chat-toggle");
    this.rooms = new Set();
    this.asked = new Map();
    this.#fillRooms("near");
    part("talk").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
      back();
    });
    this.toggle.addEventListener("click", () => this.fold(!this.panel.classList.contains("folded")));
    this.fold(true);
    connection.on("said", (said) => this.#said(said));
    connection.on("whispered", (whispered) => this.#whispered(whispered));
  }

  /** On a narrow screen the log alone is seen until one wants to talk. */
  fold(is) {
    this.panel.classList.toggle("folded", is);
    this.toggle.setAttribute("aria-expanded", String(!is));
    if (!is) {
      this.log.scrollTop = this.log.scrollHeight;
    }
  }

  /** The player wants to talk. */
  open() {
    this.fold(false);
    this.text.focus();
  }

  /** A new connection is in no room: joins those that one was in. */
  rejoin() {
    for (const room of this.rooms) {
      this.connection.send({ type: "Join", room });
    }
  }

  /** A command of the chat was refused. */
  refused(refusal, command) {
    this.note(refusal.text, "bad");
    if (command?.type === "Join" && refusal.code !== Code.TooFast) {
      this.rooms.delete(command.room);
      this.#fillRooms("near");
    }
  }

  /** A line of the page's own. What was told elsewhere on the page is kept here without being read out again. */
  note(text, tone = "", told = false) {
    const line = make("li", `note ${tone}`, text);
    if (told) {
      line.setAttribute("aria-live", "off");
    }
    this.#add(line);
  }

  #said({ room, from, text }) {
    const kind = room === "near" || room === "realm" ? room : "room";
    this.#line(kind, PLACES[room] ?? room.replace(/^room:/, ""), from, text);
    this.onSaid?.(from, text, room);
  }

  #whispered({ from, to, text }) {
    const own = from.toLowerCase() === (this.connection.name ?? "").toLowerCase();
    this.#line("whisper", own ? "you whisper to" : "whispers", own ? to : from, text);
  }

  #line(kind, where, who, text) {
    const line = make("li", kind);
    line.append(make("span", "where", where), make("span", "who", who), document.createTextNode(text));
    this.#add(line);
  }

  #add(line) {
    const atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 30;
    this.log.append(line);
    while (this.log.childElementCount > KEPT_MAX) {
      this.log.firstElementChild.remove();
    }
    if (atEnd) {
      this.log.scrollTop = this.log.scrollHeight;
    }
  }

  #submit() {
    const text = this.text.value.trim();
    this.text.value = "";
    if (text === "") {
      return;
    }
    const [, verb, rest] = /^\/(\S+)\s*(.*)$/.exec(text) ?? [];
    if (!verb) {
      this.connection.send({ type: "Say", room: this.room.value, text });
      return;
    }
    const [first, ...words] = rest.split(/\s+/);
    if (verb === "join" && first) {
      this.#join(named(first));
    } else if (verb === "part" && first) {
      this.#part(named(first));
    } else if (["w", "whisper", "tell"].includes(verb) && words.length > 0) {
      this.connection.send({ type: "Whisper", to: first, text: words.join(" ") });
    } else {
      this.note(HELP);
    }
  }

  #join(room) {
    this.connection.send({ type: "Join", room });
    this.rooms.add(room);
    this.#fillRooms(room);
    this.note(`You enter the room ${room.slice(5)}.`);
  }

  #part(room) {
    this.connection.send({ type: "Part", room });
    if (this.rooms.delete(room)) {
      this.note(`You leave the room ${room.slice(5)}.`);
    }
    this.#fillRooms("near");
  }

  #fillRooms(chosen) {
    const names = ["near", "realm", ...this.rooms];
    this.room.replaceChildren(
      ...names.map((name) => {
        const option = make("option", "", PLACES[name] ?? name.slice(5));
        option.value = name;
        return option;
      }),
    );
    this.room.value = chosen;
  }
}

/** Rooms are called `room:name`; capitals are not told apart. */
function named(text) {
  return `room:${text.replace(/^room:/, "").toLowerCase()}`;
}
