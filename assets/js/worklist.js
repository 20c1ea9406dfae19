// j and k move through a worklist, Enter opens, n takes the work, x chooses the row, e finishes, Enter goes on to the next
// task: hands stay on the keyboard.
import { isTyping } from "./dom.js";

const current = () => document.querySelector("[data-worklist] .is-cursor, [data-worklist] [aria-current]");
const rows = () => [...document.querySelectorAll("[data-worklist] [data-row]")];

function move(step) {
  const all = rows();
  if (!all.length) return;
  const here = current();
  const at = here ? all.indexOf(here.closest("[data-row]")) : -1;
  const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1)];
  all.forEach((row) => row.classList.toggle("is-cursor", row === next));
  const link = next.querySelector("a, button");
  link?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  next.dispatchEvent(new CustomEvent("tt:cursor", { bubbles: true }));
}

const press = (selector) => {
  const button = document.querySelector(selector);
  button?.click();
  return Boolean(button);
};

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  n: () => {
    const row = document.querySelector("[data-worklist] .is-cursor");
    const button = row?.querySelector("[data-claim]") ?? document.querySelector("[data-claim-here]");
    button?.click();
  },
  x: () => document.querySelector('[data-worklist] .is-cursor input[name="rowid"]')?.click(),
  e: () => press("[data-finish]"),
  // Only where Enter would do nothing: what has the focus keeps its own.
  Enter: () => press("[data-next]"),
  g: () => document.querySelector(".tt-quicklog select, .tt-quicklog textarea, .tt-quicklog input:not([type=hidden])")?.focus(),
};
// On a customer's page: 1 to 9 choose what is written down.
for (let nth = 1; nth <= 9; nth += 1) KEYS[nth] = () => press(`.tt-quicklog > nav > :nth-child(${nth})`);

export function start() {
  if (!document.querySelector("[data-worklist], [data-finish], [data-claim-here], [data-next], .tt-quicklog")) return;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const act = KEYS[event.key];
    if (!act || (event.key === "Enter" && (document.activeElement !== document.body || !document.querySelector("[data-next]")))) return;
    event.preventDefault();
    act();
  });
}
