// A field that looks things up while one types: Tom Select over an address that answers
// {"results": [{"id", "text", "hint"}], "more": bool}, with "+ Thêm mới" where the field allows it.
import TomSelect from "tom-select/base";

import { element, icon, skeletons } from "./dom.js";
import { words } from "./words.js";

const PAUSE = 180;

export function look(select) {
  const { createTarget } = select.dataset;
  const url = select.dataset.url ?? select.dataset.lookupUrl;
  const target = createTarget ? document.querySelector(createTarget) : null;
  let failed = false;
  let asked = ""; // the words on their way to the server
  let isWaiting = false; // for what is found by the words that stand there now

  const isEntered = document.activeElement === select;
  const field = new TomSelect(select, {
    valueField: "id",
    labelField: "text",
    searchField: [], // the server has already searched, without accents
    maxOptions: 50,
    loadThrottle: PAUSE,
    refreshThrottle: 0,
    openOnFocus: true,
    preload: "focus",
    placeholder: select.dataset.placeholder ?? words.typeMore,
    allowEmptyOption: false,
    shouldLoad: () => true,
    score: () => () => 1,
    load(typed, done) {
      asked = typed;
      const address = new URL(url, location.href);
      address.searchParams.set("q", typed);
      fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" })
        .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)))
        .then((body) => {
          if (typed !== asked) return done(); // an answer to earlier words came late
          failed = isWaiting = false;
          this.clearOptions(isChosen);
          done(body.more ? [...body.results, { id: "…", text: words.narrow, disabled: true }] : body.results);
        })
        .catch(() => {
          if (typed === asked) {
            failed = true;
            isWaiting = false;
          }
          done();
        });
    },
    create: target ? (typed) => openCreate(target, typed, select) : false,
    createFilter: () => Boolean(target) && !isWaiting,
    persist: false,
    render: {
      option: (option) => element("div", {}, option.text, ...(option.hint ? [element("small", {}, option.hint)] : [])),
      item: (option) => element("div", {}, option.text),
      option_create: (data) => element("div", { class: "create" }, icon("plus"), words.add(data.input)),
      no_results: (data) => element("div", { class: "no-results" }, failed ? words.failed : words.nothing(data.input)),
      loading: () => element("div", { class: "spinner-line" }, element("span", { class: "tt-vh" }, words.searching), ...skeletons(3)),
    },
  });
  const isChosen = (option) => field.items.includes(String(option.id));
  // Rows for other words are gone as soon as one types on, and Enter waits for the new ones: nobody takes a stranger's row.
  field.wrapper.addEventListener(
    "input",
    () => {
      if (field.inputValue() === field.lastValue) return;
      isWaiting = true;
      field.clearOptions(isChosen);
    },
    true,
  );
  field.wrapper.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Enter" || !isWaiting) return;
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );
  field.wrapper.classList.remove("form-select"); // its arrow and padding are lookup.css's now
  select.setAttribute("aria-hidden", "true"); // its label and its messages are the input's now
  field.control_input.setAttribute("autocomplete", "off");
  for (const name of ["aria-describedby", "aria-invalid", "aria-required"]) {
    if (select.hasAttribute(name)) field.control_input.setAttribute(name, select.getAttribute(name));
  }
  if (isEntered) field.focus();
  field.on("change", () => {
    select.dispatchEvent(new Event("input", { bubbles: true }));
    if (target && field.getValue()) target.hidden = true;
    if ("follow" in select.dataset && field.getValue()) select.form?.requestSubmit();
  });
}

// "+ Thêm mới": opens the small form inside the page and hands over what was typed. data-create-text and data-create-phone
// name its inputs by what was typed: digits are a phone number.
function openCreate(target, typed, select) {
  target.hidden = false;
  const isPhone = /^[+\d][\d\s.()-]{5,}$/.test(typed);
  const first = target.querySelector(isPhone ? "[data-create-phone]" : "[data-create-text]");
  if (first && typed) first.value = typed;
  (target.querySelector(isPhone ? "[data-create-text]" : "[data-create-phone]") ?? first)?.focus();
  select.dispatchEvent(new CustomEvent("tt:create", { bubbles: true, detail: { typed } }));
  return false;
}
