import assert from "node:assert/strict";
import { Prng } from "../../base/os/random.ts";
import { raftLimits } from "./config.ts";
import { message } from "./message.ts";
import { RawNode } from "./node.ts";
import type { MemberId, Message } from "./types.ts";

/** A change is one byte: whom it takes out. */
const removal = (id: MemberId) => Uint8Array.of(Number(id));

function member(voters: readonly MemberId[]): RawNode {
  return new RawNode({
    id: 1n,
    electionTicks: 10,
    heartbeatTicks: 1,
    limits: raftLimits,
    hardState: { term: 1, vote: 0n, commit: 0 },
    snapshot: { index: 0, term: 0 },
    entries: [],
    applied: 0,
    conf: { voters, learners: [] },
    random: new Prng(1),
    removedBy: ([id = 0]) => BigInt(id),
  });
}

/** Takes everything out, as if the disk were instant. */
function drain(node: RawNode): readonly Message[] {
  const sent: Message[] = [];
  while (node.hasReady()) {
    const ready = node.ready();
    if (ready.mustPersist) node.persisted(ready.entries.at(-1)?.index ?? 0, ready.entries.at(-1)?.term ?? 0);
    for (const { index } of ready.committedEntries) node.applied(index);
    sent.push(...ready.messages, ...ready.messagesAfterAppend);
  }
  return sent;
}

function hear(node: RawNode, from: MemberId, parts: Partial<Message> & Pick<Message, "type">): void {
  assert.equal(node.step(message(from, { to: 1n, term: node.term, ...parts })), undefined);
}

/** The leader of 1, 2, 3 and 4, of which 3 has the most of its log. */
function leader(): RawNode {
  const node = member([1n, 2n, 3n, 4n]);
  node.campaign();
  drain(node);
  for (const id of [2n, 3n]) hear(node, id, { type: "preVoteResponse", term: node.term + 1 });
  drain(node);
  for (const id of [2n, 3n]) hear(node, id, { type: "voteResponse" });
  drain(node);
  assert.equal(node.role, "leader");
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
    hear(node, 2n, { type: "propose", entries });
    assert.equal(node.lastIndex, lastIndex);
    assert.equal(node.transferee, 3n);
    const told = drain(node).find(({ type, to }) => type === "propose" && to === 2n);
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
});
