// Rows put in order: dragged by their grip, or moved by the arrow keys while it has the focus. Sent at once, told to who listens.
import Sortable from "sortablejs";

import { csrfToken } from "./dom.js";
import { toast } from "./toasts.js";
import { words } from "./words.js";

const orderOf = (list) => [...list.children].map((row) => row.dataset.code);

export function arrange(list) {
  let saved = orderOf(list);

  async function save() {
    const order = orderOf(list);
    if (order.join() === saved.join()) return;
    const body = new URLSearchParams([["csrf_token", csrfToken()], ...order.map((code) => ["code", code])]);
    let told = words.unsent;
    try {
      const answer = await fetch(list.dataset.arrange, { method: "POST", body, headers: { Accept: "application/json" } });
      if ((answer.headers.get("Content-Type") ?? "").includes("json")) told = (await answer.json()).message;
      if (answer.ok && !answer.redirected) {
        saved = order;
        toast(told, "ok");
        return;
      }
    } catch {
      // the sentence is said below
    }
    const byCode = new Map([...list.children].map((row) => [row.dataset.code, row]));
    list.append(...saved.map((code) => byCode.get(code)));
    toast(told, "late");
  }

  Sortable.create(list, { handle: "[data-grip]", animation: 120, ghostClass: "is-moved", onEnd: save });
  list.querySelectorAll("[data-grip]").forEach((grip) => (grip.disabled = false));

  let waiting;
  list.addEventListener("keydown", (event) => {
    const grip = event.target.closest("[data-grip]");
    if (!grip || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const row = grip.closest("li");
    const other = event.key === "ArrowUp" ? row.previousElementSibling : row.nextElementSibling;
    if (!other) return;
    if (event.key === "ArrowUp") other.before(row);
    else other.after(row);
    grip.focus();
    clearTimeout(waiting);
    waiting = setTimeout(save, 400); // several presses are one order
  });
}
