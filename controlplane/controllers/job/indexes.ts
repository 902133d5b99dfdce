/** Sets of completion indexes as text: `0-2,5,7-9`. Pure. */

export interface Interval {
  readonly first: number;
  readonly last: number;
}

/** The intervals of the text, cut off below `completions`; what cannot be read is left out. */
export function parseIntervals(text: string | undefined, completions: number): readonly Interval[] {
  const found: Interval[] = [];
  for (const part of (text ?? "").split(",")) {
    const match = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(part);
    if (match === null) continue;
    const first = Number(match[1]);
    const last = Math.min(Number(match[2] ?? first), completions - 1);
    if (first <= last) found.push({ first, last });
  }
  return found;
}

/** The indexes one by one: for sets that pods made, never for what a user wrote. */
export function parseIndexes(text: string | undefined, completions = Number.MAX_SAFE_INTEGER): Set<number> {
  const found = new Set<number>();
  for (const { first, last } of parseIntervals(text, completions))
    for (let index = first; index <= last; index++) found.add(index);
  return found;
}

export function indexesText(indexes: ReadonlySet<number>): string {
  const sorted = [...indexes].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let at = 0; at < sorted.length; ) {
    let end = at;
    while (sorted[end + 1] === (sorted[end] ?? 0) + 1) end++;
    const [first, last] = [sorted[at] ?? 0, sorted[end] ?? 0];
    parts.push(first === last ? String(first) : first + 1 === last ? `${first},${last}` : `${first}-${last}`);
    at = end + 1;
  }
  return parts.join(",");
}
