// What is to be seen on the page in front of us, and what is wrong with it, as sentences. tests/e2e/looks.py runs it.
({
  // How the page is built.
  structure: (lang) => {
    const said = [];
    const count = (selector, wanted) => {
      const found = document.querySelectorAll(selector).length;
      if (found !== wanted) said.push(`${found} ${selector}, not ${wanted}`);
    };
    count("h1", 1);
    count("main", 1);
    if (document.documentElement.lang !== lang) said.push(`lang is ${document.documentElement.lang}, not ${lang}`);
    if (!document.title.replace("· Tận Tâm", "").trim()) said.push("no title");
    for (const sentence of window.__refused ?? []) said.push(`refused by the policy: ${sentence}`);
    return said;
  },

  // What does not fit on a screen of this size.
  fit: () => {
    const said = [];
    const width = document.documentElement.clientWidth;
    const WIDE = 992; // from here on somebody points with a mouse: what is shortened may be told by a title
    const name = (e) => {
      const words = (e.innerText || e.value || e.getAttribute("aria-label") || "").trim().replace(/\s+/g, " ").slice(0, 40);
      return `<${e.tagName.toLowerCase()}${e.id ? "#" + e.id : ""}${e.classList.length ? "." + [...e.classList].join(".") : ""}> “${words}”`;
    };
    const up = function* (e) {
      for (let at = e; at && at !== document.documentElement; at = at.parentElement) yield at;
    };
    const scrolls = (e) => [...up(e)].some((at) => /auto|scroll/.test(getComputedStyle(at).overflowX) && at.scrollWidth > at.clientWidth);
    // Hidden, or there for screen readers alone.
    const unseen = (e) => !e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || [...up(e)].some((at) => getComputedStyle(at).clipPath !== "none");
    const page = document.scrollingElement;
    if (page.scrollWidth > innerWidth) said.push(`the page is ${page.scrollWidth} px wide`);
    for (const e of document.body.querySelectorAll("*")) {
      const tooWide = e.scrollWidth > e.clientWidth + 1, tooHigh = e.scrollHeight > e.clientHeight + 2;
      const pressed = e.matches("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']");
      if (!(tooWide || tooHigh || pressed) || e instanceof SVGElement || unseen(e)) continue;
      const style = getComputedStyle(e);
      const clips = (axis) => /hidden|clip/.test(style[axis]);
      const own = [...e.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
      const told = () => {
        if (innerWidth >= WIDE) e.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
        return [...up(e)].some((at) => at.title) || e.querySelector("[title]");
      };
      if (clips("overflowX") && tooWide && (own || [...e.querySelectorAll("*")].some((inner) => !(inner instanceof SVGElement) && !unseen(inner) && inner.getBoundingClientRect().right > e.getBoundingClientRect().right + 1))) {
        if (style.textOverflow !== "ellipsis" || (own && !told())) said.push(`cut off: ${name(e)}, ${e.scrollWidth} px in ${e.clientWidth} px`);
      }
      if (clips("overflowY") && tooHigh && e.innerText.trim()) said.push(`cut off below: ${name(e)}, ${e.scrollHeight} px in ${e.clientHeight} px`);
      if (pressed && !e.classList.contains("tt-skip")) {
        const box = e.getBoundingClientRect();
        if (!box.width || !box.height) continue;
        if ((box.right > width + 1 || box.left < -1) && !scrolls(e)) said.push(`outside the screen: ${name(e)}, ${Math.round(box.left)}–${Math.round(box.right)} of ${width}`);
        if (e.matches("button, input, select, summary, .btn, .tt-iconbtn") && !e.closest("label, p, .ts-control") && (box.width < 24 || box.height < 24)) said.push(`too small to press: ${name(e)}, ${Math.round(box.width)} × ${Math.round(box.height)}`);
      }
    }
    return said;
  },

  // What axe finds serious. `rules`: only these, or none for all.
  barriers: async (rules) => {
    const only = rules ? { type: "rule", values: rules } : { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };
    const { violations } = await axe.run(document, { runOnly: only, resultTypes: ["violations"], preload: { assets: ["media"] } });
    return violations.flatMap((one) =>
      one.nodes.map((node) => `${one.impact} ${one.id}: ${node.target.join(" ")} ${node.html.slice(0, 120)} (${(node.any[0] ?? node.all[0] ?? node.none[0])?.message ?? ""})`),
    );
  },

  // The form of the page is sent with nothing in it; the browser's own checks step aside.
  sendEmpty: () => {
    const forms = [...document.querySelectorAll("main form[method=post]")];
    const form = forms.find((one) => one.id || one.querySelector("input:not([type=hidden]), textarea, select"));
    const typed = /^(text|tel|email|password|number|search|textarea|select-one)$/;
    for (const field of form.elements) if (typed.test(field.type)) field.value = "";
    form.noValidate = true;
    form.requestSubmit();
  },

  // What has the focus: its name, whether it is inside of what is open over the page, and what is wrong with how it shows.
  stop: () => {
    const e = document.activeElement;
    if (!e || e === document.body) return { name: "", wrong: [], inside: true };
    const words = (ids) => ids.map((id) => document.getElementById(id)?.innerText ?? "").join(" ");
    const labels = [...(e.labels ?? [])];
    const said = labels.map((one) => one.innerText).join(" ") || words((e.getAttribute("aria-labelledby") ?? "").split(" "));
    const name = (e.getAttribute("aria-label") || said.trim() || e.innerText || e.title || "").replace(/\s+/g, " ").trim();
    const ringed = (at) => getComputedStyle(at).outlineStyle !== "none" && parseFloat(getComputedStyle(at).outlineWidth) >= 2;
    const around = [e, e.parentElement, e.parentElement?.parentElement].filter(Boolean);
    const drawn = e.matches("input[type=radio], input[type=file]") ? e.parentElement : e;
    const box = drawn.getBoundingClientRect();
    const middle = (Math.max(box.left, 0) + Math.min(box.right, innerWidth)) / 2;
    const there = document.elementFromPoint(middle, box.top + Math.min(box.height / 2, 12));
    const seen = there && (drawn.contains(there) || there.contains(e) || labels.some((one) => one.contains(there)));
    const wrong = [];
    if (!name) wrong.push("has no name");
    if (!around.some(ringed) && getComputedStyle(e).boxShadow === "none") wrong.push("is not marked");
    if (box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth) wrong.push("is outside the screen");
    else if (!seen) wrong.push(`is covered by ${there?.outerHTML.slice(0, 80)}`);
    const drawer = document.documentElement.dataset.drawer === "open" ? document.querySelector(".tt-side") : null;
    const over = document.querySelector("dialog[open]") ?? drawer;
    return { name, wrong: wrong.map((one) => `${name || e.outerHTML.slice(0, 120)} ${one}`), inside: !over || over.contains(e) };
  },

  // Where the focused part stands in the page, whatever is scrolled: left and bottom of its cell or field. None outside of main.
  place: () => {
    const e = document.activeElement;
    if (!e.closest("main")) return null;
    const box = (e.closest("td, th, label, .tt-field, .tt-flex, form:not(:has(.tt-field))") ?? e).getBoundingClientRect();
    return [box.left, box.bottom + scrollY + (e.closest(".tt-scroll")?.scrollTop ?? 0)];
  },
})
