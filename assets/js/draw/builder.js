// Puts the builder together: palette, form, properties, preview, problems, the draft that keeps itself, the way back.
import { ask, element, icon } from "../dom.js";
import { question } from "../forms.js";
import { toast } from "../toasts.js";
import { Canvas } from "./canvas.js";
import { begun, plainText } from "./editors.js";
import { Drawing } from "./model.js";
import { palette } from "./palette.js";
import { Panel } from "./panel.js";
import { Preview } from "./preview.js";
import { Problems } from "./problems.js";
import { Saving } from "./saving.js";

const MOST_TOLD = 12; // changes before publishing; the form's page tells them all

const filled = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? "");

export function build(page) {
  const given = JSON.parse(page.dataset.drawing);
  const { words } = given;
  const part = (name) => page.querySelector(`[data-${name}]`);
  const drawing = new Drawing(given.definition);
  const saving = new Saving(drawing, { code: given.code, rev: given.rev, theirs: `${page.dataset.path}/ban-nhap` });
  const said = part("said");
  const say = (sentence) => {
    said.textContent = "";
    requestAnimationFrame(() => (said.textContent = sentence));
  };
  // What all editors share.
  const desk = {
    words: { ...words, always: { visible_if: words.always_shown, required_if: words.never_required, readonly_if: words.never_locked, offered_if: words.always_offered } },
    languages: Object.fromEntries(given.languages), shared: given.shared, conditions: given.conditions, catalogues: given.catalogues, roles: given.roles,
    types: new Map(given.types.map((one) => [one.code, one])),
    conditionWords: page.dataset.conditionWords, path: page.dataset.path, say, kept: () => saving.now(), isFirst: given.published === null, isOwn: given.is_own,
  };
  const kindOf = (id) => desk.types.get(drawing.field(id)?.type);
  const labelOf = (id) => plainText(drawing.field(id)?.label) || words.noLabel;

  // ── what can be done ──
  const choose = (kind, id) => {
    if (canvas.chosen.kind === "field") drawing.settle(canvas.chosen.id, kindOf(canvas.chosen.id)?.label);
    canvas.choose(kind, id);
    panel.show(canvas.chosen);
    if (kind !== "form") panel.unfold(true);
    canvas.reveal();
  };
  const chooseField = (id) => {
    choose(id === null ? "form" : "field", id ?? 0);
    canvas.focus();
  };
  const tellPlace = (id) => {
    const { place, count, section } = drawing.placeOf(id);
    say(filled(words.movedTo, { label: labelOf(id), place, count, section: plainText(section.title) || words.section }));
  };
  const act = {
    choose,
    add(type, section, before = null) {
      const kind = desk.types.get(type);
      const id = drawing.add(filled(words.didAdd, { label: kind.label }), begun(kind, words), section, before);
      choose("field", id);
      const { place, count } = drawing.placeOf(id);
      say(filled(words.added, { label: kind.label, place, count }));
      panel.point("label");
      panel.place.querySelector('[data-setting="label"] input')?.select();
      return id;
    },
    move(id, section, before) {
      drawing.move(filled(words.didMove, { label: labelOf(id) }), id, section, before);
      chooseField(id);
      tellPlace(id);
    },
    step(id, by) {
      if (!drawing.step(filled(words.didMove, { label: labelOf(id) }), id, by)) return say(by < 0 ? words.isFirst : words.isLast);
      chooseField(id);
      tellPlace(id);
    },
    copy: (id) => chooseField(drawing.duplicate(filled(words.didCopy, { label: labelOf(id) }), id)),
    remove(id) {
      const label = labelOf(id);
      chooseField(drawing.remove(filled(words.didRemove, { label }), id));
      say(filled(words.removed, { label }));
    },
    stepSection(id, by) {
      if (!drawing.stepSection(words.didMoveSection, id, by)) return say(by < 0 ? words.isFirst : words.isLast);
      choose("section", id);
      say(filled(words.movedTo, { label: plainText(drawing.section(id).title) || words.section, place: drawing.sections.indexOf(drawing.section(id)) + 1, count: drawing.sections.length, section: "" }));
    },
    addSection(on) {
      choose("section", drawing.addSection(words.didAddSection, "", on));
      panel.point("title");
    },
    addPage() {
      choose("page", drawing.addPage(words.didAddPage, (number) => filled(words.pageTitle, { number })));
      panel.point("title");
    },
    removePart(kind, id) {
      if (kind === "section") drawing.removeSection(words.didRemoveSection, id);
      else drawing.removePage(words.didRemovePage, id);
      choose("form", 0);
    },
  };
  const canvas = new Canvas(part("canvas"), drawing, desk, act);
  const panel = new Panel(part("properties"), drawing, desk, act);
  const preview = new Preview(page, part("preview"));
  const problems = new Problems(part("flaws"), drawing, desk, (kind, id, name) => {
    choose(kind, id);
    canvas.focus();
    panel.point(name);
  });

  // Behind what is chosen, else at the end.
  palette(part("palette"), given, (type) => {
    const { kind, id } = canvas.chosen;
    const on = kind === "field" ? drawing.sectionOf(drawing.field(id)) : kind === "section" ? drawing.section(id) : kind === "page" ? drawing.sectionsOn(drawing.page(id)).at(-1) : drawing.sections.at(-1);
    const row = drawing.fieldsIn(on ?? drawing.sections.at(-1));
    act.add(type, on ?? drawing.sections.at(-1), kind === "field" ? (row[row.indexOf(drawing.field(id)) + 1] ?? null) : null);
  });

  // ── the way back ──
  const [undo, redo] = [part("undo"), part("redo")];
  function travel(way) {
    const told = way === "undo" ? drawing.undo() : drawing.redo();
    if (told) say(filled(way === "undo" ? words.undone : words.redone, { what: told }));
  }
  undo.addEventListener("click", () => travel("undo"));
  redo.addEventListener("click", () => travel("redo"));
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.target.closest?.("input, textarea, select, dialog")) return;
    const key = event.key.toLowerCase();
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    travel(key === "y" || event.shiftKey ? "redo" : "undo");
  });
  function tellSteps() {
    for (const [one, told, alone] of [[undo, drawing.canUndo, words.undo], [redo, drawing.canRedo, words.redo]]) {
      one.disabled = !told;
      one.title = told ? `${alone}: ${told}` : alone;
      one.setAttribute("aria-label", one.title);
    }
  }

  drawing.addEventListener("change", ({ detail }) => {
    if (detail.only) canvas.refresh(detail.only);
    else canvas.draw();
    if (detail.isTravel) {
      const { kind, id } = canvas.chosen;
      const isThere = kind === "form" || drawing[kind](id);
      if (!isThere) canvas.choose("form", 0);
      panel.show(canvas.chosen);
    }
    part("title").textContent = plainText(drawing.name) || words.noName;
    tellSteps();
    problems.count();
  });

  // ── keeping ──
  const state = part("saved");
  const dated = (at, more) => new Intl.DateTimeFormat(document.documentElement.lang, { timeZone: given.time_zone, day: "2-digit", month: "2-digit", ...more }).format(new Date(at));
  const clock = (at) => dated(at, { hour: "2-digit", minute: "2-digit", ...(dated(at) === dated(new Date()) ? { day: undefined, month: undefined } : {}) });
  const show = (sign, sentence) => state.replaceChildren(icon(sign), sentence);
  saving.addEventListener("state", ({ detail }) => {
    state.dataset.state = detail.state;
    if (detail.state === "saved") {
      show("circle-check", filled(words.saved, { time: clock(new Date()) }));
      problems.take(detail.problems);
      preview.refresh();
    } else if (detail.state === "failed") show("alert-triangle", detail.message || words.unsaved);
    else if (detail.state === "conflict") conflict(detail);
    else show("refresh", words.saving);
  });

  const apart = (label, sentences) => sentences && [element("br"), element("b", {}, label), " ", sentences.length ? sentences.join(" · ") : words.asItWas];
  function conflict({ by, at, message, mine, theirs }) {
    show("alert-triangle", words.notSaved);
    const box = part("conflict-told");
    const one = (label, does) => {
      const made = element("button", { type: "button", class: "btn btn-sm" }, label);
      made.addEventListener("click", async () => {
        try {
          await does();
          box.hidden = true;
          undo.focus();
        } catch (error) {
          toast(error.message || words.unsaved, "late");
        }
      });
      return made;
    };
    box.replaceChildren(
      icon("users"),
      element("b", {}, by && at ? filled(words.conflict, { name: by, time: clock(at) }) : message),
      element("span", {}, words.conflictHint, ...(apart(words.sinceMine, mine) ?? []), ...(apart(filled(words.sinceTheirs, { name: by || words.theOther }), theirs) ?? [])),
      element("span", { class: "tt-flex tt-wrap" }, one(words.keepMine, () => saving.keepMine()), one(filled(words.takeTheirs, { name: by || words.theOther }), () => saving.takeTheirs(words.didTake)), one(words.takeOriginal, () => saving.takeOriginal(words.didTakeOriginal))),
    );
    box.hidden = false;
    box.focus();
  }

  // ── publishing ──
  const publish = part("publish");
  publish?.addEventListener("click", () => busy(askOut));
  async function busy(act) {
    publish.setAttribute("aria-busy", "true");
    try {
      await act();
    } catch {
      toast(words.unsaved, "late");
    } finally {
      publish.removeAttribute("aria-busy");
    }
  }
  // What is different is told in words before it goes out.
  async function askOut() {
    if (!(await saving.now())) return;
    const { draft } = await ask(saving.address);
    if (!draft) return toast(words.nothingNew, "soon");
    problems.take(draft.problems);
    if (problems.found.length) return problems.open();
    const isAnew = given.published === draft.version;
    const sentence = given.published === null ? words.publishFirst : filled(isAnew ? words.publishEdition : words.publishQuestion, { number: draft.version });
    const before = given.published === null || isAnew ? [] : [filled(words.publishBefore, { number: given.published })];
    question(sentence, { yes: words.publish, opener: publish, more: [...before, ...changed(draft.changes)] }, () => busy(() => goOut(draft.rev)));
  }
  function changed(changes) {
    if (!changes.length) return given.published === null ? [] : [words.nothingNew];
    const lines = changes.slice(0, MOST_TOLD).map(({ message }) => element("li", {}, message));
    if (changes.length > MOST_TOLD) lines.push(element("li", {}, filled(words.moreChanges, { count: changes.length - MOST_TOLD })));
    return [element("b", {}, words.whatChanged), element("ul", { class: "tt-whatsnew" }, ...lines)];
  }
  // What was looked at goes out, or nothing.
  async function goOut(rev) {
    const { status, body } = await saving.send("/publish", "POST", { rev });
    if (status === 200) return location.assign(`${page.dataset.path}?phat-hanh=1`);
    if (body.problems) problems.take(body.problems);
    if (problems.found.length) problems.open();
    toast(body.message, "late");
  }

  if (given.published === null) for (const one of drawing.fields) if (one.label === desk.types.get(one.type)?.label) drawing.keepYoung(drawing.idOf(one));
  problems.take(given.problems);
  canvas.draw();
  panel.show(canvas.chosen);
  tellSteps();
  page.removeAttribute("aria-busy");

  // Problems stand at their fields as well.
  problems.addEventListener("told", () => {
    const wrong = problems.byField();
    const before = canvas.wrong;
    canvas.wrong = wrong;
    for (const id of new Set([...before.keys(), ...wrong.keys()])) if (before.has(id) !== wrong.has(id) && drawing.field(id)) canvas.refresh(id);
  });
  problems.take(given.problems);
}
