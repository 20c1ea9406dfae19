// What keeps the form from being published, as the server found it in what it keeps; each leads to its place.
import { element, icon } from "../dom.js";
import { plainText } from "./editors.js";

export class Problems extends EventTarget {
  found = []; // {kind, id, name, message}

  // go(kind, id, name): to the setting of that name of a field, a section or the form
  constructor(place, drawing, desk, go) {
    super();
    Object.assign(this, { place, drawing, desk, go });
  }

  // As the API tells them: [{path: "fields[2].options[0].value", code, message}], by the order that was sent.
  take(told) {
    const { drawing } = this;
    this.found = told.map(({ path, message }) => {
      const [, list, at, name = ""] = /^(fields|sections|pages)\[(\d+)\](?:\.(\w+))?/.exec(path) ?? [];
      const part = list && drawing[list][Number(at)];
      return part ? { kind: list.slice(0, -1), id: drawing.idOf(part), name: name || "label", message } : { kind: "form", id: 0, name: path, message };
    });
    this.#draw();
    this.dispatchEvent(new Event("told"));
  }

  byField() {
    return new Map(this.found.filter((one) => one.kind === "field").map((one) => [one.id, one]));
  }

  count() {
    this.place.querySelector("[data-fields-count]").textContent = this.desk.words.fieldCount.replace("{count}", this.drawing.fields.length);
  }

  open() {
    this.place.open = true;
    this.place.querySelector("li button")?.focus();
  }

  #draw() {
    const { words } = this.desk;
    const many = this.found.length;
    const head = this.place.querySelector("[data-problems-head]");
    // Nobody is told off for a form that he has only just begun.
    const isEmpty = many === 1 && !this.drawing.fields.length;
    head.className = `tt-st tt-st--plain tt-st--${isEmpty ? "archived" : many ? "late" : "ok"}`;
    head.replaceChildren(icon(isEmpty ? "info-circle" : many ? "alert-circle" : "circle-check"), isEmpty ? this.found[0].message : many === 1 ? words.oneProblem : many ? words.manyProblems.replace("{count}", many) : words.noProblems);
    this.place.querySelector("ul").replaceChildren(
      ...this.found.map((one) => {
        const part = one.kind === "form" ? null : this.drawing[one.kind](one.id);
        const where = part ? plainText(part.label ?? part.title) || words[one.kind] || words.noLabel : words.form;
        const line = element("button", { type: "button" }, icon("alert-circle"), element("span", { class: "tt-grow" }, element("b", {}, where), ": ", one.message));
        line.addEventListener("click", () => this.go(one.kind, one.id, one.name));
        return element("li", {}, line);
      }),
    );
    if (!many) this.place.open = false;
    this.count();
  }
}
