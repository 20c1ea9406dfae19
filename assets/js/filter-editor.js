// The filter of a list, put together in rows of field, operator and value, with groups, or typed. What is sent is the typed text,
// which the rows keep true; the server reads it, and tells here what it does not take.
import { whenReleased } from "./beside.js";
import { isDay, isNumber, isWrong, rowsOf, textOf } from "./condition.js";
import { read as readDate, written } from "./dates.js";
import { csrfToken, element, icon, skeletons } from "./dom.js";
import { words as said } from "./words.js";

const WIDE = ["choice", "yes_no"];
let number = 0;

export function edit(panel) {
  const words = JSON.parse(panel.dataset.words);
  const form = panel.querySelector("form");
  const place = panel.querySelector("[data-fe-rows]");
  const typed = panel.querySelector("textarea");
  const switcher = panel.querySelector("[data-fe-switch]");
  const refusal = panel.querySelector("[data-fe-refusal]");
  let names = JSON.parse(panel.dataset.names);
  let offers;
  let fields;
  let root = null; // none: the condition does not fit into rows
  let inStep = typed.value; // the text that the rows say

  // ── what is offered ──
  async function load() {
    place.replaceChildren(...skeletons(3));
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(panel.dataset.fields, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      if (!answer.ok || answer.redirected) throw new Error(answer.redirected ? said.signedOut : words.failed);
      offers = await answer.json();
    } catch (error) {
      const retry = element("button", { type: "button", class: "btn btn-sm" }, icon("refresh"), words.retry);
      retry.addEventListener("click", load);
      const told = error.message === said.signedOut ? error.message : words.failed;
      place.replaceChildren(element("p", { class: "tt-err", role: "alert" }, icon("alert-circle"), element("span", {}, told)), retry);
      return;
    } finally {
      place.removeAttribute("aria-busy");
    }
    fields = new Map(offers.fields.map((field) => [field.key, field]));
    take(JSON.parse(panel.dataset.where));
    if (panel.dataset.mode === "typed") return begin();
    if (!root.parts.length) root.parts.push(blank());
    draw();
    begin();
  }

  // At the condition whose chip was pressed, where it is most often changed; else at the first one.
  function begin() {
    if (panel.querySelector("form[data-begin]")) return; // there one begins above the conditions
    if (panel.dataset.mode === "typed") return typed.focus();
    const part = root.parts.find((one) => one.chip === Number(panel.dataset.at)) ?? root.parts[0];
    const row = panel.dataset.at && document.getElementById((part?.parts?.[0] ?? part)?.id)?.closest("[data-fe-row]");
    delete panel.dataset.at;
    (row?.querySelector(".tt-fe__value :is(input, select):not([data-url])") ?? row?.querySelectorAll("select")[1] ?? place.querySelector("select"))?.focus();
    row?.scrollIntoView({ block: "nearest" });
  }

  // ── the two faces ──
  function take(stored) {
    root = rowsOf(stored, fields, offers);
    if (!root) return face("typed", words.tooDeep);
    root.parts.forEach((part, at) => (part.chip = at));
  }

  function face(mode, told = "") {
    panel.dataset.mode = mode;
    switcher.textContent = mode === "typed" ? words.rows : words.type;
    tell(told);
  }

  function tell(sentence) {
    refusal.hidden = !sentence;
    refusal.querySelector("span").textContent = sentence;
    typed.classList.toggle("is-invalid", Boolean(sentence) && sentence !== words.tooDeep);
  }

  // What was typed is read by the server, which says what is wrong in it.
  async function toRows() {
    if (typed.value.trim() !== inStep.trim() || !root) {
      switcher.setAttribute("aria-busy", "true");
      try {
        const body = new URLSearchParams({ where: typed.value.trim(), csrf_token: csrfToken() });
        const answer = await fetch(panel.dataset.read, { method: "POST", body, headers: { Accept: "application/json" }, credentials: "same-origin" });
        if (!answer.ok || answer.redirected) throw new Error();
        const told = await answer.json();
        if (told.refusal) {
          tell(told.refusal);
          typed.focus();
          return;
        }
        names = told.names;
        take(told.stored);
        if (!root) return;
      } catch {
        return tell(words.failed);
      } finally {
        switcher.removeAttribute("aria-busy");
      }
    }
    if (!root.parts.length) root.parts.push(blank());
    face("rows");
    draw();
    begin();
  }

  switcher.addEventListener("click", () => {
    if (panel.dataset.mode !== "typed" && tellWrong()) return;
    if (panel.dataset.mode === "typed") {
      if (fields) toRows();
      else {
        panel.dataset.where = panel.dataset.where || "null";
        face("rows");
        load();
      }
    } else {
      face("typed");
      typed.focus();
    }
  });

  // ── rows ──
  const blank = (field = offers.fields[0]) => {
    const offered = offers.operators[field.kind];
    const first = (WIDE.includes(field.kind) && offered.find((one) => one.value === "list")) || offered[0];
    return { key: field.key, op: first.op, takes: first.value, values: [] };
  };

  function changed() {
    rowsIn(root).filter((row) => !isEmpty(row)).forEach((row) => document.getElementById(row.id)?.closest("[data-fe-row]").querySelectorAll(".is-invalid:not([data-wrong])").forEach(right));
    narrow();
    inStep = textOf(root);
    typed.value = inStep;
    panel.removeAttribute("data-refused");
    tell("");
    panel.dispatchEvent(new CustomEvent("tt:where", { detail: { isWrong: rowsIn(root).some(({ key, values }) => values.some((one) => isWrong(fields.get(key).kind, one))) } }));
  }

  function draw() {
    place.replaceChildren(...(root.parts.length > 1 ? [match(root)] : []), ...root.parts.map((part) => (part.parts ? drawGroup(part) : drawRow(part, root))), adders());
    if (!root.parts.length) place.prepend(element("p", { class: "tt-help" }, words.none));
    // Lists of choices may lie over the edge, unless it all has to scroll.
    place.classList.toggle("is-long", place.scrollHeight > innerHeight * 0.5);
    place.querySelectorAll("[data-wrong]").forEach((made) => wrong(made, made.wrong));
    changed();
  }

  function redraw(focus) {
    draw();
    const wanted = focus && place.querySelector(focus);
    (wanted ?? place.querySelector("[data-fe-add]")).focus();
  }

  function match(group) {
    const select = element("select", { class: "form-select", "aria-label": group === root ? words.match : words.inGroup }, option("and", words.all), option("or", words.any));
    select.value = group.word;
    select.addEventListener("change", () => {
      group.word = select.value;
      changed();
    });
    return element("div", { class: "tt-fe__match" }, element("span", {}, group === root ? words.match : words.inGroup), select);
  }

  const option = (value, label) => element("option", { value }, label);

  function adders(group = root) {
    const add = element("button", { type: "button", class: "btn btn-sm", "data-fe-add": true }, icon("plus"), words.addRow);
    add.addEventListener("click", () => {
      const made = blank();
      group.parts.push(made);
      made.id = `dk-${++number}`;
      redraw(`#${made.id}`);
    });
    if (group !== root) return add;
    const more = element("button", { type: "button", class: "btn btn-sm" }, icon("plus"), words.addGroup);
    more.addEventListener("click", () => {
      const made = blank();
      made.id = `dk-${++number}`;
      root.parts.push({ word: root.word === "and" ? "or" : "and", parts: [made, blank()] });
      redraw(`#${made.id}`);
    });
    return element("div", { class: "tt-fe__adders" }, add, more);
  }

  function drop(part, group) {
    const at = group.parts.indexOf(part);
    group.parts.splice(at, 1);
    const beside = group.parts[Math.min(at, group.parts.length - 1)];
    if (!group.parts.length && group !== root) return drop(group, root);
    redraw(beside && !beside.parts ? `#${beside.id}` : null);
  }

  const dropper = (label, act) => {
    const button = element("button", { type: "button", class: "tt-iconbtn tt-iconbtn--sm", "aria-label": label, title: label }, icon("x"));
    button.addEventListener("click", act);
    return button;
  };

  function drawGroup(group) {
    const box = element("fieldset", { class: "tt-fe__group" }, element("legend", { class: "tt-vh" }, words.group));
    const head = match(group);
    head.append(element("span", { class: "tt-push" }), dropper(words.dropGroup, () => drop(group, root)));
    box.append(head, ...group.parts.map((part) => drawRow(part, group)), adders(group));
    return box;
  }

  function drawRow(row, group) {
    row.id ??= `dk-${++number}`;
    const field = fields.get(row.key);
    const offered = offers.operators[field.kind];
    const which = element("select", { class: "form-select", id: row.id, "aria-label": words.field }, ...offers.fields.map((one) => option(one.key, one.label)));
    which.value = row.key;
    which.addEventListener("change", () => {
      Object.assign(row, blank(fields.get(which.value)), { begun: true });
      redraw(`#${row.id}`);
    });
    const how = element("select", { class: "form-select", "aria-label": `${field.label}: ${words.operator}` }, ...offered.map((one, at) => option(at, one.label)));
    how.value = offered.findIndex((one) => one.op === row.op && one.value === row.takes);
    how.addEventListener("change", () => {
      const chosen = offered[how.value];
      if (chosen.value !== row.takes) row.values = chosen.value === "list" || row.takes === "list" || chosen.value === "two" ? row.values.slice(0, 1).filter((value) => chosen.value !== "period" && typeof value !== "object") : [];
      Object.assign(row, { op: chosen.op, takes: chosen.value, begun: true });
      value.replaceChildren(...valueOf(row, field));
      value.querySelectorAll("[data-wrong]").forEach((made) => wrong(made, made.wrong));
      attach(value);
      changed();
    });
    const value = element("div", { class: "tt-fe__value" }, ...valueOf(row, field));
    const made = element("div", { class: "tt-fe__row", role: "group", "aria-label": field.label, "data-fe-row": true }, which, how, value, dropper(`${words.drop}: ${field.label}`, () => drop(row, group)));
    queueMicrotask(() => attach(value));
    return made;
  }

  // Look-ups and calendars begin their work on what a script has drawn, as on what htmx brings.
  const attach = (drawn) => document.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: drawn } }));

  // ── values ──
  function valueOf(row, field) {
    if (row.takes === "none") return [];
    if (row.takes === "period") return [choice(row, field, offers.periods.map((one) => [one.value, one.label]))];
    if (field.choices_url) return [lookUp(row, field), ...own(row, field)];
    if (WIDE.includes(field.kind)) return [row.takes === "list" ? boxes(row, field) : choice(row, field, field.choices)];
    if (row.takes === "two") return [input(row, field, 0, words.from), element("span", { class: "tt-fe__to", "aria-hidden": true }, "–"), input(row, field, 1, words.to)];
    return [row.takes === "list" ? several(row, field) : input(row, field, 0)];
  }

  function choice(row, field, choices) {
    const select = element("select", { class: "form-select", "aria-label": `${field.label}: ${words.value}` }, option("", ""), ...choices.map(([, label], at) => option(at, label)));
    const at = choices.findIndex(([value]) => JSON.stringify(value) === JSON.stringify(row.values[0]));
    select.value = at < 0 ? "" : at;
    select.addEventListener("change", () => {
      row.values = select.value === "" ? [] : [choices[select.value][0]];
      changed();
    });
    return select;
  }

  function boxes(row, field) {
    const list = element("div", { class: "tt-fe__boxes", role: "group", "aria-label": field.label });
    for (const [value, label] of field.choices) {
      const box = element("input", { type: "checkbox", class: "form-check-input" });
      box.checked = row.values.includes(value);
      box.addEventListener("change", () => {
        row.values = row.values.filter((one) => one !== value);
        if (box.checked) row.values.push(value);
        changed();
      });
      list.append(element("label", { class: "form-check" }, box, element("span", { class: "form-check-label" }, label)));
    }
    return list;
  }

  function several(row, field) {
    const label = `${field.label}: ${words.several}`;
    const made = element("input", { class: "form-control", type: "text", maxlength: 400, autocomplete: "off", "aria-label": label, placeholder: words.several });
    made.value = row.values.join(", ");
    made.addEventListener("input", () => {
      row.values = [...new Set(made.value.split(",").map((one) => one.trim()).filter(Boolean))];
      changed();
    });
    return made;
  }

  function input(row, field, at, part = "") {
    const [ofDay, ofNumber] = [isDay(field.kind), isNumber(field.kind)];
    const made = element("input", {
      class: "form-control", type: "text", maxlength: 200, autocomplete: "off", "aria-label": [field.label, part || words.value].join(": "),
      inputmode: ofDay ? "numeric" : ofNumber ? "decimal" : null, placeholder: ofDay ? words.date : part || null,
      "data-date": ofDay, "data-money": field.kind === "money",
    });
    const known = row.values[at] ?? "";
    const judge = () => made.toggleAttribute("data-wrong", isWrong(field.kind, row.values[at]));
    made.wrong = ofDay ? words.badDate : words.badNumber;
    made.value = judge() || known === "" ? known : ofDay ? written({ day: String(known).slice(0, 10) }) : ofNumber ? shownNumber(known) : known;
    made.addEventListener("input", () => {
      const text = made.value.trim();
      row.values[at] = text === "" ? "" : ofDay ? (readDate(text)?.day ?? text) : ofNumber ? (numberOf(text) ?? text) : text;
      if (!judge()) right(made);
      else if (ofNumber && !BEGUN.test(text)) wrong(made, made.wrong);
      changed();
    });
    // A day and "-1." are told when one leaves them: they may become one. What comes then moves nothing under a pointer that is down.
    made.addEventListener("change", () => whenReleased(() => made.isConnected && made.hasAttribute("data-wrong") && wrong(made, made.wrong)));
    return made;
  }

  const BEGUN = /^-?[\d.,]*$/;
  const GROUP = said.comma === "," ? "." : ",";
  const shownNumber = (value) => String(value).replace(".", said.comma);
  // 1.250.000 and 1250000 are one number; 1,5 is one and a half. None for what is no number.
  function numberOf(text) {
    const bare = new RegExp(`^-?\\d{1,3}(\\${GROUP}\\d{3})+(\\${said.comma}\\d+)?$`).test(text) ? text.replaceAll(GROUP, "") : text;
    const plain = bare.replace(said.comma, ".");
    return /^-?\d{1,15}(\.\d{1,6})?$/.test(plain) ? Number(plain) : null;
  }

  // People, teams and wards: looked up; and "tôi" beside the first.
  function lookUp(row, field) {
    const isMany = row.takes === "list";
    const known = row.values.filter((value) => typeof value !== "object");
    const select = element("select", { "data-url": field.choices_url, "data-within": field.within ? sole(field.within) : null, "data-narrowed-by": field.within || null, "data-placeholder": words.look, multiple: isMany, "aria-label": `${field.label}: ${words.value}` });
    if (!isMany) select.append(option("", ""));
    for (const value of known) {
      const one = option(value, names[field.key]?.[value] ?? `#${value}`);
      one.selected = true;
      select.append(one);
    }
    select.addEventListener("change", () => {
      const chosen = [...select.selectedOptions].map((one) => one.value).filter(Boolean).map((value) => (field.kind === "choice" ? value : Number(value)));
      for (const one of select.selectedOptions) (names[field.key] ??= {})[one.value] = one.textContent;
      const mine = row.values.filter((value) => typeof value === "object");
      if (!isMany && chosen.length) untick(select);
      row.values = isMany ? [...mine, ...chosen] : chosen.length ? chosen : mine;
      changed();
    });
    return element("div", { class: "tt-fe__look" }, select);
  }

  // The one value that the rows want of a field; several, or none: "".
  function sole(key) {
    const values = rowsIn(root).filter((row) => row.key === key && (row.op === "=" || row.op === "in")).flatMap((row) => row.values.filter(Boolean));
    return values.length === 1 ? values[0] : "";
  }

  // Another province has other wards to look up.
  function narrow() {
    for (const select of place.querySelectorAll("[data-narrowed-by]")) {
      const within = sole(select.dataset.narrowedBy);
      if (within === select.dataset.within) continue;
      select.dataset.within = within;
      select.dispatchEvent(new Event("tt:narrowed"));
    }
  }

  const untick = (select) => select.closest(".tt-fe__value")?.querySelectorAll('input[type="checkbox"]').forEach((box) => (box.checked = false));

  function own(row, field) {
    return (offers.own?.[field.kind] ?? []).map(({ value, label }) => {
      const box = element("input", { type: "checkbox", class: "form-check-input" });
      const is = (one) => JSON.stringify(one) === JSON.stringify(value);
      box.checked = row.values.some(is);
      box.addEventListener("change", () => {
        const others = row.values.filter((one) => !is(one));
        row.values = box.checked ? (row.takes === "list" ? [value, ...others] : [value]) : others;
        if (box.checked && row.takes !== "list") box.closest(".tt-fe__value").querySelector("select").tomselect?.clear(true);
        changed();
      });
      return element("label", { class: "form-check" }, box, element("span", { class: "form-check-label" }, label));
    });
  }

  // ── sending ──
  const beside = (made) => [...made.closest(".tt-fe__value").querySelectorAll("input, select")];
  function right(made) {
    made.removeAttribute("aria-invalid");
    made.removeAttribute("aria-describedby");
    made.classList.remove("is-invalid");
    const { told } = made;
    made.told = null;
    if (told && !beside(made).some((one) => one.told === told)) told.remove();
  }

  const rowsIn = (group) => group.parts.flatMap((part) => (part.parts ? rowsIn(part) : [part]));
  const isEmpty = ({ takes, values }) => takes !== "none" && !values.some((one) => one !== null && one !== undefined && one !== "");

  // A row that somebody began and gave no value; one alone that nobody touched says that there is no condition.
  function unfinished() {
    const rows = rowsIn(root);
    if (rows.length === 1 && !rows[0].begun) return [];
    return rows.filter(isEmpty).map((row) => document.getElementById(row.id).closest("[data-fe-row]").querySelector(".tt-fe__value :is(input, select)"));
  }

  function wrong(made, sentence) {
    if (made.told?.isConnected && made.told.textContent === sentence) return; // said once, not with every key
    right(made);
    // From and to are told once when the same is wrong with both.
    made.told = beside(made).find((one) => one.told?.textContent === sentence)?.told ?? element("p", { class: "tt-err", id: `dk-${++number}`, role: "alert" }, icon("alert-circle"), element("span", {}, sentence));
    made.setAttribute("aria-invalid", "true");
    made.setAttribute("aria-describedby", made.told.id);
    made.classList.add("is-invalid");
    made.closest(".tt-fe__value").append(made.told);
  }

  // Nothing goes on while a value is none of its kind: true, and one stands in the first of them.
  function tellWrong(missing = []) {
    const bad = [...place.querySelectorAll("[data-wrong]"), ...missing];
    bad.forEach((made) => wrong(made, missing.includes(made) ? words.noValue : made.wrong));
    bad[0]?.focus();
    return bad.length > 0;
  }

  form.addEventListener("submit", (event) => {
    if (panel.dataset.mode === "typed") return;
    if (tellWrong(unfinished())) event.preventDefault();
  });
  // No condition does not lengthen the address, unless it says so of a view that has one.
  form.addEventListener("formdata", ({ formData }) => {
    if (!formData.get("where")?.trim() && !formData.has("view")) formData.delete("where");
  });

  if (panel.dataset.mode === "typed") {
    switcher.textContent = words.rows;
  } else face("rows");
  panel.addEventListener("tt:edit", () => fields && begin());
  // What the server refuses stands beside the comparison that it is about, counted as they are written one behind the other.
  panel.addEventListener("tt:refused", ({ detail }) => {
    const written = root && panel.dataset.mode !== "typed" ? rowsIn(root).filter((row) => !isEmpty(row)).flatMap((row) => (row.takes === "two" && row.values.filter((one) => one || one === 0).length > 1 ? [row, row] : [row])) : [];
    const row = written[detail.row ?? -1];
    const made = row && document.getElementById(row.id)?.closest("[data-fe-row]").querySelector(".tt-fe__value :is(input, select)");
    if (made) wrong(made, detail.sentence);
    else tell(detail.sentence);
  });
  load();
}
