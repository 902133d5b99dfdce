import assert from "node:assert/strict";
import { Prng } from "../../base/os/random.ts";
import { type RaftConfig, raftLimits } from "./config.ts";
import type { RaftFaults } from "./faults.ts";
import { message } from "./message.ts";
import { RawNode } from "./node.ts";
import type { Ready } from "./ready.ts";
import type { Entry, Message, MessageType } from "./types.ts";

const entry = (term: number, index: number): Entry => ({
  term,
  index,
  type: "normal",
  data: Buffer.from("x"),
});

/** Member 1, or another, of 1, 2, 3 with these entries in its log. */
function member(entries: readonly Entry[], faults?: RaftFaults, id = 1n): RawNode {
  return new RawNode({ ...configOf(entries), id, ...(faults && { faults }) });
}

function configOf(entries: readonly Entry[]): RaftConfig {
  return {
    id: 1n,
    electionTicks: 10,
    heartbeatTicks: 1,
    limits: raftLimits,
    hardState: { term: entries.at(-1)?.term ?? 0, vote: 0n, commit: 0 },
    snapshot: { index: 0, term: 0 },
    entries,
    applied: 0,
    conf: { voters: [1n, 2n, 3n], learners: [] },
    random: new Prng(1),
  };
}

/** Takes everything out, as if the disk were instant. */
function drain(node: RawNode): { sent: Message[]; readys: Ready[] } {
  const sent: Message[] = [];
  const readys: Ready[] = [];
  while (node.hasReady()) {
    const ready = node.ready();
    readys.push(ready);
    sent.push(...ready.messages);
    if (ready.mustPersist) {
      const last = ready.entries.at(-1);
      node.persisted(last?.index ?? 0, last?.term ?? 0);
      sent.push(...ready.messagesAfterAppend);
    }
    for (const { index } of ready.committedEntries) node.applied(index);
  }
  return { sent, readys };
}

function from(id: bigint, type: MessageType, parts: Partial<Message>): Message {
  return message(id, { type, to: 1n, ...parts });
}

/** What these tests send is never refused. */
function step(node: RawNode, given: Message): void {
  assert.equal(node.step(given), undefined);
}

function elect(node: RawNode): void {
  node.campaign();
  drain(node);
  const { term } = node;
  step(node, from(2n, "preVoteResponse", { term: term + 1 }));
  drain(node);
  step(node, from(2n, "voteResponse", { term: term + 1 }));
  drain(node);
  assert.equal(node.role, "leader");
}

