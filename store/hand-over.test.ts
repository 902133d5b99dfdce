import assert from "node:assert/strict";
import { createLog } from "../base/os/log.ts";
import { StoreError } from "./errors.ts";
import { handOverLeadership } from "./hand-over.ts";
import type { MemberParts } from "./rpc/member.ts";

type Parts = Pick<MemberParts, "consensus" | "members" | "memberId">;
interface Other {
  readonly id: bigint;
  readonly forMs: number;
  readonly isLearner?: boolean;
}

describe("a member that stops", () => {
  /** What member 1 does and says. */
  const stop = async (leader: bigint, others: readonly Other[], failure?: Error) => {
    const given: bigint[] = [];
    const said: string[] = [];
    const consensus = {
      status: { leader },
      transferLeadership: async (to: bigint) => {
        given.push(to);
        if (failure !== undefined) throw failure;
      },
    } as unknown as Parts["consensus"];
    const members = {
      all: () => [{ id: 1n, isLearner: false }, ...others.map((one) => ({ isLearner: false, ...one }))],
      connectedForMs: (id: bigint) => others.find((one) => one.id === id)?.forMs ?? 0,
    } as unknown as Parts["members"];
    const log = createLog({ write: (line) => said.push(JSON.parse(line).msg) });
    await handOverLeadership({ consensus, members, memberId: 1n }, log);
    return { given, said };
  };

  it("gives leadership to the voter that has been connected longest", async () => {
    const others = [
      { id: 2n, forMs: 10 },
      { id: 3n, forMs: 30 },
      { id: 4n, forMs: 90, isLearner: true },
    ];
    assert.deepEqual(await stop(1n, others), {
      given: [3n],
      said: ["leadership transfer starting", "leadership transfer finished"],
    });
  });

  it("stops all the same where nobody takes it", async () => {
    const refused = await stop(1n, [{ id: 2n, forMs: 1 }], new StoreError("TIMEOUT_LEADER_TRANSFER"));
    assert.equal(refused.said.at(-1), "leadership transfer failed");
    assert.deepEqual((await stop(1n, [{ id: 2n, forMs: 0 }])).given, []);
  });

  it("does nothing where it does not lead, or is the only voter", async () => {
    assert.deepEqual(await stop(2n, [{ id: 2n, forMs: 1 }]), { given: [], said: [] });
    assert.deepEqual((await stop(1n, [{ id: 2n, forMs: 1, isLearner: true }])).said, [
      "skipped leadership transfer for single voting member cluster",
    ]);
  });
});
