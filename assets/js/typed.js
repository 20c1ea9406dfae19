// What is typed into the inputs of a form, as the server reads it (app/forms/fields).
import { momentIn, time } from "./clock.js";
import { calculated } from "./evaluate.js";
import { words } from "./words.js";

const GROUP = words.comma === "," ? "." : ",";
const IN_GROUPS = /^-?\d{1,3}([., ])\d{3}(?:\1\d{3})*$/;

export const typedIn = (inputs) => (inputs.find((input) => input.type !== "radio" || input.checked)?.value ?? "").trim().normalize("NFC");

const minus = (typed) => typed.replace("−", "-");

function whole(typed) {
  const digits = minus(typed);
  return /^-?\d+$/.test(digits) || IN_GROUPS.test(digits) ? Number(digits.replace(/[., ]/g, "")) : null;
}

// One group behind the decimal sign: 1,250 is a little more than one, or more than a thousand.
const readsTwoWays = (typed) => typed.split(words.comma).length === 2 && whole(typed) !== null;

function number(typed) {
  if (readsTwoWays(typed)) return null;
  const [digits, decimals = "0"] = minus(typed).replaceAll(" ", "").replaceAll(GROUP, "").split(words.comma);
  return /^-?\d+$/.test(digits) && /^\d+$/.test(decimals) ? Number(`${digits}.${decimals}`) : null;
}

const READ = {
  text: (typed) => typed,
  email: (typed) => typed.toLowerCase(),
  whole: (typed) => (readsTwoWays(typed) ? null : whole(typed)),
  amount: (typed) => whole(typed.replace(/\s*(₫|đồng|đ|vnđ|vnd)$/i, "")),
  number,
  time,
  yes_no: (typed) => typed === "yes",
};

// How days and moments are read: it comes with the calendar, only where one is asked. Moments are typed in `zone`.
export async function dayReader(kinds, zone) {
  if (!kinds.some((kind) => kind === "day" || kind === "moment")) return null;
  const { read: readDate } = await import("./dates.js");
  return (typed) => {
    const known = readDate(typed);
    return known && { ...known, moment: known.time && momentIn(known.day, known.time, zone) };
  };
}

// The answer, or null: none, or none yet.
export function read(kind, typed, readDay) {
  if (!typed) return null;
  if (kind === "day" || kind === "moment") {
    const known = readDay?.(typed);
    return known ? (kind === "day" ? known.day : known.moment || null) : null;
  }
  return (READ[kind] ?? READ.text)(typed);
}

// Repeating rows: number of the row → its answers by column, with those that follow from them; rows without any are left out.
export function rowsIn(inputs, name, { columns, worked }, readDay, asked) {
  const rows = new Map();
  const byName = new Map();
  for (const input of inputs) byName.set(input.name, [...(byName.get(input.name) ?? []), input]);
  for (const [full, several] of byName) {
    const [row, key] = full.slice(name.length + 1).split(".");
    const value = columns[key] ? read(columns[key], typedIn(several), readDay) : null;
    if (value !== null) rows.set(row, { ...rows.get(row), [key]: value });
  }
  for (const values of rows.values()) {
    for (const { key, formula } of worked) {
      const value = calculated(formula, values, asked);
      if (value !== null && value !== undefined) values[key] = value;
    }
  }
  return rows;
}

export function tellNumber(output, shownAs, value) {
  const isThere = value !== null && value !== undefined;
  const figures = isThere ? new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 10 }).format(value) : "—";
  const told = figures + (isThere ? { money: "\u00a0₫", percent: "%" }[shownAs] ?? "" : "");
  if (output.textContent !== told) output.textContent = told;
}
