import assert from "node:assert/strict";
import { type Method, methods } from "../../proto/etcd-methods.ts";
import { ManualClock } from "../driver/fixtures/rig.ts";
import type { ConsensusStatus } from "../driver/seams.ts";
import { StoreError } from "../errors.ts";
import { joinsParts } from "./handler.ts";
import { LeaderGuard } from "./leader-guard.ts";
import type { MemberParts } from "./member.ts";
import { answerOf } from "./promised-answer.ts";
import { serviceTable } from "./service-table.ts";

type Name = keyof typeof methods;

/** What a learner answers: etcd's serve its state as it is and its snapshot, ours look after their own data as well. */
const served: ReadonlySet<Name> = new Set(["status", "snapshot", "defragment", "hash", "hashKv"]);

describe("a learner without a leader, asked for", () => {
  const consensus = { status: { leader: 0n } as ConsensusStatus, onLeadership: () => () => undefined };
  const guard = new LeaderGuard({ electionTimeoutMs: 1_000 }, { consensus, clock: new ManualClock() });
  const parts = { members: { isLearner: () => true }, access: { isOn: false } } as unknown as MemberParts;
  const handlers = serviceTable(parts, guard, { watchProgressMs: 1_000 });
  const out = { send: () => true, sendParts: joinsParts(() => true), end: () => undefined };

  /** Calls that require a leader, so that a refusal says which check came first. */
  const refusal = async (name: Name, request: object): Promise<string> => {
    const method = methods[name] as unknown as Method<object, object>;
    const call = { requireLeader: true };
    try {
      const unary = handlers.unary.get(method.path);
      if (unary === undefined) handlers.streams.get(method.path)?.handler(out, call);
      else await answerOf(unary, method.request.encode(request), call);
    } catch (error) {
      if (error instanceof StoreError) return error.code;
      throw error;
    }
    return "none";
  };

  for (const name of Object.keys(methods) as readonly Name[])
    it(`${name}, ${served.has(name) ? "misses the leader" : "refuses as a learner"}`, async () => {
      const wanted = served.has(name) ? "NO_LEADER" : "NOT_SUPPORTED_FOR_LEARNER";
      assert.equal(await refusal(name, {}), wanted);
    });

  it("a serializable range, misses the leader", async () => {
    assert.equal(await refusal("range", { serializable: true }), "NO_LEADER");
  });
});
