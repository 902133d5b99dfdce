import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

/** What is asked for again and again while somebody looks; undefined until it came, or where it cannot be had. */
export function usePolled<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  everyMs: number,
  key: unknown = "",
): T | undefined {
  const answer = useSignal<T | undefined>(undefined);
  useEffect(() => {
    const abort = new AbortController();
    const look = async () => {
      if (document.visibilityState !== "visible") return;
      try {
        const said = await ask(abort.signal);
        if (!abort.signal.aborted) answer.value = said;
      } catch {
        if (!abort.signal.aborted) answer.value = undefined;
      }
    };
    void look();
    const timer = setInterval(() => void look(), everyMs);
    return () => {
      abort.abort();
      clearInterval(timer);
    };
  }, [key, everyMs]);
  return answer.value;
}
