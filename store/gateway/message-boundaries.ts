import { JsonTextError } from "../../base/json-text.ts";
import { StoreError } from "../errors.ts";

/** Finds where each JSON object of a stream ends, by counting braces outside strings. What lies between two ends goes to
 *  `take` as it is; whether it is proper JSON is decided there. */
export function messageBoundaries(
  take: (text: string) => void,
  lengthMax: number,
): { readonly push: (text: string) => void; readonly end: () => void } {
  let waiting = "";
  /** Up to here `waiting` was looked at. */
  let seen = 0;
  let depth = 0;
  let inString = false;
  const sign = /["\\{}[\]]/g;
  const step = (found: string) => {
    if (inString) {
      if (found === '"') inString = false;
      else if (found === "\\") seen += 1; // the next character means itself
    } else if (found === '"') inString = true;
    else if (found === "{" || found === "[") depth += 1;
    else if (found === "}" || found === "]") depth -= 1;
  };
  return {
    push(text) {
      waiting += text;
      for (sign.lastIndex = seen; ; sign.lastIndex = seen) {
        const found = sign.exec(waiting);
        if (found === null) break;
        seen = found.index + 1;
        step(found[0]);
        if (depth > 0 || inString || !/[}\]]/.test(found[0])) continue;
        const message = waiting.slice(0, seen);
        waiting = waiting.slice(seen);
        seen = 0;
        depth = 0;
        take(message);
      }
      seen = Math.max(seen, waiting.length);
      if (waiting.length > lengthMax) throw new StoreError("REQUEST_TOO_LARGE");
    },
    end() {
      if (waiting.trim() !== "") throw new JsonTextError("the body ends within a message");
    },
  };
}
