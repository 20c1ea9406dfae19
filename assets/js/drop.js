// Files by drag and drop: seen and judged before they are sent, several at once, and on their way with a bar that can be stopped.
import { arrived, csrfToken, each, element, icon } from "./dom.js";
import { words } from "./words.js";

const MEGABYTE = 1024 * 1024;
const zoneOf = (input) => input.closest("[data-drop]");
const extension = (file) => `.${file.name.split(".").pop().toLowerCase()}`;

const wrong = (file, input) => judge(file, input.accept, Number(zoneOf(input).dataset.drop) || 20);

// Why a file is not taken; "": it is, as far as the browser can tell. most: megabytes.
export function judge(file, accept, most) {
  const taken = accept.split(",").map((one) => one.trim().toLowerCase()).filter(Boolean);
  const isTaken = taken.some((one) => (one.endsWith("/*") ? file.type.startsWith(one.slice(0, -1)) : one === extension(file) || one === file.type));
  if (taken.length && !isTaken) return words.wrongKind(file.name);
  if (file.size > most * MEGABYTE) return words.tooLarge(file.name, most);
  return file.size ? "" : words.emptyFile(file.name);
}

export const sizeOf = (bytes) =>
  bytes < MEGABYTE ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / MEGABYTE).toFixed(1).replace(".", words.comma)} MB`;

function dropZone(zone) {
  const input = zone.querySelector('input[type="file"]');
  const list = zone.querySelector("[data-drop-list]");
  const refused = element("div", { class: "tt-drop__no", role: "alert" });
  zone.append(refused);
  let files = [];

  const put = (wanted) => {
    const carrier = new DataTransfer();
    const told = [];
    for (const file of wanted) {
      const sentence = wrong(file, input);
      if (sentence) told.push(sentence);
      else if (![...carrier.files].some((one) => one.name === file.name && one.size === file.size)) carrier.items.add(file);
    }
    input.files = carrier.files;
    files = [...carrier.files];
    refused.replaceChildren(...told.map((one) => element("p", { class: "tt-err" }, icon("alert-circle"), element("span", {}, one))));
    show();
  };
  const show = () => {
    list.replaceChildren(
      ...files.map((file, at) => {
        const out = element("button", { type: "button", class: "tt-x", "aria-label": words.remove(file.name) }, icon("x"));
        out.addEventListener("click", () => {
          put(files.filter((_file, other) => other !== at));
          (list.querySelectorAll("button")[at] ?? list.querySelector("button") ?? input).focus();
        });
        const sign = icon(file.type.startsWith("image/") ? "photo" : "file");
        return element("span", { class: "tt-file" }, sign, element("span", {}, file.name), element("small", {}, sizeOf(file.size)), out);
      }),
    );
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("tt:files", { bubbles: true }));
  };
  const more = (chosen) => put(input.multiple ? [...files, ...chosen] : chosen.slice(0, 1));

  input.addEventListener("change", () => more([...input.files]));
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    if (input.disabled) event.dataTransfer.dropEffect = "none";
    else zone.classList.add("is-over");
  });
  zone.addEventListener("dragleave", (event) => zone.contains(event.relatedTarget) || zone.classList.remove("is-over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("is-over");
    if (!input.disabled) more([...event.dataTransfer.files]);
  });
  input.form?.addEventListener("reset", () => put([]));
  // What was wrong with the only file stays to be read: without it there is nothing to send.
  input.form?.addEventListener("submit", (event) => {
    if ("needed" in input.dataset && refused.childElementCount && !files.length) event.preventDefault();
  });
}

// ── on their way ──
const withFiles = (form) => [...form.querySelectorAll('[data-drop] input[type="file"]')].find((input) => input.files.length);

function send(form, submitter) {
  const body = new FormData(form);
  if (submitter?.name) body.append(submitter.name, submitter.value);
  const bar = element("progress", { max: 100, value: 0, "aria-label": words.uploading });
  const far = element("span", { class: "tt-upload__far" }, "0%");
  const stop = element("button", { type: "button", class: "btn btn-sm" }, words.stopUpload);
  const way = element("div", { class: "tt-upload", "data-upload": true }, bar, far, stop);
  const told = element("div", { class: "tt-upload__told", role: "status" });
  const zone = zoneOf(withFiles(form));
  zone.parentElement.querySelectorAll(".tt-upload, .tt-upload__told").forEach((old) => old.remove());
  zone.after(way, told);

  const request = new XMLHttpRequest();
  const free = (sentence, isWrong = true) => {
    way.remove();
    for (const busy of [form, submitter]) busy?.removeAttribute("aria-busy");
    form.removeAttribute("data-sent");
    told.replaceChildren(element("p", { class: isWrong ? "tt-err" : "tt-help" }, ...(isWrong ? [icon("alert-circle")] : []), element("span", {}, sentence)));
    submitter?.focus();
  };
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    const percent = total ? Math.floor((loaded / total) * 100) : 0;
    bar.value = percent;
    far.textContent = percent < 100 ? `${percent}% · ${sizeOf(loaded)} / ${sizeOf(total)}` : words.checkingFiles;
    stop.hidden = percent >= 100; // all of it is there: what the server does now is not taken back
  });
  request.addEventListener("load", () => {
    if (request.getResponseHeader("X-Go")) {
      form.setAttribute("data-sent", "");
      const there = new URL(request.getResponseHeader("X-Go"), location.href);
      if (there.pathname + there.search !== location.pathname + location.search) return location.assign(there);
      history.replaceState(history.state, "", there); // the same page, with what is new on it, at its place
      location.reload();
    } else if (!answered(form, request)) free(request.status === 413 ? words.allTooLarge : words.uploadFailed);
  });
  request.addEventListener("error", () => free(words.uploadFailed));
  request.addEventListener("abort", () => free(words.uploadStopped, false));
  stop.addEventListener("click", () => request.abort());
  request.open("POST", submitter?.hasAttribute("formaction") ? submitter.formAction : form.action);
  request.setRequestHeader("X-Upload", "1");
  request.setRequestHeader("X-CSRFToken", csrfToken());
  request.send(body);
  stop.focus();
}

// The form came back with sentences beside its fields, or a page that answers it (data-answer): it stands in the place of the old one, and
// the files stay chosen.
function answered(form, request) {
  const isPage = request.getResponseHeader("Content-Type")?.startsWith("text/html");
  const brought = isPage ? new DOMParser().parseFromString(request.responseText, "text/html").querySelector("main") : null;
  const main = document.querySelector("main");
  if (!brought?.querySelector("form[data-guard], [data-answer]") || !main) return false;
  const kept = [...form.querySelectorAll('[data-drop] input[type="file"]')].map((input) => [input.id, input.files]);
  main.replaceChildren(...brought.childNodes);
  arrived(main);
  for (const [id, files] of kept) {
    const input = document.getElementById(id);
    if (!input) continue;
    input.files = files;
    input.dispatchEvent(new Event("change"));
  }
  main.querySelector("[data-problems], [data-conflict], [aria-invalid='true']")?.focus();
  return true;
}

export function start() {
  each("[data-drop]", dropZone);
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || !withFiles(form)) return;
    event.preventDefault();
    send(form, event.submitter);
  });
}
