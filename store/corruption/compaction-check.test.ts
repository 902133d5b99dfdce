import assert from "node:assert/strict";
import { createLog } from "../../base/os/log.ts";
import type { MemberId } from "../raft/types.ts";
import { CompactionCheck } from "./compaction-check.ts";
import type { HashQuestion } from "./peer-hashes.ts";
import { amongOthers, type Has } from "./testing/other-members.ts";

const own = { hash: 5, compactRevision: 2, hashRevision: 9 };
const older = { hash: 4, compactRevision: -1, hashRevision: 2 };
const has = (other: Partial<typeof own> = {}): Has => ({ ...own, revision: 20, ...other });

/** The check of a leader, member 1, that hashed twice. */
function leaderWith(...others: readonly Has[]) {
  const accused: MemberId[] = [];
  const lines: string[] = [];
  const parts = amongOthers(...others);
  const check = new CompactionCheck({
    ...parts,
    compactionHashes: () => [own, older],
    accuse: (members) => void accused.push(...members),
    requestTimeoutMs: 7_000,
    log: createLog({ format: "text", write: (line) => void lines.push(line), wallMs: () => 0 }),
  });
  const asked = () => parts.asked.splice(0).map(({ revision }: HashQuestion) => revision);
  return { check, accused, asked, said: (text: RegExp) => lines.some((line) => text.test(line)) };
}

describe("the check of what members hashed while they compacted", () => {
  it("asks for the newest compaction, and not again once all have the same", async () => {
    const { check, accused, asked, said } = leaderWith(has(), has());
    await check.run();
    assert.deepEqual([asked(), accused], [[9, 9], []]);
    assert.ok(said(/successfully checked hash on whole cluster/));
    await check.run();
    assert.deepEqual(asked(), []);
  });

  it("goes on to older ones where not all could be compared", async () => {
    const { check, accused, asked, said } = leaderWith(has(), "nothing");
    await check.run();
    assert.deepEqual([asked(), accused], [[9, 9, 2, 2], []]);
    assert.ok(said(/Skipped peer's hash.*no response/));
    const behind = leaderWith(has({ compactRevision: 1, hash: 6 }), has());
    await behind.check.run();
    assert.deepEqual([behind.asked(), behind.accused], [[9, 9, 2, 2], []]);
    assert.ok(behind.said(/CompactRevision 1 doesn't match leader's CompactRevision 2/));
  });

  it("accuses whose hash is not that of a quorum", async () => {
    const { check, accused, said } = leaderWith(has({ hash: 6 }), has());
    await check.run();
    assert.deepEqual(accused, [2n]);
    assert.ok(said(/Detected compaction hash mismatch.*quorum-exist=true/));
    const five = leaderWith(has({ hash: 6 }), has({ hash: 7 }), has(), has());
    await five.check.run();
    assert.deepEqual(five.accused, [2n, 3n]);
    const leader = leaderWith(has({ hash: 6 }), has({ hash: 6 }));
    await leader.check.run();
    assert.deepEqual(leader.accused, [1n]);
  });

  it("accuses nobody's id where no quorum has the same", async () => {
    const { check, accused, said } = leaderWith(has({ hash: 6 }), "nothing");
    await check.run();
    assert.deepEqual(accused, [0n]);
    assert.ok(said(/cannot identify the corrupted members, so intentionally set the memberID as 0/));
  });
});
