// Ctrl+K: one box for records and commands. Commands are the links and buttons of this page that carry data-command, so a
// person is offered what he may use and nothing else; records come from the server.
import { ask, element, icon, skeletons } from "./dom.js";
import { announceArrival } from "./forms.js";
import { recent, keys as recentKeys } from "./recent.js";
import { words } from "./words.js";

const PAUSE = 140;
const MOST_COMMANDS = 5;
const WAITING_ROWS = 4;

let dialog, input, list, said;
let options = []; // {element, url or null, run or null}, in on-screen order
let at = -1;
let wasMoved = false;
let timer;
let lookedFor = null; // the words that the list stands for
let asking; // the request on its way; a new one calls it off, so that a late answer never replaces a newer one

// isGoingOn: somebody is in the middle of typing, and types on behind what stands there.
export function toggle(typed, isGoingOn = false) {
  dialog ??= build();
  if (dialog.open) return dialog.close();
  input.value = typed;
  dialog.showModal();
  input.focus();
  if (isGoingOn) input.setSelectionRange(typed.length, typed.length);
  else input.select();
  look(0);
}

function build() {
  input = element("input", {
    type: "text", role: "combobox", id: "lenh", "aria-expanded": "true", "aria-controls": "lenh-chon", "aria-autocomplete": "list",
    "aria-label": words.palette, placeholder: words.paletteHint, autocomplete: "off", autocapitalize: "off", spellcheck: "false", maxlength: 200,
  });
  list = element("div", { class: "tt-palette__list", role: "listbox", id: "lenh-chon", "aria-label": words.palette });
  said = element("p", { class: "tt-vh", role: "status" });
  const key = (name, does) => element("span", {}, element("kbd", { class: "tt-kbd" }, name), ` ${does}`);
  const made = element(
    "dialog",
    { class: "tt-palette", "aria-label": words.palette },
    element("div", { class: "tt-palette__head" }, icon("search"), input, element("button", { type: "button", class: "tt-iconbtn", "data-close": true, "aria-label": words.close }, icon("x"))),
    list,
    said,
    element("p", { class: "tt-palette__foot", "aria-hidden": true }, key("↑↓", words.move), key("Enter", words.open), key("Ctrl Enter", words.newTab), key("Esc", words.shut)),
  );
  // Words that an input method is still composing are looked for too; only keys are left to it.
  input.addEventListener("input", () => look(PAUSE));
  input.addEventListener("keydown", press);
  list.addEventListener("pointermove", (event) => {
    const over = options.findIndex((option) => option.element === event.target.closest?.("[role=option]"));
    if (over >= 0 && over !== at) move(over);
  });
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays in the box
  list.addEventListener("click", (event) => {
    const chosen = options.find((option) => option.element === event.target.closest("[role=option]"));
    if (!chosen) return;
    event.preventDefault();
    go(chosen, event.ctrlKey || event.metaKey);
  });
  made.addEventListener("close", () => {
    clearTimeout(timer);
    asking?.abort();
    lookedFor = null;
    list.replaceChildren();
    said.textContent = "";
  });
  document.body.append(made);
  return made;
}

function press(event) {
  if (event.isComposing || event.keyCode === 229) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && options.length) {
    event.preventDefault();
    wasMoved = true;
    move((at + step + options.length) % options.length);
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (options[at]) go(options[at], event.ctrlKey || event.metaKey);
  }
}

function move(to) {
  options[at]?.element.setAttribute("aria-selected", "false");
  at = to;
  const active = options[at]?.element;
  if (!active) return input.removeAttribute("aria-activedescendant");
  active.setAttribute("aria-selected", "true");
  input.setAttribute("aria-activedescendant", active.id);
  active.scrollIntoView({ block: "nearest" });
}

function go({ url, run }, inNewTab) {
  if (url && inNewTab) return window.open(url, "_blank", "noopener");
  dialog.close();
  if (run) return run();
  announceArrival();
  location.assign(url);
}

