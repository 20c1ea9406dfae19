// With what is a setting edited? One editor for each kind of setting (app/forms/fields/settings.py), by its name. Each gets
// {setting, value, put, desk} and gives what stands below the label; `put` takes the value as it is kept, undefined for none.
import { read as readDate, written } from "../dates.js";
import { element, icon } from "../dom.js";
import { words as said } from "../words.js";
import { condition } from "./conditions.js";
import { keyFrom } from "./model.js";

let number = 0;
export const freshId = () => `ve-${++number}`;
export const LONGEST = 500;

const GROUP = said.comma === "," ? "." : ",";
const plainText = (words) => (typeof words === "string" ? words : (words?.vi ?? Object.values(words ?? {})[0] ?? ""));
export { plainText };

export const button = (label, sign, act, css = "tt-iconbtn tt-iconbtn--sm") => {
  const made = element("button", { type: "button", class: css, ...(css.startsWith("tt-iconbtn") ? { "aria-label": label, title: label } : {}) }, icon(sign), ...(css.startsWith("tt-iconbtn") ? [] : [label]));
  made.addEventListener("click", act);
  return made;
};

// Label, control and help of one setting. `name` is found by the problems that are told about it.
export function settled(name, label, control, { help = "", group = false } = {}) {
  const id = freshId();
  const inner = group ? control : (control.querySelector("input, select, textarea") ?? control);
  inner.id ||= id;
  const described = help ? `${inner.id}-help` : null;
  if (described) inner.setAttribute("aria-describedby", described);
  if (group) control.setAttribute("role", "group");
  if (group) control.setAttribute("aria-label", label);
  const heading = group ? element("span", { class: "form-label" }, label) : element("label", { class: "form-label", for: inner.id }, label);
  return element("div", { class: "tt-field", "data-setting": name }, heading, control, ...(help ? [element("p", { class: "tt-help", id: described }, help)] : []));
}

// ── numbers ──
const shownNumber = (value) => {
  const [whole, rest] = String(value).split(".");
  return whole.replace(/\B(?=(\d{3})+$)/g, GROUP) + (rest ? said.comma + rest : "");
};
function readNumber(text) {
  const bare = new RegExp(`^-?\\d{1,3}(\\${GROUP}\\d{3})+(\\${said.comma}\\d+)?$`).test(text) ? text.replaceAll(GROUP, "") : text;
  const plain = bare.replace(said.comma, ".");
  return /^-?\d{1,15}(\.\d{1,6})?$/.test(plain) ? Number(plain) : null;
}

// What cannot be read is kept as it was typed: the publishing check then says what is wrong with it.
function typed({ value, put }, { show, read, ...attributes }) {
  const input = element("input", { class: "form-control", type: "text", autocomplete: "off", ...attributes });
  input.value = value === undefined || value === null ? "" : typeof value === "object" ? "" : show(value);
  input.addEventListener("input", () => {
    const text = input.value.trim();
    const known = text === "" ? undefined : read(text);
    put(known === null ? text : known);
  });
  return input;
}
const numeric = (about) => typed(about, { show: (value) => (typeof value === "number" ? shownNumber(value) : String(value)), read: readNumber, inputmode: "decimal" });

const day = (about) =>
  typed(about, {
    show: (value) => (/^\d{4}-\d\d-\d\d$/.test(value) ? written({ day: value }) : String(value)),
    read: (text) => readDate(text)?.day ?? null,
    inputmode: "numeric",
    "data-date": true,
    placeholder: about.desk.words.dayExample,
  });

const text = (about, more = {}) => typed(about, { show: String, read: (value) => value, maxlength: LONGEST, ...more });

// ── words, in one language or several ──
export function wordsIn({ value, put, desk }, rows = 1) {
  const known = typeof value === "object" && value ? { ...value } : value ? { vi: value } : {};
  const box = element("div", { class: "tt-tongues" });
  for (const [code, name] of Object.entries(desk.languages)) {
    const input = rows > 1 ? element("textarea", { class: "form-control", rows, maxlength: LONGEST, lang: code }) : element("input", { class: "form-control", type: "text", maxlength: LONGEST, autocomplete: "off", lang: code });
    if (code !== "vi") input.placeholder = name;
    input.setAttribute("aria-label", name);
    input.value = known[code] ?? "";
    input.addEventListener("input", () => {
      if (input.value.trim()) known[code] = input.value;
      else delete known[code];
      const several = Object.keys(known);
      put(!several.length ? undefined : several.length === 1 && known.vi ? known.vi : { ...known });
    });
    box.append(input);
  }
  box.firstChild.removeAttribute("aria-label");
  return box;
}

