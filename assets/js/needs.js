// data-needs="#note": the button asks for words in that field first, beside the field, before it sends its form.
import { element, icon, on } from "./dom.js";

function tell(input, sentence) {
  const id = `${input.id}-error`;
  if (!document.getElementById(id)) {
    input.after(element("p", { class: "tt-err", id, role: "alert" }, icon("alert-circle"), element("span", {}, sentence)));
  }
  input.classList.add("is-invalid");
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", id);
  input.focus();
}

export function start() {
  on("click", "[data-needs]", (event, button) => {
    const input = document.querySelector(button.dataset.needs);
    if (!input || input.value.trim()) return;
    event.preventDefault();
    tell(input, button.dataset.needsText);
  });
}
