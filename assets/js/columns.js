// Which columns a list shows: boxes put in order by their grip or by buttons. What is as usual does not lengthen the address.
import Sortable from "sortablejs";

export function choose(panel) {
  const form = panel.querySelector("form");
  const list = panel.querySelector("[data-columns-list]");
  const rows = () => [...list.children];
  const usual = panel.dataset.columns.split(",");
  const atFirst = rows();

  const ends = () =>
    rows().forEach((row, at, all) => {
      const [up, down] = row.querySelectorAll("[data-column-move]");
      up.disabled = at === 0;
      down.disabled = at === all.length - 1;
    });

  list.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-column-move]");
    if (!button) return;
    const row = button.closest("li");
    if (button.dataset.columnMove === "1") row.nextElementSibling?.after(row);
    else row.previousElementSibling?.before(row);
    ends();
    // At the end the button that was pressed is off: the other one keeps the focus.
    (button.disabled ? row.querySelector("[data-column-move]:enabled") : button)?.focus();
    row.scrollIntoView({ block: "nearest" });
  });
  Sortable.create(list, { handle: "[data-grip]", animation: 0, ghostClass: "is-dragged", onEnd: ends });

  const usually = panel.querySelector("[data-columns-usual]");
  usually.disabled = false;
  usually.addEventListener("click", () => {
    const byKey = new Map(rows().map((row) => [row.dataset.column, row]));
    const others = atFirst.filter((row) => !usual.includes(row.dataset.column));
    list.append(...usual.map((key) => byKey.get(key)), ...others);
    for (const row of rows()) row.querySelector("input").checked = usual.includes(row.dataset.column);
    form.elements.page_size.value = panel.dataset.usualSize;
    ends();
  });

  form.addEventListener("formdata", ({ formData }) => {
    const chosen = formData.getAll("columns").join(",");
    formData.delete("columns");
    if (chosen && chosen !== usual.join(",")) formData.set("columns", chosen);
    if (formData.get("page_size") === panel.dataset.usualSize) formData.delete("page_size");
    // A view alone is asked for as it was saved.
    if (formData.has("view") && [...formData.keys()].length === 1) formData.set("where", "");
  });
  ends();
}
