import assert from "node:assert/strict";
import { drain, elect, hear, oneMember } from "./fixtures/one-member.ts";
import { message } from "./message.ts";
import type { Entry, Message } from "./types.ts";

describe("a change of the configuration", () => {
  it("takes effect only when it is on disk that it is committed, and what follows it waits", () => {
    const node = oneMember({ conf: { voters: [1n, 2n], learners: [] } });
    const entries = (["normal", "confChange", "normal"] as const).map(
      (type, at): Entry => ({ term: 1, index: at + 1, type, data: Buffer.from("x") }),
    );
    node.step(message(2n, { type: "append", to: 1n, term: 1, index: 0, logTerm: 0, entries, commit: 0 }));
    const first = node.ready();
    node.persisted(3, 1);
    assert.equal(first.hardState, undefined);

    node.step(message(2n, { type: "heartbeat", to: 1n, term: 1, commit: 3 }));
    const busy = node.ready({ isDiskBusy: true });
    assert.deepEqual(
      busy.committedEntries.map(({ index }) => index),
      [1],
    );
    node.applied(1);
    assert.equal(
      node.hasReady({ isDiskBusy: true }),
      false,
      "there is nothing to do but to wait for the disk",
    );

    const writing = node.ready();
    assert.deepEqual(writing.hardState, { term: 1, vote: 0n, commit: 3 });
    assert.equal(writing.sync, true);
    assert.deepEqual(writing.committedEntries, []);
    assert.equal(node.hasReady(), false);

    node.persisted(0, 0);
    assert.deepEqual(
      node.ready().committedEntries.map(({ index }) => index),
      [2, 3],
    );
  });

  it("is told to others only when the leader has it on disk that it is committed", () => {
    const node = oneMember({ conf: { voters: [1n, 2n], learners: [] } });
    elect(node, [2n]);
    hear(node, 2n, { type: "appendResponse", index: 1 });
    assert.equal(node.proposeConfChange(Buffer.from("x")), "accepted");
    drain(node);
    node.step(message(2n, { type: "appendResponse", to: 1n, term: node.term, index: 2 }));
    assert.equal(node.committed, 2);

    const told = (sent: readonly Message[]) => sent.map(({ commit }) => commit);
    const writing = node.ready();
    assert.equal(writing.hardState?.commit, 2);
    node.tick();
    const meanwhile = node.ready();
    assert.ok(meanwhile.messages.some(({ type }) => type === "heartbeat"));
    assert.equal(Math.max(...told([...writing.messages, ...meanwhile.messages])), 1);

    node.persisted(0, 0);
    const after = node.ready();
    assert.deepEqual(told(after.messages), [2], "who is taken out hears of it before it is cut off");
    assert.deepEqual(
      after.committedEntries.map(({ index }) => index),
      [2],
    );
  });
});

describe("a member that comes to lead with its own removal in its log", () => {
  const removal: Entry = { term: 1, index: 1, type: "confChange", data: Uint8Array.of(1) };
  const leader = (voters: readonly bigint[]) => {
    const node = oneMember({
      conf: { voters, learners: [] },
      entries: [removal],
      removedBy: ([id = 0]) => BigInt(id),
    });
    node.campaign();
    drain(node);
    for (const id of voters.slice(1)) hear(node, id, { type: "preVoteResponse", term: node.term + 1 });
    for (const id of voters.slice(1)) hear(node, id, { type: "voteResponse" });
    assert.equal(node.role, "leader");
    return node;
  };

  it("does not commit it, and hands over to one that has it", () => {
    const node = leader([1n, 2n]);
    const sent = hear(node, 2n, { type: "appendResponse", index: 2 });
    assert.equal(node.committed, 0);
    assert.ok(sent.some(({ type, to }) => type === "timeoutNow" && to === 2n));
  });

  it("tries another when the first has let its time pass", () => {
    const node = leader([1n, 2n, 3n]);
    const first = node.transferee;
    const other = first === 2n ? 3n : 2n;
    for (let tick = 0; tick <= 10; tick++) {
      hear(node, other, { type: "appendResponse", index: 2 });
      node.tick();
    }
    assert.equal(node.role, "leader");
    assert.equal(node.transferee, other);
    assert.equal(node.committed, 0);
  });

  it("commits it when nobody else could lead", () => {
    const node = leader([1n]);
    drain(node);
    assert.equal(node.committed, 2);
  });
});
