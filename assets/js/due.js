// "Còn 25 phút" becomes "Còn 24 phút" while the page stands open. The words are the server's; only near moments change.
import { words } from "./words.js";

const MINUTE = 60_000;
const RELATIVE_BELOW = 2 * 60 * MINUTE;
const KINDS = ["late", "soon", "ok"];
const ICONS = { late: "alert-circle", soon: "clock", ok: "circle-check" };

// The clock of this machine may be wrong: what counts is the server's moment when it wrote the page.
const serverNow = Date.parse(document.documentElement.dataset.now ?? "") || Date.now();
const openedAt = performance.now();
const now = () => serverNow + performance.now() - openedAt;

// As app/core/timewords.py says it.
export function length(ms) {
  let minutes = Math.max(0, Math.floor(ms / MINUTE));
  if (minutes >= 24 * 60) return words.days(Math.floor(minutes / (24 * 60)));
  const hours = Math.floor(minutes / 60);
  minutes %= 60;
  if (!hours) return words.minutes(minutes);
  return minutes ? `${words.hours(hours)} ${words.minutes(minutes)}` : words.hours(hours);
}

export function timeLeft(dueAt, at) {
  const left = dueAt - at;
  if (left <= -MINUTE) return { kind: "late", text: words.late(length(-left)) };
  if (left <= 0) return { kind: "late", text: words.justDue };
  if (left > RELATIVE_BELOW) return null;
  return { kind: "soon", text: words.left(length(left + MINUTE - 1)) };
}

function renew(shown) {
  const state = timeLeft(Date.parse(shown.dataset.due), now());
  if (!state) return;
  const words_ = shown.querySelector("[data-due-text]");
  if (words_ && words_.textContent !== state.text) words_.textContent = state.text;
  const base = shown.dataset.dueClass;
  if (shown.classList.contains(`${base}--${state.kind}`)) return;
  shown.classList.remove(...KINDS.map((kind) => `${base}--${kind}`));
  shown.classList.add(`${base}--${state.kind}`);
  const use = shown.querySelector("use");
  use?.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${ICONS[state.kind]}`));
}

export function start() {
  const all = () => document.querySelectorAll("[data-due]").forEach(renew);
  setInterval(all, 20_000);
  document.addEventListener("visibilitychange", () => document.hidden || all());
}