// ── choosing ──
export function choose({ value, put }, choices, none) {
  const select = element("select", { class: "form-select" });
  if (none !== undefined) select.append(element("option", { value: "" }, none));
  for (const [code, label] of choices) select.append(element("option", { value: code }, label));
  if (value && !choices.some(([code]) => code === value)) select.append(element("option", { value }, value));
  select.value = value ?? "";
  select.addEventListener("change", () => put(select.value || undefined));
  return select;
}

export function checks({ value, put }, offered, nothing) {
  const chosen = new Set(Array.isArray(value) ? value : []);
  // What is chosen and not there any more can be taken off.
  const choices = [...offered, ...[...chosen].filter((code) => !offered.some(([one]) => one === code)).map((code) => [code, code])];
  const box = element("div", { class: "tt-checks" }, ...(choices.length ? [] : [element("span", { class: "tt-none" }, nothing)]));
  for (const [code, label] of choices) {
    const input = element("input", { type: "checkbox", class: "form-check-input" });
    input.checked = chosen.has(code);
    input.addEventListener("change", () => {
      if (input.checked) chosen.add(code);
      else chosen.delete(code);
      put(choices.map(([one]) => one).filter((one) => chosen.has(one)));
    });
    box.append(element("label", { class: "form-check" }, input, element("span", { class: "form-check-label" }, label)));
  }
  return box;
}

const keysOf = (desk, takes) => desk.others().filter((one) => takes(desk.types.get(one.type) ?? {})).map((one) => [one.key, plainText(one.label)]);

// ── the answers to choose from ──
function options({ setting, value, put, desk }) {
  const { words } = desk;
  let rows = Array.isArray(value) ? structuredClone(value) : [];
  for (const [at, one] of rows.entries()) one.fresh = one.label === words.option.replace("{number}", at + 1) && desk.isFree?.();
  const list = element("ol", { class: "tt-options" });
  const tell = () => put(structuredClone(rows));

  function line(option, at) {
    const label = element("input", { class: "form-control", type: "text", maxlength: LONGEST, autocomplete: "off", "aria-label": words.optionLabel.replace("{number}", at + 1) });
    label.value = plainText(option.label);
    label.addEventListener("input", () => {
      option.label = typeof option.label === "object" && option.label ? { ...option.label, vi: label.value } : label.value;
      // Its value follows the label until somebody may have answered with it.
      if (option.fresh) option.value = keyFrom(label.value, new Set(rows.filter((one) => one !== option).map((one) => one.value)), "lua_chon");
      keep();
    });
    label.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "Enter") {
        event.preventDefault();
        insert(at + 1);
      }
      if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
        event.preventDefault();
        shift(at, event.key === "ArrowUp" ? -1 : 1);
      }
    });
    const row = element(
      "li",
      {},
      label,
      button(words.up, "arrow-up", () => shift(at, -1)),
      button(words.down, "arrow-down", () => shift(at, 1)),
      button(words.dropOption.replace("{label}", plainText(option.label)), "x", () => {
        rows.splice(at, 1);
        keep();
        draw(Math.max(0, at - 1));
      }),
    );
    if ("en" in desk.languages) {
      const other = element("input", { class: "form-control", type: "text", maxlength: LONGEST, autocomplete: "off", lang: "en", placeholder: desk.languages.en, "aria-label": `${words.optionLabel.replace("{number}", at + 1)}, ${desk.languages.en}` });
      other.value = (typeof option.label === "object" && option.label?.en) || "";
      other.addEventListener("input", () => {
        option.label = other.value.trim() ? { vi: plainText(option.label), en: other.value } : plainText(option.label);
        keep();
      });
      row.append(other);
    }
    if (setting.has_for) row.append(offeredWith(option));
    if (desk.about) row.append(condition({ name: "offered_if", of: option, label: words.offered_if, value: option.if, desk, put: (stored) => {
      if (stored) option.if = stored;
      else delete option.if;
      keep();
    } }));
    return row;
  }

  // With which answers of the other field it is offered.
  function offeredWith(option) {
    const other = desk.others().find((one) => one.key === desk.field.depends_on);
    const choices = (Array.isArray(other?.options) ? other.options : []).map((one) => [one.value, plainText(one.label)]);
    const put = (chosen) => {
      if (chosen.length) option.for = chosen;
      else delete option.for;
      keep();
    };
    const box = checks({ value: option.for, put }, choices, words.noOtherAnswers);
    return element("details", { class: "tt-options__for" }, element("summary", {}, words.offeredWith), box);
  }

  const keep = () => put(rows.map(({ fresh: _fresh, ...kept }) => structuredClone(kept)));
  function insert(at) {
    rows.splice(at, 0, { value: keyFrom("", new Set(rows.map((one) => one.value)), "lua_chon"), label: "", fresh: true });
    keep();
    draw(at);
  }
  function shift(at, by) {
    const to = at + by;
    if (to < 0 || to >= rows.length) return;
    rows.splice(to, 0, ...rows.splice(at, 1));
    keep();
    draw(to);
    desk.say(words.optionMoved.replace("{place}", to + 1).replace("{count}", rows.length));
  }
  function draw(focused = null) {
    list.replaceChildren(...rows.map(line));
    if (focused !== null) list.children[focused]?.querySelector("input")?.focus();
  }
  draw();
  return element("div", { class: "tt-stack" }, list, button(words.addOption, "plus", () => insert(rows.length), "btn btn-sm"));
}

