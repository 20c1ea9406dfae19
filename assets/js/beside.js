// A sentence below a field about what stands in it, told before it is sent. The server judges once more.
import { element, icon } from "./dom.js";

// `what` names the matter (a field may have several), null takes its sentence away.
// A line that comes or goes while a button is held down would move it from under the pointer, and the click would be lost.
let isPressed = false;
const waiting = [];
addEventListener("pointerdown", () => (isPressed = true), true);
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(released), true);

function released() {
  isPressed = false;
  for (const does of waiting.splice(0)) does();
}

export const whenReleased = (does) => (isPressed ? waiting.push(does) : does());

function goes(line) {
  line.removeAttribute("id");
  line.style.visibility = "hidden";
  whenReleased(() => line.remove());
}

export function beside(input, what, sentence) {
  if (!input.id) return; // the filter of a list, which tells by itself and does not move under the pointer
  const id = `${input.id}-${what}`;
  const described = new Set((input.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean));
  const before = document.getElementById(id);
  if (before) goes(before);
  described.delete(id);
  if (sentence) {
    described.add(id);
    const told = element("p", { class: "tt-err", id, role: "status", hidden: isPressed }, icon("alert-circle"), element("span", {}, sentence));
    (input.closest(".tt-affix") ?? input).after(told);
    whenReleased(() => (told.hidden = false));
    input.setAttribute("aria-invalid", "true");
  } else if (![...described].some((one) => document.getElementById(one)?.matches(".tt-err"))) input.removeAttribute("aria-invalid");
  if (described.size) input.setAttribute("aria-describedby", [...described].join(" "));
  else input.removeAttribute("aria-describedby");
}
