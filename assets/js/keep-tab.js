// Tabs and folds of a page, named in its address (#tab-Orders): still open after going back, and after saving on another page.
import { each, on } from "./dom.js";

const TAB = /^#tab-[\w-]+$/;
const chosen = () => (TAB.test(location.hash) ? location.hash : "");
const remember = (hash) => history.replaceState(history.state, "", hash || location.pathname + location.search);

function open(tabs, hash) {
  const links = [...tabs.querySelectorAll(":scope > nav a")];
  const now = links.find((link) => link.hash === hash) ?? links[0];
  for (const link of links) {
    if (link === now) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
    document.getElementById(link.hash.slice(1)).hidden = link !== now;
  }
}

// The address that brings this tab along. A redirect keeps it, so that it comes back with the answer to a form.
function withTab(address) {
  const url = new URL(address, location.href);
  if (url.origin !== location.origin || url.hash) return address;
  return url.href + chosen();
}

export function start() {
  each("[data-tabs]", (tabs) => {
    open(tabs, chosen());
    tabs.querySelector(":scope > nav").addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (!link) return;
      event.preventDefault();
      remember(link.hash);
      open(tabs, link.hash);
    });
    addEventListener("hashchange", () => open(tabs, chosen()));
  });
  each("details.tt-fold[id]", (fold) => {
    if (`#${fold.id}` === chosen()) fold.open = true;
    fold.addEventListener("toggle", () => {
      if (fold.open) remember(`#${fold.id}`);
      else if (`#${fold.id}` === chosen()) remember("");
    });
  });
  on("click", "[data-tabs] section a[href], .tt-fold a[href], a[data-back]", (_event, link) => {
    if (chosen()) link.href = withTab(link.href);
  });
  document.addEventListener("submit", ({ target, submitter }) => {
    // A button called "action" (or "method") hides the form's own property of that name: its attributes are asked.
    if (!chosen() || target.getAttribute("method") !== "post") return;
    if (submitter?.hasAttribute("formaction")) submitter.setAttribute("formaction", withTab(submitter.formAction));
    else target.setAttribute("action", withTab(target.getAttribute("action") ?? location.href));
  });
}
