// A row of a list at a glance: a click opens it beside the list, j and k turn it, Enter goes to its page, Escape closes it.
// The row that is open stands in the address (#mo=12), so that reload and back show what was seen.
import { element, isTyping, on } from "./dom.js";

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
let waiting;

const isOpen = () => Boolean(panel && !panel.hidden);
const main = () => document.querySelector("main");
// As a sheet it covers the list: what lies behind is out of reach.
const cover = () => [...main().children].forEach((one) => one !== panel && (one.inert = isOpen() && SHEET.matches));
const write = (hash, method) => history[method](history.state, "", hash || location.pathname + location.search);

function make() {
  panel = element("aside", { class: "tt-panel", id: "xem", tabindex: "-1", "aria-labelledby": "xem-nhanh", "data-skeleton": "5", hidden: true });
  main().append(panel);
  panel.addEventListener("htmx:beforeSwap", (event) => {
    // A page in its place: whoever sits here was signed out. What may no longer be seen has a page that says so.
    const { xhr } = event.detail;
    if (xhr.status < 400 && new URL(xhr.responseURL, location.href).pathname === new URL(shown.url, location.href).pathname) return;
    event.detail.shouldSwap = false;
    location.assign(shown.page);
  });
  panel.addEventListener("htmx:sendError", () => close());
}

function mark(row) {
  for (const one of document.querySelectorAll("[data-panel].is-open")) one.classList.remove("is-open");
  row?.classList.add("is-open");
}

// Answers of rows that were passed meanwhile are not waited for.
async function load(row) {
  const { htmx } = await import("./partial.js");
  if (!panel) make();
  shown = { key: keyOf(row), url: row.dataset.panel, page: linkOf(row)?.href ?? row.dataset.panel };
  htmx.trigger(panel, "htmx:abort");
  panel.hidden = false;
  panel.setAttribute("aria-busy", "true");
  main().classList.add("has-panel");
  cover();
  mark(row);
  await htmx.ajax("GET", shown.url, { source: panel, target: panel, swap: "innerHTML" });
  panel.removeAttribute("aria-busy");
}

async function open(row, { push = true, focus = false } = {}) {
  if (push) write(`#mo=${keyOf(row)}`, isOpen() ? "replaceState" : "pushState");
  await load(row);
  if (focus || SHEET.matches) panel.focus({ preventScroll: true });
}

function close({ keepAddress = false } = {}) {
  if (!isOpen()) return;
  const row = rowOf(shown.key);
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
  // Pressed by Enter, a link leads to its page; on a phone there is no room beside the list.
  if (PHONE.matches || event.detail === 0 || hasOwn(event.target, row)) return;
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
  open(row);
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
    if (event.key === "o") {
      const row = document.querySelector("[data-panel].is-cursor");
      if (row && !PHONE.matches) {
        event.preventDefault();
        open(row, { focus: true });
      }
    } else if (event.key === "Escape" && isOpen() && !document.querySelector("details.tt-menu[open]")) close();
    else if (event.key === "Enter" && event.target === panel) location.assign(shown.page);
  });
  SHEET.addEventListener("change", cover);
  addEventListener("popstate", follow);
  addEventListener("hashchange", follow);
  if (document.querySelector("[data-panel]") && asked()) follow();
}
