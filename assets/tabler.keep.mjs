// The parts of Tabler that our pages use, by tag, class, id and attribute. What is not named here is not shipped:
// a template that needs another part of Tabler adds its words.
export const keep = [
  // the ground
  "html body a p h1 h2 h3 h4 hr small strong b em code kbd pre img svg table caption thead tbody tr th td label button",
  "input select textarea fieldset legend optgroup option progress summary dialog abbr address ul ol dl dt dd blockquote",
  "root data-bs-theme light dark hidden disabled checked active focus hover placeholder type number date time file search",
  // buttons and fields
  "btn btn-primary btn-sm btn-check form-control form-select form-label form-check form-check-input form-check-label",
  "form-switch is-invalid multiple readonly checkbox radio",
];
