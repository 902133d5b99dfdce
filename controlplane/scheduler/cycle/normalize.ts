/** Scales to 0..100 with the highest raw score at 100. */
export function highestBest(scores: readonly number[]): readonly number[] {
  const most = largest(scores);
  return most === 0 ? scores.map(() => 0) : scores.map((score) => Math.trunc((score * 100) / most));
}

/** Scales to 0..100 with a raw score of 0 at 100. */
export function lowestBest(scores: readonly number[]): readonly number[] {
  const most = largest(scores);
  return most === 0 ? scores.map(() => 100) : scores.map((score) => 100 - Math.trunc((score * 100) / most));
}

/** Scales the span between lowest and highest to 0..100. */
export function spanned(scores: readonly number[]): readonly number[] {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const score of scores) {
    if (score < least) least = score;
    if (score > most) most = score;
  }
  return most === least
    ? scores.map(() => 0)
    : scores.map((score) => Math.trunc(100 * ((score - least) / (most - least))));
}

function largest(scores: readonly number[]): number {
  let most = 0;
  for (const score of scores) if (score > most) most = score;
  return most;
}
