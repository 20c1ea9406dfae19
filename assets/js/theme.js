// Runs before the first paint: dark or light, sidebar folded or open, as this reader chose.
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage may be forbidden; the page works without it
  }
}

function dress() {
  const chosen = read("tt-theme");
  root.dataset.bsTheme = chosen === "dark" || chosen === "light" ? chosen : dark.matches ? "dark" : "light";
  root.dataset.theme = chosen ?? "auto";
  const side = read("tt-side");
  if (side === "folded" || side === "open") root.dataset.side = side;
}

// Groups of the sidebar that this reader folded away: closed while the page is still being read, so that nothing jumps.
function foldGroups() {
  const folded = (read("tt-groups") ?? "").split(" ").filter(Boolean);
  if (!folded.length) return;
  const fold = () =>
    document.querySelectorAll("details[data-group][open]:not([data-here])").forEach((group) => {
      if (folded.includes(group.dataset.group)) group.open = false;
    });
  const reading = new MutationObserver(fold);
  reading.observe(root, { childList: true, subtree: true });
  document.addEventListener("DOMContentLoaded", () => {
    reading.disconnect();
    fold();
  });
}

root.dataset.script = ""; // what a script shows when it is needed may be hidden from the first paint
dress();
foldGroups();
dark.addEventListener("change", dress);
addEventListener("storage", dress);
addEventListener("tt:dress", dress);
addEventListener("beforeprint", () => (root.dataset.bsTheme = "light")); // ink on white
addEventListener("afterprint", dress);
