// The properties of what is chosen: the form, a page, a section, or a field, whose settings its kind names.
import { element, icon } from "../dom.js";
import { condition } from "./conditions.js";
import { button, edited, plainText, settings, settled, wordsIn, yesNo } from "./editors.js";

const TABS = ["main", "when", "rights"];
const RIGHTS = new Set(["personal_data", "read_roles", "edit_roles"]);

// What only a field that is answered can have, and what only some kinds can.
const ANSWERED = new Set(["required_if", "readonly_if", "edit_roles", "message"]);
const fits = (name, kind) => (ANSWERED.has(name) ? kind?.is_answered && (name !== "readonly_if" || kind.takes_default) : name === "unique" ? kind?.can_be_unique : true);

export class Panel {
  constructor(place, drawing, desk, act) {
    Object.assign(this, { place, drawing, desk, act, tab: "main" });
  }

  show({ kind, id }) {
    const part = kind === "field" ? this.drawing.field(id) : kind === "section" ? this.drawing.section(id) : kind === "page" ? this.drawing.page(id) : null;
    if (kind === "field" && part) this.#field(part, id);
    else if (kind !== "form" && part) this.#part(kind, part, id);
    else this.#form();
  }

  #head(sign, title, below) {
    this.title = element("h2", { class: "tt-clip" }, title);
    this.below = element("p", { class: "tt-sm tt-3 tt-clip" }, below);
    const fold = button(this.desk.words.tabs, "chevron-down", () => this.unfold(!this.isOpen), "tt-iconbtn tt-only-sm");
    fold.setAttribute("aria-expanded", String(this.isOpen));
    this.fold = fold;
    return element("div", { class: "tt-props__head" }, element("span", { class: "tt-props__sign" }, icon(sign)), element("div", { class: "tt-grow" }, this.title, this.below), fold);
  }

  // On a phone they lie over the form, folded down to their head until something is chosen.
  get isOpen() {
    return this.place.parentElement.dataset.sheet === "open";
  }
  unfold(isOpen) {
    this.place.parentElement.dataset.sheet = isOpen ? "open" : "folded";
    this.fold?.setAttribute("aria-expanded", String(isOpen));
  }

  #body = (...inner) => element("div", { class: "tt-props__body" }, ...inner);

  #form() {
    const { words } = this.desk;
    const name = wordsIn({ value: this.drawing.name, desk: this.desk, put: (value) => this.drawing.rename(words.didRename, value ?? "") });
    this.place.replaceChildren(this.#head("forms", words.form, words.formHint), this.#body(settled("name", words.name, name), element("p", { class: "tt-help" }, words.begin)));
  }

  #part(kind, part, id) {
    const { drawing, desk, act } = this;
    const { words } = desk;
    const isSection = kind === "section";
    const told = words.didChange.replace("{label}", words[kind]);
    const put = (value) => drawing.set(told, part, "title", value);
    const asked = isSection && part.key ? [condition({ name: "visible_if", of: part, label: words.visible_if, value: part.visible_if, desk: { ...desk, about: { phan: part.key } }, put: (value) => drawing.set(told, part, "visible_if", value) })] : [];
    const moves = isSection ? [button(words.sectionUp, "arrow-up", () => act.stepSection(id, -1), "btn btn-sm"), button(words.sectionDown, "arrow-down", () => act.stepSection(id, 1), "btn btn-sm"), button(words.addSectionHere, "plus", () => act.addSection(drawing.pages.find((one) => one.key === part.page) ?? null), "btn btn-sm")] : [];
    this.place.replaceChildren(
      this.#head(isSection ? "layout-list" : "file-text", words[kind], isSection ? words.sectionHint : words.pageHint),
      this.#body(settled("title", words.title, wordsIn({ value: part.title, desk, put })), ...asked, element("div", { class: "tt-flex tt-wrap" }, ...moves, button(isSection ? words.removeSection : words.removePage, "trash", () => act.removePart(kind, id), "btn btn-sm tt-btn-danger"))),
    );
  }

  #field(field, id) {
    const { desk, drawing } = this;
    const { words } = desk;
    const kind = desk.types.get(field.type);
    const set = (name, value) => {
      drawing.set(words.didChange.replace("{label}", plainText(field.label) || kind?.label), field, name, value, id);
      if (name !== "consent") return;
      this.open(this.tab);
      this.point(name);
    };
    // Consent is free: nothing is answered beforehand, and nobody must. What is set already can be taken away.
    const isOpen = (name) => !field.consent || (field[name] ?? "") !== "";
    const mine = { ...desk, field, isFree: () => (desk.isFirst || drawing.isAdded(field)) && !drawing.isMentioned(field.key), about: { get khoa() { return field.key; } }, others: () => drawing.fields.filter((one) => one !== field), sections: () => drawing.sections.map((one) => [one.key, plainText(one.title) || words.section]) };
    const head = this.#head(kind?.icon ?? "forms", plainText(field.label) || words.noLabel, "");
    const named = () => {
      this.title.textContent = plainText(field.label) || words.noLabel;
      this.below.textContent = words.keyIs.replace("{kind}", kind?.label ?? field.type).replace("{key}", field.key);
    };
    named();
    const bodies = {
      main: () => [
        settled("label", words.label, wordsIn({ value: field.label, desk, put: (value) => {
          set("label", value ?? "");
          named();
        } })),
        settled("help", words.help, wordsIn({ value: field.help, desk, put: (value) => set("help", value) })),
        ...(kind?.is_answered && isOpen("required") ? [yesNo({ setting: { name: "required", label: words.required }, value: field.required, put: (value) => set("required", value) })] : []),
        ...(kind?.searchable ? [yesNo({ setting: { name: "searchable", label: words.searchable, help: desk.isOwn ? words.searchableOwn : words.searchableAnswers }, value: field.searchable, put: (value) => set("searchable", value) })] : []),
        ...settings(kind, field, set, mine),
        ...(kind?.takes_default && isOpen("default") && (!field.catalogue || field.default !== undefined) ? [settled("default", words.default, this.#default(field, kind, set), { help: words.defaultHint })] : []),
        ...desk.shared.filter((one) => !RIGHTS.has(one.name) && fits(one.name, kind) && (one.name !== "section" || drawing.sections.length > 1)).map((one) => edited(one, one.name === "section" ? drawing.sectionOf(field).key : field[one.name], (value) => (one.name === "section" ? this.act.move(id, drawing.sections.find((known) => known.key === value), null) : set(one.name, value)), mine)),
        element("p", {}, button(words.uses, "search", async () => (await desk.kept()) && location.assign(desk.path.replace(/ve$/, `truong/${field.key}`)), "btn btn-sm")),
      ],
      when: () => [
        ...desk.conditions.filter((name) => fits(name, kind) && (name !== "required_if" || isOpen(name))).map((name) => condition({ name, of: field, label: words[name], value: field[name], desk: mine, put: (value) => set(name, value) })),
        ...(kind?.is_answered ? [yesNo({ setting: { name: "keep_hidden", label: words.keep_hidden }, value: field.keep_hidden, put: (value) => set("keep_hidden", value) })] : []),
      ],
      rights: () => [
        ...desk.shared.filter((one) => RIGHTS.has(one.name) && fits(one.name, kind)).map((one) => edited(one, field[one.name], (value) => set(one.name, value), mine)),
      ],
    };
    const tabs = TABS.filter((name) => name !== "when" || desk.conditions.length);
    const bar = element("div", { class: "tt-tabs tt-tabs--card", role: "tablist", "aria-label": words.tabs });
    const body = this.#body();
    body.id = "ve-thuoc-tinh";
    body.setAttribute("role", "tabpanel");
    const open = (name) => {
      this.tab = name;
      for (const tab of bar.children) {
        tab.setAttribute("aria-selected", String(tab.dataset.tab === name));
        tab.tabIndex = tab.dataset.tab === name ? 0 : -1;
      }
      body.replaceChildren(...bodies[name]());
    };
    this.open = open;
    for (const name of tabs) {
      const tab = element("button", { type: "button", role: "tab", "data-tab": name, "aria-controls": body.id }, words[`tab_${name}`]);
      tab.addEventListener("click", () => open(name));
      bar.append(tab);
    }
    bar.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!by) return;
      const next = tabs[(tabs.indexOf(this.tab) + by + tabs.length) % tabs.length];
      open(next);
      bar.querySelector(`[data-tab="${next}"]`).focus();
    });
    this.place.replaceChildren(head, bar, body);
    open(tabs.includes(this.tab) ? this.tab : "main");
  }

  // An answer that stands there from the start, chosen or typed as whoever fills in would.
  #default(field, kind, set) {
    const put = (value) => set("default", value);
    const choices = kind.control === "choice" && Array.isArray(field.options) ? field.options.map((one) => [one.value, plainText(one.label)]) : kind.answers;
    const typed = String(field.default ?? "").trim().toLowerCase();
    const said = (field.type === "yes_no" && { true: "yes", false: "no", có: "yes", không: "no", 1: "yes", 0: "no" }[typed]) || (typeof field.default === "number" ? typed : field.default);
    if (choices.length) return edited({ editor: "one_of", name: "default", label: "", choices }, said, put, this.desk).querySelector("select");
    const input = element("input", { class: "form-control", type: "text", autocomplete: "off", maxlength: 500 });
    input.value = field.default ?? "";
    input.addEventListener("input", () => put(input.value.trim() || undefined));
    return input;
  }

  // Where a problem is: the tab with its setting, and the input in it.
  point(name) {
    this.unfold(true);
    this.open?.(RIGHTS.has(name) ? "rights" : this.desk.conditions.includes(name) || name === "keep_hidden" ? "when" : "main");
    const place = this.place.querySelector(`[data-setting="${name}"]`) ?? this.place;
    if (place instanceof HTMLDetailsElement) place.open = true;
    (place.querySelector("input, select, textarea, summary") ?? place.querySelector("button"))?.focus();
  }
}
