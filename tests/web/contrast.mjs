// How far text stands out from what is behind it, by the formula of WCAG 2.2, over the least favourable of the ground's colours.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "./harness.mjs";

/** Every colour of the page's world: any of them may lie below a panel. */
const GROUND = [...readFileSync(join(ROOT, "client/web/palette.js"), "utf8").matchAll(/#[0-9a-f]{6}/g)].map(([colour]) => colour);

/** For each text that is seen: what it says, its contrast, and the least that it needs (large text needs less). */
export function contrasts(page) {
  return page.evaluate((ground) => {
    const parse = (text) => {
      const hex = /^#(..)(..)(..)$/.exec(text);
      if (hex) {
        return [...hex.slice(1).map((part) => parseInt(part, 16)), 1];
      }
      const [red, green, blue, alpha = 1] = text.match(/[\d.]+/g).map(Number);
      return [red, green, blue, alpha];
    };
    const over = (top, below) => [0, 1, 2].map((at) => top[at] * top[3] + below[at] * (1 - top[3])).concat(1);
    const light = ([red, green, blue]) => {
      const [r, g, b] = [red, green, blue].map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const contrast = (one, other) => {
      const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
      return (high + 0.05) / (low + 0.05);
    };
    /** What an element paints behind its text: nothing, a colour, or the colours of a gradient. */
    const paints = (element) => {
      const style = getComputedStyle(element);
      const shades = style.backgroundImage === "none" ? null : style.backgroundImage.match(/rgba?\([^)]*\)/g)?.map(parse);
      return shades ?? [parse(style.backgroundColor)];
    };
    /** All that may be behind an element. */
    const behind = (element) => {
      const layers = [];
      for (let at = element; at; at = at.parentElement) {
        layers.push(paints(at));
        const before = at.previousElementSibling;
        if (before && getComputedStyle(before).position === "absolute" && before.tagName === "I") {
          // A bar that is full, or not there at all.
          layers.push([...paints(before), [0, 0, 0, 0]]);
        }
        if (at.tagName === "DIALOG") {
          break;
        }
      }
      let colours = ground.map(parse);
      for (const layer of layers.reverse()) {
        colours = colours.flatMap((below) => layer.map((top) => over(top, below)));
        colours = [...new Map(colours.map((colour) => [colour.map(Math.round).join(), colour])).values()];
      }
      return colours;
    };
    const told = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const input = [...document.querySelectorAll("input")].filter((element) => element.placeholder);
    const seen = [];
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      if (node.textContent.trim() !== "") {
        seen.push([node.parentElement, getComputedStyle(node.parentElement), node.textContent.trim()]);
      }
    }
    for (const element of input) {
      seen.push([element, getComputedStyle(element, "::placeholder"), element.placeholder]);
    }
    for (const [element, style, text] of seen) {
      const { width, height } = element.getBoundingClientRect();
      if (width < 2 || height < 2 || !element.checkVisibility({ visibilityProperty: true }) || element.closest("noscript, svg, option")) {
        continue;
      }
      const colour = parse(style.color);
      const ratio = Math.min(...behind(element).map((below) => contrast(over(colour, below), below)));
      const large = parseFloat(style.fontSize) >= 24;
      told.push({ text, ratio: Number(ratio.toFixed(2)), least: large ? 3 : 4.5, size: parseFloat(style.fontSize) });
    }
    return told;
  }, GROUND);
}
