// A sentence below a field about what stands in it, told before it is sent. The server judges once more.
import { element, icon } from "./dom.js";

// `what` names the matter (a field may have several), null takes its sentence away.
export function beside(input, what, sentence) {
  if (!input.id) return; // the filter of a list, which tells by itself and does not move under the pointer
  const id = `${input.id}-${what}`;
  const described = new Set((input.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean));
  document.getElementById(id)?.remove();
  described.delete(id);
  if (sentence) {
    described.add(id);
    const told = element("p", { class: "tt-err", id, role: "status" }, icon("alert-circle"), element("span", {}, sentence));
    (input.closest(".tt-affix") ?? input).after(told);
    input.setAttribute("aria-invalid", "true");
  } else if (![...described].some((one) => document.getElementById(one)?.matches(".tt-err"))) input.removeAttribute("aria-invalid");
  if (described.size) input.setAttribute("aria-describedby", [...described].join(" "));
  else input.removeAttribute("aria-describedby");
}
