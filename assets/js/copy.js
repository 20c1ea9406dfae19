// What stands in a field that cannot be changed is copied by the button beside it.
import { toast } from "./toasts.js";

export async function copy(button) {
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    document.execCommand("copy"); // the clipboard is for https alone
  }
  toast(button.dataset.copied, "ok");
}
