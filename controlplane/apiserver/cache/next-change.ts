import type { KindCache } from "./kind-cache.ts";

/** Resolves at the first change after the call, or when the signal aborts. */
export function nextChange(cache: KindCache, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stop();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const stop = cache.listen({ wake: done, end: done });
    signal.addEventListener("abort", done, { once: true });
  });
}
