/** Deals a flow's hand of queues: a small random subset, the same for the same flow, so that two flows rarely share all of
 *  theirs. Pure; Kubernetes' util/shufflesharding, number by number. */

/** Bits of a hash that may be used up. */
export const hashBitsMax = 60;

/** How many bits a hand takes, rounded up. */
export function requiredEntropyBits(deckSize: number, handSize: number): number {
  return Math.ceil(Math.log2(deckSize) * handSize);
}

/** Distinct numbers below `deckSize`. */
export function dealHand(hash: bigint, deckSize: number, handSize: number): readonly number[] {
  const remainders: number[] = [];
  let rest = hash;
  for (let at = 0; at < handSize; at++) {
    const left = BigInt(deckSize - at);
    remainders.push(Number(rest % left));
    rest /= left;
  }
  return remainders.map((remainder, at) => {
    let card = remainder;
    for (let before = at - 1; before >= 0; before--) if (card >= (remainders[before] ?? 0)) card++;
    return card;
  });
}
