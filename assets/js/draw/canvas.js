// The form in the middle, as it will look: every field a cell that is chosen, dragged, or moved by the keyboard.
import Sortable from "sortablejs";

import { element, icon } from "../dom.js";
import { button, plainText } from "./editors.js";

const FEW = 4; // as app/forms/controls.py: up to so many answers stand side by side

export class Canvas {
  // act: {choose(kind, id), add(type, section, before), move(id, section, before), step(id, by), copy(id), remove(id), stepSection(id, by), addSection(page), addPage()}
  constructor(place, drawing, desk, act) {
    Object.assign(this, { place, drawing, desk, act, chosen: { kind: "form", id: 0 }, wrong: new Map() });
    place.addEventListener("keydown", (event) => this.#keys(event));
    place.addEventListener("focusin", ({ target }) => target.matches(".tt-fcell__pick") && this.#rove(target));
  }

  // ── drawing: what has not changed stays as it is, so that sixty fields follow a key as fast as six ──
  draw() {
    const { drawing, desk } = this;
    const frame = JSON.stringify([drawing.name, drawing.pages, drawing.sections]);
    if (frame === this.#frame) {
      for (const list of this.place.querySelectorAll("[data-section]")) inStep(list, this.#rows(drawing.section(Number(list.dataset.section))));
      return this.#rove();
    }
    this.#frame = frame;
    const pages = drawing.pages.length ? drawing.pages : [null];
    for (const one of this.#lists.splice(0)) one.destroy();
    this.place.replaceChildren(
      element("div", { class: "tt-paper" }, this.#pick("form", 0, "tt-paper__name", element("h2", {}, plainText(drawing.name) || desk.words.noName)), ...pages.flatMap((page) => this.#page(page))),
      element("div", { class: "tt-flex tt-wrap" }, button(desk.words.addSection, "plus", () => this.act.addSection(null), "tt-addhere"), button(desk.words.addPage, "plus", () => this.act.addPage(), "tt-addhere")),
    );
    this.#sortable();
    this.#rove();
  }

  refresh(id) {
    const field = this.drawing.field(id);
    const cell = this.#cell(id);
    if (!field || !cell) return this.draw();
    const isHere = cell.querySelector(".tt-fcell__pick") === document.activeElement;
    const drawn = this.#drawn(field);
    if (drawn !== cell) cell.replaceWith(drawn);
    this.#rove();
    // Whoever chose it goes on with the keys: Delete, Alt and an arrow.
    if (isHere) drawn.querySelector(".tt-fcell__pick").focus({ preventScroll: true });
  }

  // Tab stops at one field, the arrows lead to the others: behind sixty fields the properties are as near as behind one.
  #rove(here = null) {
    const picks = [...this.place.querySelectorAll(".tt-fcell__pick")];
    const stop = here ?? picks.find((one) => one.getAttribute("aria-pressed") === "true") ?? picks[0];
    for (const one of picks) one.tabIndex = one === stop ? 0 : -1;
  }

  #frame = "";
  #lists = [];
  #cells = new Map(); // id → {told, cell}: the cell that says this

  #drawn(field) {
    const id = this.drawing.idOf(field);
    const told = JSON.stringify([field, this.#isOn(id), this.wrong.has(id)]);
    if (this.#cells.get(id)?.told !== told) this.#cells.set(id, { told, cell: this.#draw(field) });
    return this.#cells.get(id).cell;
  }

  #isOn = (id) => this.chosen.kind === "field" && this.chosen.id === id;

  #rows(section) {
    const cells = this.drawing.fieldsIn(section).map((one) => this.#drawn(one));
    return cells.length ? cells : [element("li", { class: "tt-frow__empty" }, this.desk.words.dropHere)];
  }

  #cell = (id) => this.place.querySelector(`[data-field="${id}"]`);

  #page(page) {
    const head = page ? [this.#pick("page", this.drawing.idOf(page), "tt-paper__page", element("h3", {}, plainText(page.title) || this.desk.words.page))] : [];
    const sections = page ? this.drawing.sectionsOn(page) : this.drawing.sections;
    return [...head, ...sections.map((one) => this.#section(one))];
  }

  #section(section) {
    const id = this.drawing.idOf(section);
    const title = plainText(section.title);
    const rows = element("ul", { class: "tt-frow", "data-section": id }, ...this.#rows(section));
    const head = section.key ? [this.#pick("section", id, "tt-fsec__head", element("h4", {}, title || this.desk.words.section))] : [];
    return element("section", { class: "tt-fsec", "aria-label": title || this.desk.words.section }, ...head, rows);
  }

  // What is pressed to see the properties of the form, a page or a section.
  #pick(kind, id, css, inner) {
    const pick = element("button", { type: "button", class: `tt-pick ${css}`, "data-pick": kind, "data-id": id }, inner);
    pick.setAttribute("aria-pressed", String(this.chosen.kind === kind && this.chosen.id === id));
    pick.addEventListener("click", () => this.act.choose(kind, id));
    return pick;
  }

  #draw(field) {
    const { desk, drawing } = this;
    const id = drawing.idOf(field);
    const kind = desk.types.get(field.type) ?? { label: field.type, icon: "forms", control: "line" };
    const isOn = this.#isOn(id);
    const label = plainText(field.label) || desk.words.noLabel;
    const marks = [kind.label, field.required ? desk.words.isRequired : "", field.retired ? desk.words.retired : "", this.wrong.has(id) ? desk.words.hasProblem : ""].filter(Boolean);
    const pick = element("button", { type: "button", class: "tt-fcell__pick", "aria-pressed": String(isOn), "aria-label": [label, ...marks].join(", "), "aria-keyshortcuts": "Alt+ArrowUp Alt+ArrowDown Delete" });
    pick.addEventListener("click", () => this.act.choose("field", id));
    const conditions = desk.conditions.filter((name) => field[name]);
    return element(
      "li",
      { class: `tt-fcell tt-share--${field.width ?? usualWidth(field, kind)}${isOn ? " is-on" : ""}${this.wrong.has(id) ? " is-wrong" : ""}`, "data-field": id },
      pick,
      ...(isOn ? [this.#tools(id, label)] : []),
      element("span", { class: "form-label" }, this.wrong.has(id) ? icon("alert-circle") : "", label, ...(field.required ? [element("span", { class: "tt-req" }, desk.words.isRequired)] : [])),
      ghost(field, kind, desk.words),
      ...(plainText(field.help) ? [element("span", { class: "tt-help" }, plainText(field.help))] : []),
      ...(field.retired ? [element("span", { class: "tt-fcell__if" }, icon("archive"), desk.words.retired)] : []),
      ...(conditions.length ? [element("span", { class: "tt-fcell__if" }, icon("eye"), conditions.map((name) => desk.words[name]).join(" · "))] : []),
    );
  }

  #tools(id, label) {
    const { words } = this.desk;
    const one = (name, sign, act) => button(`${words[name]}: ${label}`, sign, act, "tt-iconbtn tt-iconbtn--sm");
    const grip = element("span", { class: "tt-fcell__grip", title: words.drag, "aria-hidden": true }, icon("grip-vertical"));
    return element("span", { class: "tt-fcell__tools" }, grip, one("up", "arrow-up", () => this.act.step(id, -1)), one("down", "arrow-down", () => this.act.step(id, 1)), one("copy", "copy", () => this.act.copy(id)), one("remove", "trash", () => this.act.remove(id)));
  }

  // ── choosing ──
  choose(kind, id) {
    const before = this.chosen;
    this.chosen = { kind, id };
    for (const one of [before, this.chosen]) if (one.kind === "field" && this.drawing.field(one.id)) this.refresh(one.id);
    this.place.querySelectorAll("[data-pick]").forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.pick === kind && Number(one.dataset.id) === id)));
  }

  #picked() {
    const { kind, id } = this.chosen;
    return kind === "field" ? this.#cell(id)?.querySelector(".tt-fcell__pick") : this.place.querySelector(`[data-pick="${kind}"][data-id="${id}"]`);
  }

  focus() {
    this.#picked()?.focus({ preventScroll: true });
    this.reveal();
  }

  // What is chosen is in view: on a phone, above the properties.
  reveal() {
    this.#picked()?.scrollIntoView({ block: "nearest" });
  }

  // ── by keyboard ──
  #keys(event) {
    const cell = event.target.closest?.("[data-field]");
    if (!cell || !event.target.matches(".tt-fcell__pick") || event.ctrlKey || event.metaKey) return;
    const id = Number(cell.dataset.field);
    const by = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 }[event.key];
    if (by && event.altKey) this.act.step(id, by);
    else if (by) {
      const cells = [...this.place.querySelectorAll("[data-field]")];
      cells[cells.indexOf(cell) + by]?.querySelector(".tt-fcell__pick").focus();
    } else if (event.key === "Delete") this.act.remove(id);
    else return;
    event.preventDefault();
  }

  // ── by mouse or finger ──
  #sortable() {
    const idOf = (one) => (one?.dataset.field ? Number(one.dataset.field) : null);
    const dropped = ({ item, to, from }) => {
      const section = this.drawing.section(Number(to.dataset.section));
      const before = this.drawing.field(idOf(nextCell(item))) ?? null;
      const type = item.dataset.type;
      if (type) item.remove();
      // The list is drawn anew from what the form now is.
      if (type) this.act.add(type, section, before);
      else if (to !== from || this.drawing.field(idOf(item)) !== before) this.act.move(idOf(item), section, before);
    };
    for (const list of this.place.querySelectorAll("[data-section]")) {
      this.#lists.push(Sortable.create(list, { group: { name: "fields", put: ["fields", "kinds"] }, draggable: ".tt-fcell", animation: 120, ghostClass: "is-moved", forceFallback: true, fallbackTolerance: 5, delay: 180, delayOnTouchOnly: true, onAdd: dropped, onUpdate: dropped }));
    }
  }
}

// The list holds these, in this order; what stands right is not touched.
function inStep(list, wanted) {
  for (const one of [...list.children]) if (!wanted.includes(one)) one.remove();
  let at = list.firstElementChild;
  for (const one of wanted) {
    if (one === at) at = at.nextElementSibling;
    else list.insertBefore(one, at);
  }
}

function nextCell(item) {
  let next = item.nextElementSibling;
  while (next && !next.dataset.field) next = next.nextElementSibling;
  return next;
}

const WIDE = new Set(["area", "rows", "address", "signature", "checks", "scale", "told"]); // as app/forms/builder.py draws them
const usualWidth = (field, kind) => (WIDE.has(kind.control) || (kind.control === "choice" && areButtons(field, offeredIn(field))) ? "full" : "half");
const offeredIn = (field) => (Array.isArray(field.options) ? field.options : []).filter((one) => one && !one.retired).map((one) => plainText(one.label));
const areButtons = (field, options) => field.type === "yes_no" || (options.length > 0 && options.length <= FEW);

// An input as it will look, which takes nothing.
function ghost(field, kind, words) {
  const box = (css, ...inner) => element("span", { class: `tt-ghost ${css}`.trim(), "aria-hidden": true }, ...inner);
  const options = offeredIn(field);
  const chip = (label) => element("span", {}, label);
  switch (kind.control) {
    case "area":
      return box("tt-ghost--area");
    case "choice":
      if (field.type === "yes_no") return box("tt-ghost--several", chip(words.yes), chip(words.no));
      if (!areButtons(field, options)) return box("", icon(kind.icon), kind.label, element("span", { class: "tt-push" }, icon("chevron-down")));
      return box("tt-ghost--several", ...options.map(chip));
    case "checks":
      return box("tt-ghost--several", ...options.slice(0, 12).map(chip));
    case "scale":
      return box("tt-ghost--several", ...Array.from({ length: field.type === "nps" ? 11 : 5 }, (_none, at) => chip(String(field.type === "nps" ? at : at + 1))));
    case "rows":
      return box("tt-ghost--several", ...(Array.isArray(field.fields) ? field.fields : []).map((column) => chip(plainText(column.label))));
    case "lookup":
      return box("", icon("search"), kind.label);
    case "told":
      return kind.is_answered === false && field.type === "note" ? "" : box("", icon(kind.icon), field.formula ?? "");
    default:
      return box(["signature", "address"].includes(kind.control) ? "tt-ghost--area" : "", icon(kind.icon), kind.placeholder, ...(kind.unit ? [element("span", { class: "tt-push" }, kind.unit)] : []));
  }
}
