// What one types blind and chooses unseen: a word about Caps Lock beside passwords, a picture shown before it is sent.
import { each, element, on } from "./dom.js";

function capsLock() {
  const tell = (event) => {
    if (!(event.target instanceof Element) || !event.getModifierState) return;
    const notice = event.target.closest("form")?.querySelector("[data-caps]");
    if (notice) notice.hidden = !(event.target.matches("[autocomplete$=password]") && event.getModifierState("CapsLock"));
  };
  for (const type of ["keydown", "keyup", "click"]) document.addEventListener(type, tell);
}

function pictures() {
  each("[data-picture]", (frame) => {
    const input = document.querySelector(frame.dataset.picture);
    const before = [...frame.childNodes];
    // The drop zone tells what it has taken, or that nothing is left; the input itself tells of refused files too.
    input?.addEventListener("tt:files", () => {
      const file = input.files[0];
      if (!file?.type.startsWith("image/")) {
        frame.replaceChildren(...before);
        return;
      }
      const reader = new FileReader();
      reader.addEventListener("load", () => {
        const picture = element("img", { src: reader.result, alt: frame.dataset.pictureAlt });
        picture.addEventListener("error", () => frame.replaceChildren(...before));
        frame.replaceChildren(picture);
      });
      reader.readAsDataURL(file);
    });
  });
  // Taking the logo away and choosing a new one at once would be a contradiction.
  on("tt:files", "[data-drop] input[type=file]", (_event, input) => {
    const away = input.form?.querySelector('input[name="remove_logo"]');
    if (away && input.files.length) away.checked = false;
  });
}

export function start() {
  capsLock();
  pictures();
}
