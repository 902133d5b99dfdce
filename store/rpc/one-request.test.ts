import assert from "node:assert/strict";
import { type Method, methods } from "../../proto/etcd-methods.ts";
import { ManualClock } from "../driver/fixtures/rig.ts";
import type { ConsensusStatus } from "../driver/seams.ts";
import { joinsParts } from "./handler.ts";
import { LeaderGuard } from "./leader-guard.ts";
import type { MemberParts } from "./member.ts";
import { serviceTable } from "./service-table.ts";

describe("a stream of answers to one request", () => {
  const consensus = { status: { leader: 1n } as ConsensusStatus, onLeadership: () => () => undefined };
  const guard = new LeaderGuard({ electionTimeoutMs: 1_000 }, { consensus, clock: new ManualClock() });
  const parts = {
    members: { isLearner: () => false },
    access: { isOn: false },
    metrics: { watchStreams: { count: 0 } },
  } as unknown as MemberParts;
  const { streams } = serviceTable(parts, guard, { watchProgressMs: 1_000 });
  const out = { send: () => true, sendParts: joinsParts(() => true), end: () => undefined };
  const begin = ({ path }: Pick<Method<object, object>, "path">) => {
    const stream = streams.get(path);
    assert.ok(stream !== undefined);
    return stream.handler(out, { requireLeader: false });
  };

  for (const method of Object.values(methods).filter(({ kind }) => kind === "serverStream"))
    it(`is refused where none came: ${method.path}`, () => {
      assert.throws(() => begin(method).halfClose(), {
        status: "INTERNAL",
        message: "cardinality violation: received no request message from non-client-streaming RPC",
      });
    });

  it("is refused where another comes", () => {
    const stream = begin(methods.healthWatch);
    void stream.message(new Uint8Array(0));
    assert.throws(() => stream.message(new Uint8Array(0)), {
      status: "INTERNAL",
      message: "cardinality violation: received multiple request messages for non-client-streaming RPC",
    });
  });

  it("is another matter than a stream of requests", () => {
    begin(methods.watch).halfClose();
  });
});
