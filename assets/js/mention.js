// @ in a text opens a list of colleagues who may see what the page is about: arrows, Enter and Tab, or the mouse.
// data-mention="address" on the textarea answers {"results": [{"text", "hint", "mention"}]} for ?q=.
import { ask, element, on } from "./dom.js";

const PAUSE = 120;
// What stands behind an @ that begins a word, up to the caret: at most three words, since names have spaces.
const BEGUN = /(?:^|[\s(["“'«])@((?:[^\s@[\]]+(?: [^\s@[\]]+){0,2})? ?)$/u;

let open = null; // {area, list, people, at, from}
let timer = 0;
let asked = 0;

function begun(area) {
  if (area.selectionStart !== area.selectionEnd) return null;
  const before = area.value.slice(0, area.selectionStart);
  const found = BEGUN.exec(before);
  return found && !found[1].startsWith(" ") ? { typed: found[1], from: before.length - found[1].length - 1 } : null;
}

function close() {
  clearTimeout(timer);
  asked += 1; // an answer on its way comes too late
  if (!open) return;
  open.area.removeAttribute("aria-controls");
  open.area.removeAttribute("aria-activedescendant");
  open.list.remove();
  open = null;
}

function mark(at) {
  open.at = (at + open.people.length) % open.people.length;
  [...open.list.children].forEach((row, number) => row.setAttribute("aria-selected", String(number === open.at)));
  const row = open.list.children[open.at];
  open.area.setAttribute("aria-activedescendant", row.id);
  row.scrollIntoView({ block: "nearest" });
}

function show(area, people, from) {
  close();
  if (!people.length || document.activeElement !== area) return;
  const id = `${area.id}-people`;
  const list = element(
    "ul",
    { class: "tt-mentions", role: "listbox", id, "aria-label": area.dataset.mentionLabel },
    ...people.map((one, number) =>
      element("li", { role: "option", id: `${id}-${number}` }, element("span", {}, one.text), element("small", {}, one.hint)),
    ),
  );
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // the caret stays in the text
    const row = event.target.closest("li");
    if (row) take([...list.children].indexOf(row));
  });
  area.after(list);
  area.setAttribute("aria-controls", id);
  open = { area, list, people, at: 0, from };
  mark(0);
}

function take(at) {
  const { area, people, from } = open;
  area.setRangeText(`${people[at].mention} `, from, area.selectionStart, "end");
  close();
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

function look(area) {
  const found = begun(area);
  if (!found) return close();
  clearTimeout(timer);
  const mine = ++asked;
  timer = setTimeout(async () => {
    const address = new URL(area.dataset.mention, location.href);
    address.searchParams.set("q", found.typed.trim());
    const people = await ask(address).then((answer) => answer.results, () => []);
    if (mine === asked) show(area, people, found.from);
  }, PAUSE);
}

const KEYS = {
  ArrowDown: () => mark(open.at + 1),
  ArrowUp: () => mark(open.at - 1),
  Enter: () => take(open.at),
  Tab: () => take(open.at),
  Escape: close,
};

export function start() {
  on("input", "textarea[data-mention]", (_event, area) => look(area));
  on("focusout", "textarea[data-mention]", close);
  document.addEventListener(
    "keydown",
    (event) => {
      if (!open || event.target !== open.area || event.ctrlKey || event.metaKey || !(event.key in KEYS)) return;
      event.preventDefault();
      event.stopPropagation();
      KEYS[event.key]();
    },
    true,
  );
}
