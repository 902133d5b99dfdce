import assert from "node:assert/strict";
import { StoreError } from "../errors.ts";
import { DataInconsistencyError, initialCheck } from "./initial-check.ts";
import { amongOthers } from "./testing/other-members.ts";

const own = { hash: 5, compactRevision: 2, hashRevision: 9 };

/** What the check says when the second and third member answer so. */
async function outcome(...answers: readonly (Partial<typeof own> | Error)[]): Promise<unknown> {
  const others = amongOthers(
    ...answers.map((answer) => (answer instanceof Error ? answer : { ...own, ...answer, revision: 9 })),
  );
  try {
    await initialCheck({
      ...others,
      hashNow: async () => own,
      clock: { monotonicMs: () => 0 },
      requestTimeoutMs: 7_000,
    });
    const question = { kind: "hashKv", revision: 9, withinMs: 7_000 };
    assert.deepEqual(others.asked, [question, question]);
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
