// Whoever looks as somebody else changes nothing: what sends a form is not offered (account.css), and what is sent all the same says why.
// A look-up in it does not open (Tom Select asks whether its field is disabled), and a drop zone takes nothing (drop.js).
import { each, on } from "./dom.js";
import { toast } from "./toasts.js";

const SENDS = "form[method=post]:not([data-while-looking])";

export function start() {
  const why = document.body.dataset.looking;
  if (!why) return;
  each(SENDS, (form) => {
    for (const control of form.elements) control.disabled = true;
  });
  // Before any other listener: nothing else should believe that it was sent.
  addEventListener(
    "submit",
    (event) => {
      if (!event.target.matches(SENDS)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      toast(why, "soon");
    },
    true,
  );
}
