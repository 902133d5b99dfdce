/** How many letters must be put in, left out, exchanged, or swapped with their neighbour to make one word of another
 *  (Levenshtein's distance with transpositions). Costs the product of their lengths. */
export function editDistance(a: string, b: string): number {
  let before: readonly number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const exchanged = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY;
      next.push(Math.min(exchanged, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Whether somebody who typed `word` may have meant `known`: it is the beginning of it, or has two slips at most, of which a short
 *  word has room for one. */
export function isNearly(known: string, word: string): boolean {
  if (word === "") return false;
  const slipsMost = Math.min(known.length, word.length) < 5 ? 1 : 2;
  return (
    known.startsWith(word) ||
    (word.length > 1 &&
      Math.abs(known.length - word.length) <= slipsMost &&
      editDistance(known, word) <= slipsMost)
  );
}
