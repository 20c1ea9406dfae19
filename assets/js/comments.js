// A conversation grows without the page being loaded anew: what is sent comes back as the conversation with it in its place.
// Without a script the same forms lead back to the same place. Forms with files are sent by drop.js, with their progress.
import { arrived, csrfToken, element, icon, on } from "./dom.js";
import * as mention from "./mention.js";
import { words } from "./words.js";

const PART = { "X-Part": "1" };

async function part(address, options = {}) {
  const answer = await fetch(address, { credentials: "same-origin", ...options, headers: { ...PART, ...options.headers } });
  if (answer.redirected) throw new Error(words.signedOut);
  const brought = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-talk]");
  if (!brought) throw new Error(words.unsent);
  return { brought, refusal: brought.querySelector("[data-talk-problem]:not([hidden])")?.textContent.trim() };
}

async function send(event, form) {
  if (event.defaultPrevented) return;
  event.preventDefault();
  const talk = form.closest("[data-talk]");
  const isNew = form.parentElement === talk;
  try {
    const { brought, refusal } = await part(form.action, {
      method: "POST",
      body: new FormData(form),
      headers: { "X-CSRFToken": csrfToken() },
    });
    if (refusal) return again(form, refusal);
    put(talk, brought, isNew);
  } catch (error) {
    again(form, error instanceof TypeError ? words.unsent : error.message);
  }
}

// Nothing that was typed is lost: the sentence stands below the words, which may be sent once more.
function again(form, sentence) {
  form.removeAttribute("aria-busy");
  form.removeAttribute("data-sent");
  form.querySelectorAll("[aria-busy]").forEach((busy) => busy.removeAttribute("aria-busy"));
  const area = form.querySelector("textarea");
  const told = form.querySelector("[data-talk-problem]");
  told.replaceChildren(icon("alert-circle"), element("span", {}, sentence));
  told.className = "tt-err";
  told.hidden = false;
  area.classList.add("is-invalid");
  area.setAttribute("aria-invalid", "true");
  area.dispatchEvent(new Event("input", { bubbles: true })); // leaving is asked about once more
  area.focus();
}

function put(talk, brought, isNew) {
  const typed = isNew ? "" : talk.querySelector("#talk-new")?.value;
  talk.replaceWith(brought);
  arrived(brought);
  counted(brought);
  const area = brought.querySelector("#talk-new");
  if (typed && area) {
    area.value = typed;
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
  area?.focus({ preventScroll: !isNew });
  if (isNew) brought.querySelector("[data-talk-list] > :last-child")?.scrollIntoView({ block: "nearest" });
  const said = element("p", {}, brought.dataset.talkSent);
  document.getElementById("said")?.append(said);
  setTimeout(() => said.remove(), 15_000);
}

// The number at the tab, where the conversation is one.
function counted(talk) {
  const number = talk.closest(".tt-card")?.querySelector(":scope > .tt-tabs [aria-current] small");
  if (number) number.textContent = talk.dataset.talkCount;
}

// Back at the page: what others wrote meanwhile stands there, and what one is writing oneself is left alone.
async function refresh(talk) {
  if (talk.querySelector("details[open]")) return;
  try {
    const { brought } = await part(talk.dataset.talk);
    const [list, news] = [talk, brought].map((one) => one.querySelector("[data-talk-list]"));
    if (!talk.isConnected || !list || !news || brought.dataset.talkCount === talk.dataset.talkCount) return;
    list.replaceWith(news);
    talk.dataset.talkCount = brought.dataset.talkCount;
    arrived(news);
    counted(talk);
  } catch {
    // another time: nothing that was there is lost
  }
}

export function start() {
  mention.start();
  on("submit", "form[data-talk-form]", send);
  on("keydown", "[data-talk] textarea", (event, area) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    area.form.requestSubmit(area.form.querySelector('[type="submit"]'));
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") document.querySelectorAll("[data-talk-fresh]").forEach(refresh);
  });
}
