// The draft of a form is kept by itself, a moment after the last change, one request at a time (data-draft: where). When another window of
// the same person was faster, nothing is written over it: the page goes to the server, which shows both.
import { csrfToken, element, icon } from "./dom.js";
import { words } from "./words.js";

const PAUSE = 1500; // ms without a change
const AGAIN = 10_000; // ms after a request that did not get through

export function keepDraft(form) {
  const told = form.querySelector("[data-draft-told]");
  const throwing = form.querySelector("[data-draft-throw]");
  let waiting;
  let isDirty = false;
  let isSending = false;
  let isHeld = false;

  const tell = (sign, ...sentence) => told.replaceChildren(icon(sign), ...sentence);
  const soon = (pause) => {
    clearTimeout(waiting);
    waiting = setTimeout(send, pause);
  };

  async function send() {
    if (!isDirty || isSending || isHeld || form.hasAttribute("data-sent")) return;
    isDirty = false;
    isSending = true;
    // Files go their own way; what has arrived is ticked under the same name as the input that chooses more.
    const sent = new FormData();
    for (const [name, value] of new FormData(form)) if (!(value instanceof File) && name !== "began") sent.append(name, value);
    try {
      const answer = await fetch(form.dataset.draft, {
        method: "POST",
        headers: { Accept: "application/json", "X-CSRFToken": csrfToken() },
        body: sent,
        credentials: "same-origin",
      });
      if (answer.redirected || !answer.headers.get("Content-Type")?.includes("json")) throw new TypeError();
      const body = await answer.json();
      if (answer.status === 409) return hold(body.message);
      if (!answer.ok) return tell("alert-triangle", body.message);
      form.elements.rev.value = body.rev;
      form.elements.began.value = JSON.stringify(typedIn(sent)); // what another window is measured against from here on
      throwing.setAttribute("formaction", body.throw);
      throwing.hidden = throwing.disabled = false;
      tell("circle-check", body.told);
      form.toggleAttribute("data-kept", !isDirty && ![...form.querySelectorAll('[type="file"]')].some(({ files }) => files.length));
    } catch {
      isDirty = true;
      tell("alert-triangle", words.draftWaits);
      soon(AGAIN);
    } finally {
      isSending = false;
      if (isDirty) soon(PAUSE);
    }
  }

  function hold(message) {
    isHeld = true;
    tell("alert-triangle", `${message} `, element("button", { type: "submit", class: "tt-link", formaction: form.dataset.draft }, words.seeBoth));
  }

  for (const type of ["input", "change"]) {
    form.addEventListener(type, () => {
      isDirty = true;
      form.removeAttribute("data-kept");
      soon(PAUSE);
    });
  }
  // Whoever puts the window away has not said that he is done.
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && send());
}

// As the server keeps it: by key and part one text, or several of one name.
function typedIn(sent) {
  const typed = {};
  for (const name of new Set(sent.keys())) {
    if (!name.startsWith("answer_")) continue;
    const texts = sent.getAll(name);
    typed[name.slice(7)] = texts.length === 1 ? texts[0] : texts;
  }
  return typed;
}
