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
  field.setAttribute("role", "application");
  field.setAttribute("aria-label", `${words.signHere}. ${words.signKeys}`);
  path.setAttribute("d", input.value);
  const pen = document.createElementNS(SVG, "circle");
  pen.setAttribute("r", "5");
  field.append(path, pen);
  field.setAttribute("tabindex", "0");
  const again = element("button", { type: "button", class: "btn btn-sm" }, words.signAgain);
  const said = element("span", { class: "tt-sm tt-2", role: "status" }, words.signKeys);
  input.after(element("div", { class: "tt-sign" }, field, element("div", { class: "tt-flex tt-wrap" }, again, said)));

  const keep = (drawn) => {
    if (drawn.length > LONGEST) return;
    const named = document.getElementById(`${input.id}-name`); // of a signature that was typed where no script ran
    if (drawn && named) named.value = "";
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

  // By keyboard: a pen that is moved, put down and lifted.
  let [x, y] = [Math.round(width / 10), Math.round(height / 2)];
  let isDown = false;
  const place = () => {
    pen.setAttribute("cx", x);
    pen.setAttribute("cy", y);
    pen.classList.toggle("is-down", isDown);
  };
  place();
  field.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? 2 : 10;
    const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (!move && event.key !== " ") return;
    event.preventDefault();
    if (move) {
      [x, y] = [Math.max(0, Math.min(width, x + move[0])), Math.max(0, Math.min(height, y + move[1]))];
      if (isDown) keep(`${input.value}L${x} ${y}`);
    } else {
      isDown = !isDown;
      if (isDown) keep(`${input.value}M${x} ${y}L${x} ${y}`);
      else told();
      said.textContent = isDown ? words.penDown : words.penUp;
    }
    place();
  });
  field.addEventListener("blur", () => {
    if (isDown) told();
    isDown = false;
    place();
  });
  again.addEventListener("click", () => {
    keep("");
    told();
  });
}
