import { signal } from "@preact/signals";

/** The time of what is shown; ages follow it together. */
export const nowMs = signal(Date.now());

setInterval(() => {
  if (document.visibilityState === "visible") nowMs.value = Date.now();
}, 1000);
