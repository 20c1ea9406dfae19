// A segment is put together as the filter of a list is; how many customers belong to it is counted meanwhile.
import { csrfToken } from "./dom.js";
import { edit } from "./filter-editor.js";

const PAUSE = 350; // ms without a change

export function compose(panel) {
  const typed = panel.querySelector("textarea");
  const told = panel.querySelector("[data-segment-count]");
  let waiting;
  let asking;
  let last;

  async function count() {
    const where = typed.value.trim();
    if (where === last) return;
    last = where;
    asking?.abort();
    asking = new AbortController();
    told.setAttribute("aria-busy", "true");
    try {
      const body = new URLSearchParams({ where, csrf_token: csrfToken() });
      const answer = await fetch(panel.dataset.count, { method: "POST", body, headers: { Accept: "application/json" }, credentials: "same-origin", signal: asking.signal });
      if (!answer.ok || answer.redirected) throw new Error();
      const { text, refusal, row } = await answer.json();
      told.textContent = refusal ? told.dataset.wrong : text;
      if (refusal) panel.dispatchEvent(new CustomEvent("tt:refused", { detail: { sentence: refusal, row } }));
    } catch (error) {
      if (error.name === "AbortError") return;
      last = undefined;
      told.textContent = told.dataset.failed;
    }
    told.removeAttribute("aria-busy");
  }

  // While a value in the rows is none of its kind nothing is counted: it would be counted without it.
  function hold() {
    clearTimeout(waiting);
    asking?.abort();
    last = undefined;
    told.removeAttribute("aria-busy");
    told.textContent = told.dataset.wrong;
  }

  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(count, PAUSE);
  };
  panel.addEventListener("tt:where", ({ detail }) => (detail.isWrong ? hold() : soon()));
  typed.addEventListener("input", soon);
  edit(panel);
}
