// The matrix of a role: each right shows how far it reaches, the bar below tells in words what would change.
import { words } from "./words.js";

const said = (select, value) => [...select.options].find((option) => option.value === value).text;

// Rights to fields: one choice for a whole section, where each field may still be set for itself.
export function wholeSection(select) {
  select.addEventListener("change", () => {
    if (!select.value) return;
    for (const radio of select.closest("tbody").querySelectorAll("input[type=radio]:enabled")) {
      if (radio.value !== select.value || radio.checked) continue;
      radio.checked = true;
      radio.dispatchEvent(new Event("change", { bubbles: true }));
    }
    select.value = "";
  });
}

export function edit(form) {
  const selects = [...form.querySelectorAll("select")];
  const was = new Map(selects.map((select) => [select, select.dataset.was ?? select.value]));
  const bar = form.querySelector("[data-savebar]");
  if (!bar) return;
  const count = bar.querySelector("[data-count]");
  const told = bar.querySelector("[data-told]");

  function tell() {
    const changed = selects.filter((select) => select.value !== was.get(select));
    for (const select of selects) {
      const cell = select.parentElement;
      cell.dataset.reach = select.value;
      cell.classList.toggle("is-new", select.value !== was.get(select));
    }
    bar.hidden = !changed.length;
    count.textContent = words.rightsChanged(changed.length);
    told.replaceChildren(
      ...changed.map((select) => {
        const line = document.createElement("li");
        line.textContent = `${select.getAttribute("aria-label")}: ${said(select, was.get(select))} → ${said(select, select.value)}`;
        return line;
      }),
    );
  }

  // Left and right walk along the rights of a part, with Ctrl up and down along the parts; up and down alone choose.
  form.addEventListener("keydown", (event) => {
    if (!(event.target instanceof HTMLSelectElement) || event.altKey || event.metaKey || event.shiftKey) return;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[event.key];
    const isSideways = event.key === "ArrowLeft" || event.key === "ArrowRight";
    if (!step || isSideways === event.ctrlKey) return;
    event.preventDefault();
    const open = selects.filter((select) => !select.disabled);
    if (isSideways) {
      open[open.indexOf(event.target) + step]?.focus();
      return;
    }
    const column = event.target.closest("td").cellIndex;
    const inColumn = open.filter((select) => select.closest("td").cellIndex === column);
    inColumn[inColumn.indexOf(event.target) + step]?.focus();
  });
  form.addEventListener("change", tell);
  form.addEventListener("reset", () => setTimeout(tell));
  tell();
}
