// A form while it is drawn: pages, sections and fields in their order, every change with its way back. Knows no page: what the screen
// shows follows from here, and what is kept (docs/forms.md) is `plain()`.
const MOST_STEPS = 200;
const LONGEST_KEY = 41;
const OWN = "@"; // by what the screen knows a part while its key may still change; never kept

const copy = (value) => structuredClone(value);
let number = 0;

// "Số tiền đề nghị" → "so_tien_de_nghi", or so_tien_de_nghi_2 where that is taken.
export function keyFrom(text, taken, otherwise = "truong") {
  const bare = text.toLowerCase().replaceAll("đ", "d").normalize("NFD").replace(/\p{M}/gu, "");
  const word = bare.replace(/[^a-z0-9]+/g, "_").replace(/^[_0-9]+/, "").slice(0, LONGEST_KEY - 4).replace(/_+$/, "") || otherwise;
  let key = word;
  for (let next = 2; taken.has(key); next++) key = `${word}_${next}`;
  return key;
}

export class Drawing extends EventTarget {
  #now;
  #before = []; // {state, told}: the way back
  #after = [];
  #joined = null; // what the last change was about: typing on in one input is one step
  #young = new Set(); // fields whose key still follows their label
  #added = new Set(); // fields that nobody can have answered yet
  #only = { [OWN]: 0, key: "", title: "" }; // the section of a form that has none; it is never kept

  constructor(definition) {
    super();
    this.#now = this.#taken(definition);
  }

