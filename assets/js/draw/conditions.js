// When is a field shown, required, or only to be read? The same editor of conditions as lists have; what is kept is its stored form.
import { csrfToken, element, icon } from "../dom.js";
import { edit } from "../filter-editor.js";

const waiting = new WeakMap(); // part of the drawing → by setting, the editor in which a row is wrong: it comes again as one left it

// {name, of, label, value, put, desk}: `of` is the part of the drawing that has it; `put` takes the stored form, undefined for none. desk.about tells whose condition it is: {khoa} of a
// field, {phan} of a section.
export function condition({ name, of, label, value, put, desk }) {
  const left = waiting.get(of)?.[name];
  if (left) return left;
  const say = element("span", { class: "tt-sm tt-2" }, value ? "…" : desk.words.always[name]);
  const body = element("div", {});
  const folded = element("details", { class: "tt-when", "data-setting": name }, element("summary", {}, element("b", {}, label), say), body);
  let last = null; // the text that was read last; none: what stands there is still to be read

  async function read(where) {
    const sent = new URLSearchParams({ where, ...desk.about, csrf_token: csrfToken() });
    const answer = await fetch(`${desk.path}/dieu-kien`, { method: "POST", body: sent, headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (!answer.ok || answer.redirected) throw new Error();
    return answer.json();
  }

  const told = ({ sentence, refusal }) => (say.textContent = refusal ?? (sentence ? desk.words.readAs.replace("{condition}", sentence) : desk.words.always[name]));

  // The rows of the editor are a text; the server reads it, and what it reads is kept.
  async function changed(typed) {
    const where = typed.value.trim();
    delete waiting.get(of)?.[name];
    if (where === last) return;
    last = where;
    try {
      const found = await read(where);
      if (where !== last) return;
      told(found);
      if (!found.refusal) put(found.stored ?? undefined);
    } catch {
      last = null;
      say.textContent = desk.words.notRead;
    }
  }

  // A row that is wrong is not left out of what is kept: that stays as it was until the row is right.
  function held() {
    last = null;
    waiting.set(of, { ...waiting.get(of), [name]: folded });
    say.textContent = desk.words.conditionHeld;
  }

  async function open() {
    if (body.childElementCount) return;
    // What was just drawn may be looked at too: it is kept first.
    await desk.kept();
    const begin = await read(value ? JSON.stringify(value) : "").catch(() => ({ stored: value ?? null, names: {}, text: "" }));
    const typed = element("textarea", { class: "form-control", rows: 3, maxlength: 20000, spellcheck: "false", "aria-label": label });
    typed.value = last = begin.text ?? "";
    const panel = element(
      "div",
      { class: "tt-fe tt-fe--tall", "data-fields": `${desk.path}/truong?${new URLSearchParams({ ...desk.about })}`, "data-read": `${desk.path}/dieu-kien`, "data-where": JSON.stringify(begin.stored ?? null), "data-names": JSON.stringify(begin.names ?? {}), "data-words": desk.conditionWords },
      element("form", {}, element("div", { class: "tt-fe__rows", "data-fe-rows": true }), element("div", { class: "tt-field tt-fe__typed", "data-fe-typed": true }, typed), element("p", { class: "tt-err", "data-fe-refusal": true, role: "alert", hidden: true }, icon("alert-circle"), element("span")), element("button", { type: "button", class: "tt-link tt-fe__switch", "data-fe-switch": true }, desk.words.typeCondition)),
    );
    panel.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
    panel.addEventListener("tt:where", ({ detail }) => (detail.isWrong ? held() : changed(typed)));
    typed.addEventListener("input", () => changed(typed));
    body.append(panel);
    edit(panel);
  }
  folded.addEventListener("toggle", () => folded.open && open());
  if (value) read(JSON.stringify(value)).then(told, () => (say.textContent = desk.words.notRead));
  return folded;
}
