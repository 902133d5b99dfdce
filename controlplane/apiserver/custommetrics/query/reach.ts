import type { Expression } from "./parse.ts";

/** How far back the query looks, beyond the newest samples. Pure. */
export function reachMs(query: Expression): number {
  switch (query.type) {
    case "number":
      return 0;
    case "vector":
      return query.offsetMs;
    case "range":
      return query.rangeMs + query.offsetMs;
    case "aggregation":
      return reachMs(query.of);
    case "binary":
      return Math.max(reachMs(query.left), reachMs(query.right));
  }
}
