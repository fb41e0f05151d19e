// The colours of the page's world. One set for all: sprites, ground and effects take them from here, style.css has the same.

export const INK = "#241c2e";
export const CREAM = "#f8eed8";
export const GOLD = "#f4bd50";
export const BLOOD = "#d6493f";
export const LEAF = "#7fb04f";
export const SKY = "#7cc4d8";
export const EMBER = "#ff8a3c";

export const GRASS = { base: "#86b45a", light: "#98c468", dark: "#74a24d", deep: "#5f8a44" };
export const PATH = { base: "#d8bd8a", light: "#e6cf9f", dark: "#c0a270", edge: "#a8895c" };
export const WATER = { base: "#4f9db5", light: "#7cc4d8", dark: "#3b7f9c", foam: "#cdeef0" };
export const STONE = { top: "#a8a2b0", light: "#c4becb", face: "#7d7689", dark: "#5b5468", seam: "#4a4357" };
export const TREE = { leaf: "#4f8a4a", light: "#6aa758", dark: "#39693f", trunk: "#6d4c3a" };
export const WOOD = { base: "#9a6a40", light: "#b98755", dark: "#6f4a2f", iron: "#4a4357" };

/** The clothes of avatars; a name always wears the same. */
export const CLOTH = ["#c8503f", "#3f77b8", "#8a5bb0", "#d08a2c", "#2f9083", "#b84f86", "#5c6fd0", "#6d8a36"];
export const HAIR = ["#3a2a26", "#6b4427", "#b5793a", "#e0bd62", "#8c3b2a", "#57514f"];
export const SKIN = ["#f3cfa6", "#e2b184", "#c58d62", "#96633f"];

/** A number that is always the same for the same text. */
export function seedOf(text) {
  let seed = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    seed = Math.imul(seed ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }
  return seed;
}

/** A source of numbers from 0 to 1 that begins with `seed`: the same meadow for everybody. */
export function scatter(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