// ── a formula, with the fields that it may use at hand ──
function formula(about) {
  const area = element("textarea", { class: "form-control", rows: 3, maxlength: 2000, spellcheck: "false", autocomplete: "off" });
  area.value = about.value ?? "";
  const keep = () => about.put(area.value.trim() || undefined);
  area.addEventListener("input", keep);
  const numbers = about.desk.others().flatMap((one) => {
    const kind = about.desk.types.get(one.type) ?? {};
    if (one.type === "rows") return (Array.isArray(one.fields) ? one.fields : []).filter((column) => about.desk.types.get(column.type)?.is_number).map((column) => [`${one.key}.${column.key}`, `${plainText(one.label)}: ${plainText(column.label)}`]);
    return kind.is_number ? [[one.key, plainText(one.label)]] : [];
  });
  const use = choose({ value: "", put: (key) => {
    if (!key) return;
    area.setRangeText(key, area.selectionStart, area.selectionEnd, "end");
    use.value = "";
    keep();
    area.focus();
  } }, numbers, about.desk.words.useField);
  use.setAttribute("aria-label", about.desk.words.useField);
  return element("div", { class: "tt-stack" }, area, use);
}

// ── the questions of a row: each a small field of its own ──
function columns({ setting, value, put, desk }) {
  const { words } = desk;
  const rows = Array.isArray(value) ? structuredClone(value) : [];
  const list = element("ol", { class: "tt-cols" });
  const kinds = [...desk.types.values()].filter((one) => one.fits_rows);
  const keep = () => put(structuredClone(rows));
  // As with answers: while nobody can have filled it in, and nothing is made of it, its key follows what it is called.
  const fresh = new Set(desk.isFree?.() ? rows.filter((one, at) => one.label === words.column.replace("{number}", at + 1)) : []);
  const isFresh = (column) => fresh.has(column) && !(desk.field.sums ?? []).includes(column.key) && desk.isFree();

  function line(column, at) {
    const kind = desk.types.get(column.type);
    const title = element("span", { class: "tt-grow tt-clip" }, plainText(column.label) || kind?.label || column.key);
    const body = element("div", { class: "tt-stack" });
    const folded = element("details", { "data-column": at }, element("summary", {}, title, element("small", {}, kind?.label ?? column.type)), body);
    const set = (name, kept) => {
      if (kept === undefined || kept === false || kept === "") delete column[name];
      else column[name] = kept;
      if (name === "label" && isFresh(column)) column.key = keyFrom(plainText(kept), new Set(rows.filter((one) => one !== column).map((one) => one.key)), "cot");
      title.textContent = plainText(column.label) || kind?.label || column.key;
      keep();
    };
    folded.addEventListener("toggle", () => {
      if (!folded.open || body.childElementCount) return;
      const inside = { ...desk, about: null, field: column, others: () => rows.filter((one) => one !== column) };
      body.append(
        settled("label", words.label, wordsIn({ value: column.label, put: (kept) => set("label", kept), desk: inside })),
        settled("type", words.kind, choose({ value: column.type, put: (code) => {
          for (const name of Object.keys(column)) if (!["key", "label", "help", "required"].includes(name)) delete column[name];
          Object.assign(column, begun(desk.types.get(code), words, { label: column.label, key: column.key }));
          keep();
          draw(at, "[data-setting=type] select"); // by the arrows one goes on to the next kind
        } }, kinds.map((one) => [one.code, one.label]))),
        ...(kind?.is_answered ? [yesNo({ setting: { label: words.required }, value: column.required, put: (kept) => set("required", kept) })] : []),
        ...settings(kind, column, set, inside, new Set(["maps_to", "consent", "consent_channel"])), // a customer has one name, no rows of it
        element("div", { class: "tt-flex" }, button(words.up, "arrow-up", () => shift(at, -1)), button(words.down, "arrow-down", () => shift(at, 1)), button(words.dropColumn, "trash", () => {
          rows.splice(at, 1);
          keep();
          draw();
        })),
      );
    });
    return element("li", {}, folded);
  }
  function shift(at, by) {
    const to = at + by;
    if (to < 0 || to >= rows.length) return;
    rows.splice(to, 0, ...rows.splice(at, 1));
    keep();
    draw(to);
  }
  function draw(opened = null, focused = "summary") {
    list.replaceChildren(...rows.map(line));
    const shown = opened === null ? null : list.children[opened]?.querySelector("details");
    if (!shown) return;
    shown.open = true;
    shown.dispatchEvent(new Event("toggle")); // its own comes later
    shown.querySelector(focused).focus();
  }
  draw();
  const add = button(words.addColumn, "plus", () => {
    const label = words.column.replace("{number}", rows.length + 1);
    rows.push({ key: keyFrom(label, new Set(rows.map((one) => one.key)), "cot"), type: "text", label });
    if (desk.isFree?.()) fresh.add(rows.at(-1));
    keep();
    draw(rows.length - 1, '[data-setting="label"] input');
    list.lastElementChild.querySelector('[data-setting="label"] input').select(); // as of a new field: one types over it
  }, "btn btn-sm");
  add.dataset.for = setting.name;
  return element("div", { class: "tt-stack" }, list, add);
}

