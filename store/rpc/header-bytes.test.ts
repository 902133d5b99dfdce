import assert from "node:assert/strict";
import fc from "fast-check";
import { putResponse } from "../../proto/etcd.ts";
import type { ConsensusStatus } from "../driver/seams.ts";
import { HeaderBytes } from "./header-bytes.ts";
import type { MemberParts } from "./member.ts";

describe("store/rpc: HeaderBytes", () => {
  it("writes what the table of the answer writes", () => {
    const id = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n });
    const positive = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(id, id, positive, positive, (clusterId, memberId, revision, term) => {
        const consensus = { status: { term } as ConsensusStatus } as MemberParts["consensus"];
        const header = new HeaderBytes({ clusterId, memberId, consensus });
        const table = putResponse.encode({ header: { clusterId, memberId, revision, raftTerm: term } });
        assert.deepEqual(Buffer.from(header.at(revision)), Buffer.from(table));
        const within = putResponse.encode({ header: header.message(revision) });
        assert.deepEqual(Buffer.from(within), Buffer.from(table));
      }),
    );
  });
});
