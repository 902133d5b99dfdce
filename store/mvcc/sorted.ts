import type { Sliced } from "../../base/slices.ts";

/** A stable merge sort that pauses after every `sliceMax` items. */
export function* sorted<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
  sliceMax: number,
): Sliced<T[]> {
  let runs: T[][] = [];
  for (let at = 0; at < items.length; at += sliceMax) {
    if (at > 0) yield;
    runs.push(items.slice(at, at + sliceMax).sort(compare));
  }
  while (runs.length > 1) {
    const next: T[][] = [];
    for (let at = 0; at < runs.length; at += 2) {
      const [left = [], right] = [runs[at], runs[at + 1]];
      next.push(right === undefined ? left : yield* merged(left, right, compare, sliceMax));
    }
    runs = next;
  }
  return runs[0] ?? [];
}

function* merged<T>(
  left: readonly T[],
  right: readonly T[],
  compare: (a: T, b: T) => number,
  sliceMax: number,
): Sliced<T[]> {
  const out: T[] = [];
  let l = 0;
  let r = 0;
  while (l < left.length || r < right.length) {
    const takesLeft = r === right.length || (l < left.length && compare(left[l] as T, right[r] as T) <= 0);
    out.push((takesLeft ? left[l++] : right[r++]) as T);
    if (out.length % sliceMax === 0) yield;
  }
  return out;
}
