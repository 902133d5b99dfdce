/** Indexes of a job's completions as its status and its success policy name them: `0-2,5`. */

/** The ends of `3` or `3-5`, both included. */
type Interval = readonly [first: number, last: number];

/** How many indexes the text names. */
export function countIndexes(text: string, completions: number): number | { readonly problem: string } {
  if (text === "") return 0;
  let last = -1;
  let total = 0;
  for (const one of text.split(",")) {
    const interval = readInterval(one, completions);
    if ("problem" in interval) return interval;
    const [start, end] = interval;
    if (last >= start) return { problem: `non-increasing order, previous: ${last}, current: ${start}` };
    total += end - start + 1;
    last = end;
  }
  return total;
}

/** The first index that two texts have in common, as far as they can be read; undefined: none. */
export function sharedIndex(a: string, b: string, completions: number): number | undefined {
  const [ones = [], others = []] = [a, b].map((text) => readable(text, completions));
  let [at, beside] = [0, 0];
  while (true) {
    const [one, other] = [ones[at], others[beside]];
    if (one === undefined || other === undefined) return undefined;
    if (one[0] <= other[1] && other[0] <= one[1]) return Math.max(one[0], other[0]);
    if (one[0] <= other[0]) at++;
    else beside++;
  }
}

function readable(text: string, completions: number): readonly Interval[] {
  return text.split(",").flatMap((one) => {
    const interval = readInterval(one, completions);
    return "problem" in interval ? [] : [interval];
  });
}

function readInterval(text: string, completions: number): Interval | { readonly problem: string } {
  const ends = text.split("-");
  if (ends.length > 2) {
    const rule = "the requirement that an index interval can have at most two parts separated by '-'";
    return { problem: `the fragment ${JSON.stringify(text)} violates ${rule}` };
  }
  for (const end of ends) {
    if (!/^[+]?\d+$/.test(end))
      return { problem: `cannot convert string to integer for index: ${JSON.stringify(end)}` };
    if (Number(end) >= completions) return { problem: `too large index: ${JSON.stringify(end)}` };
  }
  const [first = 0, last = first] = ends.map(Number);
  if (ends.length === 2 && first >= last)
    return { problem: `non-increasing order, previous: ${first}, current: ${last}` };
  return [first, last];
}
