// Nobody loses what he typed by leaving: a form with changes asks first. Saved, or changed back to what it was: it does not.
import { each } from "./dom.js";
import { question } from "./forms.js";
import { words } from "./words.js";

const chosen = (select) => [...select.selectedOptions].map((option) => option.value).join("\n");
const begun = new WeakMap(); // select → what was chosen when the page came: a look-up rewrites its options
let isLeaving = false;

function isChanged(control) {
  if (!control.name || control.disabled || /^(hidden|submit|button|reset)$/.test(control.type)) return false;
  if (control.type === "file") return control.files.length > 0;
  if (control.type === "checkbox" || control.type === "radio") return control.checked !== control.defaultChecked;
  if (control instanceof HTMLSelectElement) return begun.has(control) && begun.get(control) !== chosen(control);
  return control.value !== control.defaultValue;
}

function holdsSomething(control) {
  if (!control.name || /^(hidden|submit|button|reset)$/.test(control.type)) return false;
  return /^(checkbox|radio)$/.test(control.type) ? control.checked : control.value !== "";
}

// A form that came back refused holds words that are saved nowhere, unless it was sent empty.
const cameBack = (form) => form.hasAttribute("data-unsaved") && [...form.elements].some(holdsSomething);

// data-kept: what stands there is kept as a draft (drafts.js).
export const isUnsaved = (form) => !form.hasAttribute("data-sent") && !form.hasAttribute("data-kept") && (cameBack(form) || [...form.elements].some(isChanged));

const anyUnsaved = () =>
  Boolean(document.querySelector("[data-upload]")) || [...document.querySelectorAll("form[data-guard]")].some(isUnsaved);

// A link that leads away from this page in this very tab.
function leadsAway(event) {
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return null;
  if ((link.target && link.target !== "_self") || link.hasAttribute("download") || link.matches("[hx-get], [data-stay]")) return null;
  const there = new URL(link.href, location.href);
  if (!there.protocol.startsWith("http")) return null;
  return there.href.split("#")[0] === location.href.split("#")[0] && there.hash ? null : link;
}

export function start() {
  each("form[data-guard] select", (select) => begun.set(select, chosen(select)));
  document.addEventListener("submit", (event) => event.defaultPrevented || event.target.setAttribute("data-sent", ""));
  addEventListener("pageshow", () => {
    isLeaving = false;
    document.querySelectorAll("form[data-sent]").forEach((form) => form.removeAttribute("data-sent"));
  });
  addEventListener("beforeunload", (event) => {
    if (!isLeaving && anyUnsaved()) event.preventDefault();
  });
  document.addEventListener(
    "click",
    (event) => {
      const link = leadsAway(event);
      if (!link || isLeaving || !anyUnsaved()) return;
      event.preventDefault();
      event.stopPropagation();
      question(words.unsaved, { yes: words.leave, no: words.stay, opener: link, isStaying: true }, () => {
        isLeaving = true;
        location.assign(link.href);
      });
    },
    true,
  );
}
