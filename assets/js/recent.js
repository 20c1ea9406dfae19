// What was opened last. The browser keeps keys alone ("customer:12"), at most twelve, for each member; names come from the
// server whenever they are shown, and only of what may still be seen (docs/adr/0012).
import { ask, each, element, icon, keep, kept, skeletons } from "./dom.js";

const MOST = 12;
const SHOWN = 5;
const { member } = document.documentElement.dataset;
const place = `tt-recent-${member}`;

// The present page is not among them.
export function keys() {
  const here = document.querySelector("main[data-record]")?.dataset.record;
  return (kept(place) ?? "").split(" ").filter((key) => key && key !== here);
}

// [{key, title, hint, url, icon}]; what may no longer be opened is forgotten.
export async function recent(most = MOST, signal) {
  const asked = keys().slice(0, most);
  if (!asked.length) return [];
  const { items } = await ask(`/tim/vua-mo?${new URLSearchParams(asked.map((key) => ["r", key]))}`, signal);
  const gone = asked.filter((key) => !items.some((item) => item.key === key));
  if (gone.length) store((key) => !gone.includes(key));
  return items;
}

function store(still, first = "") {
  const all = (kept(place) ?? "").split(" ").filter((key) => key && key !== first && still(key));
  keep(place, [first, ...all].filter(Boolean).slice(0, MOST).join(" "));
}

export function start() {
  if (!member) return;
  each("[data-recent]", (card) => {
    const list = card.querySelector("ul");
    const expected = Math.min(keys().length, SHOWN);
    if (!expected) return;
    card.hidden = false;
    list.replaceChildren(...skeletons(expected).map((row) => element("li", {}, row)));
    recent(SHOWN).then(
      (items) => {
        card.hidden = !items.length;
        list.replaceChildren(
          ...items.map((item) =>
            element("li", {}, icon(item.icon, "tt-ico tt-3"), element("div", { class: "tt-grow" }, element("a", { href: item.url, title: item.title }, item.title), element("small", {}, item.hint))),
          ),
        );
      },
      (error) => list.replaceChildren(element("li", { class: "tt-2" }, error.message)),
    );
  });
  each("main[data-record]", (main) => store(() => true, main.dataset.record));
}
