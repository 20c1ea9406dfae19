// What holds and what follows while somebody fills in a form: conditions, formulas and the state of every field, on trees that
// app/core/conditions/stored.py and app/forms/formula.py wrote. Nothing is parsed here but numbers and days. The server works it
// out once more, and its answer counts; tests/vectors/*.json run in both.
//
// asked: {today: "2026-11-22", me: id}. Data by key as the server stores it: text, number, true or false, list, object.

const MOST_VALUE = 10_000; // characters of a text and items of a list that a comparison looks into
const HOURS_OF_COMPANY = 7; // of Asia/Ho_Chi_Minh, which knows no summer time
const DAY = 86_400_000;

// ── days and moments ──
const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?(Z|[+-]\d{2}:\d{2})?)?$/;

class Day {
  constructor(text) {
    this.text = text;
  }
}

class Period {
  constructor(first, last) {
    Object.assign(this, { first, last });
  }
}

function midnight(year, month, day) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date;
}

const numberOf = (day) => midnight(...day.split("-").map(Number)).getTime() / DAY;

function dayAt(number) {
  const date = new Date(number * DAY);
  const year = date.getUTCFullYear();
  return year < 1 || year > 9999 || Number.isNaN(year) ? null : date.toISOString().slice(0, 10);
}

// {day, time}, in the company's clock; time is null where only a day is known. Compared as texts.
function momentOf(raw) {
  if (raw instanceof Day) return { day: raw.text, time: null };
  const [, year, month, day, hour, minute, second = "00", fraction = "", zone] = (typeof raw === "string" && ISO.exec(raw)) || [];
  if (year === undefined || year === "0000") return null;
  const date = midnight(Number(year), Number(month), Number(day));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== Number(day)) return null;
  if (hour === undefined) return { day: raw, time: null };
  if (hour > 23 || minute > 59 || second > 59) return null;
  let at = date.getTime() + ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000;
  if (zone) {
    const [hours, minutes] = zone === "Z" ? [0, 0] : zone.slice(1).split(":").map(Number);
    if (hours > 23 || minutes > 59) return null;
    at += (HOURS_OF_COMPANY * 60 - (zone[0] === "-" ? -1 : 1) * (hours * 60 + minutes)) * 60_000;
  }
  const own = dayAt(Math.floor(at / DAY));
  return own && { day: own, time: `${new Date(at).toISOString().slice(11, 19)}.${fraction.padEnd(6, "0")}` };
}

const dayOf = (raw) => momentOf(raw)?.day ?? null;

// ── values ──
const isList = Array.isArray;
const isRecord = (raw) => raw !== null && typeof raw === "object" && !isList(raw) && !(raw instanceof Day || raw instanceof Period);
const characters = (text) => (text.length > 2 * MOST_VALUE ? text.length : [...text].length);
const sign = (left, right) => (left > right) - (left < right);

function text(raw) {
  return characters(raw) > MOST_VALUE ? null : raw.normalize("NFC");
}

// A plain value; null is what is missing or cannot be compared.
function read(raw) {
  if (typeof raw === "string") return text(raw);
  if (typeof raw === "number") return Number.isFinite(raw) ? raw : null;
  return typeof raw === "boolean" || raw instanceof Day || raw instanceof Period ? raw : null;
}

function order(left, right) {
  if (left === null || right === null || typeof left === "boolean" || typeof right === "boolean") return null;
  if (typeof left === "number" || typeof right === "number") {
    return typeof left === typeof right ? sign(left, right) : null;
  }
  if (right instanceof Period) return orderIn(left instanceof Period ? null : dayOf(left), right);
  if (left instanceof Period) {
    const turned = orderIn(dayOf(right), left);
    return turned === null ? null : -turned;
  }
  const [first, second] = [momentOf(left), momentOf(right)];
  if (!first || !second) return null;
  return sign(first.day, second.day) || (first.time && second.time ? sign(first.time, second.time) : 0);
}

const orderIn = (day, period) => (day === null ? null : (day > period.last) - (day < period.first));

function equal(left, right) {
  if (typeof left === "string" && typeof right === "string") return left === right || order(left, right) === 0;
  if (typeof left === "boolean" && typeof right === "boolean") return left === right;
  const found = order(left, right);
  return found === null ? null : found === 0;
}

