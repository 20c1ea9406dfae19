// The frame of the page: theme switch, folded sidebar, drawer on the phone, menus, keys that lead to the search.
import { each, isTyping, keep, on } from "./dom.js";

const root = document.documentElement;

function theme() {
  on("click", "[data-theme-choice]", (_event, button) => {
    if (button.dataset.themeChoice === "auto") localStorage.removeItem("tt-theme");
    else keep("tt-theme", button.dataset.themeChoice);
    dispatchEvent(new Event("tt:dress"));
    markTheme();
  });
  markTheme();
}

function markTheme() {
  document.querySelectorAll("[data-theme-choice]").forEach((button) => {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === root.dataset.theme));
  });
}

function sidebar() {
  const folded = () => root.dataset.side === "folded" || (root.dataset.side !== "open" && !!document.querySelector(".tt-shell--folded"));
  const mark = () =>
    document.querySelectorAll("[data-fold]").forEach((button) => button.setAttribute("aria-expanded", String(!folded())));
  on("click", "[data-fold]", () => {
    root.dataset.side = folded() ? "open" : "folded";
    keep("tt-side", root.dataset.side);
    mark();
  });
  mark();
}

function drawer() {
  const opener = document.querySelector("[data-drawer-open]");
  const close = () => {
    if (root.dataset.drawer !== "open") return;
    delete root.dataset.drawer;
    opener?.setAttribute("aria-expanded", "false");
    opener?.focus();
  };
  opener?.addEventListener("click", () => {
    root.dataset.drawer = "open";
    opener.setAttribute("aria-expanded", "true");
    document.querySelector(".tt-side a")?.focus();
  });
  on("click", "[data-drawer-close]", close);
  document.addEventListener("keydown", (event) => event.key === "Escape" && close());
}

// <details class="tt-menu"> opens without a script; this closes it, and moves with the arrow keys.
function menus() {
  const items = (menu) => [...menu.querySelectorAll(".tt-menu__list a, .tt-menu__list button")];
  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.tt-menu[open]").forEach((menu) => {
      const chose = event.target.closest(".tt-menu__list a, .tt-menu__list button:not([data-theme-choice])");
      if (!menu.contains(event.target) || chose) menu.open = false;
    });
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.target instanceof Element ? event.target.closest("details.tt-menu[open]") : null;
    if (!menu) return;
    if (event.key === "Escape") {
      menu.open = false;
      menu.querySelector("summary").focus();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !isTyping(event.target)) {
      const all = items(menu);
      const step = event.key === "ArrowDown" ? 1 : -1;
      const at = all.indexOf(document.activeElement);
      all[at < 0 ? (step > 0 ? 0 : all.length - 1) : (at + step + all.length) % all.length]?.focus();
      event.preventDefault();
    }
  });
}

function searchKeys() {
  const search = document.querySelector(".tt-search input");
  if (!search) return;
  document.addEventListener("keydown", (event) => {
    const slash = event.key === "/" && !isTyping(event.target);
    const ctrlK = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
    if (!slash && !ctrlK) return;
    event.preventDefault();
    search.focus();
    search.select();
  });
}

// A dialog opens by its button and closes by its own; a click beside it closes it too.
function dialogs() {
  on("click", "[data-dialog]", (_event, button) => document.querySelector(button.dataset.dialog)?.showModal());
  on("click", "[data-close]", (_event, button) => button.closest("dialog")?.close());
  on("click", "dialog", (event, dialog) => event.target === dialog && dialog.close());
  each("dialog[data-open]", (dialog) => dialog.showModal());
}

export function start() {
  theme();
  sidebar();
  drawer();
  menus();
  searchKeys();
  dialogs();
}
