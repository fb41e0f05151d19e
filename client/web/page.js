// The page's parts by their ids, and the one way in which text gets onto it: as text.

export function part(id) {
  const found = document.getElementById(id);
  if (!found) {
    throw new Error(`the page has no #${id}`);
  }
  return found;
}

/** Sets a part's text if it is another. */
export function write(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** A new element of a class with a text. */
export function make(tag, className, text = "") {
  const element = document.createElement(tag);
  if (className) {
    element.className = className;
  }
  element.textContent = text;
  return element;
}

/** Fills the bar of a meter, and tells its value to who does not see it. */
export function meter(bar, now, max, text) {
  const value = `scaleX(${Math.max(0, Math.min(1, now / Math.max(1, max))).toFixed(3)})`;
  if (bar.style.transform !== value) {
    bar.style.transform = value;
  }
  const { parentElement: whole } = bar;
  for (const [name, told] of [["aria-valuenow", now], ["aria-valuemax", Math.max(1, max)], ["aria-valuetext", text]]) {
    if (whole.getAttribute(name) !== String(told)) {
      whole.setAttribute(name, String(told));
    }
  }
}
