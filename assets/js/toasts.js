// Short messages at the corner, read out by screen readers. Good news goes by itself, trouble stays until it is closed.
import { each, element, icon, on } from "./dom.js";
import { words } from "./words.js";

const ICONS = { ok: "circle-check", late: "alert-circle", soon: "alert-triangle", info: "info-circle" };
const STAYS = 6000;

export function toast(text, kind = "info") {
  const shown = element(
    "div",
    { class: `tt-toast tt-toast--${kind}`, "data-toast": kind },
    icon(ICONS[kind] ?? ICONS.info),
    element("span", {}, text),
    element("button", { type: "button", class: "tt-iconbtn tt-iconbtn--sm", "data-dismiss": ".tt-toast", "aria-label": words.close }, icon("x")),
  );
  document.getElementById("toasts")?.append(shown);
  leave(shown);
}

function leave(shown) {
  if (shown.dataset.toast === "late") return;
  let timer = setTimeout(() => shown.remove(), STAYS);
  shown.addEventListener("pointerenter", () => clearTimeout(timer));
  shown.addEventListener("pointerleave", () => (timer = setTimeout(() => shown.remove(), STAYS)));
}

export function start() {
  each("[data-toast]", leave);
  // Notes of the page that were read can go for good: data-dismiss names what, data-dismiss-key remembers it.
  on("click", "[data-dismiss]", (_event, button) => {
    const note = button.closest(button.dataset.dismiss);
    if (button.dataset.dismissKey) localStorage.setItem(`tt-note-${button.dataset.dismissKey}`, "1");
    note?.remove();
  });
  each("[data-note-key]", (note) => {
    if (localStorage.getItem(`tt-note-${note.dataset.noteKey}`)) note.remove();
  });
}