const MARKED = "àảãáạăằẳẵắặâầẩẫấậèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵ";
const PLAIN = new Map([...[...MARKED].map((letter) => [letter, letter.normalize("NFD")[0]]), ...[..."đðɖ"].map((letter) => [letter, "d"])]);
const plainLetters = (typed) => [...typed.toLowerCase().normalize("NFC")].map((letter) => PLAIN.get(letter) ?? letter).join("");

function contains(container, wanted) {
  if (wanted === null) return null;
  if (typeof container === "string") {
    const whole = text(container);
    return whole === null || typeof wanted !== "string" ? null : plainLetters(whole).includes(plainLetters(wanted));
  }
  if (!isList(container) || container.length > MOST_VALUE) return null;
  return container.some((item) => equal(read(item), wanted) === true);
}

function isEmpty(raw) {
  if (typeof raw === "string") return !/[^ \t\r\n\u00a0]/.test(raw);
  if (raw === null || raw === undefined || (isList(raw) && !raw.length)) return true;
  return isRecord(raw) && !Object.keys(raw).length;
}

// The exact key first; a dotted key that is not there leads into records.
function found(data, key) {
  if (Object.hasOwn(data, key)) return data[key];
  let at = data;
  for (const name of key.split(".")) {
    if (!isRecord(at) || !Object.hasOwn(at, name)) return null;
    at = at[name];
  }
  return at;
}

// ── functions of conditions ──
const monthAt = (at) => {
  const [first, of] = [Math.floor(at / 12), (at % 12) + 1];
  return first < 1 || first > 9999 ? null : `${String(first).padStart(4, "0")}-${String(of).padStart(2, "0")}-01`;
};
const shifted = (days) => (today) => {
  const day = dayAt(numberOf(today) + days);
  return day && new Day(day);
};
const between = (first, last) => (first && last ? new Period(first, last) : null);
const week = (offset) => (today) => {
  const at = numberOf(today);
  const monday = at - ((((at + 3) % 7) + 7) % 7) + 7 * offset; // 1 January 1970 was a Thursday
  return between(dayAt(monday), dayAt(monday + 6));
};
const months = (length, offset) => (today) => {
  const [year, month] = today.split("-").map(Number);
  const at = Math.floor((year * 12 + month - 1) / length) * length + length * offset;
  const [first, next] = [monthAt(at), monthAt(at + length)];
  return between(first, next && dayAt(numberOf(next) - 1));
};
const CALENDAR = {
  today: shifted(0),
  yesterday: shifted(-1),
  tomorrow: shifted(1),
  this_week: week(0),
  last_week: week(-1),
  next_week: week(1),
  this_month: months(1, 0),
  last_month: months(1, -1),
  next_month: months(1, 1),
  this_quarter: months(3, 0),
  last_quarter: months(3, -1),
  this_year: months(12, 0),
  last_year: months(12, -1),
  last_days: (today, days) => between(dayAt(numberOf(today) - days + 1), today),
  next_days: (today, days) => between(today, dayAt(numberOf(today) + days - 1)),
};

function called(name, args, asked) {
  if (Object.hasOwn(CALENDAR, name)) return asked.today ? CALENDAR[name](asked.today, ...args) : null;
  if (name === "me") return asked.me ?? null;
  if (name === "days_between") {
    const [first, last] = args.map(dayOf);
    return first && last ? numberOf(last) - numberOf(first) : null;
  }
  if (name !== "len") return null;
  if (typeof args[0] === "string") return [...args[0].normalize("NFC")].length;
  return isList(args[0]) ? args[0].length : null;
}

// The value of {"field": key} or {"call": name, "args": […]}, or what stands there itself.
function valueOf(operand, data, asked) {
  if (!isRecord(operand)) return operand;
  if ("field" in operand) return found(data, operand.field);
  return called(operand.call, operand.args.map((arg) => valueOf(arg, data, asked)), asked);
}

// ── conditions ──
export function holds(node, data, asked) {
  if (node.and) return node.and.every((part) => holds(part, data, asked));
  if (node.or) return node.or.some((part) => holds(part, data, asked));
  if (node.not) return !holds(node.not, data, asked);
  const left = valueOf(node, data, asked);
  if (node.op === "empty" || node.op === "not empty") return isEmpty(left) === (node.op === "empty");
  if (node.op === "in" || node.op === "not in") return isAmong(read(left), node, data, asked);
  const right = read(valueOf(node.value, data, asked));
  if (node.op === "=" || node.op === "!=") return equal(read(left), right) === (node.op === "=");
  if (node.op === "contains" || node.op === "not contains") return contains(left, right) === (node.op === "contains");
  const found = order(read(left), right);
  return found !== null && { ">": found > 0, ">=": found >= 0, "<": found < 0, "<=": found <= 0 }[node.op] === true;
}

