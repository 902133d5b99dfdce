import type { Path } from "./path.ts";
import type { Range } from "./ranges.ts";

/** How large values are, as far as it is known before there are any. */

/** How many elements (characters, bytes, items, entries) there are at most where a path leads; undefined: nobody says. */
export type DeclaredSizes = (path: readonly string[]) => number | undefined;

/** Of what is in a list or map. */
export interface Entries {
  readonly container: "list" | "map";
  readonly key: Range;
  readonly value: Range;
}

export function declaredSize(path: Path, maxElements: DeclaredSizes): Range | undefined {
  if (path.length === 0) return undefined;
  const max = maxElements(path.steps());
  return max === undefined ? undefined : { min: 0, max };
}