// ── what is offered ──
function look(pause) {
  const typed = input.value.trim();
  if (typed === lookedFor) return; // a blank more, or a composition that ends as it stood
  lookedFor = typed;
  clearTimeout(timer);
  asking?.abort();
  wasMoved = false;
  const found = commands(typed);
  const waiting = typed ? WAITING_ROWS : Math.min(recentKeys().length, MOST_COMMANDS);
  draw(typed, found, [], waiting);
  if (!waiting) return;
  const mine = (asking = new AbortController());
  timer = setTimeout(async () => {
    try {
      const records = typed ? (await ask(`/tim/goi-y?${new URLSearchParams({ q: typed })}`, mine.signal)).groups : await opened(mine.signal);
      if (!mine.signal.aborted) draw(typed, found, records, 0);
    } catch (error) {
      if (!mine.signal.aborted) draw(typed, found, [], 0, error.message);
    }
  }, pause);
}

const opened = async (signal) => {
  const items = await recent(MOST_COMMANDS, signal);
  return items.length ? [{ label: words.recent, items }] : [];
};

function draw(typed, found, records, waiting, problem = "") {
  const before = options[at]?.element.dataset.key;
  const all = found.length ? [{ label: words.commands, items: found }] : [];
  const groups = typed ? [...all, ...records] : [...records, ...all];
  options = [];
  const drawn = groups.map(group);
  const rest = [];
  if (waiting) rest.push(...skeletons(waiting));
  if (problem) rest.push(element("p", { class: "tt-palette__say tt-latec", role: "presentation" }, icon("alert-circle"), problem));
  const isEmpty = typed && !waiting && !problem && !groups.length;
  if (isEmpty) rest.push(element("p", { class: "tt-palette__say tt-2", role: "presentation" }, words.nothing(typed)));
  if (typed) rest.push(option({ title: isEmpty ? words.everywhere : words.all(typed), hint: "", url: `/tim/?${new URLSearchParams({ q: typed })}`, icon: "search" }));
  // Recently opened things stand above the commands: so do the rows that wait for them.
  list.replaceChildren(...(typed ? [...drawn, ...rest] : [...(waiting ? rest : []), ...drawn, ...(waiting ? [] : rest)]));
  list.setAttribute("aria-busy", String(Boolean(waiting)));
  if (!waiting) said.textContent = problem || (isEmpty ? words.nothing(typed) : words.count(options.length - (typed ? 1 : 0)));
  at = -1;
  const same = wasMoved ? options.findIndex((one) => one.element.dataset.key === before) : -1;
  move(options.length ? Math.max(0, same) : -1);
}

function group({ label, items, more }, number) {
  const head = element("p", { class: "tt-palette__group", id: `lenh-nhom-${number}`, role: "presentation" }, label);
  const said = more ? [element("p", { class: "tt-palette__say tt-2", role: "presentation" }, more)] : [];
  return element("div", { role: "group", "aria-labelledby": head.id }, head, ...items.map(option), ...said);
}

// The part of the line that was typed stands out: the last digits of a number.
function hint({ hint: told, marked }) {
  const at = marked ? told.lastIndexOf(marked) : -1;
  if (at < 0) return told ? [element("small", {}, told)] : [];
  return [element("small", {}, told.slice(0, at), element("mark", {}, marked), told.slice(at + marked.length))];
}

function option(item) {
  const words_ = element("span", { class: "tt-grow" }, element("b", {}, item.title), ...hint(item));
  const made = element(
    item.url ? "a" : "div",
    { role: "option", id: `lenh-${options.length}`, "aria-selected": "false", href: item.url ?? null, tabindex: "-1", "data-key": item.url ?? item.title },
    icon(item.icon),
    words_,
    element("kbd", { class: "tt-kbd", "aria-hidden": true }, "Enter"),
  );
  options.push({ element: made, url: item.url ?? null, run: item.run ?? null });
  return made;
}

// ── commands ──
const fold = (text) =>
  text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[đĐ]/g, "d").toLowerCase();
const split = (text) => fold(text).match(/[\p{L}\p{N}]+/gu) ?? [];

function commands(typed) {
  const wanted = split(typed);
  if (typed && !wanted.length) return [];
  const all = [...document.querySelectorAll("[data-command]")].map((one) => {
    const title = one.dataset.command || (one.querySelector(":scope > span") ?? one).firstChild?.textContent?.trim() || one.textContent.trim();
    const sign = one.querySelector("use")?.getAttribute("href").split("#")[1] ?? "arrow-right";
    return { title, hint: "", icon: sign, url: one.href ?? null, run: one.href ? null : () => one.click() };
  });
  const fits = all.filter(({ title }) => {
    const there = split(title);
    return wanted.every((word) => there.some((other) => other.startsWith(word)));
  });
  return typed ? fits.slice(0, MOST_COMMANDS) : fits;
}
