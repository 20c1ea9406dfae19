// Forms that are sent once, saved by a key, and say at once what is too long; passwords that can be looked at; where one goes on.
import { beside } from "./beside.js";
import { backTo, each, element, icon, on } from "./dom.js";
import { words } from "./words.js";

// ── one click, one request ──
function sendOnce() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method === "get" || event.defaultPrevented) return;
    if (form.hasAttribute("aria-busy")) {
      event.preventDefault();
      return;
    }
    form.setAttribute("aria-busy", "true");
    event.submitter?.setAttribute("aria-busy", "true");
  });
  // Back by the browser's arrow: the page is as it was, and may be sent again.
  addEventListener("pageshow", () =>
    document.querySelectorAll('[aria-busy="true"]').forEach((busy) => busy.removeAttribute("aria-busy")),
  );
}

// ── a question before something that matters ──
function confirmations() {
  document.addEventListener(
    "click",
    (event) => {
      const button = event.target instanceof Element ? event.target.closest("[data-confirm]") : null;
      if (!button || button.dataset.confirmed) return;
      event.preventDefault();
      event.stopPropagation();
      ask(button);
    },
    true,
  );
}

function ask(button) {
  question(button.dataset.confirm, { yes: button.dataset.confirmYes ?? words.goOn, opener: button }, () => {
    button.dataset.confirmed = "1";
    button.click();
    delete button.dataset.confirmed;
  });
}

// isStaying: the careful answer is the solid button and has the focus. yes null: there is nothing to agree to. more: sentences below.
export function question(text, { yes, no = words.cancel, opener, isStaying = false, more = [] }, then) {
  const on = element("button", { type: "button", class: isStaying ? "btn" : "btn btn-primary", autofocus: !isStaying }, yes ?? "");
  const back = element("button", { type: "button", class: isStaying ? "btn btn-primary" : "btn", autofocus: isStaying, "data-close": true }, no);
  const dialog = element(
    "dialog",
    { class: "tt-dialog", "aria-label": text },
    element("div", { class: "tt-dialog__body" }, element("p", { class: more.length ? "tt-b" : null }, text), ...more.map((told) => (told instanceof Element ? told : element("p", {}, told)))),
    element("div", { class: "tt-dialog__foot" }, ...(yes === null ? [back] : isStaying ? [on, back] : [back, on])),
  );
  on.addEventListener("click", () => {
    dialog.close();
    then();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    backTo(opener);
  });
  document.body.append(dialog);
  dialog.showModal();
}

// ── Ctrl+S saves, wherever one stands in a form; Ctrl+Enter where Enter makes a line. Neither finishes a task ──
const SAVES = '[data-save], .btn-primary[type="submit"], button[type="submit"]';

export function formToSave() {
  const open = document.querySelector("dialog[open]");
  const inside = document.activeElement?.closest("form[data-guard]");
  if (inside && (!open || open.contains(inside))) return inside;
  return (open ?? document).querySelector("form[data-guard]:not(dialog:not([open]) form)");
}

function save(form) {
  const buttons = [...form.elements].filter((one) => one.matches('button[type="submit"]:not([data-finish], [name])') && one.checkVisibility());
  const button = SAVES.split(", ").map((selector) => buttons.find((one) => one.matches(selector))).find(Boolean);
  if (button) form.requestSubmit(button);
}

function savingKeys() {
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.isComposing) return;
    const isSave = event.key.toLowerCase() === "s";
    const isSend = event.key === "Enter" && event.target instanceof HTMLTextAreaElement && event.target.form;
    const form = isSave ? formToSave() : isSend ? event.target.form : null;
    if (!form || form.method !== "post") return;
    event.preventDefault();
    if (event.target instanceof HTMLInputElement) event.target.dispatchEvent(new Event("change", { bubbles: true }));
    save(form);
  });
}

// ── a text that is too long is told at once and stays whole: nothing that was pasted is cut off silently ──
function tooLong() {
  const count = (text) => (text.length > 100_000 ? text.length : [...text].length);
  on("input", "[data-most]", (_event, input) => {
    const most = Number(input.dataset.most);
    const length = input.value.length > most ? count(input.value) : 0;
    beside(input, "most", length > most ? words.tooLong(length, most) : null);
  });
}

function passwords() {
  on("click", "[data-reveal]", (_event, button) => {
    const input = button.parentElement.querySelector("input");
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
    button.setAttribute("aria-label", shown ? words.hidePassword : words.showPassword);
    button.replaceChildren(icon(shown ? "eye-off" : "eye"));
  });
}

// ── small conveniences ──
function conveniences() {
  // The button says what it does as the choice above it is made.
  on("change", "[data-verb]", (_event, choice) => (choice.form.querySelector("[data-verb-here]").textContent = choice.dataset.verb));
  on("change", "[data-autosubmit]", (_event, field) => field.form.requestSubmit());
  // A line of the summary leads to its field, whatever draws it.
  on("click", "[data-problems] a", (event, link) => {
    const field = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (!field) return;
    event.preventDefault();
    into(field);
  });
}

// ── where one goes on: at what is told, at the one wrong field, in the first field of a new form ──
const CONTROLS = 'input:not([type="hidden"]), select, textarea';

function into(field) {
  const control = field.matches(CONTROLS) ? field : field.querySelector(CONTROLS);
  field.closest(".tt-field")?.scrollIntoView({ block: "center" });
  (field.tomselect ?? control?.tomselect ?? control)?.focus();
}

// Who came here by keys alone, over the palette, goes on by keys: at the name of what has opened.
const ARRIVAL = "tt-arrival";
export function announceArrival() {
  try {
    sessionStorage.setItem(ARRIVAL, "1");
  } catch {
    // a private window may forbid it
  }
}

function hasArrived() {
  try {
    const came = sessionStorage.getItem(ARRIVAL) !== null;
    sessionStorage.removeItem(ARRIVAL);
    return came;
  } catch {
    return false;
  }
}

function whereToBegin() {
  const came = hasArrived();
  begin();
  const heading = document.querySelector("main h1");
  if (!came || !heading || document.activeElement !== document.body || document.querySelector("[autofocus]")) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

function begin() {
  each("[data-problems], [data-conflict]", (told) => told.focus());
  if (document.activeElement !== document.body || document.querySelector("[autofocus]")) return;
  const wrong = document.querySelector('[aria-invalid="true"]') ?? document.querySelector(".tt-field:has(.tt-err)");
  // On a phone the keyboard would cover what is to be read first.
  const first = matchMedia("(pointer: coarse)").matches ? null : document.querySelector("form[data-begin] .tt-field");
  // A look-up opens its list when one goes there, over what is to be read first.
  const place = wrong ?? first;
  if (place && !place.closest(".tt-field")?.querySelector("[data-url], [data-lookup-url]")) into(place);
}

export function start() {
  confirmations();
  sendOnce();
  savingKeys();
  tooLong();
  passwords();
  conveniences();
  whereToBegin();
}
