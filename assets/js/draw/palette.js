// The kinds of fields, group by group: pressed, or dragged onto the form.
import Sortable from "sortablejs";

import { element, icon } from "../dom.js";

const plain = (text) => text.toLowerCase().replaceAll("đ", "d").normalize("NFD").replace(/\p{M}/gu, "");

// add(type): behind what is chosen.
export function palette(place, { groups, types }, add) {
  const list = place.querySelector("[data-kinds]");
  const search = place.querySelector("input");
  const nothing = place.querySelector("[data-no-kind]");
  for (const group of groups) {
    const kinds = types.filter((one) => one.group === group.key);
    const rows = element("ul", { class: "tt-kinds" }, ...kinds.map((kind) => element("li", { "data-type": kind.code }, element("button", { type: "button", tabindex: -1 }, icon(kind.icon), kind.label))));
    list.append(element("section", { "aria-label": group.label }, element("h2", {}, group.label), rows));
    Sortable.create(rows, { group: { name: "kinds", pull: "clone", put: false }, sort: false, forceFallback: true, fallbackTolerance: 5, delay: 180, delayOnTouchOnly: true });
  }
  // Tab stops once; the arrows lead on, from the search too.
  list.querySelector("button").tabIndex = 0;
  list.addEventListener("focusin", ({ target }) => {
    for (const one of list.querySelectorAll("button")) one.tabIndex = one === target ? 0 : -1;
  });
  list.addEventListener("click", (event) => {
    const type = event.target.closest("[data-type]")?.dataset.type;
    if (type) add(type);
  });
  search.addEventListener("input", () => {
    const wanted = plain(search.value.trim());
    for (const kind of list.querySelectorAll("[data-type]")) kind.hidden = !plain(kind.textContent).includes(wanted);
    for (const section of list.children) section.hidden = !section.querySelector("[data-type]:not([hidden])");
    nothing.hidden = Boolean(list.querySelector("section:not([hidden])"));
  });
  search.addEventListener("keydown", (event) => {
    const first = list.querySelector("[data-type]:not([hidden]) button");
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      if (event.key === "Enter" && first) add(first.parentElement.dataset.type);
      else first?.focus();
    }
  });
  list.addEventListener("keydown", (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!by) return;
    const buttons = [...list.querySelectorAll("[data-type]:not([hidden]) button")];
    event.preventDefault();
    (buttons[buttons.indexOf(document.activeElement) + by] ?? search).focus();
  });
}
