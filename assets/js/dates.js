// Days and moments, typed or picked. data-date takes dd/MM/yyyy, data-moment dd/MM/yyyy HH:mm; data-min and data-max are ISO days.
// The calendar is cally's (docs/adr/0017); its words, its place and what it writes are ours.
import "cally";

import { beside } from "./beside.js";
import { time as clockTime } from "./clock.js";
import { backTo, element, icon } from "./dom.js";
import { words } from "./words.js";

const BEGIN = "08:00";
const two = (number) => String(number).padStart(2, "0");
const isoOf = (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
const today = () => isoOf(new Date());

// "1/2/2026", "1/2/26", "010226", "01022026", "1-2-2026 8:30", "1/2" (of this year) → { day: "2026-02-01", time: "08:30" };
// none if it is no day. Years of two digits as in app/core/formats.py.
export function read(text) {
  const [, typed, clock] = /^(\S*)\s*(.*)$/s.exec(text.trim());
  const parts = /^(\d{1,2})[/.-](\d{1,2})(?:[/.-](\d{4}|\d{2}))?$/.exec(typed) ?? /^(\d{2})(\d{2})((?:19|20|21)?\d{2})$/.exec(typed);
  if (!parts) return null;
  const given = Number(parts[3] ?? new Date().getFullYear());
  const year = parts[3]?.length === 2 ? given + (given < 50 ? 2000 : 1900) : given;
  const date = new Date(year, parts[2] - 1, parts[1]);
  if (year < 1000 || date.getMonth() !== parts[2] - 1 || date.getDate() !== Number(parts[1])) return null;
  const known = clock ? clockTime(clock) : "";
  return known === null ? null : { day: isoOf(date), time: known };
}

export const written = ({ day, time }) => `${day.slice(8)}/${day.slice(5, 7)}/${day.slice(0, 4)}${time ? ` ${time}` : ""}`;

function put(input, value) {
  input.value = value;
  for (const type of ["input", "change"]) input.dispatchEvent(new Event(type, { bubbles: true }));
}

// ── one calendar for all fields of the page ──
let calendar;

function build() {
  const named = (tag, label) => element(tag, {}, element("span", { slot: "label", class: "tt-vh" }, label));
  const turn = (slot, sign, label) => element("span", { slot }, icon(sign), element("span", { class: "tt-vh" }, label));
  const days = element(
    "calendar-date",
    { locale: document.documentElement.lang, "first-day-of-week": 1 },
    turn("previous", "chevron-left", words.previousMonth),
    element("div", { slot: "heading", class: "tt-calendar__month" }, named("calendar-select-month", words.month), named("calendar-select-year", words.year)),
    turn("next", "chevron-right", words.nextMonth),
    element("calendar-month"),
  );
  const time = element("input", { class: "form-control", id: "lich-gio", inputmode: "numeric", autocomplete: "off", placeholder: BEGIN });
  const clock = element("div", { class: "tt-calendar__time" }, element("label", { class: "form-label", for: "lich-gio" }, words.time), time);
  const button = (label, css = "btn btn-sm") => element("button", { type: "button", class: css }, label);
  const [now, clear, done] = [button(words.today), button(words.clearDay), button(words.done, "btn btn-sm btn-primary")];
  const box = element("dialog", { class: "tt-calendar" }, days, clock, element("div", { class: "tt-calendar__foot" }, now, clear, done));
  document.body.append(box);
  const made = { box, days, time, clock, done, input: null };
  const pick = (day) => {
    const { input } = made;
    const isMoment = "moment" in input.dataset;
    put(input, written({ day, time: isMoment ? clockTime(time.value.trim()) || BEGIN : "" }));
    box.close();
  };
  days.addEventListener("change", () => pick(days.value));
  now.addEventListener("click", () => pick(today()));
  done.addEventListener("click", () => pick(days.value || today()));
  clear.addEventListener("click", () => {
    put(made.input, "");
    box.close();
  });
  time.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    done.click();
  });
  box.addEventListener("close", () => backTo(made.input));
  return made;
}

