// Amounts and numbers as this reader writes them: money in groups of three while one types, other numbers when one leaves them.
import { beside } from "./beside.js";
import { each, on } from "./dom.js";
import { words } from "./words.js";

const GROUP = words.comma === "," ? "." : ",";
const MOST_DIGITS = 18; // as app/core/formats.py reads them
const inGroups = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, GROUP);

// "1250000", "1,250,000", "1.250.000 đ" → "1.250.000"; what is no whole amount stays as it is: the server says so.
export function grouped(text) {
  const amount = text.trim().replace(/\s*(₫|đồng|đ|vnđ|vnd)$/i, "").replaceAll(GROUP, "");
  const digits = /^\d+(?:[.,\s]\d{3})+$/.test(amount) ? amount.replace(/[.,\s]/g, "") : amount;
  return /^\d+$/.test(digits) && digits.length <= MOST_DIGITS ? inGroups(digits.replace(/^0+(?=\d)/, "")) : text;
}

function write(input) {
  const written = grouped(input.value);
  if (written === input.value) return;
  // The caret stays behind the same digit.
  const behind = input.value.slice(input.selectionStart ?? input.value.length).replace(/\D/g, "").length;
  input.value = written;
  let at = written.length;
  for (let left = behind; left > 0 && at > 0; at--) if (/\d/.test(written[at - 1])) left--;
  if (written[at - 1] === GROUP) at -= 1; // a backspace there would only take the sign, which comes back
  if (document.activeElement === input) input.setSelectionRange(at, at);
}

// 1250 → 1.250 and 1250,5 → 1.250,5. What could be read in two ways stays: the server asks what is meant.
export function spaced(text) {
  const [, sign, whole, rest] = /^([-−]?)(\d+)((?:[.,]\d+)?)$/.exec(text.trim()) ?? [];
  if (!whole || whole.length > MOST_DIGITS || (rest && (rest[0] !== words.comma || rest.length === 4))) return text;
  return sign + inGroups(whole) + rest;
}

// A backspace behind a sign between groups takes the digit before it, and delete the one behind: the sign alone would come back.
function cross(event, input) {
  const at = input.selectionStart;
  const isBack = event.inputType === "deleteContentBackward";
  if (event.isComposing || at !== input.selectionEnd || (!isBack && event.inputType !== "deleteContentForward")) return;
  if (input.value[isBack ? at - 1 : at] !== GROUP) return;
  event.preventDefault();
  input.setRangeText("", isBack ? at - 2 : at, isBack ? at : at + 2, "end");
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

// What the server would say of it once it is sent; whether a number can be read in two ways it says alone.
function problem({ value, dataset }) {
  const isMoney = "money" in dataset;
  const [, sign, whole] = /^([-−]?)([\d.,]+)$/.exec(value.trim()) ?? [];
  const digits = (whole ?? "").replaceAll(GROUP, "");
  if (!/^\d+$/.test(digits)) return isMoney && value.trim() ? words.noAmount : null;
  const amount = BigInt(digits) * (sign ? -1n : 1n);
  const limit = (text) => inGroups(text) + (isMoney ? " ₫" : "");
  if (dataset.min && amount < BigInt(dataset.min)) return words.atLeast(limit(dataset.min));
  return dataset.max && amount > BigInt(dataset.max) ? words.atMost(limit(dataset.max)) : null;
}

export function start() {
  on("input", "input[data-money]", (event, input) => event.isComposing || write(input));
  on("beforeinput", "input[data-money]", cross);
  on("change", "input[data-number]", (_event, input) => (input.value = spaced(input.value)));
  on("change", "input[data-money], input[data-number]", (_event, input) => beside(input, "amount", problem(input)));
  each("input[data-money]", (input) => {
    write(input);
    input.defaultValue = input.value; // our own hand is no change
  });
}
