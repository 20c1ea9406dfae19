// The draft as a form, drawn by the server, as wide as a phone or as a desk has it; drawn anew whenever the draft was kept.
export class Preview {
  constructor(page, place) {
    this.frame = place.querySelector("iframe");
    for (const button of page.querySelectorAll("[data-look]")) {
      button.addEventListener("click", () => {
        page.dataset.shows = button.dataset.look;
        for (const one of page.querySelectorAll("[data-look]")) one.setAttribute("aria-pressed", String(one === button));
        this.refresh();
      });
    }
    // Where one stood stays in sight when it is drawn anew.
    this.frame.addEventListener("load", () => {
      this.frame.contentWindow?.scrollTo(0, this.top ?? 0);
    });
    this.refresh();
    // A window that is made wide shows it only now.
    new ResizeObserver(() => this.isOld && this.refresh()).observe(this.frame);
  }

  refresh() {
    this.isOld = !this.frame.checkVisibility();
    if (this.isOld) return;
    this.top = this.frame.contentWindow?.scrollY ?? 0;
    this.frame.contentWindow?.location.replace(this.frame.dataset.src);
  }
}
