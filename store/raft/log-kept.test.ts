import assert from "node:assert/strict";
import { raftLimits } from "./config.ts";
import { drain, elect, hear, oneMember } from "./fixtures/one-member.ts";
import type { RawNode } from "./node.ts";

/** Leads with 10 entries, all of which member 2 has, and member 3 only the first. */
function leader(silentChecksMax: number): RawNode {
  const node = oneMember({ limits: { ...raftLimits, silentChecksMax } });
  elect(node, [2n]);
  hear(node, 2n, { type: "appendResponse", index: 1 });
  hear(node, 3n, { type: "appendResponse", index: 1 });
  for (let at = 2; at <= 10; at++) node.propose({ type: "normal", data: Buffer.from("x") });
  drain(node);
  hear(node, 2n, { type: "appendResponse", index: 10 });
  assert.equal(node.appliedIndex, 10);
  return node;
}

describe("the log that a leader keeps", () => {
  it("is what a follower lacks that is there, where silence is borne", () => {
    assert.equal(leader(1).wantedFrom, 2);
  });

  it("is nothing for it where none is borne, until it is sent the state", () => {
    const node = leader(0);
    assert.equal(node.wantedFrom, 11);
    node.compact(10);
    const sent = hear(node, 3n, {
      type: "appendResponse",
      index: 10,
      reject: true,
      rejectHint: 1,
      logTerm: 1,
    });
    const again = [
      ...sent,
      ...hear(node, 3n, { type: "heartbeatResponse" }),
      ...hear(node, 3n, { type: "heartbeatResponse" }),
    ];
    assert.ok(again.some(({ type, to }) => type === "snapshot" && to === 3n));
    node.propose({ type: "normal", data: Buffer.from("x") });
    drain(node);
    hear(node, 2n, { type: "appendResponse", index: 11 });
    assert.equal(node.wantedFrom, 11);
  });

  it("is kept for one that was sent the state also right after the quorum was checked, before it answers again", () => {
    const node = leader(0);
    node.compact(10);
    hear(node, 3n, { type: "appendResponse", index: 10, reject: true, rejectHint: 1, logTerm: 1 });
    hear(node, 3n, { type: "heartbeatResponse" });
    hear(node, 3n, { type: "heartbeatResponse" });
    for (let at = 11; at <= 20; at++) node.propose({ type: "normal", data: Buffer.from("x") });
    drain(node);
    hear(node, 2n, { type: "appendResponse", index: 20 });
    assert.equal(node.appliedIndex, 20);
    assert.equal(node.wantedFrom, 11);
    for (let tick = 1; tick <= 10; tick++) {
      for (const id of [2n, 3n]) hear(node, id, { type: "heartbeatResponse" });
      node.tick();
    }
    assert.equal(node.wantedFrom, 11);
  });
});