export function yesNo({ setting, value, put }) {
  const input = element("input", { type: "checkbox", class: "form-check-input" });
  input.checked = value === true;
  input.addEventListener("change", () => put(input.checked || undefined));
  const label = element("label", { class: "form-check", "data-setting": setting.name ?? "required" }, input, element("span", { class: "form-check-label" }, setting.label));
  if (!setting.help) return label;
  input.setAttribute("aria-describedby", `${(input.id = freshId())}-help`);
  return element("div", { class: "tt-field" }, label, element("p", { class: "tt-help", id: `${input.id}-help` }, setting.help));
}

// Editors that need a group around them instead of one label for one input.
const GROUPS = new Set(["options", "fields", "columns", "roles"]);
const EDITORS = {
  whole: numeric,
  number: numeric,
  day,
  time: (about) => text(about, { maxlength: 5, placeholder: "08:30", inputmode: "numeric" }),
  one_of: ({ setting, value, put, desk }) => {
    const isNamed = setting.choices.some(([code]) => code === "none"); // it has a word of its own for none
    const none = setting.is_needed || isNamed ? undefined : setting.none || desk.words.usual;
    return choose({ value: isNamed ? (value ?? "none") : value, put: (code) => put(isNamed && code === "none" ? undefined : code) }, setting.choices, none);
  },
  words: (about) => wordsIn(about),
  catalogue: (about) => choose(about, about.desk.catalogues, about.desk.words.noCatalogue),
  field: (about) => choose(about, keysOf(about.desk, (kind) => kind.is_one_choice), about.desk.words.chooseField),
  section: (about) => choose(about, about.desk.sections(), undefined),
  roles: (about) => checks(about, about.desk.roles, about.desk.words.noRoles),
  columns: (about) => checks(about, (about.desk.field.fields ?? []).filter((one) => about.desk.types.get(one.type)?.is_number).map((one) => [one.key, plainText(one.label)]), about.desk.words.noNumbers),
  options,
  formula,
  fields: columns,
};

// One setting with its label; what has no editor of its own is typed as text.
export function edited(setting, value, put, desk) {
  if (setting.editor === "yes_no") return yesNo({ setting, value, put });
  const control = (EDITORS[setting.editor] ?? text)({ setting, value, put, desk });
  return settled(setting.name, setting.label, control, { help: setting.help, group: GROUPS.has(setting.editor) });
}

// What offers something of another setting is made anew when that one changes.
const OFFERS_OF = { depends_on: "options", fields: "sums" };

// All settings of a kind of field, but those that have no place there.
export function settings(kind, field, set, desk, without = new Set()) {
  const made = new Map();
  const make = (one) => edited(one, field[one.name], (value) => put(one.name, value), desk);
  function put(name, value) {
    set(name, value);
    const other = kind.settings.find((one) => one.name === OFFERS_OF[name]);
    if (!other) return;
    const before = made.get(other.name);
    made.set(other.name, make(other));
    before.replaceWith(made.get(other.name));
  }
  for (const one of kind?.settings ?? []) if (!without.has(one.name)) made.set(one.name, make(one));
  return [...made.values()];
}

// A field of that kind as it begins: what it cannot be without is there already.
export function begun(kind, words, given = {}) {
  const field = { type: kind.code, label: kind.label, ...given };
  for (const one of kind.settings) {
    if (one.editor === "options") field[one.name] = [1, 2].map((at) => ({ value: `lua_chon_${at}`, label: words.option.replace("{number}", at) }));
    if (one.editor === "fields") field[one.name] = [{ key: "cot_1", type: "text", label: words.column.replace("{number}", 1) }];
  }
  return field;
}
