import type { Answer } from "./answer.ts";

/** What answers at a path. */
export interface Route {
  /** The one method that it takes; "any": all. */
  readonly method: "GET" | "any";
  readonly answer: (query: URLSearchParams) => Promise<Answer>;
}
