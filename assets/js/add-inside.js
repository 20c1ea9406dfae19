// "+ Thêm mới" of a look-up: the add form of the other screen over this one, written and checked by the server as ever.
// The new row comes back chosen. Closed before it is saved, the dialog keeps what was typed until one opens it again.
import { arrived, csrfToken, element } from "./dom.js";
import { toast } from "./toasts.js";
import { words } from "./words.js";

const dialogs = new WeakMap(); // select → its dialog

export async function addInside(select, typed = "") {
  const known = dialogs.get(select);
  if (known) return known.showModal();
  const address = new URL(select.dataset.addUrl, location.href);
  address.searchParams.set("inside", "1");
  if (typed) address.searchParams.set("q", typed);
  const form = await brought(() => fetch(address, { credentials: "same-origin" }));
  if (!form) return;
  const dialog = element("dialog", { class: "tt-dialog tt-dialog--form", "aria-labelledby": "inside-title" });
  dialogs.set(select, dialog);
  document.body.append(dialog);
  dialog.addEventListener("close", () => backTo(select.tomselect));
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    save(select, dialog, event.target);
  });
  dialog.showModal();
  show(dialog, form);
}

// Into the field again, without its list over what stands below.
function backTo(field) {
  field.settings.openOnFocus = false;
  field.control_input.focus();
  setTimeout(() => {
    field.close(false);
    field.settings.openOnFocus = true;
  });
}

async function save(select, dialog, form) {
  if (form.hasAttribute("aria-busy")) return;
  form.setAttribute("aria-busy", "true");
  const body = new FormData(form);
  let row = null;
  const again = await brought(async () => {
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-CSRFToken": csrfToken() }, credentials: "same-origin" });
    if (answer.headers.get("Content-Type")?.startsWith("application/json")) row = await answer.json();
    return answer;
  });
  form.removeAttribute("aria-busy");
  if (row?.id) {
    dialogs.delete(select);
    dialog.close();
    dialog.remove();
    const field = select.tomselect;
    field.addOption(row);
    field.setValue(String(row.id));
    toast(words.added(row.text), "ok");
  } else if (again) show(dialog, again);
}

// The form in the server's answer; none: what went wrong was told.
async function brought(ask) {
  try {
    const answer = await ask();
    if (answer.redirected) throw new Error(words.signedOut);
    if (answer.bodyUsed) return null;
    const form = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("form[data-inside]");
    if (!form) throw new Error(words.unsent);
    return form;
  } catch (error) {
    toast(error instanceof TypeError ? words.unsent : error.message, "late");
    return null;
  }
}

function show(dialog, form) {
  dialog.replaceChildren(document.adoptNode(form));
  arrived(form);
  const first = form.querySelector("[data-problems]") ?? form.querySelector('[aria-invalid="true"]') ?? form.querySelector('.tt-field input, .tt-field textarea, .tt-field select');
  first?.focus();
  if (first instanceof HTMLInputElement) first.setSelectionRange?.(first.value.length, first.value.length);
}
