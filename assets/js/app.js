// What starts on every page. Heavy parts load only where the page asks for them; what gives a click or a key another meaning is
// always here, since nobody waits for it before he presses.
import * as bulk from "./bulk.js";
import { clearable } from "./clear-choice.js";
import * as clipped from "./clipped.js";
import * as comments from "./comments.js";
import * as conflict from "./conflict.js";
import { copy } from "./copy.js";
import { each, on } from "./dom.js";
import * as downloads from "./downloads.js";
import * as drop from "./drop.js";
import * as due from "./due.js";
import * as forms from "./forms.js";
import * as keepTab from "./keep-tab.js";
import * as looking from "./looking.js";
import * as money from "./money.js";
import * as needs from "./needs.js";
import * as panel from "./panel.js";
import * as place from "./place.js";
import * as pop from "./pop.js";
import * as recent from "./recent.js";
import * as rights from "./rights.js";
import * as shell from "./shell.js";
import * as tabBar from "./tab-bar.js";
import * as toasts from "./toasts.js";
import * as unsaved from "./unsaved.js";
import * as viewForm from "./view-form.js";
import * as worklist from "./worklist.js";

for (const part of [shell, toasts, due, forms, bulk, money, drop, downloads, unsaved, worklist, place, recent, pop, keepTab, needs, viewForm]) part.start();

clipped.start();

each("select[data-url], select[data-lookup-url]", (select) => import("./lookup.js").then(({ look }) => look(select)));

each("input[data-pattern]", (input) => import("./pattern.js").then(({ watchPattern }) => watchPattern(input)));

// "Thêm khách hàng mới": opens the small form, and closes it again.
on("click", "[data-create-open], [data-create-close]", (_event, button) => {
  const target = document.querySelector(button.dataset.createOpen ?? button.dataset.createClose);
  target.hidden = "createClose" in button.dataset;
  if (!target.hidden) target.querySelector("input")?.focus();
});

// "+ Thêm mới" below a look-up: without a script a plain link to the same form.
on("click", "a[data-add-inside]", (event, link) => {
  const select = document.getElementById(link.dataset.addInside);
  if (!select?.tomselect || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  import("./add-inside.js").then(({ addInside }) => addInside(select));
});

on("click", "a[data-uncover]", (event, link) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  import("./reveal.js").then(({ uncover }) => uncover(link));
});

// Panels over a list load what they need when they are opened first.
const atFirst = (selector, load) =>
  each(selector, (panel) => {
    if (panel.open) load(panel);
    else panel.addEventListener("toggle", () => load(panel), { once: true });
  });
// A chip opens the filter at its condition; the click beside the panel has closed it by now.
on("click", "[data-filter-edit]", (event, chip) => {
  const panel = document.querySelector("[data-filter-editor]");
  event.preventDefault();
  panel.dataset.at = chip.dataset.filterEdit;
  panel.open = true;
  panel.dispatchEvent(new CustomEvent("tt:edit"));
});
atFirst("[data-filter-editor]", (panel) => import("./filter-editor.js").then(({ edit }) => edit(panel)));
each("[data-drawing]", (page) => import("./draw/builder.js").then(({ build }) => build(page)));
each("[data-chart]", (place) => import("./charts.js").then(({ draw }) => draw(place)));
each("[data-segment-editor]", (panel) => import("./segment.js").then(({ compose }) => compose(panel)));
atFirst("details[data-columns]", (panel) => import("./columns.js").then(({ choose }) => choose(panel)));
each(".tt-rolecards [aria-current]", (tab) => tab.scrollIntoView({ block: "nearest", inline: "nearest" }));
each("nav.tt-tabs", tabBar.scroll);
// Inside of another site the page around it may be scrolled past what is said now.
each("[data-arrive]", (told) => {
  told.focus({ preventScroll: true });
  told.scrollIntoView({ block: "center" });
});

each("input[data-date], input[data-moment]", (input) => import("./dates.js").then(({ attachDate }) => attachDate(input)));
each("input[data-signature]", (input) => import("./signature.js").then(({ attachSignature }) => attachSignature(input)));
each('[data-question] [role="radiogroup"]', clearable);
each("[data-rows]", (frame) => import("./rows.js").then(({ growRows }) => growRows(frame)));
each("input[data-upload-to]", (input) => import("./uploads.js").then(({ takeUploads }) => takeUploads(input)));
each("[data-fill]", (frame) => import("./fill.js").then(({ fill }) => fill(frame)));
each("[data-parts]", (frame) => import("./pages.js").then(({ turnPages }) => turnPages(frame)));
each("form[data-draft]", (form) => import("./drafts.js").then(({ keepDraft }) => keepDraft(form)));
each("[data-keep]", conflict.start);
each("fieldset[data-kept]", (kept) => import("./merge.js").then(({ follow }) => follow(kept)));

each("input[data-username]", (input) => import("./username.js").then(({ watchUsername }) => watchUsername(input)));
each("[data-arrange]", (list) => import("./sortable.js").then(({ arrange }) => arrange(list)));
each("select[data-entry-add]", (select) => import("./entry-add.js").then(({ addEntries }) => addEntries(select)));

comments.start();
if (document.querySelector("[data-panel]")) panel.start();
on("click", "[data-copy]", (_event, button) => copy(button));
on("click", "[data-print]", (_event, button) => {
  button.closest("details")?.removeAttribute("open");
  print();
});
// A page may have stood open for hours: the sheet tells when it was printed.
addEventListener("beforeprint", () => {
  const told = document.querySelector(".tt-printhead time");
  if (told) told.textContent = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "short", timeStyle: "short" }).format(new Date());
});

if (document.querySelector("[hx-get], [hx-post], [data-hx]")) import("./partial.js");
each("form[data-rights]", rights.edit);
each("select[data-whole-section]", rights.wholeSection);
looking.start();
if (document.querySelector("[data-caps], [data-picture]")) import("./account.js").then(({ start }) => start());
