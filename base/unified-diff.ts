/** The lines in which two texts differ, as `diff -u` writes them. Pure.
 *  Which of several ways of telling a difference is taken is that of Python's difflib and its ports: clients compare such texts. */

interface Match {
  readonly a: number;
  readonly b: number;
  readonly size: number;
}

interface Change {
  readonly isEqual: boolean;
  readonly aFrom: number;
  readonly aTo: number;
  readonly bFrom: number;
  readonly bTo: number;
}

const contextLines = 3;
/** Of long texts, lines that stand there often are no places to begin a match at. */
const longTextLines = 200;

/** Empty where the texts are the same. Every line ends with a line end, also the last. */
export function unifiedDiff(before: string, after: string): string {
  const [a, b] = [before.split("\n"), after.split("\n")];
  return groups(changes(a, b))
    .map((group) => hunk(a, b, group))
    .join("");
}

function hunk(a: readonly string[], b: readonly string[], group: readonly Change[]): string {
  const [first, last] = [group[0], group.at(-1)];
  if (first === undefined || last === undefined) return "";
  const lines = [`@@ -${range(first.aFrom, last.aTo)} +${range(first.bFrom, last.bTo)} @@`];
  for (const { isEqual, aFrom, aTo, bFrom, bTo } of group) {
    if (isEqual) lines.push(...a.slice(aFrom, aTo).map((line) => ` ${line}`));
    else
      lines.push(
        ...a.slice(aFrom, aTo).map((line) => `-${line}`),
        ...b.slice(bFrom, bTo).map((line) => `+${line}`),
      );
  }
  return `${lines.join("\n")}\n`;
}

/** Lines are counted from one; of no lines the one before them is named. */
function range(from: number, to: number): string {
  const count = to - from;
  if (count === 1) return String(from + 1);
  return `${count === 0 ? from : from + 1},${count}`;
}

/** The changes with the lines around them; what is far from the next change ends a group. */
function groups(all: readonly Change[]): readonly (readonly Change[])[] {
  const out: Change[][] = [];
  let group: Change[] = [];
  all.forEach((change, index) => {
    if (!change.isEqual) {
      group.push(change);
      return;
    }
    const head = { ...change, aTo: change.aFrom + contextLines, bTo: change.bFrom + contextLines };
    const tail = { ...change, aFrom: change.aTo - contextLines, bFrom: change.bTo - contextLines };
    const length = change.aTo - change.aFrom;
    const isFirst = index === 0;
    const isLast = index === all.length - 1;
    if (isFirst) group.push(length > contextLines ? tail : change);
    else if (isLast) group.push(length > contextLines ? head : change);
    else if (length > 2 * contextLines) {
      out.push([...group, head]);
      group = [tail];
    } else group.push(change);
  });
  if (group.some(({ isEqual }) => !isEqual)) out.push(group);
  return out;
}

/** What makes `b` of `a`, from the first line to the last. */
function changes(a: readonly string[], b: readonly string[]): readonly Change[] {
  const out: Change[] = [];
  let [aAt, bAt] = [0, 0];
  for (const match of [...matches(a, b), { a: a.length, b: b.length, size: 0 }]) {
    if (aAt < match.a || bAt < match.b)
      out.push({ isEqual: false, aFrom: aAt, aTo: match.a, bFrom: bAt, bTo: match.b });
    [aAt, bAt] = [match.a + match.size, match.b + match.size];
    if (match.size > 0) out.push({ isEqual: true, aFrom: match.a, aTo: aAt, bFrom: match.b, bTo: bAt });
  }
  return out;
}

/** The runs of lines that stand in both, in order; runs that touch each other are one. */
function matches(a: readonly string[], b: readonly string[]): readonly Match[] {
  const places = placesOf(b);
  const out: Match[] = [];
  const add = (match: Match) => {
    const last = out.at(-1);
    if (last !== undefined && last.a + last.size === match.a && last.b + last.size === match.b)
      out[out.length - 1] = { ...last, size: last.size + match.size };
    else out.push(match);
  };
  // Depth first, from the left; a stack, since texts may be long.
  const open: (Match | Window)[] = [{ aFrom: 0, aTo: a.length, bFrom: 0, bTo: b.length }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if ("size" in next) {
      add(next);
      continue;
    }
    const match = longestMatch(a, b, places, next);
    if (match.size === 0) continue;
    const after = { ...next, aFrom: match.a + match.size, bFrom: match.b + match.size };
    const left = { ...next, aTo: match.a, bTo: match.b };
    open.push(...[after, match, left].filter((one) => "size" in one || isOpen(one)));
  }
  return out;
}

interface Window {
  readonly aFrom: number;
  readonly aTo: number;
  readonly bFrom: number;
  readonly bTo: number;
}

const isOpen = ({ aFrom, aTo, bFrom, bTo }: Window) => aFrom < aTo && bFrom < bTo;

function placesOf(lines: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>();
  lines.forEach((line, index) => {
    const known = places.get(line);
    if (known === undefined) places.set(line, [index]);
    else known.push(index);
  });
  if (lines.length < longTextLines) return places;
  const often = Math.floor(lines.length / 100) + 1;
  for (const [line, known] of places) if (known.length > often) places.delete(line);
  return places;
}

/** The longest run, of several the one that begins first in `a`, then in `b`. */
function longestMatch(
  a: readonly string[],
  b: readonly string[],
  places: ReadonlyMap<string, readonly number[]>,
  { aFrom, aTo, bFrom, bTo }: Window,
): Match {
  let best: Match = { a: aFrom, b: bFrom, size: 0 };
  let lengths = new Map<number, number>();
  for (let i = aFrom; i < aTo; i++) {
    const next = new Map<number, number>();
    for (const j of places.get(a[i] ?? "") ?? []) {
      if (j < bFrom) continue;
      if (j >= bTo) break;
      const size = (lengths.get(j - 1) ?? 0) + 1;
      next.set(j, size);
      if (size > best.size) best = { a: i - size + 1, b: j - size + 1, size };
    }
    lengths = next;
  }
  // Lines that stand there often were no beginnings, but they may belong to it.
  let { a: start, b: other, size } = best;
  while (start > aFrom && other > bFrom && a[start - 1] === b[other - 1]) {
    start--;
    other--;
    size++;
  }
  while (start + size < aTo && other + size < bTo && a[start + size] === b[other + size]) size++;
  return { a: start, b: other, size };
}
