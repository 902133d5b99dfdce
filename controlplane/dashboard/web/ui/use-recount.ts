import { effect, type Signal, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";

/** Counting takes at most this part of a browser's time. */
const shareMost = 0.05;

interface Followed {
  readonly version: Signal<number>;
  readonly state?: Signal<{ readonly is: string }>;
}

/** What is counted of feeds that change: once all of one is there, and anew after a change, at most every so often, and the more
 *  seldom the longer it takes. */
export function useRecount<T>(
  feeds: readonly (Followed | undefined)[],
  count: () => T,
  { everyMs = 1_000, also = [] }: { readonly everyMs?: number; readonly also?: readonly unknown[] } = {},
): T {
  const first = useMemo(() => ({ of: count() }), [...feeds, ...also]);
  const counted = useSignal<{ readonly of: T; readonly since: unknown } | undefined>(undefined);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let notBeforeMs = 0;
    let loadingBefore = 0;
    const recount = () => {
      timer = undefined;
      const beganMs = performance.now();
      counted.value = { of: count(), since: first };
      const endMs = performance.now();
      notBeforeMs = endMs + Math.max(everyMs, (endMs - beganMs) / shareMost);
    };
    const end = effect(() => {
      for (const feed of feeds) void feed?.version.value;
      const loading = feeds.filter((feed) => feed?.state?.value.is === "loading").length;
      if (loading < loadingBefore) {
        clearTimeout(timer);
        timer = undefined;
        notBeforeMs = 0;
      }
      loadingBefore = loading;
      timer ??= setTimeout(recount, Math.max(0, notBeforeMs - performance.now()));
    });
    return () => {
      end();
      clearTimeout(timer);
    };
  }, [...feeds, ...also]);
  // What was counted of other feeds says nothing of these.
  return counted.value?.since === first ? counted.value.of : first.of;
}
