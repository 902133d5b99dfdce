import assert from "node:assert/strict";
import fc from "fast-check";
import { committedIndex, isQuorum, tally } from "./quorum.ts";

/** The largest index such that more than half of the voters have at least it, by trying all. */
function committedByCounting(acks: readonly number[]): number {
  let best = 0;
  for (const candidate of acks) {
    const having = acks.filter((ack) => ack >= candidate).length;
    if (having * 2 > acks.length && candidate > best) best = candidate;
  }
  return best;
}

/** The outcome of an election by going through every way in which the missing votes may fall. */
function tallyByTrying(votes: readonly (boolean | undefined)[]): "won" | "lost" | "pending" {
  const missing = votes.filter((vote) => vote === undefined).length;
  const granted = votes.filter((vote) => vote === true).length;
  const wins = (more: number) => (granted + more) * 2 > votes.length;
  if (wins(0)) return "won";
  return wins(missing) ? "pending" : "lost";
}

const voters = (count: number) => Array.from({ length: count }, (_, i) => BigInt(i + 1));

describe("quorum", () => {
  it("commits what counting one by one would commit", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 9 }), (acks) => {
        assert.equal(
          committedIndex(voters(acks.length), (id) => acks[Number(id) - 1] ?? 0),
          committedByCounting(acks),
        );
      }),
    );
  });

  it("decides elections as trying all outcomes would", () => {
    const vote = fc.constantFrom(true, false, undefined);
    fc.assert(
      fc.property(fc.array(vote, { minLength: 1, maxLength: 7 }), (votes) => {
        const ids = voters(votes.length);
        const cast = new Map<bigint, boolean>();
        votes.forEach((answer, i) => {
          if (answer !== undefined) cast.set(BigInt(i + 1), answer);
        });
        assert.equal(tally(ids, cast), tallyByTrying(votes));
        const granted = votes.filter((answer) => answer === true).length;
        assert.equal(
          isQuorum(ids, (id) => cast.get(id) === true),
          granted * 2 > votes.length,
        );
      }),
    );
  });

  it("commits nothing and elects nobody without voters", () => {
    assert.equal(
      committedIndex([], () => 9),
      0,
    );
    assert.equal(
      isQuorum([], () => true),
      false,
    );
    assert.equal(tally([], new Map()), "lost");
  });
});