function isAmong(value, { op, value: choices }, data, asked) {
  let comparable = false;
  for (const choice of choices) {
    const same = equal(value, read(valueOf(choice, data, asked)));
    if (same) return op === "in";
    comparable ||= same === false;
  }
  return comparable && op === "not in";
}

// ── decimal numbers: n × 10^e, with as many digits as the server keeps; 0.1 + 0.2 is 0.3 ──
const DIGITS = 34;
const LARGEST_EXPONENT = 99;
const SMALLEST_STEP = -LARGEST_EXPONENT - DIGITS + 1;
const power = (exponent) => 10n ** BigInt(exponent);
const size = (n) => String(n < 0n ? -n : n).length;

class Decimal {
  constructor(n, e) {
    Object.assign(this, { n, e });
  }

  static of(typed) {
    const [, minus, whole, decimals = "", exponent = "0"] = /^(-?)(\d+)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(String(typed));
    const n = BigInt(whole + decimals);
    return new Decimal(minus ? -n : n, Number(exponent) - decimals.length);
  }

  get adjusted() {
    return size(this.n) - 1 + this.e;
  }

  toString() {
    return `${this.n}e${this.e}`;
  }
}

// Raised where the server's arithmetic gives up: a number beyond 10^99.
class Overflow extends Error {}

// Half of the last digit goes away from zero.
function cut({ n, e }, exponent) {
  if (exponent <= e) return new Decimal(n * power(e - exponent), exponent);
  const step = power(exponent - e);
  const half = n < 0n ? -step / 2n : step / 2n;
  return new Decimal((n + half) / step, exponent);
}

function fitted(number) {
  let fit = number;
  if (size(fit.n) > DIGITS) fit = cut(fit, fit.e + size(fit.n) - DIGITS);
  if (size(fit.n) > DIGITS) fit = cut(fit, fit.e + 1); // 99…9 became 100…0
  if (fit.n !== 0n && fit.adjusted > LARGEST_EXPONENT) throw new Overflow();
  return fit.n !== 0n && fit.e < SMALLEST_STEP ? cut(fit, SMALLEST_STEP) : fit;
}

function aligned(left, right) {
  const e = Math.min(left.e, right.e);
  return [left.n * power(left.e - e), right.n * power(right.e - e), e];
}

const compared = (left, right) => {
  const [a, b] = aligned(left, right);
  return sign(a, b);
};
const added = (left, right) => {
  const [a, b, e] = aligned(left, right);
  return fitted(new Decimal(a + b, e));
};

function divided(left, right) {
  if (right.n === 0n) return null;
  const shift = Math.max(0, DIGITS + 2 + size(right.n) - size(left.n));
  return fitted(new Decimal((left.n * power(shift)) / right.n, left.e - right.e - shift));
}

// ── formulas ──
const ARITHMETIC = {
  "+": added,
  "-": (left, right) => added(left, new Decimal(-right.n, right.e)),
  "*": (left, right) => fitted(new Decimal(left.n * right.n, left.e + right.e)),
  "/": divided,
};

function orderOf([left, right]) {
  if (left instanceof Decimal && right instanceof Decimal) return compared(left, right);
  const [first, second] = [dayOf(left), dayOf(right)];
  return first && second ? sign(first, second) : null;
}

function same([left, right]) {
  if (left instanceof Decimal && right instanceof Decimal) return compared(left, right) === 0;
  return typeof left === typeof right && typeof left !== "object" ? left === right : null;
}

const numbersIn = (values) => values.flatMap((value) => (isList(value) ? numbersIn(value) : value instanceof Decimal ? [value] : []));
const pick = (wanted) => (values) => numbersIn(values).reduce((best, one) => (best && compared(best, one) !== wanted ? best : one), null);

function rounded([number, places = Decimal.of(0)]) {
  if (!(number instanceof Decimal && places instanceof Decimal)) return null;
  if (compared(places, Decimal.of(0)) < 0 || compared(places, Decimal.of(6)) > 0) return null;
  const fit = cut(number, -Math.trunc(Number(places)));
  return size(fit.n) > DIGITS ? null : fit;
}

