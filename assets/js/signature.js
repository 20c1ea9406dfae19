// A field to sign on: strokes of a pen, a finger or the mouse, written into the hidden input as app/forms/fields/signature.py
// reads them (SVG path data of whole numbers).
import { element } from "./dom.js";
import { words } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const LONGEST = 20_000;
const NEAR = 2; // points closer than this tell nothing new

export function attachSignature(input) {
  const [width, height] = input.dataset.signature.split(" ").map(Number);
  const field = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  field.setAttribute("viewBox", `0 0 ${width} ${height}`);
  field.setAttribute("role", "img");
  field.setAttribute("aria-label", words.signHere);
  path.setAttribute("d", input.value);
  field.append(path);
  const again = element("button", { type: "button", class: "btn btn-sm" }, words.signAgain);
  input.after(element("div", { class: "tt-sign" }, field, again));

  const keep = (drawn) => {
    if (drawn.length > LONGEST) return;
    input.value = drawn;
    path.setAttribute("d", drawn);
  };
  const told = () => input.dispatchEvent(new Event("change", { bubbles: true }));
  const at = (event) => {
    const box = field.getBoundingClientRect();
    const inside = (part, most) => Math.max(0, Math.min(most, Math.round(part * most)));
    return [inside((event.clientX - box.left) / box.width, width), inside((event.clientY - box.top) / box.height, height)];
  };
  let last = null;

  field.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    field.setPointerCapture(event.pointerId);
    last = at(event);
    // A dot is a stroke, too.
    keep(`${input.value}M${last.join(" ")}L${last.join(" ")}`);
  });
  field.addEventListener("pointermove", (event) => {
    if (!last) return;
    const next = at(event);
    if (Math.hypot(next[0] - last[0], next[1] - last[1]) < NEAR) return;
    last = next;
    keep(`${input.value}L${next.join(" ")}`);
  });
  const lift = () => {
    if (!last) return;
    last = null;
    told();
  };
  field.addEventListener("pointerup", lift);
  field.addEventListener("pointercancel", lift);
  again.addEventListener("click", () => {
    keep("");
    told();
  });
}
