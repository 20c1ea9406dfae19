// A row of a list at a glance: a click or Enter opens it beside the list, j and k turn it, Enter once more goes to its page,
// Escape closes it.
// The row that is open stands in the address (#mo=12), so that reload and back show what was seen.
import { element, isTyping, on, skeletons } from "./dom.js";
import { toast } from "./toasts.js";
import { words } from "./words.js";

const HASH = /^#mo=(\d+)$/;
const SHEET = matchMedia("(max-width: 1099px)");
const PHONE = matchMedia("(max-width: 767px)");
const keyOf = (row) => row.dataset.panel.replace(/\/$/, "").split("/").at(-1);
const rowOf = (key) => [...document.querySelectorAll("[data-panel]")].find((row) => keyOf(row) === key);
const linkOf = (row) => row?.querySelector(".tt-rowlink, a");
const asked = () => HASH.exec(location.hash)?.[1];

// Whoever runs through the rows does not want each of them.
const WHILE_MOVING = 120;

let panel;
let shown;
let request;
let waiting;

const isOpen = () => Boolean(panel && !panel.hidden);
const main = () => document.querySelector("main");
// As a sheet it covers the list: what lies behind is out of reach.
const cover = () => [...main().children].forEach((one) => one !== panel && (one.inert = isOpen() && SHEET.matches));
const write = (hash, method) => history[method](history.state, "", hash || location.pathname + location.search);

function make() {
  panel = element("aside", { class: "tt-panel", id: "xem", tabindex: "-1", "aria-labelledby": "xem-nhanh", hidden: true });
  main().append(panel);
}

function mark(row) {
  for (const one of document.querySelectorAll("[data-panel].is-open")) one.classList.remove("is-open");
  row?.classList.add("is-open");
}

// Answers about rows that were passed meanwhile are not waited for.
async function load(row) {
  if (!panel) make();
  request?.abort();
  request = new AbortController();
  const { signal } = request;
  shown = { key: keyOf(row), page: linkOf(row)?.href ?? row.dataset.panel };
  panel.hidden = false;
  panel.setAttribute("aria-busy", "true");
  if (!panel.firstElementChild) panel.replaceChildren(...skeletons(5));
  main().classList.add("has-panel");
  cover();
  mark(row);
  let answer;
  try {
    answer = await fetch(row.dataset.panel, { headers: { "X-Part": "1" }, credentials: "same-origin", signal });
    // Signed out, or the row is out of sight by now: its page says so.
    if (answer.redirected || !answer.ok) return location.assign(shown.page);
    const text = await answer.text();
    if (signal.aborted) return;
    panel.innerHTML = text;
  } catch (error) {
    if (error.name === "AbortError") return;
    close();
    toast(words.unsent, "late");
  }
  panel.removeAttribute("aria-busy");
  panel.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true, detail: { elt: panel } }));
}

async function open(row, { push = true, focus = false } = {}) {
  if (push) write(`#mo=${keyOf(row)}`, isOpen() ? "replaceState" : "pushState");
  await load(row);
  if (focus || SHEET.matches) panel.focus({ preventScroll: true });
}

function close({ keepAddress = false } = {}) {
  if (!isOpen()) return;
  const row = rowOf(shown.key);
  request?.abort();
  panel.hidden = true;
  panel.replaceChildren();
  main().classList.remove("has-panel");
  cover();
  mark(null);
  if (!keepAddress) write("", "replaceState");
  linkOf(row)?.focus({ preventScroll: true });
}

function follow() {
  const row = asked() && rowOf(asked());
  if (row && !PHONE.matches) {
    if (!isOpen() || shown.key !== asked()) open(row, { push: false });
  } else close({ keepAddress: true });
}

// What stands in a row for itself keeps its own click.
const hasOwn = (target, row) => {
  const own = target.closest("a, button, input, label, select, textarea, summary, form");
  return own && row.contains(own) && own !== linkOf(row);
};

function clicked(event, row) {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  // On a phone there is no room beside the list.
  if (PHONE.matches || hasOwn(event.target, row)) return;
  const chosen = getSelection();
  if (!chosen.isCollapsed && chosen.containsNode(row, true)) return;
  const onLink = event.target.closest("a");
  if (isOpen() && shown.key === keyOf(row)) {
    if (!onLink) close();
    return;
  }
  event.preventDefault();
  for (const one of document.querySelectorAll("[data-worklist] .is-cursor")) one.classList.remove("is-cursor");
  row.classList.add("is-cursor");
  linkOf(row)?.focus({ preventScroll: true });
  open(row, { focus: event.detail === 0 }); // by keys, whoever listens is told what has opened
}

export function start() {
  on("click", "[data-panel]", clicked);
  on("click", "[data-panel-close]", () => close());
  document.addEventListener("tt:cursor", ({ target }) => {
    const row = target.closest("[data-panel]");
    clearTimeout(waiting);
    if (isOpen() && row && keyOf(row) !== shown.key) waiting = setTimeout(() => open(row), WHILE_MOVING);
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && isOpen() && !document.querySelector("details.tt-menu[open]")) close();
    else if (event.key === "Enter" && event.target === panel) location.assign(shown.page);
  });
  SHEET.addEventListener("change", cover);
  addEventListener("popstate", follow);
  addEventListener("hashchange", follow);
  if (document.querySelector("[data-panel]") && asked()) follow();
}
