/** When a search for devices on one node is ended: it is exhaustive, and holds the scheduler while it lasts. */
export type SearchLimit =
  | { readonly stepsMax: number }
  | { readonly timeMaxMs: number; readonly nowMs: () => number };

/** Where no configuration says otherwise. */
export const searchLimit: SearchLimit = { stepsMax: 100_000 };

/** Answers before each step of a search that begins now whether it is to end. */
export function endOf(limit: SearchLimit): () => boolean {
  if ("stepsMax" in limit) {
    let steps = 0;
    return () => ++steps > limit.stepsMax;
  }
  const endMs = limit.nowMs() + limit.timeMaxMs;
  return () => limit.nowMs() >= endMs;
}
