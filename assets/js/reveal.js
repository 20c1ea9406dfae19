// The eye beside a covered value: asks for the reason in a dialog and puts the value in its place, on this page alone.
// Without a script the eye is a link to a page that does the same.
import { csrfToken, element } from "./dom.js";
import { toast } from "./toasts.js";
import { words } from "./words.js";

const PART = { headers: { "X-Part": "1" }, credentials: "same-origin" };

export async function uncover(link) {
  const form = await brought(() => fetch(link.href, PART));
  if (!form) return;
  const dialog = element("dialog", { class: "tt-dialog", "aria-labelledby": "mo-t" }, form);
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    link.isConnected && link.focus();
  });
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    send(dialog, event.target, link);
  });
  dialog.showModal();
  begin(dialog);
}

const begin = (dialog) => dialog.querySelector("[name=reason]").focus();

async function send(dialog, form, link) {
  if (form.hasAttribute("aria-busy")) return;
  form.setAttribute("aria-busy", "true");
  const sent = { ...PART, method: "POST", body: new FormData(form) };
  sent.headers = { ...PART.headers, "X-CSRFToken": csrfToken() };
  let told = null;
  const again = await brought(async () => {
    const answer = await fetch(link.href, sent);
    if (answer.headers.get("Content-Type")?.startsWith("application/json")) told = await answer.json();
    return answer;
  });
  form.removeAttribute("aria-busy");
  if (told?.value) show(dialog, link, told.value);
  else if (again) {
    dialog.replaceChildren(again);
    begin(dialog);
  }
}

function show(dialog, link, value) {
  const place = link.closest("[data-covered]");
  const shown = element("span", { class: "tt-value", tabindex: "-1" }, value);
  place.replaceChildren(shown);
  dialog.close();
  shown.focus();
}

// The form in the answer; none: the value is there, or what went wrong was told.
async function brought(ask) {
  try {
    const answer = await ask();
    if (answer.redirected) throw new Error(words.signedOut);
    if (answer.bodyUsed) return null;
    const form = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-uncover-form]");
    if (!form) throw new Error(words.unsent);
    return document.adoptNode(form);
  } catch (error) {
    toast(error instanceof TypeError ? words.unsent : error.message, "late");
    return null;
  }
}
