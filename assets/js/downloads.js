// A file is taken while the page stays: nothing there would tell that it came. What the answer says of it in a cookie is told in a
// message, and its form may be sent again.
import { toast } from "./toasts.js";

const COOKIE = "tt_downloaded";
const LOOKS_EVERY = 300;
const WAITS = 60_000;

function taken() {
  const found = document.cookie.split("; ").find((one) => one.startsWith(`${COOKIE}=`));
  if (!found) return "";
  document.cookie = `${COOKIE}=; Max-Age=0; Path=/; SameSite=Lax`;
  return decodeURIComponent(found.slice(COOKIE.length + 1));
}

export function start() {
  document.addEventListener("submit", ({ defaultPrevented, target, submitter }) => {
    if (defaultPrevented || !submitter?.matches("[data-downloads]")) return;
    taken(); // of an earlier one that nobody waited for
    const until = Date.now() + WAITS;
    const timer = setInterval(() => {
      const told = taken();
      if (!told && Date.now() < until) return;
      clearInterval(timer);
      for (const busy of [target, submitter]) busy.removeAttribute("aria-busy");
      if (!told) return;
      submitter.closest("details")?.removeAttribute("open");
      toast(told, "ok");
    }, LOOKS_EVERY);
  });
}
