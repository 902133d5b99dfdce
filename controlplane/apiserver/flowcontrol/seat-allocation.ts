/** Divides seats among priority levels by what they want, within what each must and may have. Pure. */

export interface Claim {
  readonly target: number;
  /** At most `target`. */
  readonly lower: number;
  readonly upper: number;
}

export interface Allocation {
  readonly seats: readonly number[];
  /** Each gets this part of its target, where its bounds allow it. */
  readonly fairPart: number;
}

/** Wanting nothing would divide by zero. */
const targetMin = 0.001;
const roundsMax = 200;

/** The one division of `total` in which each gets the same part of its target, but never less than `lower` or more than
 *  `upper`. `undefined` where the bounds do not allow that sum. */
export function allocateSeats(total: number, claims: readonly Claim[]): Allocation | undefined {
  const lowest = sum(claims.map(({ lower }) => lower));
  const highest = sum(claims.map(({ upper }) => upper));
  if (total < lowest - epsilon || total > highest + epsilon) return undefined;
  const given = (part: number) =>
    claims.map(({ target, lower, upper }) =>
      Math.max(lower, Math.min(upper, part * Math.max(target, targetMin))),
    );
  // The sum only grows with the part: it is found by halving.
  let low = 0;
  let high = Math.max(1, ...claims.map(({ target, upper }) => upper / Math.max(target, targetMin)));
  for (let round = 0; round < roundsMax && high - low > epsilon * high; round++) {
    const middle = (low + high) / 2;
    if (sum(given(middle)) < total) low = middle;
    else high = middle;
  }
  return { seats: given(high), fairPart: high };
}

const epsilon = 1e-12;

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
