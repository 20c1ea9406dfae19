// The draft is kept by itself, a moment after the last change, one request at a time. Somebody else's change in between is told and
// nothing is written over it: one chooses whose drawing goes on.
import { ask, csrfToken } from "../dom.js";

const PAUSE = 400; // ms without a change
const AGAIN = 5000; // ms after a request that did not get through

export class Saving extends EventTarget {
  #waiting;
  #running = null;
  #isDirty = false;

  constructor(drawing, { code, rev, theirs }) {
    super();
    this.drawing = drawing;
    this.address = `/api/v1/forms/${code}`;
    this.rev = rev;
    this.theirs = theirs; // the address that tells the draft as it is kept now
    this.base = drawing.plain(); // what was drawn when the server was last heard
    this.isHeld = false; // somebody else's draft is in the way
    drawing.addEventListener("change", () => {
      this.#isDirty = true;
      if (this.isHeld) return;
      this.#tell("waiting");
      this.#soon(PAUSE);
    });
    addEventListener("beforeunload", (event) => {
      if (this.#isDirty || this.#running) event.preventDefault();
    });
  }

  #tell(state, more = {}) {
    this.dispatchEvent(new CustomEvent("state", { detail: { state, ...more } }));
  }

  #soon(pause) {
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => this.now(), pause);
  }

  // Keeps what is drawn at this moment. True once it is kept.
  async now() {
    clearTimeout(this.#waiting);
    if (this.#running) await this.#running;
    if (this.isHeld) return false;
    if (!this.#isDirty) return true;
    this.#running = this.#send();
    const isKept = await this.#running;
    this.#running = null;
    return isKept && this.#isDirty ? this.now() : isKept;
  }

  async #send() {
    this.#isDirty = false;
    this.#tell("saving");
    try {
      const schema = this.drawing.plain();
      const { status, body } = await this.send("/draft", "PUT", { schema, rev: this.rev });
      if (status === 409) {
        this.#isDirty = this.isHeld = true;
        // Asked once more with what both began from: it is told what is different on either side, where that gets through.
        const apart = await this.send("/draft", "PUT", { schema, rev: this.rev, base: this.base }).catch(() => null);
        this.#tell("conflict", { by: body.by, at: body.at, message: body.message, mine: apart?.body.mine ?? null, theirs: apart?.body.theirs ?? null });
        return false;
      }
      if (status !== 200) throw new Error(body.message);
      this.rev = body.draft.rev;
      this.base = schema;
      this.#tell("saved", { problems: body.draft.problems });
      return true;
    } catch (error) {
      this.#isDirty = true;
      this.#tell("failed", { message: error instanceof TypeError ? "" : error.message });
      this.#soon(AGAIN);
      return false;
    }
  }

  // {status, body}; a page that came instead (signed out) is told as a failure.
  async send(path, method, sent) {
    const answer = await fetch(this.address + path, {
      method,
      headers: { Accept: "application/json", "Accept-Language": document.documentElement.lang, "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
      body: JSON.stringify(sent),
      credentials: "same-origin",
    });
    if (answer.redirected || !(answer.headers.get("Content-Type") ?? "").includes("json")) throw new TypeError();
    return { status: answer.status, body: await answer.json() };
  }

  // ── somebody else was faster ──
  // Their drawing comes onto the screen; one step back brings mine again, and it is kept then as any change.
  async takeTheirs(told) {
    const theirs = await ask(this.theirs);
    this.#isDirty = this.isHeld = false;
    this.rev = theirs.rev;
    this.drawing.replace(told, theirs.definition);
    this.base = this.drawing.plain();
  }

  // What both began from goes on; one step back brings mine again.
  async takeOriginal(told) {
    this.rev = (await ask(this.theirs)).rev;
    this.isHeld = false;
    this.drawing.replace(told, this.base);
    return this.now();
  }

  // Mine goes on in place of theirs.
  async keepMine() {
    this.rev = (await ask(this.theirs)).rev;
    this.isHeld = false;
    return this.now();
  }
}
