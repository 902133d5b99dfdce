import assert from "node:assert/strict";
import { silentLog } from "../base/os/log.ts";
import { hashKvResponse } from "../proto/etcd-maintenance.ts";
import { StoreError } from "./errors.ts";
import { DataInconsistencyError, initialCheck } from "./initial-check.ts";
import type { Member } from "./membership/member.ts";

const own = { hash: 5, compactRevision: 2, hashRevision: 9 };
const member = (id: bigint): Member => ({
  id,
  name: `m${id}`,
  peerUrls: [],
  clientUrls: [],
  isLearner: false,
});

/** What the check says when the second and third member answer so. */
async function outcome(...answers: readonly (Partial<typeof own> | Error)[]): Promise<unknown> {
  const asked: unknown[] = [];
  try {
    await initialCheck({
      memberId: 1n,
      members: [1n, 2n, 3n].map(member),
      hashKv: async () => own,
      ask: async ({ id }, revision) => {
        asked.push([id, revision]);
        const answer = answers[Number(id) - 2] ?? own;
        if (answer instanceof Error) throw answer;
        return hashKvResponse.encode({ ...own, ...answer });
      },
      log: silentLog,
    });
    assert.deepEqual(asked, [
      [2n, 9],
      [3n, 9],
    ]);
    return "passed";
  } catch (error) {
    if (!(error instanceof DataInconsistencyError)) throw error;
    return error.message;
  }
}

describe("the initial corruption check", () => {
  it("passes where all who answer have the same", async () => {
    assert.equal(await outcome({}, {}), "passed");
    assert.equal(await outcome(new Error("nobody there"), {}), "passed");
    assert.equal(await outcome(new StoreError("FUTURE_REVISION"), new StoreError("COMPACTED")), "passed");
  });

  it("tells nothing from hashes at another compact revision", async () => {
    assert.equal(await outcome({ hash: 6, compactRevision: 3 }, {}), "passed");
  });

  it("refuses to go on with data that is not the others', and names them", async () => {
    assert.match(String(await outcome({ hash: 6 }, {})), /^1 found data inconsistency with peers \(2\); /);
    assert.match(String(await outcome({ hash: 6 }, { hash: 7 })), /\(2, 3\)/);
  });
});
