// Rows chosen on a list: the bar that says how many, all that match, and what an action will do, told before it is done.
import { each, on } from "./dom.js";
import { question } from "./forms.js";
import { words } from "./words.js";

// ── the bar: there only while something is chosen ──
function bars() {
  each("[data-bulk]", (bar) => {
    const form = bar.closest("form");
    const boxes = () => [...form.querySelectorAll('input[name="rowid"]')];
    const all = bar.querySelector("[data-bulk-all]");
    const everything = all?.querySelector("input");
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
      show();
    });
    // Enter in a field would press the first button of the bar, whatever it does.
    form.addEventListener("keydown", (event) => event.key === "Enter" && event.target.matches("input") && event.preventDefault());
    on("click", "[data-uncheck-all]", () => {
      form.querySelectorAll('input[type="checkbox"]').forEach((box) => (box.checked = false));
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
  question(told.heading, { yes: told.yes, more: told.told, opener: button }, () => {
    const preview = button.getAttribute("formaction");
    button.removeAttribute("formaction");
    button.dataset.confirmed = "1";
    button.click();
    delete button.dataset.confirmed;
    button.setAttribute("formaction", preview);
  });
}

async function asked(button) {
  const body = new URLSearchParams(new FormData(button.form));
  if (button.name) body.set(button.name, button.value);
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
