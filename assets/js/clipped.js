// Words that a narrow column cuts short are told in full to whoever points at them.
const SHORTENED = ".tt-clip, .tt-table td, .tt-two-lines > *, .tt-mini .tt-grow > *, .tt-work__t a, .tt-work__why, .tt-work__cust";

export function start() {
  document.addEventListener("pointerover", (event) => {
    const shown = event.target instanceof Element ? event.target.closest(SHORTENED) : null;
    if (!shown || shown.closest("[title]") || shown.querySelector("[title]") || shown.scrollWidth <= shown.clientWidth) return;
    shown.title = shown.innerText.trim();
  });
}
