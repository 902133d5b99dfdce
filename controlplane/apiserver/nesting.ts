import { badRequest } from "./api-error.ts";

/** How deep an object may nest. Far above any manifest, far below what walking through it can bear. */
export const nestingMax = 500;

/** Fails with 400 for what nests too deep. */
export function checkNesting(value: unknown): void {
  if (!walk(value, Number.POSITIVE_INFINITY)) throw badRequest("json: exceeded max depth");
}

/** Is the value, written out, no longer than about so many characters? What stands in it several times counts each time. */
export function isWithin(value: unknown, charsMax: number): boolean {
  return walk(value, charsMax);
}

/** False for what nests too deep or is too long. Without recursion, since that is what deep nesting would break. */
function walk(root: unknown, charsMax: number): boolean {
  let level: unknown[] = [root];
  let chars = 0;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > nestingMax) return false;
    const next: unknown[] = [];
    for (const one of level) {
      if (typeof one !== "object" || one === null) continue;
      for (const inner of Object.values(one)) {
        chars += typeof inner === "string" ? inner.length + 2 : 2;
        if (typeof inner === "object" && inner !== null) next.push(inner);
      }
      if (chars > charsMax) return false;
    }
    level = next;
  }
  return true;
}
