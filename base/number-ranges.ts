/** Whole numbers from `first` to `last`, both among them. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

/** The same numbers in as few ranges as will do, in order, none touching the next. Pure. */
export function mergedRanges(ranges: readonly NumberRange[]): readonly NumberRange[] {
  const merged: { first: number; last: number }[] = [];
  for (const { first, last } of [...ranges].sort((a, b) => a.first - b.first)) {
    const previous = merged.at(-1);
    if (previous !== undefined && first <= previous.last + 1) previous.last = Math.max(previous.last, last);
    else merged.push({ first, last });
  }
  return merged;
}

/** The numbers of a range that are in none of the others, in order. Pure. */
export function rangeWithout(range: NumberRange, taken: readonly NumberRange[]): readonly NumberRange[] {
  const left: NumberRange[] = [];
  let first = range.first;
  for (const out of mergedRanges(taken)) {
    if (out.last < first) continue;
    if (out.first > range.last) break;
    if (out.first > first) left.push({ first, last: out.first - 1 });
    first = out.last + 1;
  }
  if (first <= range.last) left.push({ first, last: range.last });
  return left;
}
