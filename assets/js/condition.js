// Rows of a filter and the condition that they are (docs/conditions.md): from its stored form into rows, from rows into its text.
const PLAIN = /^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*$/;
const RESERVED = new Set(["and", "or", "not", "in", "contains", "empty", "true", "false", "today", "me", "len"]);
const GROUPED = /^-?[1-9]\d{0,2}(\.\d{3})+$/; // how Vietnamese write thousands: as a decimal it needs one more 0

const keyText = (key) => (PLAIN.test(key) && !RESERVED.has(key.toLowerCase()) ? key : `[${key}]`);

function valueText(value) {
  if (typeof value === "object") return `${value.call}(${value.args.map(valueText).join(", ")})`;
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") return GROUPED.test(String(value)) ? `${value}0` : String(value);
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
  return quote + value.replaceAll(quote, quote + quote) + quote;
}

// What stands in a row and is no number, or no day, is kept as it was typed: a text, which the server refuses there.
const NUMBERS = new Set(["number", "decimal", "money"]);
const DAYS = new Set(["date", "moment"]);
export const isNumber = (kind) => NUMBERS.has(kind);
export const isDay = (kind) => DAYS.has(kind);
export const isWrong = (kind, value) => typeof value === "string" && value !== "" && (isNumber(kind) || (isDay(kind) && !/^\d{4}-\d{2}-\d{2}(?![^T ])/.test(value)));

// row: {key, op, takes: none, one, list, period or two, values: [plain values and calls]}; one without its values says nothing.
function rowText({ key, op, takes, values }) {
  const name = keyText(key);
  const given = values.filter((value) => value !== null && value !== undefined && value !== "");
  if (takes === "none") return `${name} ${op}`;
  if (!given.length) return "";
  if (takes === "list" && given.length === 1) return `${name} ${op === "in" ? "=" : "!="} ${valueText(given[0])}`;
  if (takes === "list") return `${name} ${op} (${given.map(valueText).join(", ")})`;
  if (takes !== "two") return `${name} ${op} ${valueText(given[0])}`;
  const [from, to] = values;
  const isGiven = (value) => given.includes(value);
  return [isGiven(from) && `${name} >= ${valueText(from)}`, isGiven(to) && `${name} <= ${valueText(to)}`].filter(Boolean).join(" and ");
}

// group: {word: "and" or "or", parts: [row or group]}
export function textOf({ word, parts }, inside = false) {
  const told = parts.map((part) => (part.parts ? textOf(part, true) : rowText(part))).filter(Boolean);
  const isOneAlone = told.length === 1;
  const text = told.map((one, at) => (word === "or" && !isOneAlone && parts[at]?.takes === "two" ? `(${one})` : one)).join(` ${word} `);
  return inside && !isOneAlone && text ? `(${text})` : text;
}

// ── from the stored form ──
class NoRows extends Error {}

const isCall = (value) => typeof value === "object" && value !== null;
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

// fields: key → field; offers: what GET …/fields answers. None for a condition that does not fit into rows.
export function rowsOf(stored, fields, offers) {
  const read = (node) => {
    const field = fields.get(node.field);
    if (!field || Object.keys(node).some((name) => !["field", "op", "value"].includes(name))) throw new NoRows();
    const own = offers.own?.[field.kind] ?? [];
    const isOwn = (value) => own.some((one) => same(one.value, value));
    const isPeriod = (value) => isCall(value) && offers.periods.some((one) => same(one.value, value));
    const { value } = node;
    const takes = !("value" in node) ? "none" : Array.isArray(value) ? "list" : isPeriod(value) && !isOwn(value) ? "period" : "one";
    const values = takes === "none" ? [] : takes === "list" ? value : [value];
    if (takes !== "period" && values.some((one) => isCall(one) && !isOwn(one))) throw new NoRows();
    if (!offers.operators[field.kind].some((one) => one.op === node.op && one.value === takes)) throw new NoRows();
    return { key: node.field, op: node.op, takes, values };
  };
  const spans = (first, second) => first?.op === ">=" && second?.op === "<=" && first.key === second.key && first.takes === "one" && second.takes === "one";
  const joined = (rows, word) => {
    const made = [];
    for (const row of rows) {
      const last = made.at(-1);
      const field = fields.get(row.key);
      const mayBe = field && offers.operators[field.kind].some((one) => one.value === "two");
      if (word === "and" && mayBe && !row.parts && spans(last, row)) made[made.length - 1] = { key: row.key, op: "between", takes: "two", values: [last.values[0], row.values[0]] };
      else made.push(row);
    }
    return made;
  };
  const group = (node, level) => {
    const word = "and" in node ? "and" : "or" in node ? "or" : null;
    if (!word) return read(node);
    if (level > 1) {
      const rows = joined(node[word].map(read), word);
      if (rows.length === 1) return rows[0];
      throw new NoRows();
    }
    const parts = joined(node[word].map((part) => group(part, level + 1)), word);
    return parts.length === 1 && level > 0 ? parts[0] : { word, parts };
  };
  try {
    const made = stored ? group(stored, 0) : { word: "and", parts: [] };
    return made.parts ? made : { word: "and", parts: [made] };
  } catch (error) {
    if (error instanceof NoRows) return null;
    throw error;
  }
}