function open(input) {
  if (input.readOnly) return;
  calendar ??= build();
  const { box, days, time, clock, done } = calendar;
  const isMoment = "moment" in input.dataset;
  const known = read(input.value);
  calendar.input = input;
  box.setAttribute("aria-label", isMoment ? words.pickMoment : words.pickDay);
  clock.hidden = done.hidden = !isMoment;
  time.value = known?.time ?? "";
  for (const [name, value] of [["value", known?.day], ["min", input.dataset.min], ["max", input.dataset.max], ["focusedDate", known?.day ?? today()]]) days[name] = value ?? "";
  (input.closest("dialog") ?? document.body).append(box); // over the dialog that the field stands in
  box.showModal();
  // Its size is known when the month is drawn.
  requestAnimationFrame(() => {
    place(box, input);
    days.focus();
    requestAnimationFrame(() => place(box, input));
  });
}

// Below the field, or above it where that does not fit; a phone shows it in the middle.
function place(box, input) {
  const field = input.getBoundingClientRect();
  const { width, height } = box.getBoundingClientRect();
  const isNarrow = innerWidth < 480;
  const below = field.bottom + 4;
  const top = below + height <= innerHeight - 8 ? below : Math.max(8, field.top - height - 4);
  box.style.margin = isNarrow ? "auto" : "0";
  box.style.left = isNarrow ? "" : `${Math.max(8, Math.min(field.left, innerWidth - width - 8))}px`;
  box.style.top = isNarrow ? "" : `${top}px`;
}

// ── the field ──
export function attachDate(input) {
  if (input.dataset.dated) return;
  input.dataset.dated = "1";
  const hadFocus = document.activeElement === input;
  let frame = input.parentElement;
  if (!frame.matches(".tt-affix")) {
    frame = element("span", { class: "tt-affix tt-affix--inline" });
    input.replaceWith(frame);
    frame.append(input);
    if (hadFocus) input.focus();
  }
  const label = "moment" in input.dataset ? words.pickMoment : words.pickDay;
  const button = element("button", { type: "button", "aria-label": label, title: `${label} (Alt+↓)` }, icon("calendar"));
  button.addEventListener("click", () => open(input));
  frame.append(button);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" || !event.altKey) return;
    event.preventDefault();
    open(input);
  });
  input.addEventListener("change", () => settle(input));
  // Typed before this script was there: the browser does not tell of it again.
  const typedBefore = () => input.value !== input.defaultValue && settle(input);
  if (hadFocus) input.addEventListener("blur", typedBefore, { once: true });
  else typedBefore();
}

function settle(input) {
  const known = read(input.value);
  const isMoment = "moment" in input.dataset;
  if (known) input.value = written({ day: known.day, time: isMoment ? known.time : "" });
  beside(input, "date", input.value.trim() ? problem(input, known, isMoment) : null);
}

// 31/02/2026 is written like a day, and the calendar has none.
function missing(text) {
  const [, day, month, year] = /^(\d{1,2})[/.-](\d{1,2})(?:[/.-](\d{4}))?(?:\s|$)/.exec(text.trim()) ?? [];
  if (!Number(day) || !Number(month) || year < 1000) return null;
  const last = new Date(year ?? 2024, month, 0).getDate(); // without a year February has 29 days
  const typed = [day.padStart(2, "0"), month.padStart(2, "0"), ...(year ? [year] : [])].join("/");
  if (month > 12) return words.noMonth(typed);
  return day > last ? words.shortMonth(typed, last) : null;
}

function problem({ value, dataset: { min, max } }, known, isMoment) {
  if (!known) return missing(value) ?? (isMoment ? words.noMoment : words.noDay);
  const inWords = (day) => written({ day, time: "" });
  if (min && known.day < min) return words.notBefore(inWords(min));
  return max && known.day > max ? words.notAfter(inWords(max)) : null;
}

// For scripts that draw fields themselves.
export function attachDates(root) {
  root.querySelectorAll("input[data-date], input[data-moment]").forEach(attachDate);
}
