// htmx for parts of pages, without anything that needs eval or writes styles into the page.
import "./htmx-settings.js"; // before htmx itself
import htmx from "htmx.org";

import { csrfToken, skeletons } from "./dom.js";
import { toast } from "./toasts.js";
import { words } from "./words.js";

Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  historyCacheSize: 0, // pages with customers do not stay in the browser's storage
  selfRequestsOnly: true,
});
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = csrfToken();
});
// data-skeleton="4": so many rows stand where the answer will be.
document.addEventListener("htmx:beforeRequest", ({ detail: { target } }) => {
  if (target?.dataset.skeleton) target.replaceChildren(...skeletons(Number(target.dataset.skeleton)));
});
document.addEventListener("htmx:sendError", () => toast(words.unsent, "late"));
document.addEventListener("htmx:responseError", () => toast(words.unsent, "late"));
htmx.process(document.body);
