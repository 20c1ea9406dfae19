// Questions that come and go, must be answered or stand fast, and amounts that follow from others, while one fills in a form.
// data-fill on the frame around them is what app/forms/logic.py `for_browser` wrote; without this script every question stands
// there with a sentence that tells when it is asked, and the server decides.
import { element } from "./dom.js";
import { settled } from "./evaluate.js";
import { dayReader, read, rowsIn, tellNumber, typedIn } from "./typed.js";
import { words } from "./words.js";

export async function fill(frame) {
  if (frame.dataset.filled) return;
  frame.dataset.filled = "1";
  const { fields, today, time_zone: zone, me } = JSON.parse(frame.dataset.fill);
  const kinds = fields.flatMap(({ reads, columns = {} }) => [reads, ...Object.values(columns)]);
  const readDay = await dayReader(kinds, zone);
  const labels = Object.fromEntries(fields.map(({ key, label }) => [key, label]));
  const questions = fields.map((field) => new Question(frame, field, readDay, { today, me }, labels));
  const told = frame.querySelector("[data-fill-told]");

  const settle = (isTold) => {
    const given = Object.fromEntries(questions.map((question) => [question.field.key, question.answer()]));
    const { values, states } = settled(fields, given, { today, me });
    for (const question of questions) question.wait(states, values);
    const changes = questions.map((question) => question.show(states[question.field.key], values[question.field.key] ?? null));
    for (const section of frame.querySelectorAll("[data-section]")) {
      section.classList.toggle("tt-unasked", !section.querySelector("[data-question]:not(.tt-unasked)"));
    }
    if (isTold && changes.some(Boolean)) told.textContent = tell(questions, changes);
  };
  settle(false);
  for (const type of ["input", "change"]) frame.addEventListener(type, () => settle(true));
  // What the browser puts back into a page that one returns to comes without an event.
  addEventListener("pageshow", () => settle(false));
}

// "Cần trả lời thêm: Lý do. Không cần trả lời: Số tiền." for those who hear the page.
function tell(questions, changes) {
  const named = (wanted) => questions.filter((_question, at) => changes[at] === wanted).map(({ field }) => field.label).join(", ");
  return Object.entries({ shown: words.nowAsked, hidden: words.notAsked, required: words.nowRequired, locked: words.nowLocked, emptied: words.chooseAgain })
    .filter(([change]) => changes.includes(change))
    .map(([change, sentence]) => sentence(named(change)))
    .join(" ");
}

class Question {
  constructor(frame, field, readDay, asked, labels) {
    this.field = field;
    this.labels = labels;
    this.readDay = readDay;
    this.asked = asked;
    this.box = frame.querySelector(`[data-question="${field.key}"]`);
    this.name = `answer_${field.key}`;
    this.state = null;
    this.typed = null; // what stood there before it was locked
    const select = this.box?.querySelector("select");
    this.options = select && field.options ? [...select.options] : null;
  }

  get inputs() {
    return [...(this.box?.querySelectorAll(`[name="${this.name}"], [name^="${this.name}."]`) ?? [])];
  }

  // The answer as the server would keep it; null: none, or none yet.
  answer() {
    const { reads } = this.field;
    const { inputs } = this;
    if (reads === "list") return listed(inputs);
    if (reads === "files") return listed(inputs.flatMap((input) => (input.type === "file" ? [...input.files].map(({ name }) => ({ checked: true, value: name })) : [input])));
    if (reads === "address") return this.address(inputs);
    if (reads === "rows") return this.rows(inputs);
    return read(reads, this.state?.locked ? (this.typed ?? "") : typedIn(inputs), this.readDay);
  }

  address(inputs) {
    const parts = inputs.map((input) => [input.name.slice(this.name.length + 1), input.value.trim()]).filter(([, value]) => value);
    return parts.length ? Object.fromEntries(parts) : null;
  }

  rows(inputs) {
    const rows = rowsIn(inputs, this.name, this.field, this.readDay, this.asked);
    return rows.size ? [...rows.values()] : null;
  }

  // Draws it as it stands now → "shown", "hidden", "required", "locked", "emptied", or null: as before.
  show(state, value) {
    const before = this.state;
    this.state = state;
    if (!this.box) return null;
    this.box.classList.toggle("tt-unasked", !state.shown);
    this.require(state.required);
    if (Boolean(before?.locked) !== state.locked) this.lock(state.locked);
    const isEmptied = this.offer(state);
    const output = this.box.querySelector("[data-worked-out]");
    if (output && this.field.formula) tellNumber(output, this.field.shown_as, value);
    if (!before) return null;
    if (before.shown !== state.shown) return state.shown ? "shown" : "hidden";
    if (state.locked && !before.locked) return "locked";
    if (state.required && !before.required) return "required";
    return isEmptied && state.shown ? "emptied" : null;
  }

  // What is chosen here hangs on another answer: nothing is offered before that one is given.
  wait(states, values) {
    const { key, on } = this.field;
    if (on === undefined || !this.box) return;
    const isWaiting = values[on] === undefined;
    if (isWaiting && states[key].offered) states[key].offered = [];
    this.box.classList.toggle("tt-waits", isWaiting);
    this.waits ??= element("p", { class: "tt-help" }, words.answerFirst(this.labels[on]));
    if (isWaiting) this.box.append(this.waits);
    else this.waits.remove();
  }

  require(isRequired) {
    const mark = this.box.querySelector("[data-needed-mark]");
    if (!mark) return;
    mark.hidden = !isRequired;
    const control = this.inputs[0];
    const group = control?.closest('[role="radiogroup"]') ?? control?.tomselect?.control_input ?? control;
    if (isRequired) group?.setAttribute("aria-required", "true");
    else group?.removeAttribute("aria-required");
  }

  lock(isLocked) {
    const { inputs } = this;
    if (isLocked) this.typed = typedIn(inputs);
    this.write(isLocked ? (this.field.written ?? "") : (this.typed ?? ""));
    for (const input of inputs) {
      if (input.tomselect) input.tomselect[isLocked ? "lock" : "unlock"]();
      else if (input.matches('select, [type="radio"]')) input.disabled = isLocked;
      else input.readOnly = isLocked;
    }
  }

  write(typed) {
    for (const input of this.inputs) {
      if (input.type === "radio") input.checked = input.value === typed;
      else if (input.tomselect) input.tomselect.setValue(typed, true);
      else input.value = typed;
    }
  }

  // Only what fits the other answers can be chosen. True: what was chosen fits no more.
  offer({ offered, locked }) {
    if (!offered || locked) return false;
    if (this.options) return this.offerInList(this.inputs[0], offered);
    let isEmptied = false;
    for (const input of this.inputs) {
      const isOffered = offered.includes(input.value);
      input.disabled = !isOffered;
      input.closest("label").hidden = !isOffered;
      if (isOffered || !input.checked) continue;
      input.checked = false;
      isEmptied = true;
    }
    return isEmptied;
  }

  offerInList(select, offered) {
    const chosen = select.value;
    const fitting = this.options.filter(({ value }) => value === "" || offered.includes(value));
    if (fitting.length === select.options.length && fitting.every((option, at) => option === select.options[at])) return false;
    select.replaceChildren(...fitting);
    select.value = offered.includes(chosen) ? chosen : "";
    return select.value !== chosen;
  }
}

function listed(inputs) {
  const values = inputs.filter(({ checked }) => checked).map(({ value }) => value);
  return values.length ? values : null;
}
