// Files as answers go on their way as soon as they are chosen or dropped, each with a bar that can be stopped; what has arrived stands
// there ticked, and is kept with the draft. Without this script they travel with the form.
import { csrfToken, element, icon } from "./dom.js";
import { judge, sizeOf } from "./drop.js";
import { words } from "./words.js";

export function takeUploads(input) {
  const box = input.closest(".tt-filesq");
  const most = Number(input.dataset.mostFiles);
  const told = element("div", { role: "alert" });
  const list = element("div", { class: "tt-stack" });
  input.before(list);
  // In our words: a browser writes "no file chosen" in its own language, also when three have arrived.
  input.after(element("span", { class: "tt-filesq__choose" }, `${words.dropHere} `, element("label", { for: input.id }, words.chooseFiles)));
  input.nextElementSibling.after(told);
  box.classList.add("is-drop");
  const ticked = () => box.querySelectorAll('input[type="checkbox"]:checked').length;
  const refuse = (...sentences) => {
    delete told.dataset.waits;
    told.replaceChildren(...sentences.map((one) => element("p", { class: "tt-err" }, icon("alert-circle"), element("span", {}, one))));
  };

  function send(chosen) {
    const wrong = chosen.map((file) => judge(file, input.accept, Number(input.dataset.mostMb)));
    const fitting = chosen.filter((_file, at) => !wrong[at]);
    const free = most - ticked() - list.querySelectorAll("[data-upload]").length;
    refuse(...wrong.filter(Boolean), ...(fitting.length > free ? [words.mostFiles(most)] : []));
    fitting.slice(0, Math.max(free, 0)).forEach(sendOne);
  }

  // What was said about files on their way is over with the last of them.
  function over(way) {
    way.remove();
    if ("waits" in told.dataset && !list.querySelector("[data-upload]")) refuse();
  }

  function sendOne(file) {
    const bar = element("progress", { max: 100, value: 0, "aria-label": file.name });
    const far = element("span", { class: "tt-upload__far" }, sizeOf(file.size));
    const stop = element("button", { type: "button", class: "btn btn-sm" }, words.stopUpload);
    const way = element("div", { class: "tt-upload", "data-upload": true }, element("span", { class: "tt-clip" }, file.name), bar, far, stop);
    list.append(way);
    const body = new FormData();
    body.append("file", file);
    const request = new XMLHttpRequest();
    request.responseType = "json";
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      bar.value = total ? Math.floor((loaded / total) * 100) : 0;
      far.textContent = `${bar.value}%`;
    });
    request.addEventListener("load", () => {
      over(way);
      if (request.status === 200 && request.response?.id) arrive(request.response);
      else refuse(request.response?.message ?? (request.status === 413 ? words.tooLarge(file.name, input.dataset.mostMb) : words.fileNotSent(file.name)));
    });
    request.addEventListener("error", () => {
      over(way);
      refuse(words.fileNotSent(file.name));
    });
    stop.addEventListener("click", () => {
      request.abort();
      over(way);
      input.focus();
    });
    request.open("POST", input.dataset.uploadTo);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", csrfToken());
    request.send(body);
  }

  function arrive({ id, name, size }) {
    const tick = element("input", { type: "checkbox", class: "form-check-input", name: input.name, value: id });
    tick.checked = true;
    list.before(element("label", { class: "form-check" }, tick, element("span", { class: "form-check-label" }, `${name} · ${sizeOf(size)}`)));
    tick.dispatchEvent(new Event("change", { bubbles: true }));
  }

  input.addEventListener("change", (event) => {
    event.stopPropagation(); // nothing is answered before it has arrived
    const chosen = [...input.files];
    input.value = "";
    send(chosen);
  });
  box.addEventListener("dragover", (event) => {
    event.preventDefault();
    box.classList.add("is-over");
  });
  box.addEventListener("dragleave", (event) => box.contains(event.relatedTarget) || box.classList.remove("is-over"));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    box.classList.remove("is-over");
    send([...event.dataTransfer.files]);
  });
  input.form?.addEventListener("submit", (event) => {
    if (!list.querySelector("[data-upload]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    refuse(words.filesOnTheirWay);
    told.dataset.waits = "";
    list.querySelector("button")?.focus();
  });
}
