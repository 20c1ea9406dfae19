// Two people changed one record: all of mine or all of theirs in one click; without this script the server does the same.
export function start(form) {
  form.addEventListener("click", (event) => {
    const all = event.target instanceof Element ? event.target.closest("button[name='keep_all']") : null;
    if (!all) return;
    event.preventDefault();
    form.querySelectorAll(`input[type="radio"][value="${all.value}"][name^="keep-"]`).forEach((one) => {
      one.checked = true;
      one.dispatchEvent(new Event("input", { bubbles: true }));
    });
  });
}
