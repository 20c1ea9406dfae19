// Small tools that every module uses.
import { words } from "./words.js";

// One listener on the document: parts that htmx brings later work too.
export function on(type, selector, handle) {
  document.addEventListener(type, (event) => {
    const target = event.target instanceof Element ? event.target.closest(selector) : null;
    if (target) handle(event, target);
  });
}

// Runs for every match now, and for those that htmx swaps in.
export function each(selector, start) {
  const run = (root) => {
    if (root.matches?.(selector)) start(root);
    root.querySelectorAll(selector).forEach(start);
  };
  run(document);
  document.addEventListener("htmx:load", (event) => run(event.detail.elt));
}

// A part of the page that a script has put there wakes up as one that htmx brings.
export const arrived = (part) => document.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: part } }));

// null forgets it.
export function keep(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // private windows may forbid it: the choice then lasts for this page
  }
}

// element("span", { class: "tt-tag" }, "words", child)
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    // aria-hidden="" says nothing: only the word true counts there.
    if (value !== null && value !== false) made.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : value);
  }
  made.append(...children);
  return made;
}

export function icon(name, more = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `ti ${more}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${document.documentElement.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

export function kept(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

// What the address answers as JSON. Fails with words.signedOut or words.notAnswered, to be shown as they are.
export async function ask(address, signal) {
  let answer;
  try {
    answer = await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin", signal });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Error(words.notAnswered);
  }
  if (answer.redirected) throw new Error(words.signedOut);
  if (!answer.ok) throw new Error(words.notAnswered);
  return answer.json();
}

// Rows in the place of what is still on its way, as many as are expected.
export function skeletons(count) {
  return Array.from({ length: count }, () =>
    element("div", { class: "tt-skeleton", "aria-hidden": true }, element("i"), element("span", {}, element("b"), element("b"))),
  );
}

// The focus goes back to what opened a dialog; to its menu when that has closed meanwhile.
export const backTo = (opener) => (opener.checkVisibility() ? opener : opener.closest("details")?.querySelector("summary"))?.focus();

export const csrfToken = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

export const isTyping = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
