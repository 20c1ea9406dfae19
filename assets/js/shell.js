// The frame of the page: theme, sidebar that folds, drawer on the phone, menus, dialogs, and the keys that work everywhere.
import { backTo, each, element, isTyping, keep, kept, on } from "./dom.js";

const root = document.documentElement;
const wide = matchMedia("(min-width: 992px)");

function theme() {
  on("click", "[data-theme-choice]", (_event, button) => {
    keep("tt-theme", button.dataset.themeChoice === "auto" ? null : button.dataset.themeChoice);
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

// ── sidebar ──
const isFolded = () =>
  wide.matches && (root.dataset.side === "folded" || (root.dataset.side !== "open" && !!document.querySelector(".tt-shell--folded")));

function sidebar() {
  const mark = () =>
    document.querySelectorAll("[data-fold]").forEach((button) => button.setAttribute("aria-expanded", String(!isFolded())));
  on("click", "[data-fold]", () => {
    root.dataset.side = isFolded() ? "open" : "folded";
    keep("tt-side", root.dataset.side);
    mark();
  });
  on("click", ".tt-nav__group > summary", (_event, summary) => {
    const group = summary.parentElement;
    const folded = new Set((kept("tt-groups") ?? "").split(" ").filter(Boolean));
    // The click has not opened or closed it yet.
    folded[group.open ? "add" : "delete"](group.dataset.group);
    keep("tt-groups", [...folded].join(" "));
  });
  mark();
}

// Folded, the words of the sidebar stand beside their sign while it is pointed at or has the focus.
function tips() {
  const side = document.querySelector(".tt-side");
  if (!side) return;
  const tip = element("div", { class: "tt-tip", "aria-hidden": true, hidden: true });
  document.body.append(tip);
  const hide = () => (tip.hidden = true);
  const show = (event) => {
    const target = event.target instanceof Element ? event.target.closest("a, button, summary, .tt-company") : null;
    if (!target || !isFolded()) return hide();
    const told = target.querySelector(".tt-nav__count")?.title;
    const name = target.querySelector(":scope > span")?.textContent ?? "";
    tip.textContent = told ? `${name} · ${told}` : name;
    tip.hidden = false;
    const box = target.getBoundingClientRect();
    tip.style.top = `${box.top + box.height / 2}px`;
    tip.style.left = `${side.getBoundingClientRect().right + 6}px`;
  };
  for (const type of ["pointerover", "focusin"]) side.addEventListener(type, show);
  for (const type of ["pointerleave", "focusout", "click"]) side.addEventListener(type, hide);
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
}

// ── the sidebar as a drawer: nothing behind it can be reached until it is closed ──
function drawer() {
  const opener = document.querySelector("[data-drawer-open]");
  const side = document.querySelector(".tt-side");
  const behind = document.querySelector(".tt-col");
  if (!opener || !side) return;
  const isOpen = () => root.dataset.drawer === "open";
  const reachable = () => [...side.querySelectorAll("a, button, summary")].filter((one) => one.checkVisibility());
  const close = () => {
    if (!isOpen()) return;
    delete root.dataset.drawer;
    behind.inert = false;
    side.removeAttribute("role");
    side.removeAttribute("aria-modal");
    opener.setAttribute("aria-expanded", "false");
    opener.focus();
  };
  opener.addEventListener("click", () => {
    root.dataset.drawer = "open";
    behind.inert = true;
    side.setAttribute("role", "dialog");
    side.setAttribute("aria-modal", "true");
    opener.setAttribute("aria-expanded", "true");
    (side.querySelector('[aria-current="page"]') ?? reachable()[0])?.focus();
  });
  on("click", "[data-drawer-close]", close);
  wide.addEventListener("change", close);
  document.addEventListener("keydown", (event) => {
    if (!isOpen()) return;
    if (event.key === "Escape") close();
    if (event.key !== "Tab") return;
    const all = reachable();
    const [first, last] = [all[0], all.at(-1)];
    if (event.shiftKey ? document.activeElement === first : document.activeElement === last) {
      event.preventDefault();
      (event.shiftKey ? last : first).focus();
    }
  });
}

// <details class="tt-menu"> opens without a script; this closes it, and moves with the arrow keys.
function menus() {
  const items = (menu) => [...menu.querySelectorAll(".tt-menu__list a, .tt-menu__list button")].filter((one) => one.checkVisibility());
  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.tt-menu[open]").forEach((menu) => {
      const chose = event.target.closest(".tt-menu__list a, .tt-menu__list button:not([data-theme-choice], .tt-viewform *)");
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

// ── keys of every page: Ctrl+K opens the palette, "/" too where there is no list to search in, "?" tells all keys ──
function keys() {
  const search = document.querySelector(".tt-search input");
  const toSearch = () => {
    search?.focus();
    search?.select();
  };
  // Both load when they are first asked for. Without them the search box still finds everything.
  const palette = () => import("./palette.js").then(({ toggle }) => toggle(search?.value ?? ""), toSearch);
  const shortcuts = () => import("./shortcuts.js").then(({ show }) => show());
  on("click", "[data-palette-open]", palette);
  on("click", "[data-keys-open]", shortcuts);
  if (/Mac|iP/.test(navigator.platform)) each("[data-palette-open]", (button) => (button.textContent = "⌘ K"));
  if (!search) return;
  // The box on top answers while one types, too: it opens the palette before the first letter, or with what was typed by then.
  search.addEventListener("click", palette);
  for (const typed of ["input", "compositionend"])
    search.addEventListener(typed, (event) => {
      if (event.isComposing || !search.value.trim()) return;
      import("./palette.js").then(({ toggle }) => document.querySelector("dialog[open]") || toggle(search.value, true), () => {});
    });
  document.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
      event.preventDefault();
      if (!document.querySelector("dialog[open]:not(.tt-palette)")) palette();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key !== "/" && event.key !== "?") return;
    event.preventDefault();
    const quick = document.querySelector("main .tt-quick input");
    if (event.key === "?") shortcuts();
    else if (quick) quick.select();
    else palette();
  });
}

// A dialog opens by its button and closes by its own; a click beside it closes it too.
function dialogs() {
  on("click", "[data-dialog]", (_event, button) => {
    const dialog = document.querySelector(button.dataset.dialog);
    dialog?.showModal();
    dialog?.addEventListener("close", () => backTo(button), { once: true });
  });
  on("click", "[data-close]", (_event, button) => button.closest("dialog")?.close());
  on("click", "dialog", (event, dialog) => event.target === dialog && dialog.close());
  each("dialog[data-open]", (dialog) => {
    dialog.showModal();
    dialog.querySelector("[aria-invalid]")?.focus();
  });
}

export function start() {
  theme();
  sidebar();
  tips();
  drawer();
  menus();
  keys();
  dialogs();
}
