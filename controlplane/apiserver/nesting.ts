import { badRequest } from "./api-error.ts";

/** How deep an object may nest. Far above any manifest, far below what walking through it can bear. */
export const nestingMax = 500;

/** Fails with 400 for what nests too deep. Gives how many names there are in all its objects. */
export function checkNesting(value: unknown): number {
  const names = walk(value, Number.POSITIVE_INFINITY);
  if (names === undefined) throw badRequest(tooDeep);
  return names;
}

export const tooDeep = "json: exceeded max depth";

/** Does the value nest so deep that nothing may walk through it? An object may have `levels` around it. */
export function nestsTooDeep(value: unknown, levels = 0): boolean {
  return walk(value, Number.POSITIVE_INFINITY, nestingMax + levels) === undefined;
}

/** Is the value, written out, no longer than about so many characters? What stands in it several times counts each time. */
export function isWithin(value: unknown, charsMax: number): boolean {
  return walk(value, charsMax) !== undefined;
}

/** The number of names; undefined for what nests too deep or is too long. Without recursion, since that is what deep nesting would
 *  break. */
function walk(root: unknown, charsMax: number, depthMax = nestingMax): number | undefined {
  let level: unknown[] = [root];
  let chars = 0;
  let names = 0;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > depthMax) return undefined;
    const next: unknown[] = [];
    for (const one of level) {
      if (typeof one !== "object" || one === null) continue;
      const values: readonly unknown[] = Array.isArray(one) ? one : Object.values(one);
      if (values !== one) names += values.length;
      for (const inner of values) {
        chars += typeof inner === "string" ? inner.length + 2 : 2;
        if (typeof inner === "object" && inner !== null) next.push(inner);
      }
      if (chars > charsMax) return undefined;
    }
    level = next;
  }
  return names;
}
