// A panel under its button (<details data-pop>, it opens without a script): Escape closes it and gives the focus back, a click
// beside it closes it, data-pop="f" opens it by that key.
import { each, isTyping } from "./dom.js";

function close(panel) {
  if (!panel.open) return;
  const inside = panel.contains(document.activeElement);
  panel.open = false;
  if (inside) panel.querySelector("summary").focus();
}

export function start() {
  each("details[data-pop]", (panel) => {
    panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented && !event.target.closest("dialog")) close(panel);
    });
    document.addEventListener("click", (event) => {
      const isBeside = event.target instanceof Element && !event.composedPath().includes(panel) && !event.target.closest("dialog");
      if (isBeside) close(panel);
    });
  });
  // A menu that asks for a name begins there.
  each("details.tt-menu:has(> form)", (menu) => {
    menu.addEventListener("toggle", () => menu.open && menu.querySelector("input:not([type=hidden])")?.focus());
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isTyping(event.target)) return;
    const panel = event.key.length === 1 && document.querySelector(`details[data-pop="${CSS.escape(event.key)}"]`);
    if (!panel || panel.open || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    panel.querySelector("summary").focus();
    panel.open = true;
  });
}
