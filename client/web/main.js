// Starts the page. Every address is seen from the page's own, so that it works under any host and prefix, with or without TLS.

import { Content } from "./content.js";
import { Game } from "./game.js";

const here = new URL(document.baseURI);
const socket = new URL("ws", here);
socket.protocol = here.protocol === "https:" ? "wss:" : "ws:";

document.body.classList.add("scripted");
const told = document.querySelector("meta[name=realm-content]").content;
const content = await Content.fetch(new URL(told, here));

/** The running page; tests look into it. */
export const game = new Game({
  content,
  url: socket.href,
  now: () => performance.now(),
  storage: window.sessionStorage,
});
game.start();
