import type { Answer } from "./answer.ts";

/** What answers at a path. */
export interface Route {
  /** The one method that it takes; "any": all. */
  readonly method: "GET" | "any";
  /** `gone`: aborted once nobody waits for the answer any more. */
  readonly answer: (query: URLSearchParams, gone: AbortSignal) => Promise<Answer>;
}
