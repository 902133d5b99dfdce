import assert from "node:assert/strict";
import { below, Prng } from "../../../base/os/random.ts";
import { type KeyOp, take } from "./client-histories.ts";
import { type Called, searchOrder } from "./wing-gong.ts";

const never = Number.POSITIVE_INFINITY;

/** Calls on one register: some read what somebody wrote, some write and nobody knows what became of it. */
function history(random: Prng, length: number): Called<KeyOp>[] {
  return Array.from({ length }, (_, at) => {
    const startMs = below(random, 10);
    const isKnown = below(random, 4) > 0;
    const endMs = isKnown ? startMs + 1 + below(random, 5) : never;
    const reads = isKnown && below(random, 2) === 0;
    const found = below(random, length) === 0 ? "" : `v${below(random, length)}`;
    return { op: reads ? { found, leaves: [undefined] } : { leaves: [`v${at}`] }, startMs, endMs };
  });
}

/** Tries every order. */
function hasOrder(left: readonly Called<KeyOp>[], state: string): boolean {
  const firstEndMs = Math.min(...left.map(({ endMs }) => endMs));
  if (firstEndMs === never) return true;
  return left.some(
    (call) =>
      call.startMs <= firstEndMs &&
      take(state, call.op).some((next) =>
        hasOrder(
          left.filter((one) => one !== call),
          next,
        ),
      ),
  );
}

describe("the search for an order of calls", () => {
  it("finds one where there is one, as trying all orders does", () => {
    const random = new Prng(7);
    const found = { linearizable: 0, "not linearizable": 0, undecided: 0 };
    for (let round = 0; round < 2_000; round++) {
      const calls = history(random, 1 + below(random, 6));
      const searched = searchOrder(calls, "", take);
      assert.equal(
        searched,
        hasOrder(calls, "") ? "linearizable" : "not linearizable",
        JSON.stringify(calls),
      );
      found[searched]++;
    }
    assert.ok(found.linearizable > 200 && found["not linearizable"] > 200);
  });

  it("decides a history of a hundred thousand calls, of which some never end", () => {
    const calls = Array.from({ length: 100_000 }, (_, at): Called<KeyOp> => {
      if (at % 1_000 === 7) return { op: { leaves: [`lost${at}`] }, startMs: at, endMs: never };
      const value = `v${at - (at % 2)}`;
      const op = at % 2 === 0 ? { leaves: [value] } : { found: value, leaves: [undefined] };
      return { op, startMs: at, endMs: at + 0.5 };
    });
    assert.equal(searchOrder(calls, "", take, 20_000_000), "linearizable");
  });
});
