// The user name of a new colleague, or the code of a new team: made from the name while nobody has typed one, and said to be taken
// before it is sent.
import { element, icon } from "./dom.js";

const PAUSE = 250;

export function watchUsername(input) {
  const form = input.form;
  const names = (input.dataset.madeFrom ?? "family_name given_name").split(" ").map((name) => form.elements.namedItem(name)).filter(Boolean);
  const isNew = !input.value;
  let isTyped = !isNew;
  let waiting = 0;
  let asked = "";

  const ask = () => {
    const where = new URL(input.dataset.username, location.href);
    for (const one of names) where.searchParams.set(one.name, one.value);
    if (isTyped) where.searchParams.set("typed", input.value);
    if (input.dataset.besides) where.searchParams.set("besides", input.dataset.besides);
    asked = where.href;
    fetch(where, { headers: { Accept: "application/json" }, credentials: "same-origin" })
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)))
      .then((body) => {
        if (asked !== where.href) return; // an answer to earlier words came late
        if (!isTyped) input.value = body.username ?? body.made;
        tell(body.problem);
      })
      .catch(() => tell("")); // the server says it again when the form is sent
  };
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, PAUSE);
  };
  const tell = (problem) => {
    const id = `${input.id}-error`;
    document.getElementById(id)?.remove();
    input.classList.toggle("is-invalid", Boolean(problem));
    input.toggleAttribute("aria-invalid", Boolean(problem));
    if (!problem) return;
    input.setAttribute("aria-invalid", "true");
    input.after(element("p", { class: "tt-err", id, role: "status" }, icon("alert-circle"), element("span", {}, problem)));
  };

  for (const one of names) one.addEventListener("input", () => isTyped || soon());
  input.addEventListener("input", () => {
    isTyped = input.value !== "";
    soon();
  });
  // Typed before this script was there.
  if ([input, ...names].some((one) => one.value !== one.defaultValue)) soon();
}
