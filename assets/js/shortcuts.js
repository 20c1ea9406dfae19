// "?" tells which keys work on this page.
import { element, icon } from "./dom.js";
import { words } from "./words.js";

let dialog;

// Only what is there to be pressed is told.
function sections() {
  const has = (selector) => Boolean(document.querySelector(selector));
  const inList = has("[data-worklist] [data-row]");
  const hasQuick = has("main .tt-quick input");
  return [
    [words.keysEverywhere, [[hasQuick ? ["Ctrl K"] : ["/", "Ctrl K"], words.keyPalette], [["?"], words.keyHelp], [["Esc"], words.keyEscape]]],
    [
      words.keysList,
      (inList || hasQuick || has("[data-filter-editor]")) && [
        hasQuick && [["/"], words.keySearch],
        has("[data-filter-editor]") && [["f"], words.keyFilter],
        inList && [["j"], words.keyNext],
        inList && [["k"], words.keyPrevious],
        inList && [["Enter"], has("[data-panel]") ? words.keyPeek : words.keyOpen],
        has("[data-row] [data-claim]") && [["n"], words.keyClaim],
        has('[data-row] input[name="rowid"]') && [["x"], words.keyChoose],
      ],
    ],
    [
      words.keysForm,
      has("main form[data-guard]") && [
        [["Ctrl S"], words.keySave],
        has("main form[data-guard] textarea") && [["Ctrl Enter"], words.keySaveText],
        has("input[data-date], input[data-moment]") && [["Alt ↓"], words.keyCalendar],
      ],
    ],
    [words.keysQuick, has(".tt-quicklog") && [[["g"], words.keyQuick], [["1", "6"], words.keyQuickNth]]],
    [
      words.keysTask,
      [
        has("[data-claim-here]") && [["n"], words.keyClaim],
        has("[data-finish]") && [["e"], words.keyFinish],
        has("[data-next]") && [["Enter"], words.keyNextTask],
      ],
    ],
  ]
    .map(([title, rows]) => [title, (rows || []).filter(Boolean)])
    .filter(([, rows]) => rows.length);
}

export function show() {
  dialog?.remove();
  const key = (name, place) => [place ? words.or : "", element("kbd", { class: "tt-kbd" }, name)];
  const rows = ([keys, does]) => element("div", {}, element("dt", {}, ...keys.flatMap(key)), element("dd", {}, does));
  dialog = element(
    "dialog",
    { class: "tt-dialog", "aria-labelledby": "phim-tat" },
    element(
      "div",
      { class: "tt-dialog__head" },
      element("h2", { class: "tt-grow", id: "phim-tat" }, words.keys),
      element("button", { type: "button", class: "tt-iconbtn", "data-close": true, "aria-label": words.close }, icon("x")),
    ),
    element(
      "div",
      { class: "tt-dialog__body" },
      ...sections().map(([title, all]) => element("section", {}, element("h3", {}, title), element("dl", { class: "tt-keys" }, ...all.map(rows)))),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
}