  #taken(definition) {
    const state = copy(definition);
    for (const name of ["pages", "sections", "fields"]) {
      state[name] = Array.isArray(state[name]) ? state[name].filter((part) => part && typeof part === "object") : [];
      for (const part of state[name]) part[OWN] = ++number;
    }
    return state;
  }

  // ── what there is ──
  get name() {
    return this.#now.name ?? "";
  }
  get pages() {
    return this.#now.pages;
  }
  get fields() {
    return this.#now.fields;
  }
  get sections() {
    return this.#now.sections.length ? this.#now.sections : [this.#only];
  }
  get canUndo() {
    return this.#before.at(-1)?.told;
  }
  get canRedo() {
    return this.#after.at(-1)?.told;
  }

  idOf(part) {
    return part[OWN];
  }
  field(id) {
    return this.fields.find((one) => one[OWN] === id);
  }
  section(id) {
    return this.sections.find((one) => one[OWN] === id);
  }
  page(id) {
    return this.pages.find((one) => one[OWN] === id);
  }
  sectionOf(field) {
    return this.sections.find((one) => one.key === field.section) ?? this.sections[0];
  }
  fieldsIn(section) {
    return this.fields.filter((one) => this.sectionOf(one) === section);
  }
  sectionsOn(page) {
    const first = this.pages[0];
    return this.sections.filter((one) => (this.pages.find((known) => known.key === one.page) ?? first) === page);
  }

  // As it is kept: without our own marks, and without parts that it does not need.
  plain() {
    const kept = copy(this.#now);
    for (const name of ["pages", "sections", "fields"]) for (const part of kept[name]) delete part[OWN];
    for (const name of ["pages", "sections"]) if (!kept[name].length) delete kept[name];
    return kept;
  }

  // ── changing ──
  // told: what the step back is called; join: typing on in the same place is the same step; only: the field that alone has changed.
  #change(told, act, { join = null, only = null, isTravel = false } = {}) {
    if (!join || join !== this.#joined) {
      this.#before.push({ state: copy(this.#now), told });
      if (this.#before.length > MOST_STEPS) this.#before.shift();
    }
    this.#joined = join;
    this.#after = [];
    const made = act(this.#now);
    this.#inOrder();
    this.#tell(only, isTravel);
    return made;
  }

  // The flat order is that of the screen: section by section.
  #inOrder() {
    const pages = this.pages.map((one) => one.key);
    const at = (section) => Math.max(0, pages.indexOf(section.page));
    this.#now.sections.sort((one, other) => at(one) - at(other));
    const places = new Map(this.sections.map((one, place) => [one, place]));
    this.#now.fields.sort((one, other) => places.get(this.sectionOf(one)) - places.get(this.sectionOf(other)));
  }

  #tell(only, isTravel = false) {
    this.dispatchEvent(new CustomEvent("change", { detail: { only, isTravel } }));
  }

  #travel(from, to) {
    const step = from.pop();
    if (!step) return null;
    to.push({ state: this.#now, told: step.told });
    this.#now = step.state;
    this.#joined = null;
    this.#tell(null, true);
    return step.told;
  }
  undo() {
    return this.#travel(this.#before, this.#after);
  }
  redo() {
    return this.#travel(this.#after, this.#before);
  }

  // Another drawing takes the place of this one; the step back brings this one again.
  replace(told, definition) {
    this.#change(told, () => (this.#now = this.#taken(definition)), { isTravel: true });
  }

  // Its key stays as it is from now on, unless nobody has said yet what it is: it still bears the name of its kind.
  settle(id, called) {
    const field = this.field(id);
    if (!field || field.label !== called || this.isMentioned(field.key)) this.#young.delete(id);
  }

  isAdded = (field) => this.#added.has(field[OWN]);

  // The key of a field that nobody has named yet follows its label, in a form that nobody has answered.
  keepYoung(id) {
    if (!this.isMentioned(this.field(id).key)) this.#young.add(id);
  }

  // Does a condition, a formula or another setting look at this key?
  isMentioned(key) {
    const told = JSON.stringify({ ...this.plain(), fields: this.plain().fields.map((one) => ({ ...one, key: "" })) });
    return new RegExp(`(^|[^a-z0-9_])${key}([^a-z0-9_]|$)`).test(told);
  }

  set(told, part, name, value, only = null) {
    const isEmpty = value === undefined || value === null || value === "" || value === false || (Array.isArray(value) && !value.length);
    this.#change(
      told,
      () => {
        if (isEmpty) delete part[name];
        else part[name] = value;
        if (name === "label" && this.#young.has(part[OWN])) part.key = this.newKey(value, part);
      },
      { join: `${part[OWN]} ${name}`, only },
    );
  }

  rename(told, name) {
    this.#change(told, (state) => (state.name = name), { join: "name" });
  }

  newKey(label, besides = null) {
    const text = typeof label === "string" ? label : (label?.vi ?? Object.values(label ?? {})[0] ?? "");
    return keyFrom(text, new Set(this.fields.filter((one) => one !== besides).map((one) => one.key)));
  }

  // before: the field that it comes to stand in front of; none: the last one of the section.
  #put(field, section, before) {
    if (section?.key) field.section = section.key;
    else delete field.section;
    const place = before ? this.fields.indexOf(before) : this.#behind(section);
    this.#now.fields.splice(place, 0, field);
  }
  #behind(section) {
    const last = section && this.fieldsIn(section).at(-1);
    return last ? this.fields.indexOf(last) + 1 : this.fields.length;
  }

  add(told, begun, section, before = null) {
    const field = { key: this.newKey(begun.label), ...copy(begun), [OWN]: ++number };
    this.#young.add(field[OWN]);
    this.#added.add(field[OWN]);
    this.#change(told, () => this.#put(field, section, before));
    return field[OWN];
  }

  duplicate(told, id) {
    const from = this.field(id);
    const field = { ...copy(from), key: this.newKey(from.label), [OWN]: ++number };
    const next = this.fields[this.fields.indexOf(from) + 1] ?? null;
    this.#change(told, () => this.#put(field, this.sectionOf(from), next && this.sectionOf(next) === this.sectionOf(from) ? next : null));
    return field[OWN];
  }

  remove(told, id) {
    const place = this.fields.findIndex((one) => one[OWN] === id);
    this.#change(told, (state) => state.fields.splice(place, 1));
    return this.fields[Math.min(place, this.fields.length - 1)]?.[OWN] ?? null;
  }

  move(told, id, section, before = null) {
    const field = this.field(id);
    if (before === field) return;
    this.#change(told, (state) => {
      state.fields.splice(state.fields.indexOf(field), 1);
      this.#put(field, section, before);
    });
  }

  // One place up (-1) or down (1), over the edge of its section into the next one. False where there is none.
  step(told, id, by) {
    const field = this.field(id);
    const section = this.sectionOf(field);
    const row = this.fieldsIn(section);
    const at = row.indexOf(field);
    if (row[at + by]) this.move(told, id, section, by < 0 ? row[at - 1] : (row[at + 2] ?? null));
    else {
      const other = this.sections[this.sections.indexOf(section) + by];
      if (!other) return false;
      this.move(told, id, other, by > 0 ? (this.fieldsIn(other)[0] ?? null) : null);
    }
    return true;
  }

  // Where a field stands: {place, count, section}, counted from 1.
  placeOf(id) {
    const field = this.field(id);
    const section = this.sectionOf(field);
    const row = this.fieldsIn(section);
    return { place: row.indexOf(field) + 1, count: row.length, section };
  }

  // ── sections and pages ──
  #freshPart(stem, known) {
    return { key: keyFrom(stem, new Set(known.map((one) => one.key)), stem), [OWN]: ++number };
  }

  #ownSections(state) {
    if (!state.sections.length) state.sections.push(this.#freshPart("phan", []));
  }

  addSection(told, title, page = null) {
    return this.#change(told, (state) => {
      this.#ownSections(state);
      const made = { ...this.#freshPart("phan", state.sections), title, ...(page ? { page: page.key } : this.pages.length ? { page: this.pages.at(-1).key } : {}) };
      state.sections.push(made);
      return made[OWN];
    });
  }

  addPage(told, titleOf) {
    return this.#change(told, (state) => {
      this.#ownSections(state);
      if (!state.pages.length) {
        const first = { ...this.#freshPart("trang", []), title: titleOf(1) };
        state.pages.push(first);
        for (const section of state.sections) section.page = first.key;
      }
      const made = { ...this.#freshPart("trang", state.pages), title: titleOf(state.pages.length + 1) };
      state.pages.push(made);
      state.sections.push({ ...this.#freshPart("phan", state.sections), page: made.key });
      return made[OWN];
    });
  }

  // What stood in it goes to the section beside it.
  removeSection(told, id) {
    this.#change(told, (state) => {
      const place = state.sections.findIndex((one) => one[OWN] === id);
      const [gone] = state.sections.splice(place, 1);
      const heir = state.sections[Math.max(0, place - 1)];
      for (const field of state.fields) {
        if ((field.section ?? gone.key) !== gone.key) continue;
        if (heir) field.section = heir.key;
        else delete field.section;
      }
    });
  }

  removePage(told, id) {
    this.#change(told, (state) => {
      const place = state.pages.findIndex((one) => one[OWN] === id);
      const [gone] = state.pages.splice(place, 1);
      const heir = state.pages[Math.max(0, place - 1)];
      for (const section of state.sections) {
        if ((section.page ?? gone.key) !== gone.key) continue;
        if (heir) section.page = heir.key;
        else delete section.page;
      }
    });
  }

  // A section with all that stands in it, one place up or down; over the edge of its page onto the next one.
  stepSection(told, id, by) {
    const section = this.section(id);
    const here = this.sections.indexOf(section);
    const other = this.sections[here + by];
    const pageAt = this.pages.findIndex((one) => one.key === section.page);
    const isSamePage = other && (other.page ?? "") === (section.page ?? "");
    if (!isSamePage && !this.pages[pageAt + by]) return false;
    this.#change(told, (state) => {
      if (isSamePage) {
        state.sections.splice(here, 1);
        state.sections.splice(here + by, 0, section);
      } else section.page = this.pages[pageAt + by].key;
    });
    return true;
  }
}
