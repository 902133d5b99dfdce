import assert from "node:assert/strict";
import { StoreError } from "../errors.ts";
import type { MemberId } from "../raft/types.ts";
import { periodicCheck } from "./periodic-check.ts";
import { amongOthers, type Has } from "./testing/other-members.ts";

const own = { hash: 5, compactRevision: 2, hashRevision: 9 };
const has = (other: Partial<typeof own & { revision: number }> = {}): Has => ({
  ...own,
  revision: 9,
  ...other,
});

/** Whom the leader, member 1, accuses when the others have this; `newest` is what it has when they have answered. */
async function accusedBy(
  others: readonly Has[],
  { newest = { revision: 9, compactRevision: 2 }, again = own } = {},
): Promise<readonly MemberId[]> {
  const accused: MemberId[] = [];
  const hashes = [own, again];
  let isCaughtUp = false;
  await periodicCheck({
    ...amongOthers(...others),
    hashNow: async () => hashes.shift() ?? assert.fail("hashed three times"),
    state: {
      get revision() {
        return isCaughtUp ? newest.revision : own.hashRevision;
      },
      get compactRevision() {
        return isCaughtUp ? newest.compactRevision : own.compactRevision;
      },
    },
    caughtUp: async () => {
      isCaughtUp = true;
    },
    accuse: (members) => void accused.push(...members),
    clock: { monotonicMs: () => 0 },
    requestTimeoutMs: 7_000,
  });
  return accused;
}

describe("the periodic corruption check", () => {
  it("accuses nobody where all that can be compared have the same", async () => {
    assert.deepEqual(await accusedBy([has(), has()]), []);
    assert.deepEqual(await accusedBy([has(), new StoreError("FUTURE_REVISION")]), []);
    assert.deepEqual(await accusedBy([has({ hash: 6, compactRevision: -1 }), "nothing"]), []);
    assert.deepEqual(await accusedBy([]), []);
  });

  it("accuses whose hash is not that of a quorum, the leader too", async () => {
    assert.deepEqual(await accusedBy([has({ hash: 6 }), has()]), [2n]);
    assert.deepEqual(await accusedBy([has({ hash: 6 }), has({ hash: 6 })]), [1n]);
    assert.deepEqual(await accusedBy([has({ hash: 6 }), new Error("nobody there")]), [0n]);
  });

  it("accuses who has more than the leader, once that has caught up", async () => {
    assert.deepEqual(await accusedBy([has({ revision: 12 }), has()]), [2n]);
    assert.deepEqual(await accusedBy([has({ compactRevision: 4 }), has()]), [2n]);
    const newest = { revision: 12, compactRevision: 4 };
    assert.deepEqual(
      await accusedBy([has({ revision: 12 }), has({ hash: 6, compactRevision: 4 })], { newest }),
      [],
    );
  });

  it("accuses the leader where it reads something else the second time", async () => {
    assert.deepEqual(await accusedBy([has(), has()], { again: { ...own, hash: 6 } }), [1n]);
    const newest = { revision: 12, compactRevision: 2 };
    assert.deepEqual(await accusedBy([has(), has()], { newest, again: { ...own, hash: 6 } }), []);
  });
});
