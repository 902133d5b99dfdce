import assert from "node:assert/strict";
import { drain, elect, hear, oneMember } from "./fixtures/one-member.ts";
import type { RawNode } from "./node.ts";
import type { MemberId } from "./types.ts";

/** A change is one byte: whom it takes out. */
const removal = (id: MemberId) => Uint8Array.of(Number(id));

const member = (voters: readonly MemberId[]) =>
  oneMember({ conf: { voters, learners: [] }, removedBy: ([id = 0]) => BigInt(id) });

/** The leader of 1, 2, 3 and 4, of which 3 has the most of its log. */
function leader(): RawNode {
  const node = member([1n, 2n, 3n, 4n]);
  elect(node, [2n, 3n]);
  for (const id of [2n, 3n]) hear(node, id, { type: "appendResponse", index: 1 });
  drain(node);
  node.propose({ type: "normal", data: removal(0n) });
  drain(node);
  hear(node, 3n, { type: "appendResponse", index: 2 });
  return node;
}

describe("a leader that is to be taken out", () => {
  it("hands over to whoever has most of the log, and does not take the change", () => {
    const node = leader();
    const { lastIndex } = node;
    assert.equal(node.proposeConfChange(removal(1n)), "dropped");
    assert.equal(node.lastIndex, lastIndex);
    assert.equal(node.transferee, 3n);
    assert.ok(drain(node).some(({ type, to }) => type === "timeoutNow" && to === 3n));
  });

  it("does so when another member asks for it, which is told", () => {
    const node = leader();
    const { lastIndex } = node;
    drain(node);
    const entries = [{ term: 0, index: 0, type: "confChange", data: removal(1n) }] as const;
    const told = hear(node, 2n, { type: "propose", entries }).find(
      ({ type, to }) => type === "propose" && to === 2n,
    );
    assert.equal(node.lastIndex, lastIndex);
    assert.equal(node.transferee, 3n);
    assert.equal(told?.reject, true);
    assert.equal(told?.entries.length, 1);
  });

  it("takes the change when nobody else can lead", () => {
    const node = member([1n]);
    node.campaign();
    drain(node);
    assert.equal(node.proposeConfChange(removal(1n)), "accepted");
  });

  it("takes the removal of another", () => {
    assert.equal(leader().proposeConfChange(removal(2n)), "accepted");
  });

  it("hands over to one that answers also right after the quorum was checked, not to one that is gone", () => {
    const node = member([1n, 2n, 3n]);
    elect(node, [3n]);
    for (const id of [2n, 3n]) hear(node, id, { type: "appendResponse", index: 1 });
    drain(node);
    for (let tick = 1; tick <= 20; tick++) {
      hear(node, 3n, { type: "heartbeatResponse" });
      node.tick();
      drain(node);
    }
    assert.equal(node.proposeConfChange(removal(1n)), "dropped");
    assert.equal(node.transferee, 3n);
  });
});
