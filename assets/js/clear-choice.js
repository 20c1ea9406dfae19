// What was chosen by mistake is taken back, where nothing has to be chosen. When the button stands there, forms.css says; without
// this script "no answer" is one of the choices.
import { element } from "./dom.js";
import { words } from "./words.js";

export function clearable(group) {
  const button = element("button", { type: "button", class: "tt-link tt-unchoose" }, words.noChoice);
  button.addEventListener("click", () => {
    const chosen = group.querySelector("input:checked");
    if (!chosen) return;
    chosen.checked = false;
    chosen.dispatchEvent(new Event("change", { bubbles: true }));
    group.querySelector("input:enabled")?.focus();
  });
  group.after(button);
}
