// "Written like this": told when one leaves the input, before anything is sent. The server matches in linear time and has the last
// word; here only patterns are tried that cannot keep the browser busy, on texts of usual length.
import { element, icon } from "./dom.js";
import { isQuick, LONGEST } from "./quick-pattern.js";

function compiled(pattern) {
  try {
    return isQuick(pattern) ? new RegExp(`^(?:${pattern})$`, "u") : null;
  } catch {
    return null; // RE2 knows words that the browser does not
  }
}

export function watchPattern(input) {
  const wanted = compiled(input.dataset.pattern);
  if (!wanted || input.closest("td")) return;
  const id = `${input.id}-error`;
  const tell = (problem) => {
    document.getElementById(id)?.remove();
    input.classList.toggle("is-invalid", Boolean(problem));
    const described = (input.getAttribute("aria-describedby") ?? "").split(" ").filter((one) => one && one !== id);
    if (problem) {
      input.setAttribute("aria-invalid", "true");
      input.after(element("p", { class: "tt-err", id, role: "status" }, icon("alert-circle"), element("span", {}, problem)));
      described.push(id);
    } else {
      input.removeAttribute("aria-invalid");
    }
    if (described.length) input.setAttribute("aria-describedby", described.join(" "));
    else input.removeAttribute("aria-describedby");
  };
  const fits = () => {
    const text = input.value.normalize("NFC").split(/\s+/).filter(Boolean).join(" ");
    return !text || text.length > LONGEST || wanted.test(text);
  };
  input.addEventListener("change", () => tell(fits() ? "" : input.dataset.patternSays));
  // What is being put right is not called wrong any more.
  input.addEventListener("input", () => input.classList.contains("is-invalid") && fits() && tell(""));
}
