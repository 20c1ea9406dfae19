// "+ Thêm mới" at the end of a select of catalogue entries: asks for the name, makes the entry and chooses it.
import { csrfToken, element } from "./dom.js";
import { words } from "./words.js";

const NEW = "+";

export function addEntries(select) {
  select.append(element("option", { value: NEW }, `+ ${words.add("")}`));
  let before = select.value;
  select.addEventListener("change", () => {
    if (select.value !== NEW) {
      before = select.value;
      return;
    }
    select.value = before;
    ask(select, (value) => (before = value));
  });
}

function ask(select, chosen) {
  const input = element("input", { class: "form-control", id: "muc-moi", maxlength: 80, autocomplete: "off", autofocus: true });
  const problem = element("p", { class: "tt-err", role: "alert" });
  const yes = element("button", { type: "submit", class: "btn btn-primary" }, words.add(""));
  const form = element(
    "form",
    { method: "dialog" },
    element("div", { class: "tt-dialog__body" }, element("label", { class: "form-label", for: "muc-moi" }, words.newEntry), input, problem),
    element("div", { class: "tt-dialog__foot" }, element("button", { type: "button", class: "btn", "data-close": true }, words.cancel), yes),
  );
  const dialog = element("dialog", { class: "tt-dialog", "aria-label": words.newEntry }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    yes.disabled = true;
    const made = await send(select.dataset.entryAdd, input.value).catch(() => ({ problem: words.unsent }));
    yes.disabled = false;
    if (made.problem) {
      problem.textContent = made.problem;
      input.focus();
      return;
    }
    select.lastElementChild.before(element("option", { value: made.code }, made.label));
    select.value = made.code;
    chosen(made.code);
    select.dispatchEvent(new Event("input", { bubbles: true }));
    dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    select.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
}

async function send(catalogue, label) {
  const answer = await fetch(`/api/v1/catalogues/${catalogue}/entries`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken(), "Accept-Language": document.documentElement.lang },
    body: JSON.stringify({ label_vi: label }),
  });
  const told = await answer.json();
  return answer.ok ? told : { problem: told.fields?.label_vi?.[0] ?? told.message };
}
