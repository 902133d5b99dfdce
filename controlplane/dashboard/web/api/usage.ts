import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { UsageAnswer } from "../model/usage.ts";
import { keyHeaders, look } from "./session.ts";

export type UsageState =
  | { readonly is: "loading" }
  | { readonly is: "known"; readonly answer: UsageAnswer; readonly stale?: string }
  | { readonly is: "refused"; readonly why: string };

const everyMs = 15_000;

/** What was used, asked for again as long as somebody sees it. */
export function useUsage(query: Readonly<Record<string, string>>): UsageState {
  const state = useSignal<UsageState>({ is: "loading" });
  const text = new URLSearchParams(query).toString();
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      if (document.visibilityState === "visible") {
        const next = await askUsage(text, abort.signal);
        if (abort.signal.aborted) return;
        const before = state.value;
        // What is shown stays while nobody answers.
        state.value =
          "lost" in next
            ? before.is === "known"
              ? { ...before, stale: next.lost }
              : { is: "refused", why: next.lost }
            : next;
      }
      timer = setTimeout(() => void ask(), everyMs);
    };
    const onVisible = () => {
      clearTimeout(timer);
      void ask();
    };
    document.addEventListener("visibilitychange", onVisible);
    void ask();
    return () => {
      abort.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [text]);
  return state.value;
}

async function askUsage(query: string, signal: AbortSignal): Promise<UsageState | { readonly lost: string }> {
  try {
    const answer = await fetch(`/usage?${query}`, { headers: keyHeaders(), signal });
    const said = (await answer.json()) as UsageAnswer & { readonly message?: string };
    if (answer.ok) return { is: "known", answer: said };
    if (answer.status === 401) void look();
    const why = said.message ?? `refused with ${answer.status}`;
    return answer.status >= 500 ? { lost: why } : { is: "refused", why };
  } catch {
    return { lost: "the dashboard's server does not answer" };
  }
}
