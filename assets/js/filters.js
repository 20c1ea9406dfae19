// The filter panel: rows of column, operator and value. The operator is part of the value's name: _flt_<operator>_<column>.
import { each, on } from "./dom.js";

const valueOf = (row) => row.querySelector("[data-filter-value]");
const rowsOf = (panel, column) => [...panel.querySelectorAll("[data-filter]")].filter((row) => row.dataset.filter === column);

function named(row) {
  const operator = row.querySelector("[data-filter-operator]");
  operator.disabled = operator.hasAttribute("data-only");
  valueOf(row).name = `_flt_${operator.value}_${row.dataset.filter}`;
}

// The row of the column that waits for a value, or one more of its kind.
function add(panel, column) {
  const rows = rowsOf(panel, column);
  let row = rows.find((one) => one.hidden) ?? rows.find((one) => !valueOf(one).value);
  if (!row) {
    row = rows.at(-1).cloneNode(true);
    valueOf(row).value = "";
    rows.at(-1).after(row);
  }
  row.hidden = row.disabled = false;
  named(row);
  valueOf(row).focus();
}

function drop(row) {
  const others = rowsOf(row.closest("[data-filters]"), row.dataset.filter).length > 1;
  if (others) row.remove();
  else {
    valueOf(row).value = "";
    row.hidden = row.disabled = true;
  }
}

function close(panel) {
  if (!panel.open) return;
  const inside = panel.contains(document.activeElement);
  panel.open = false;
  if (inside) panel.querySelector("summary").focus();
}

export function start() {
  each("[data-filters]", (panel) => {
    panel.querySelectorAll("[data-filter]").forEach(named);
    // What is left empty asks for nothing, and does not lengthen the address.
    panel.querySelector("form").addEventListener("formdata", ({ formData }) => {
      for (const name of new Set(formData.keys())) {
        const given = formData.getAll(name).filter((value) => value !== "");
        formData.delete(name);
        given.forEach((value) => formData.append(name, value));
      }
    });
    panel.addEventListener("keydown", (event) => event.key === "Escape" && close(panel));
    document.addEventListener("click", (event) => event.composedPath().includes(panel) || close(panel));
  });
  on("change", "[data-filter-operator]", (_event, operator) => named(operator.closest("[data-filter]")));
  on("change", "[data-filter-add]", (_event, choice) => {
    if (choice.value) add(choice.closest("[data-filters]"), choice.value);
    choice.value = "";
  });
  on("click", "[data-filter-drop]", (_event, button) => {
    const panel = button.closest("[data-filters]");
    drop(button.closest("[data-filter]"));
    panel.querySelector("[data-filter-add]").focus();
  });
}
