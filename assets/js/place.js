// A list that is loaded again stands where it stood: after a refresh, after going back, and after something was done in it.
const KEY = "tt-place";
const here = location.pathname + location.search;

function cameBack() {
  const [navigation] = performance.getEntriesByType("navigation");
  const from = document.referrer && new URL(document.referrer);
  return navigation?.type !== "navigate" || (from && from.origin === location.origin && from.pathname + from.search === here);
}

export function start() {
  const list = document.querySelector(".tt-listcol .tt-scroll");
  if (!list) return;
  const cursor = () => document.querySelector("[data-worklist] .is-cursor a");
  addEventListener("pagehide", () => {
    sessionStorage.setItem(KEY, JSON.stringify({ here, top: list.scrollTop, page: scrollY, row: cursor()?.getAttribute("href") }));
  });
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  if (kept?.here !== here || !cameBack()) return;
  list.scrollTop = kept.top;
  if (kept.page) scrollTo(0, kept.page);
  const link = kept.row && list.querySelector(`a[href="${CSS.escape(kept.row)}"]`);
  link?.closest("[data-row]")?.classList.add("is-cursor");
}
