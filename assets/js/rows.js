// Repeating rows: one is added or taken out with a button, and what a row and its columns come to is told while one types. Without
// this script a few empty rows stand ready, and the server adds up.
import { arrived, element, icon } from "./dom.js";
import { dayReader, rowsIn, tellNumber } from "./typed.js";
import { words } from "./words.js";

export async function growRows(frame) {
  const told = JSON.parse(frame.dataset.rows);
  const { name, most, later, columns, today, time_zone: zone } = told;
  const body = frame.querySelector("tbody");
  const template = frame.querySelector("template").innerHTML;
  const readDay = await dayReader(Object.values(columns), zone);
  const inputsOf = (part) => [...part.querySelectorAll(`[name^="${name}."]`)];
  const numberOf = (row) => inputsOf(row)[0]?.name.slice(name.length + 1).split(".")[0];
  const isEmpty = (row) => inputsOf(row).every((input) => (/^(radio|checkbox)$/.test(input.type) ? !input.checked : !input.value));

  function takeOut(row) {
    const beside = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    if (!body.rows.length) grow();
    (beside ?? body.rows[0]).querySelector("[data-take-out]")?.focus();
    settle();
    frame.dispatchEvent(new Event("input", { bubbles: true }));
  }
  function withButton(row) {
    const label = words.takeRowOut([...body.rows].indexOf(row) + 1);
    const button = element("button", { type: "button", class: "tt-iconbtn tt-iconbtn--sm", "aria-label": label, title: label, "data-take-out": true }, icon("x"));
    button.addEventListener("click", () => takeOut(row));
    row.append(element("td", { class: "tt-rows__out" }, button));
  }
  function grow() {
    const number = Math.max(-1, ...[...body.rows].map((row) => Number(numberOf(row)))) + 1;
    const holder = document.createElement("table");
    holder.innerHTML = template.replaceAll(`.${later}.`, `.${number}.`).replaceAll(`-${later}-`, `-${number}-`).replaceAll(` ${later + 1}"`, ` ${body.rows.length + 1}"`);
    const row = holder.querySelector("tr");
    body.append(row);
    withButton(row);
    arrived(row);
    return row;
  }
  function settle() {
    const rows = rowsIn(inputsOf(body), name, told, readDay, { today });
    for (const row of body.rows) {
      const values = rows.get(numberOf(row)) ?? {};
      for (const { key, shown_as: shownAs } of told.worked) tellNumber(row.querySelector(`[data-worked="${key}"]`), shownAs, values[key]);
    }
    for (const output of frame.querySelectorAll("[data-sum]")) {
      // Whole numbers where they are: tenths do not add up to crumbs.
      const parts = [...rows.values()].map((values) => values[output.dataset.sum] ?? 0);
      tellNumber(output, output.dataset.shownAs, Number(parts.reduce((sum, part) => sum + part, 0).toFixed(10)));
    }
    add.disabled = body.rows.length >= most;
  }

  for (const row of [...body.rows].reverse()) {
    if (body.rows.length > 1 && isEmpty(row)) row.remove();
  }
  frame.querySelector("thead tr").append(element("th", {}, element("span", { class: "tt-vh" }, words.takeRow)));
  frame.querySelector("tfoot tr")?.append(element("th"));
  [...body.rows].forEach(withButton);
  const add = element("button", { type: "button", class: "btn btn-sm tt-rows__add" }, icon("plus"), words.addRow);
  add.addEventListener("click", () => {
    inputsOf(grow())[0]?.focus();
    settle();
  });
  frame.append(add);
  frame.addEventListener("input", settle);
  frame.addEventListener("change", settle);
  settle();
}