describe("the Raft paper", () => {
  it("§5.1 a later term makes a leader a follower", () => {
    const node = member([]);
    elect(node);
    step(node, from(2n, "append", { term: node.term + 1 }));
    assert.equal(node.role, "follower");
    assert.equal(node.leader, 2n);
  });

  it("§5.2 a member votes once a term, first come first served, and again for the same", () => {
    const node = member([]);
    const ask = (id: bigint) => {
      step(node, from(id, "vote", { term: 5 }));
      return drain(node).sent.map(({ to, reject }) => `${to} ${reject ? "refused" : "granted"}`);
    };
    assert.deepEqual(ask(2n), ["2 granted"]);
    assert.deepEqual(ask(3n), ["3 refused"]);
    assert.deepEqual(ask(2n), ["2 granted"]);
  });

  it("§5.2 a vote leaves only with the hard state that remembers it", () => {
    const node = member([]);
    step(node, from(2n, "vote", { term: 5 }));
    const ready = node.ready();
    assert.deepEqual(ready.messages, []);
    assert.deepEqual(ready.hardState, { term: 5, vote: 2n, commit: 0 });
    assert.equal(ready.sync, true);
    assert.deepEqual(
      ready.messagesAfterAppend.map(({ type }) => type),
      ["voteResponse"],
    );
  });

  it("§5.4.1 a vote is refused to whoever's log is behind", () => {
    const cases: [logTerm: number, index: number, granted: boolean][] = [
      [1, 5, false], // earlier term, longer
      [2, 1, false], // same term, shorter
      [2, 2, true],
      [2, 3, true],
      [3, 1, true], // later term, shorter
    ];
    for (const [logTerm, index, granted] of cases) {
      const node = member([entry(1, 1), entry(2, 2)]);
      step(node, from(2n, "vote", { term: 9, logTerm, index }));
      const [answer] = drain(node).sent;
      assert.equal(answer?.reject, !granted, `${logTerm}/${index}`);
    }
  });

  it("§5.3 a follower without the entry before refuses, and says where the logs may meet", () => {
    const node = member([entry(1, 1), entry(3, 2), entry(3, 3)]);
    step(node, from(2n, "append", { term: 4, logTerm: 2, index: 3, entries: [entry(4, 4)] }));
    const [answer] = drain(node).sent;
    assert.equal(answer?.reject, true);
    assert.equal(answer?.rejectHint, 1);
    assert.equal(answer?.logTerm, 1);
  });

  it("§5.4.2 an entry of an older term is not committed by counting its replicas (figure 8)", () => {
    const run = (faults?: RaftFaults) => {
      const node = member([entry(1, 1)], faults);
      elect(node);
      step(node, from(2n, "appendResponse", { term: node.term, index: 1 }));
      const old = node.committed;
      step(node, from(2n, "appendResponse", { term: node.term, index: 2 }));
      return { old, own: node.committed };
    };
    assert.deepEqual(run(), { old: 0, own: 2 });
    assert.deepEqual(run({ commitOldTermByCounting: true }), { old: 1, own: 2 }, "the planted bug is one");
  });

  it("§8 a leader begins its term with an empty entry, and counts its own log only when it is durable", () => {
    const node = member([]);
    node.campaign();
    drain(node);
    step(node, from(2n, "preVoteResponse", { term: 1 }));
    drain(node);
    step(node, from(2n, "voteResponse", { term: 1 }));
    const ready = node.ready();
    assert.deepEqual(
      ready.entries.map(({ index, data }) => [index, data.length]),
      [[1, 0]],
    );
    step(node, from(2n, "appendResponse", { term: 1, index: 1 }));
    assert.equal(node.committed, 0, "two of three have it, one of them not durably");
    node.persisted(1, 1);
    assert.equal(node.committed, 1);
  });

  it("thesis §9.6 of two that ask each other for a pre-vote with equal logs, the one with the larger ID stands", () => {
    const answered = (asker: bigint, index: number) => {
      const node = member([entry(1, 1)], undefined, 2n);
      node.campaign();
      drain(node);
      step(node, message(asker, { type: "preVote", to: 2n, term: 2, index, logTerm: 1 }));
      return drain(node).sent.find(({ type }) => type === "preVoteResponse")?.reject;
    };
    assert.equal(answered(3n, 1), false, "2 lets 3 stand");
    assert.equal(answered(1n, 1), true, "2 stands before 1");
    assert.equal(answered(1n, 2), false, "whose log is longer stands, whatever its ID");
  });

  it("but one that asked in vain lets the other stand, for who hears both may hear more than it does", () => {
    const node = member([entry(1, 1)], undefined, 3n);
    node.campaign();
    for (let tick = 0; tick < 2; tick++) node.tick();
    drain(node);
    step(node, message(1n, { type: "preVote", to: 3n, term: 2, index: 1, logTerm: 1 }));
    const answer = drain(node).sent.find(({ type }) => type === "preVoteResponse");
    assert.equal(answer?.reject, false);
  });

  it("takes the term of its last entry where a torn write kept the entry and not the term", () => {
    const node = new RawNode({ ...configOf([entry(2, 1)]), hardState: { term: 1, vote: 3n, commit: 0 } });
    assert.equal(node.term, 2);
    const { hardState } = node.ready();
    assert.deepEqual(
      hardState,
      { term: 2, vote: 0n, commit: 0 },
      "and writes it, without the vote of the one before",
    );
  });

  it("thesis §6.2 a leader without answers from a majority steps down", () => {
    const node = member([]);
    elect(node);
    for (let tick = 0; tick < 20; tick++) node.tick();
    assert.equal(node.role, "follower");
  });

  it("bounds what waits for commit", () => {
    const node = member([]);
    elect(node);
    const large = new Uint8Array(raftLimits.uncommittedBytesMax);
    assert.equal(node.propose({ type: "normal", data: large }), "accepted", "the first always passes");
    assert.equal(node.propose({ type: "normal", data: new Uint8Array(1) }), "tooMany");
    drain(node);
    step(node, from(2n, "appendResponse", { term: node.term, index: 2 }));
    assert.equal(node.propose({ type: "normal", data: new Uint8Array(1) }), "accepted");
  });
});
