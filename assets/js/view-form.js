// The small forms of a list's views: a name that is not taken is told beside it, where it was typed. Without a script, and for
// whatever else goes wrong, the server's page says it.
import { element, icon } from "./dom.js";
import { toast } from "./toasts.js";
import { words } from "./words.js";

function tell(form, sentence) {
  const input = form.querySelector(".tt-field :is(input, select)");
  const field = input.closest(".tt-field");
  const id = `${input.id}-error`;
  const clear = () => {
    document.getElementById(id)?.remove();
    input.classList.remove("is-invalid");
    input.removeAttribute("aria-invalid");
    input.setAttribute("aria-describedby", (input.getAttribute("aria-describedby") ?? "").replace(id, "").trim());
  };
  clear();
  input.after(element("p", { class: "tt-err", id, role: "alert" }, icon("alert-circle"), element("span", {}, sentence)));
  input.classList.add("is-invalid");
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", `${id} ${input.getAttribute("aria-describedby") ?? ""}`.trim());
  field.addEventListener("input", clear, { once: true });
  input.focus();
}

async function send(form, submitter) {
  const body = new URLSearchParams(new FormData(form, submitter));
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Upload": "1" }, credentials: "same-origin" });
    const there = answer.headers.get("X-Go");
    if (there) return location.assign(there);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const told = page.querySelector("main .tt-err span, main [data-problems] h2")?.textContent.trim();
    if (!told) {
      if (submitter?.name) form.append(element("input", { type: "hidden", name: submitter.name, value: submitter.value }));
      return form.submit();
    }
    // Somebody else was faster: sent once more, it is on top of what he saved.
    const rev = page.querySelector('main [name="rev"]');
    if (rev) form.elements.rev.value = rev.value;
    tell(form, told);
  } catch {
    toast(words.unsent, "late");
  }
  form.removeAttribute("aria-busy");
}

export function start() {
  // Before those who look at a form that is on its way.
  document.addEventListener(
    "submit",
    (event) => {
      if (!event.target.matches(".tt-viewform")) return;
      event.preventDefault();
      if (!event.target.hasAttribute("aria-busy")) send(event.target, event.submitter);
    },
    true,
  );
}
