// A form of several pages, one at a time (data-parts on the frame around them). Without this script they stand below each other.
import { element } from "./dom.js";
import { words } from "./words.js";

export function turnPages(frame) {
  const parts = [...frame.querySelectorAll(":scope > [data-part]")];
  const isAsked = (part) => Boolean(part.querySelector("[data-question]:not(.tt-unasked)"));
  const tabs = parts.map((part, at) => {
    const tab = element("button", { type: "button", class: "btn btn-sm" }, `${at + 1}. ${part.querySelector("h2")?.textContent ?? words.page(at + 1)}`);
    tab.addEventListener("click", () => show(at, true));
    return tab;
  });
  const back = element("button", { type: "button", class: "btn" }, words.pageBefore);
  const next = element("button", { type: "button", class: "btn" }, words.pageAfter);
  const list = element("ol", { class: "tt-steps" }, ...tabs.map((tab) => element("li", {}, tab)));
  frame.prepend(element("nav", { "aria-label": words.pages }, list));
  frame.append(element("p", { class: "tt-flex" }, back, next));
  let here = 0;

  const beside = (step) => {
    let at = here + step;
    while (parts[at] && !isAsked(parts[at])) at += step;
    return parts[at] ? at : -1;
  };
  function show(at, isMove = false) {
    here = at;
    parts.forEach((part, number) => (part.hidden = number !== at));
    draw();
    if (isMove) {
      frame.scrollIntoView({ block: "start" });
      parts[at].querySelector("h2, input, select, textarea")?.focus({ preventScroll: true });
    }
  }
  function draw() {
    tabs.forEach((tab, at) => {
      tab.hidden = at !== here && !isAsked(parts[at]);
      tab.classList.toggle("is-wrong", Boolean(parts[at].querySelector("[aria-invalid='true'], .tt-err")));
      if (at === here) tab.setAttribute("aria-current", "step");
      else tab.removeAttribute("aria-current");
    });
    back.hidden = beside(-1) < 0;
    next.hidden = beside(1) < 0;
  }
  back.addEventListener("click", () => show(beside(-1), true));
  next.addEventListener("click", () => show(beside(1), true));
  // Which pages are asked follows from the answers; fill.js has judged them by then.
  for (const type of ["input", "change"]) frame.addEventListener(type, () => queueMicrotask(draw));
  // What leads to a question (the summary of what is wrong) opens its page first.
  document.addEventListener(
    "click",
    (event) => {
      const link = event.target instanceof Element ? event.target.closest("[data-problems] a[href^='#']") : null;
      const at = link ? parts.findIndex((part) => part.querySelector(`#${CSS.escape(decodeURIComponent(link.hash.slice(1)))}`)) : -1;
      if (at >= 0) show(at);
    },
    true,
  );
  const wrong = parts.findIndex((part) => part.querySelector("[aria-invalid='true'], .tt-err"));
  show(Math.max(wrong, 0));
}
