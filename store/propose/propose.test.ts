import assert from "node:assert/strict";
import { deferred } from "../../base/deferred.ts";
import type { Clock } from "../../base/os/clock.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { utf8 } from "../../base/wire.ts";
import { internalRaftRequest, putRequest } from "../../proto/etcd.ts";
import type { Consensus, ConsensusStatus, DroppedProposal } from "../driver/seams.ts";
import { StoreError } from "../errors.ts";
import type { ConfChange } from "../raft/types.ts";
import { RequestTimes } from "../request-times.ts";
import { LinearizableReads } from "./linearizable-reads.ts";
import { Proposer, proposeLimits } from "./proposer.ts";
import { RequestIds } from "./request-ids.ts";

/** Time passes when told to. */
class HandClock implements Clock {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly fire: () => void }[] = [];
  monotonicMs = () => this.#nowMs;
  wallMs = () => this.#nowMs;
  after(delayMs: number, fire: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, fire };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const next = this.#timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#nowMs = next.atMs;
      next.fire();
    }
    this.#nowMs = untilMs;
  }
}

class FakeConsensus implements Consensus {
  proposed: Uint8Array[] = [];
  changes: bigint[] = [];
  answer: "accepted" | "dropped" = "accepted";
  reads: ReturnType<typeof deferred<number>>[] = [];
  status: ConsensusStatus = {
    id: 1n,
    leader: 1n,
    role: "leader",
    term: 1,
    committed: 0,
    applied: 0,
    lastIndex: 0,
    progress: [],
  };
  #listeners = new Set<(status: ConsensusStatus) => void>();
  propose(data: Uint8Array) {
    if (this.status.leader === 0n) return "noLeader" as const;
    if (this.answer === "accepted") this.proposed.push(data);
    return this.answer;
  }
  proposeConfChange({ id }: ConfChange) {
    this.changes.push(id);
    return this.answer;
  }
  readIndex() {
    const read = deferred<number>();
    this.reads.push(read);
    return read.promise;
  }
  transferLeadership() {
    return Promise.resolve();
  }
  #dropListeners = new Set<(dropped: DroppedProposal) => void>();
  onDropped(listener: (dropped: DroppedProposal) => void) {
    this.#dropListeners.add(listener);
    return () => this.#dropListeners.delete(listener);
  }
  drop(dropped: DroppedProposal): void {
    for (const listener of this.#dropListeners) listener(dropped);
  }
  onLeadership(listener: (status: ConsensusStatus) => void) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  lead(leader: bigint): void {
    this.status = { ...this.status, leader, term: this.status.term + 1 };
    for (const listener of this.#listeners) listener(this.status);
  }
}

const electionTimeoutMs = 1_000;

function setUp(room?: () => Promise<void> | undefined) {
  const clock = new HandClock();
  const consensus = new FakeConsensus();
  const catchUps: ReturnType<typeof deferred<void>>[] = [];
  const caughtUp = () => {
    const one = deferred<void>();
    catchUps.push(one);
    return one.promise;
  };
  const ids = new RequestIds(0xabcdn, 5);
  const meter = new MetricsRegistry();
  const times = new RequestTimes(meter);
  const connections = { areLost: false };
  const isConnectedFor = () => !connections.areLost;
  const parts = { consensus, clock, ids, meter, times, caughtUp, isConnectedFor, ...(room && { room }) };
  const proposer = new Proposer({ maxRequestBytes: 1_000, electionTimeoutMs }, parts);
  const idOf = (at: number) =>
    internalRaftRequest.decode(consensus.proposed[at] ?? utf8("")).header?.id ?? 0n;
  const settle = (at: number) =>
    proposer.applied(idOf(at), { ok: true, kind: "put", response: {}, revision: 9 }, at + 1);
  return { clock, consensus, proposer, catchUps, connections, idOf, settle };
}

const body = putRequest.encode({ key: utf8("k"), value: utf8("v") });

describe("Proposer", () => {
  it("puts the request's own bytes into the log and answers with the result", async () => {
    const { consensus, proposer, settle } = setUp();
    const unknownField = Buffer.concat([body, Buffer.from([0xf8, 0x07, 0x01])]);
    const answer = proposer.propose("put", unknownField);
    assert.ok(Buffer.from(consensus.proposed[0] ?? []).includes(unknownField));
    settle(0);
    assert.deepEqual(await answer, { response: {}, revision: 9, index: 1 });
  });

  it("rejects with the request's own error, and what is too large before it is proposed", async () => {
    const { consensus, proposer, idOf } = setUp();
    const answer = proposer.propose("put", body);
    proposer.applied(idOf(0), { ok: false, error: new StoreError("NO_SPACE") }, 1);
    await assert.rejects(answer, { code: "NO_SPACE" });
    await assert.rejects(proposer.propose("put", new Uint8Array(1_001)), { code: "REQUEST_TOO_LARGE" });
    assert.equal(consensus.proposed.length, 1);
  });

  it("refuses when applying lags behind committing", async () => {
    const { consensus, proposer } = setUp();
    consensus.status = { ...consensus.status, committed: proposeLimits.applyGapMax + 1 };
    await assert.rejects(proposer.propose("put", body), { code: "TOO_MANY_REQUESTS" });
  });

  it("waits for a leader and then proposes", async () => {
    const { consensus, proposer, settle } = setUp();
    consensus.lead(0n);
    const answer = proposer.propose("put", body);
    assert.equal(consensus.proposed.length, 0);
    consensus.lead(2n);
    assert.equal(consensus.proposed.length, 1);
    settle(0);
    await answer;
  });

  it("gives up after the request timeout, and does not propose what nobody waits for", async () => {
    const { clock, consensus, proposer } = setUp();
    consensus.lead(0n);
    const answer = assert.rejects(proposer.propose("put", body), { code: "TIMEOUT" });
    clock.advance(proposer.requestTimeoutMs);
    await answer;
    consensus.lead(1n);
    assert.equal(consensus.proposed.length, 0);
  });

  const late = [
    ["is connected", 0, false, "TIMEOUT"],
    ["lost its connection with the leader", 0, true, "TIMEOUT_CONNECTION_LOST"],
    ["has had a new leader since", 1, true, "TIMEOUT_LEADER_FAIL"],
    ["has no leader after a new one", 2, true, "TIMEOUT_LEADER_FAIL"],
  ] as const;
  for (const [who, elections, areLost, code] of late)
    it(`says ${code} of a request that took too long at a member that ${who}`, async () => {
      const { clock, consensus, connections, proposer } = setUp();
      connections.areLost = areLost;
      const refused = assert.rejects(proposer.propose("put", body), { code });
      clock.advance(1_000);
      if (elections > 0) consensus.lead(2n);
      if (elections > 1) consensus.lead(0n);
      clock.advance(proposer.requestTimeoutMs);
      await refused;
    });

  it("supposes no lost connection where there is no leader to be connected with", async () => {
    const { clock, consensus, connections, proposer } = setUp();
    connections.areLost = true;
    consensus.lead(0n);
    const refused = assert.rejects(proposer.propose("put", body), { code: "TIMEOUT" });
    clock.advance(proposer.requestTimeoutMs);
    await refused;
  });

  it("ends the wait of who waits for room, at the timeout or when it stops, and proposes nothing of it later", async () => {
    const room = deferred<void>();
    const { clock, consensus, proposer } = setUp(() => room.promise);
    const late = assert.rejects(proposer.propose("put", body), { code: "TIMEOUT" });
    clock.advance(proposer.requestTimeoutMs);
    await late;
    const stopped: Error[] = [];
    const request = putRequest.decode(body);
    proposer.submit("put", body, request, {
      applied: () => assert.fail("it was never proposed"),
      failed: (error) => stopped.push(error),
    });
    proposer.stop();
    assert.deepEqual(stopped, [new StoreError("STOPPED")]);
    room.resolve();
    await turn();
    assert.equal(consensus.proposed.length, 0);
    assert.equal(stopped.length, 1);
  });

  it("proposes who waits for room once there is some, whoever leads meanwhile", async () => {
    const room = deferred<void>();
    const { consensus, proposer, settle } = setUp(() => room.promise);
    const answer = proposer.propose("put", body);
    consensus.lead(2n);
    await turn();
    assert.equal(consensus.proposed.length, 0);
    room.resolve();
    await turn();
    assert.equal(consensus.proposed.length, 1);
    settle(0);
    await answer;
  });

  it("tells who waits for what a lost leader took with it, once it is certain that it did", async () => {
    const { consensus, proposer, catchUps, settle } = setUp();
    const saved = proposer.propose("put", body);
    const lost = assert.rejects(proposer.propose("put", body), { code: "LEADER_CHANGED" });
    consensus.lead(0n);
    consensus.lead(2n);
    const later = proposer.propose("put", body);
    settle(0); // the new leader had it in its log
    catchUps[0]?.resolve();
    await lost;
    settle(2);
    await Promise.all([saved, later]);
    assert.equal(consensus.proposed.length, 3, "nothing is proposed twice");
  });

  it("tells at once that a leader that hands over took nothing", async () => {
    const { consensus, proposer } = setUp();
    consensus.answer = "dropped";
    const change = { type: "removeNode", nodeId: 2n, context: utf8("") } as const;
    await assert.rejects(proposer.propose("put", body), { code: "PROPOSAL_DROPPED" });
    await assert.rejects(proposer.proposeConfChange(change), { code: "PROPOSAL_DROPPED" });
    consensus.lead(2n);
    assert.equal(consensus.proposed.length, 0, "nor is it proposed to the next leader");
  });

  it("tells who waits for what was sent to a leader that hands over, and nobody else", async () => {
    const { consensus, proposer, settle } = setUp();
    const taken = proposer.propose("put", body);
    const dropped = assert.rejects(proposer.propose("put", body), { code: "PROPOSAL_DROPPED" });
    const change = proposer.proposeConfChange({ type: "removeNode", nodeId: 2n, context: utf8("") });
    consensus.drop({ type: "request", data: consensus.proposed[1] ?? body });
    consensus.drop({ type: "confChange", id: consensus.changes[0] ?? 0n });
    await dropped;
    await assert.rejects(change, { code: "PROPOSAL_DROPPED" });
    settle(0);
    await taken;
  });

  it("does not carry over into a later term what rests on the present one", async () => {
    const { consensus, proposer, catchUps } = setUp();
    const { term } = consensus.status;
    const revocation = assert.rejects(proposer.propose("leaseRevoke", { id: 7n }, { onlyIn: term }), {
      code: "LEADER_CHANGED",
    });
    consensus.lead(2n);
    catchUps[0]?.resolve();
    await revocation;
    await assert.rejects(proposer.propose("leaseRevoke", { id: 7n }, { onlyIn: term }), {
      code: "LEADER_CHANGED",
    });
    assert.equal(consensus.proposed.length, 1);
  });

  it("says nothing while it cannot catch up with a new leader", async () => {
    const { consensus, proposer, catchUps } = setUp();
    const told: unknown[] = [];
    const lost = proposer.propose("put", body).catch((error: unknown) => told.push(error));
    consensus.lead(2n);
    catchUps[0]?.reject(new StoreError("NO_LEADER"));
    await turn();
    assert.deepEqual(told, []);
    consensus.lead(2n); // the same member in a later term
    catchUps[1]?.resolve();
    await lost;
    assert.deepEqual(told, [new StoreError("LEADER_CHANGED")]);
    assert.equal(consensus.proposed.length, 1);
  });

  it("does not call lost what a snapshot may have applied untold", async () => {
    const { consensus, proposer, catchUps } = setUp();
    const lost = assert.rejects(proposer.propose("put", body), { code: "TIMEOUT_LEADER_FAIL" });
    proposer.missOutcomes();
    consensus.lead(2n);
    catchUps[0]?.resolve();
    await lost;
    assert.equal(consensus.proposed.length, 1);
  });

  describe("with an outcome that throws", () => {
    const request = putRequest.decode(body);
    const fails = () => {
      throw new Error("from an outcome");
    };
    const tellingInto = (told: unknown[]) => ({
      applied: (response: unknown) => void told.push(response),
      failed: (error: Error) => void told.push(error),
    });

    it("tells the others of its turn all the same", async () => {
      const { proposer, settle } = setUp();
      const told: unknown[] = [];
      const thrown: unknown[] = [];
      proposer.submit("put", body, request, { applied: fails, failed: fails });
      proposer.submit("put", body, request, tellingInto(told));
      process.setUncaughtExceptionCaptureCallback((error) => thrown.push(error));
      try {
        settle(0);
        settle(1);
        await turn();
      } finally {
        process.setUncaughtExceptionCaptureCallback(null);
      }
      assert.deepEqual([told, thrown], [[{}], [new Error("from an outcome")]]);
    });

    it("ends the waits of the others all the same, at the timeout and when it stops", () => {
      const { clock, proposer } = setUp();
      const told: unknown[] = [];
      const submitBoth = () => {
        proposer.submit("put", body, request, { applied: fails, failed: fails });
        proposer.submit("put", body, request, tellingInto(told));
      };
      submitBoth();
      clock.advance(1);
      proposer.submit("put", body, request, tellingInto(told));
      assert.throws(() => clock.advance(proposer.requestTimeoutMs), /from an outcome/);
      clock.advance(1);
      submitBoth();
      assert.throws(() => proposer.stop(), /from an outcome/);
      const codes = told.map((error) => error instanceof StoreError && error.code);
      assert.deepEqual(codes, ["TIMEOUT", "TIMEOUT", "STOPPED"]);
    });
  });
});

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("RequestIds", () => {
  it("never repeats an id, nor shares one with another member or a later start", () => {
    const [a, b, later] = [new RequestIds(1n, 1_000), new RequestIds(2n, 1_000), new RequestIds(1n, 1_010)];
    const seen = new Set<bigint>();
    for (let i = 0; i < 1_000; i++) for (const ids of [a, b, later]) seen.add(ids.next());
    assert.equal(seen.size, 3_000);
  });

  it("counts on over every border of its words, within the member's share", () => {
    const ids = new RequestIds(0xabcdn, 0xff_ffff);
    const first = (0xabcdn << 48n) | (0xff_ffffn << 8n);
    for (let step = 1n; step <= 70_000n; step++) assert.equal(ids.next(), first + step);
    const last = new RequestIds(0xabcdn, 0xff_ffff_ffff);
    let id = 0n;
    for (let step = 0; step < 256; step++) id = last.next();
    assert.equal(id, 0xabcdn << 48n, "it begins anew");
  });
});

describe("LinearizableReads", () => {
  function reading() {
    const { clock, consensus } = setUp();
    let appliedIndex = 10;
    const waits: number[] = [];
    const reader = {
      get appliedIndex() {
        return appliedIndex;
      },
      waitApplied: async (index: number) => {
        waits.push(index);
        appliedIndex = index;
      },
    };
    const reads = new LinearizableReads(
      { timeoutMs: 100 },
      { consensus, state: reader, clock, meter: new MetricsRegistry() },
    );
    return { consensus, reads, waits };
  }

  it("shares a round among all that wait when it starts, and none that come later", async () => {
    const { consensus, reads } = reading();
    const done: string[] = [];
    const read = (name: string) => void reads.ready().then(() => done.push(name));
    read("a");
    read("b");
    read("c");
    assert.equal(consensus.reads.length, 1);
    consensus.reads[0]?.resolve(5);
    await turn();
    assert.deepEqual(done, ["a"]); // b and c came while a's round ran
    assert.equal(consensus.reads.length, 2);
    consensus.reads[1]?.resolve(5);
    await turn();
    assert.deepEqual(done, ["a", "b", "c"]);
  });

  it("waits until the index is applied, and passes failures on", async () => {
    const { consensus, reads, waits } = reading();
    const first = reads.ready();
    consensus.reads[0]?.resolve(12);
    await first;
    assert.deepEqual(waits, [12]);
    const second = assert.rejects(reads.ready(), { code: "NO_LEADER" });
    consensus.reads[1]?.reject(new StoreError("NO_LEADER"));
    await second;
  });
});
