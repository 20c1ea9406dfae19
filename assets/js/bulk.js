// Rows chosen on a list: the bar that says how many, all that match, and what an action will do, told before it is done.
import { each, element, on } from "./dom.js";
import { question } from "./forms.js";
import { words } from "./words.js";

// ── the bar: there only while something is chosen ──
function bars() {
  each("[data-bulk]", (bar) => {
    const form = bar.closest("form");
    const boxes = () => [...form.querySelectorAll('input[name="rowid"]')];
    const all = bar.querySelector("[data-bulk-all]");
    const everything = all?.querySelector("input");
    // What a preview spoke of is over once something else is chosen.
    const forget = () => form.querySelector('input[name="rows"]')?.remove();
    const show = () => {
      const chosen = boxes().filter((box) => box.checked);
      bar.hidden = chosen.length === 0;
      if (all) {
        all.hidden = chosen.length !== boxes().length || chosen.length === 0;
        if (all.hidden) everything.checked = false;
      }
      bar.querySelector("[data-bulk-count]").textContent = everything?.checked ? all.dataset.bulkAll : chosen.length;
      boxes().forEach((box) => box.closest("tr, [data-row]").setAttribute("aria-selected", String(box.checked)));
    };
    form.addEventListener("change", (event) => {
      if (event.target.matches("[data-check-all]")) boxes().forEach((box) => (box.checked = event.target.checked));
      if (event.target.matches('[data-check-all], [name="rowid"], [name="all"]')) forget();
      show();
    });
    // Enter in a field would press the first button of the bar, whatever it does.
    form.addEventListener("keydown", (event) => event.key === "Enter" && event.target.matches("input") && event.preventDefault());
    on("click", "[data-uncheck-all]", () => {
      form.querySelectorAll('input[type="checkbox"]').forEach((box) => (box.checked = false));
      forget();
      show();
    });
    show();
  });
}

// ── a button whose action says first, in numbers, what it will do; without a script that is a page of its own ──
function previews() {
  document.addEventListener(
    "click",
    (event) => {
      const button = event.target instanceof Element ? event.target.closest("button[data-preview]") : null;
      if (!button || button.dataset.confirmed) return;
      event.preventDefault();
      event.stopPropagation();
      if (!button.hasAttribute("aria-busy")) tell(button);
    },
    true,
  );
}

async function tell(button) {
  button.setAttribute("aria-busy", "true");
  const told = await asked(button).catch(() => ({ heading: words.unsent, told: [], yes: null }));
  button.removeAttribute("aria-busy");
  const go = () => {
    const preview = button.getAttribute("formaction");
    button.removeAttribute("formaction");
    button.dataset.confirmed = "1";
    button.click();
    delete button.dataset.confirmed;
    button.setAttribute("formaction", preview);
  };
  const dialog = told.yes && button.dataset.dialog ? document.querySelector(button.dataset.dialog) : null;
  if (told.rows) speakOf(button.form, told.rows);
  if (!dialog) return question(told.heading, { yes: told.yes, more: told.told, opener: button }, go);
  // A dialog that asks something of its own is told the same.
  dialog.querySelector("[data-preview-heading]").textContent = told.heading;
  const said = dialog.querySelector("[data-preview-told]");
  said.replaceChildren(...told.told.map((one) => element("p", {}, one)));
  said.hidden = told.told.length === 0;
  go();
}

// These rows are sent and no others, whatever has come to the list meanwhile.
function speakOf(form, rows) {
  const input = form.querySelector('input[name="rows"]') ?? element("input", { type: "hidden", name: "rows" });
  input.value = rows;
  form.append(input);
}

async function asked(button) {
  const body = new URLSearchParams(new FormData(button.form));
  if (button.name) body.set(button.name, button.value);
  body.delete("rows");
  const answer = await fetch(button.formAction, { method: "POST", body, headers: { Accept: "application/json" } });
  if (answer.redirected) return { heading: words.signedOut, told: [], yes: null };
  if ((answer.headers.get("Content-Type") ?? "").includes("json")) return answer.json();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return { heading: page.querySelector("main h1")?.textContent.trim() || words.unsent, told: [...page.querySelectorAll("main h1 ~ p")].map((one) => one.textContent.trim()), yes: null };
}

export function start() {
  bars();
  previews();
}
