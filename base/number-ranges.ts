/** Whole numbers from `first` to `last`, both among them. */
export interface NumberRange<N extends number | bigint = number> {
  readonly first: N;
  readonly last: N;
}

/** The same numbers in as few ranges as will do, in order, none touching the next. Pure. */
export function mergedRanges<N extends number | bigint>(
  ranges: readonly NumberRange<N>[],
): readonly NumberRange<N>[] {
  const merged: { first: N; last: N }[] = [];
  for (const { first, last } of [...ranges].sort((a, b) =>
    a.first < b.first ? -1 : a.first > b.first ? 1 : 0,
  )) {
    const previous = merged.at(-1);
    if (previous === undefined || first > after(previous.last)) merged.push({ first, last });
    else if (last > previous.last) previous.last = last;
  }
  return merged;
}

/** The numbers of a range that are in none of the others, in order. Pure. */
export function rangeWithout<N extends number | bigint>(
  range: NumberRange<N>,
  taken: readonly NumberRange<N>[],
): readonly NumberRange<N>[] {
  const left: NumberRange<N>[] = [];
  let first = range.first;
  for (const out of mergedRanges(taken)) {
    if (out.last < first) continue;
    if (out.first > range.last) break;
    if (out.first > first) left.push({ first, last: before(out.first) });
    first = after(out.last);
  }
  if (first <= range.last) left.push({ first, last: range.last });
  return left;
}

const moved = (n: number | bigint, by: 1 | -1) => (typeof n === "bigint" ? n + BigInt(by) : n + by);
const after = <N extends number | bigint>(n: N) => moved(n, 1) as N;
const before = <N extends number | bigint>(n: N) => moved(n, -1) as N;
