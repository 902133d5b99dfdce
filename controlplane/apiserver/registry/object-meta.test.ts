import assert from "node:assert/strict";
import { Prng } from "../../../base/os/random.ts";
import { newUid } from "./object-meta.ts";

describe("uids", () => {
  it("are UUIDs of version 4 in all their digits, as chance has it", () => {
    const seen = new Set<string>();
    const digits = new Map<number, Set<string>>();
    const random = new Prng(1);
    for (let n = 0; n < 2000; n++) {
      const uid = newUid(random);
      assert.match(uid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      seen.add(uid);
      for (const [at, digit] of [...uid].entries()) digits.set(at, (digits.get(at) ?? new Set()).add(digit));
    }
    assert.equal(seen.size, 2000);
    const counts = [...digits.values()].map(({ size }) => size);
    assert.deepEqual(
      counts.filter((count) => count !== 16),
      [1, 1, 1, 1, 4, 1],
      "the dashes, the version, and the variant",
    );
  });
});
