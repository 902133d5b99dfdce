/** How many letters must be put in, left out or exchanged to make one word of another (Levenshtein). Costs the product of
 *  their lengths. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Whether somebody who typed `word` may have meant `known`: its beginning, or one with two slips at most. */
export function isNearly(known: string, word: string): boolean {
  if (word === "" || Math.abs(known.length - word.length) > 2) return word !== "" && known.startsWith(word);
  return known.startsWith(word) || editDistance(known, word) <= Math.min(2, word.length - 1);
}
