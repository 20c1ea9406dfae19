// Amounts and numbers as this reader writes them: money in groups of three while one types, other numbers when one leaves them.
import { each, on } from "./dom.js";
import { words } from "./words.js";

const GROUP = words.comma === "," ? "." : ",";
const MOST_DIGITS = 15;
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

export function start() {
  on("input", "input[data-money]", (event, input) => event.isComposing || write(input));
  on("change", "input[data-number]", (_event, input) => (input.value = spaced(input.value)));
  each("input[data-money]", (input) => {
    write(input);
    input.defaultValue = input.value; // our own hand is no change
  });
}
