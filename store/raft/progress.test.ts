import assert from "node:assert/strict";
import { Prng } from "../../base/os/random.ts";
import { raftLimits } from "./config.ts";
import { message } from "./message.ts";
import { RawNode } from "./node.ts";
import { Progress } from "./progress.ts";
import type { Message } from "./types.ts";

describe("progress of a follower", () => {
  it("does not call it news when a refusal moves nothing", () => {
    const progress = new Progress(11, raftLimits);
    progress.matched(10);
    progress.sent(0, 0);
    assert.equal(progress.refused(10, 7), false);
    assert.deepEqual(progress.feed, { state: "probe", next: 11, paused: true });
    progress.resume();
    assert.equal(progress.isPaused, false, "a heartbeat's answer lets it be tried again");
  });

  it("moves back to where a refusal hints", () => {
    const progress = new Progress(11, raftLimits);
    progress.sent(0, 0);
    assert.equal(progress.refused(10, 4), true);
    assert.equal(progress.feed.next, 5);
    assert.equal(progress.refused(10, 4), false, "said twice");
  });
});

describe("a follower that acknowledges an entry and then refuses it", () => {
  /** A leader in term 1 with `count` entries of its own, all of which member 2 acknowledged. */
  function leader(count: number): RawNode {
    const conf = { voters: [1n, 2n, 3n], learners: [] };
    const at = { index: 0, term: 0 };
    const node = new RawNode({
      id: 1n,
      electionTicks: 10,
      heartbeatTicks: 1,
      limits: raftLimits,
      hardState: { term: 0, vote: 0n, commit: 0 },
      snapshot: at,
      entries: [],
      applied: 0,
      conf,
      random: new Prng(1),
    });
    node.campaign();
    drive(node);
    node.step(message(2n, { type: "preVoteResponse", to: 1n, term: 1 }));
    drive(node);
    node.step(message(2n, { type: "voteResponse", to: 1n, term: 1 }));
    drive(node);
    for (let n = 1; n < count; n++) node.propose({ type: "normal", data: Buffer.from("x") });
    drive(node);
    assert.equal(node.role, "leader");
    return node;
  }

  /** Does what is to be done, at once; answers what was sent. */
  function drive(node: RawNode): readonly Message[] {
    const sent: Message[] = [];
    while (node.hasReady()) {
      const ready = node.ready();
      sent.push(...ready.messages, ...ready.messagesAfterAppend);
      const last = ready.entries.at(-1);
      if (ready.mustPersist) node.persisted(last?.index ?? 0, last?.term ?? 0);
      const applied = ready.committedEntries.at(-1);
      if (applied !== undefined) node.applied(applied.index);
    }
    return sent;
  }

  it("is asked again once a heartbeat, not at once and for ever", () => {
    const node = leader(5);
    node.step(message(2n, { type: "appendResponse", to: 1n, term: 1, index: 5 }));
    node.reportUnreachable(2n); // probe, just past what it acknowledged
    let appends = 0;
    for (let round = 0; round < 50; round++) {
      const asked = drive(node).filter(({ type, to }) => type === "append" && to === 2n);
      appends += asked.length;
      if (round === 20) node.step(message(2n, { type: "heartbeatResponse", to: 1n, term: 1 }));
      for (const { index } of asked) {
        const refusal = { reject: true, rejectHint: 3, logTerm: 1 };
        node.step(message(2n, { type: "appendResponse", to: 1n, term: 1, index, ...refusal }));
      }
    }
    assert.equal(appends, 2, "one to find out where it stands, one for the heartbeat");
  });
});

describe("a follower that was sent the state", () => {
  it("catches up until it lacks less than a quarter of what the leader wrote between two checks", () => {
    const progress = new Progress(1, raftLimits);
    assert.equal(progress.isCatchingUp, false);
    progress.becomeSnapshot(900);
    progress.matched(900);
    progress.checked(1_000);
    assert.equal(progress.isCatchingUp, true);
    progress.becomeReplicate();
    progress.matched(1_700);
    progress.checked(2_000);
    assert.equal(progress.isCatchingUp, true);
    progress.matched(2_750);
    progress.checked(3_000);
    assert.equal(progress.isCatchingUp, false);
  });

  it("is up to date, too, when it lacks nothing and nobody writes", () => {
    const progress = new Progress(1, raftLimits);
    progress.becomeSnapshot(100);
    progress.matched(100);
    progress.checked(100);
    progress.checked(100);
    assert.equal(progress.isCatchingUp, false);
  });
});
