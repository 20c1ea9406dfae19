// Forms that never lose what was typed and never send it twice; passwords that can be looked at, and where one goes on.
import { backTo, each, element, icon, on } from "./dom.js";
import { words } from "./words.js";

// ── leaving with unsaved words ──
function unsaved() {
  const touched = new Set();
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (form?.matches("[data-guard]")) touched.add(form);
  });
  document.addEventListener("submit", (event) => touched.delete(event.target));
  addEventListener("beforeunload", (event) => {
    const unsent = [...touched].some((form) => form.isConnected);
    // A form that came back refused holds words that are saved nowhere.
    if (unsent || document.querySelector("form[data-guard][data-unsaved]:not([data-sent])")) event.preventDefault();
  });
  document.addEventListener("submit", (event) => event.target.setAttribute("data-sent", ""));
}

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
    document.querySelectorAll('[aria-busy="true"]').forEach((busy) => {
      busy.removeAttribute("aria-busy");
      busy.removeAttribute("data-sent");
    }),
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
  const yes = element("button", { type: "button", class: "btn btn-primary", autofocus: true }, button.dataset.confirmYes ?? words.goOn);
  const no = element("button", { type: "button", class: "btn", "data-close": true }, words.cancel);
  const dialog = element(
    "dialog",
    { class: "tt-dialog", "aria-label": button.dataset.confirm },
    element("div", { class: "tt-dialog__body" }, element("p", {}, button.dataset.confirm)),
    element("div", { class: "tt-dialog__foot" }, no, yes),
  );
  yes.addEventListener("click", () => {
    dialog.close();
    button.dataset.confirmed = "1";
    button.click();
    delete button.dataset.confirmed;
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    backTo(button);
  });
  document.body.append(dialog);
  dialog.showModal();
}

// ── 1250000 is written 1.250.000 in Vietnamese and 1,250,000 in English ──
const GROUP = document.documentElement.lang === "en" ? "," : ".";

export function grouped(text) {
  const digits = text.replaceAll(GROUP, "").replace(/[\s₫đ]/g, "");
  return /^\d{1,15}$/.test(digits) ? digits.replace(/\B(?=(\d{3})+$)/g, GROUP) : text;
}

function money() {
  const write = (input) => {
    const written = grouped(input.value);
    if (written === input.value) return;
    // The caret stays behind the same digit.
    const behind = input.value.slice(input.selectionStart ?? input.value.length).replace(/\D/g, "").length;
    input.value = written;
    let at = written.length;
    for (let left = behind; left > 0 && at > 0; at--) if (/\d/.test(written[at - 1])) left--;
    if (document.activeElement === input) input.setSelectionRange(at, at);
  };
  on("input", "input[data-money]", (_event, input) => write(input));
  each("input[data-money]", write);
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
  on("change", "[data-autosubmit]", (_event, field) => field.form.requestSubmit());
  // Bulk bar: there only while something is chosen.
  each("[data-bulk]", (bar) => {
    const form = bar.closest("form");
    const boxes = () => [...form.querySelectorAll('input[name="rowid"]')];
    const show = () => {
      const chosen = boxes().filter((box) => box.checked);
      bar.hidden = chosen.length === 0;
      bar.querySelector("[data-bulk-count]").textContent = chosen.length;
      boxes().forEach((box) => box.closest("tr, [data-row]").setAttribute("aria-selected", String(box.checked)));
    };
    form.addEventListener("change", (event) => {
      if (event.target.matches("[data-check-all]")) boxes().forEach((box) => (box.checked = event.target.checked));
      show();
    });
    on("click", "[data-uncheck-all]", () => {
      form.querySelectorAll('input[type="checkbox"]').forEach((box) => (box.checked = false));
      show();
    });
    show();
  });
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

function whereToBegin() {
  each("[data-problems], [data-conflict]", (told) => told.focus());
  if (document.activeElement !== document.body || document.querySelector("[autofocus]")) return;
  const wrong = document.querySelector('[aria-invalid="true"]') ?? document.querySelector(".tt-field:has(.tt-err)");
  // On a phone the keyboard would cover what is to be read first.
  const first = matchMedia("(pointer: coarse)").matches ? null : document.querySelector("form[data-begin] .tt-field");
  // A look-up opens its list when one goes there, over what is to be read first.
  const begin = wrong ?? first;
  if (begin && !begin.closest(".tt-field")?.querySelector("[data-url], [data-lookup-url]")) into(begin);
}

export function start() {
  confirmations();
  unsaved();
  sendOnce();
  money();
  passwords();
  conveniences();
  whereToBegin();
}
