// A field that looks things up while one types: Tom Select over an address that answers
// {"results": [{"id", "text", "hint"}], "more": bool} to ?q=&page=, with "+ Thêm mới" where the field allows it: data-add-url is
// the form of the other screen, opened over this one (add-inside.js); data-create-target a small form of this page.
import TomSelect from "tom-select/base";

import { element, icon, skeletons } from "./dom.js";
import { words } from "./words.js";

const PAUSE = 180;
const MORE = "…"; // the last line of a list that goes on
const NEAR = 80; // pixels before its end

export function look(select) {
  const { createTarget, addUrl } = select.dataset;
  const url = select.dataset.url ?? select.dataset.lookupUrl;
  const target = createTarget ? document.querySelector(createTarget) : null;
  let failed = false;
  let asked = ""; // the words on their way to the server; null while one types on
  let isWaiting = false; // for what is found by the words that stand there now
  let next = 0; // the page that follows; none: 0
  let isTurning = false;

  const other = select.dataset.with ? select.form?.elements[select.dataset.with] : null;
  const address = (typed, page) => {
    const where = new URL(url, location.href);
    where.searchParams.set("q", typed);
    if (page > 1) where.searchParams.set("page", page);
    // what is chosen in another field narrows this one: the province its wards
    const within = other?.value || select.dataset.within;
    if (within) where.searchParams.set("with", within);
    return where;
  };
  const found = (typed, page) =>
    fetch(address(typed, page), { headers: { Accept: "application/json" }, credentials: "same-origin" }).then((answer) =>
      answer.ok && !answer.redirected ? answer.json() : Promise.reject(answer.status),
    );
  const withHint = (body) => (body.more ? [...body.results, { id: MORE, text: words.scrollForMore, disabled: true }] : body.results);

  const isEntered = document.activeElement === select;
  const field = new TomSelect(select, {
    valueField: "id",
    labelField: "text",
    searchField: [], // the server has already searched, without accents
    maxOptions: null,
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
      found(typed, 1)
        .then((body) => {
          if (typed !== asked) return done(); // an answer to earlier words came late
          failed = isWaiting = false;
          next = body.more ? 2 : 0;
          this.clearOptions(isChosen);
          done(withHint(body));
        })
        .catch(() => {
          if (typed === asked) {
            failed = true;
            isWaiting = false;
          }
          done();
        });
    },
    create: target || addUrl ? (typed) => openCreate(typed) : false,
    createFilter: () => !isWaiting,
    persist: false,
    render: {
      option: (option) => element("div", {}, option.text, ...(option.hint ? [element("small", {}, option.hint)] : [])),
      item: (option) => element("div", {}, option.text),
      option_create: (data) => element("div", { class: "create" }, icon("plus"), words.add(data.input)),
      no_results: (data) => element("div", { class: "no-results" }, failed ? words.failed : words.nothing(data.input)),
      loading: () => element("div", { class: "spinner-line" }, element("span", { class: "tt-vh" }, words.searching), ...skeletons(3)),
    },
  });
  // Another province has other wards.
  other?.addEventListener("change", () => {
    field.clear();
    field.clearOptions();
    next = 0;
    field.load("");
  });
  select.addEventListener("tt:narrowed", () => {
    field.clearOptions(isChosen);
    next = 0;
    if (asked !== null) field.load("");
  });
  const isChosen = (option) => field.items.includes(String(option.id));
  const openCreate = (typed) => {
    if (addUrl) import("./add-inside.js").then(({ addInside }) => addInside(select, typed));
    else fillIn(target, typed, select);
    return false;
  };
  // The next page as one comes near the end of this one, by wheel, finger or arrow keys.
  field.dropdown_content.addEventListener("scroll", ({ target: list }) => {
    if (!next || isTurning || list.scrollTop + list.clientHeight < list.scrollHeight - NEAR) return;
    const typed = asked;
    isTurning = true;
    found(typed, next)
      .then((body) => {
        if (typed !== asked || isWaiting) return;
        const isNew = body.results.some((option) => !field.options[option.id]);
        next = body.more && isNew ? next + 1 : 0;
        const at = list.scrollTop;
        field.removeOption(MORE, true);
        field.addOptions(withHint({ ...body, more: next > 0 }));
        field.refreshOptions(false);
        list.scrollTop = at;
      })
      .catch(() => (next = 0))
      .finally(() => (isTurning = false));
  });
  // Rows for other words are gone as soon as one types on, and Enter waits for the new ones: nobody takes a stranger's row.
  field.wrapper.addEventListener(
    "input",
    () => {
      if (field.inputValue() === field.lastValue) return;
      isWaiting = true;
      asked = null; // no answer on its way is one to these words
      next = 0;
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
function fillIn(target, typed, select) {
  target.hidden = false;
  const isPhone = /^[+\d][\d\s.()-]{5,}$/.test(typed);
  const first = target.querySelector(isPhone ? "[data-create-phone]" : "[data-create-text]");
  if (first && typed) first.value = typed;
  (target.querySelector(isPhone ? "[data-create-text]" : "[data-create-phone]") ?? first)?.focus();
  select.dispatchEvent(new CustomEvent("tt:create", { bubbles: true, detail: { typed } }));
}