const FUNCTIONS = {
  "=": (values) => same(values) === true,
  "!=": (values) => same(values) === false,
  "<": (values) => orderOf(values) === -1,
  "<=": (values) => [-1, 0].includes(orderOf(values)),
  ">": (values) => orderOf(values) === 1,
  ">=": (values) => [0, 1].includes(orderOf(values)),
  and: (values) => values.every((value) => value === true),
  or: (values) => values.some((value) => value === true),
  not: ([value]) => value !== true,
  sum: (values) => numbersIn(values).reduce(added, Decimal.of(0)),
  count: (values) => Decimal.of(values.flat().filter((value) => value !== null && value !== undefined).length),
  min: pick(1),
  max: pick(-1),
  round: rounded,
  days: (values) => {
    const [first, last] = values.map(dayOf);
    return first && last ? Decimal.of(numberOf(last) - numberOf(first)) : null;
  },
};

function plain(value) {
  if (typeof value === "number") return Number.isFinite(value) ? Decimal.of(value) : null;
  return typeof value === "boolean" || typeof value === "string" || isList(value) ? value : null;
}

function answer(key, answers) {
  const [name, column] = key.split(".");
  const value = Object.hasOwn(answers, name) ? answers[name] : null;
  if (column === undefined) return plain(value);
  return isList(value) ? value.filter(isRecord).map((row) => (Object.hasOwn(row, column) ? plain(row[column]) : null)) : [];
}

function workOut(node, answers, asked) {
  if ("number" in node) return Decimal.of(node.number);
  if ("value" in node) return node.value;
  if ("field" in node) return answer(node.field, answers);
  if (node.call === "today") return asked.today ?? null;
  if (node.call === "if") {
    const [when, then, otherwise] = node.args;
    return workOut(workOut(when, answers, asked) === true ? then : otherwise, answers, asked);
  }
  const values = node.args.map((arg) => workOut(arg, answers, asked));
  if (!Object.hasOwn(ARITHMETIC, node.call)) return FUNCTIONS[node.call](values);
  const [left, right] = values;
  if (!(left instanceof Decimal && right instanceof Decimal)) return null;
  try {
    return ARITHMETIC[node.call](left, right);
  } catch (error) {
    if (error instanceof Overflow) return null;
    throw error;
  }
}

// What a formula comes to: a Decimal (`String` gives its digits), text, true or false, list; null: something is missing.
export function result(tree, answers, asked) {
  try {
    return workOut(tree, answers, asked);
  } catch (error) {
    if (error instanceof Overflow) return null;
    throw error;
  }
}

const MOST_DIGITS = 15; // what a number of JSON keeps

// The answer of a calculated field, rounded as the server does (app/forms/fields/calculated.py).
export function calculated({ tree, places }, answers, asked) {
  const number = result(tree, answers, asked);
  if (!(number instanceof Decimal) || number.adjusted + 1 > MOST_DIGITS) return null;
  const kept = places === 0 ? 0 : Math.min(places, MOST_DIGITS - Math.max(number.adjusted + 1, 1));
  return Number(cut(number, -kept)) + 0;
}

// ── the fields of a form ──
// fields, in the order in which they follow from each other: {key, shown: [condition], required: true | condition, locked:
// condition, begin, keep, options: [{value, for, if}], on, formula}; all but the key may be left out. `given` is what was answered
// by key, null or left out: nothing. → {values, states: {key: {shown, required, locked, offered}}}, offered null: all of them.
export function settled(fields, given, asked) {
  const [values, states] = [{}, {}];
  for (const field of fields) {
    const state = stateOf(field, values, asked);
    const value = state.locked ? field.begin : field.formula ? calculated(field.formula, values, asked) : given[field.key];
    states[field.key] = state;
    if (value === null || value === undefined || !(state.shown || field.keep)) continue;
    if (field.on !== undefined && values[field.on] === undefined) continue; // the server asks for that one first
    if (!state.offered || [value].flat().every((one) => state.offered.includes(one))) values[field.key] = value;
  }
  return { values, states };
}

function stateOf(field, values, asked) {
  const is = (condition) => Boolean(condition) && (condition === true || holds(condition, values, asked));
  const shown = (field.shown ?? []).every(is);
  const locked = shown && is(field.locked);
  return { shown, locked, required: shown && !locked && is(field.required), offered: field.options ? offered(field, values, is) : null };
}

function offered({ options, on }, values, is) {
  const other = on === undefined ? undefined : values[on];
  const fits = (option) => other === undefined || !option.for || option.for.includes(other);
  return options.filter((option) => fits(option) && (!option.if || is(option.if))).map((option) => option.value);
}
