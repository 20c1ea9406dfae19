// Two customers side by side: what nobody chose follows the one that stays. Without this script everything stays as it was drawn.
export function follow(kept) {
  const form = kept.form;
  form.addEventListener("change", ({ target }) => {
    if (target.closest("[data-kept]")) {
      for (const row of form.querySelectorAll("[data-follows]:not([data-chosen])")) {
        const [first, second] = row.dataset.follows.split(" ");
        row.querySelector(`input[value="${target.value === "0" ? first : second}"]`).checked = true;
      }
      return;
    }
    const row = target.closest("fieldset");
    row.dataset.chosen = "";
    row.querySelector("[data-why]")?.remove();
  });
}
