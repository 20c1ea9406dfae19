// Short messages at the corner, read out by screen readers. Good news goes by itself, trouble stays until it is closed.
import { each, element, icon, on } from "./dom.js";
import { words } from "./words.js";

const ICONS = { ok: "circle-check", late: "alert-circle", soon: "alert-triangle", info: "info-circle" };
const STAYS = 6000;
const STAYS_WITH_UNDO = 12_000;
const SAID_FOR = 15_000;

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
  announce(text, kind === "late");
}

// Screen readers tell what comes into a region that was there before: what the page brought with it is put in afterwards.
function announce(text, atOnce) {
  const line = element("p", {}, text);
  document.getElementById(atOnce ? "said-at-once" : "said")?.append(line);
  setTimeout(() => line.remove(), SAID_FOR);
}

function leave(shown) {
  if (shown.dataset.toast === "late") return;
  const stays = shown.querySelector("[data-toast-undo], a") ? STAYS_WITH_UNDO : STAYS;
  let timer;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => shown.remove(), stays);
  };
  for (const type of ["pointerenter", "focusin"]) shown.addEventListener(type, () => clearTimeout(timer));
  for (const type of ["pointerleave", "focusout"]) shown.addEventListener(type, wait);
  wait();
}

export function start() {
  each("[data-toast]", leave);
  const brought = [...document.querySelectorAll("[data-toast] > span, [data-announce]")];
  const tell = () => brought.forEach((one) => announce(one.textContent.trim(), one.closest("[data-announce='late']") !== null));
  if (brought.length) setTimeout(tell, 300);
  on("click", "[data-dismiss]", (_event, button) => button.closest(button.dataset.dismiss)?.remove());
}
