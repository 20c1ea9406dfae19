// Tabs in one line that is longer than its place: the one that is open stands in sight, and a button says on which side there are more.
import { element, icon } from "./dom.js";

export function scroll(bar) {
  const open = bar.querySelector("[aria-current]");
  if (open) bar.scrollLeft += open.getBoundingClientRect().right - bar.getBoundingClientRect().right + 40;
  // Keys go from tab to tab and bring each into sight by themselves.
  const buttons = [-1, 1].map((side) => {
    const button = element("button", { type: "button", class: `tt-tabs__more tt-tabs__more--${side < 0 ? "before" : "behind"}`, tabindex: -1, "aria-hidden": true, hidden: true }, icon(side < 0 ? "chevron-left" : "chevron-right"));
    button.addEventListener("click", () => bar.scrollBy({ left: side * bar.clientWidth * 0.6, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" }));
    return button;
  });
  const look = () => {
    const far = bar.scrollWidth - bar.clientWidth;
    buttons[0].hidden = bar.scrollLeft < 8;
    buttons[1].hidden = far - bar.scrollLeft < 8;
  };
  bar.prepend(buttons[0]);
  bar.append(buttons[1]);
  bar.addEventListener("scroll", look, { passive: true });
  new ResizeObserver(look).observe(bar);
}
