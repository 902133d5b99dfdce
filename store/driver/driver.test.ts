import assert from "node:assert/strict";
import { deferred } from "../../base/deferred.ts";
import { type RaftLimits, raftLimits } from "../raft/config.ts";
import type { ConfChange } from "../raft/types.ts";
import type { DriverConfig } from "./config.ts";
import { points } from "./failpoints.ts";
import { MemoryLog, MemoryMachine, Rig } from "./fixtures/rig.ts";
import type { DroppedProposal } from "./seams.ts";

const bytes = (text: string) => Buffer.from(text);
const removal = (nodeId: bigint): ConfChange => ({ id: 5n, type: "removeNode", nodeId, context: bytes("") });

/** A leader keeps nothing for a follower that one check of the quorum found silent. */
const forgetful: RaftLimits = { ...raftLimits, silentChecksMax: 1 };
const forgottenTicks = 25;

/** Twenty entries of a leader that was cut off: nobody else has those past `commit`. */
function divergentLog({ commit }: { readonly commit: number }): MemoryLog {
  const log = new MemoryLog();
  log.hardState = { term: 3, vote: 2n, commit };
  log.entries = Array.from({ length: 20 }, (_, i) => ({
    term: 1,
    index: i + 1,
    type: "normal",
    data: bytes("x"),
  }));
  return log;
}

describe("driver", () => {
  let rig: Rig;
  afterEach(() => rig.stop());

  it("commits alone, without network and without waiting for a timeout", async () => {
    rig = await Rig.start(1);
    await rig.settle();
    const { driver, machine } = rig.member(1n);
    assert.equal(driver.status.role, "leader");
    assert.equal(driver.propose(bytes("a")), "accepted");
    await rig.settle();
    assert.deepEqual(machine.applied, ["a"]);
    assert.equal(await driver.readIndex(), driver.status.committed);
    assert.deepEqual(rig.sent, []);
  });

  it("passes a leader's failpoint before it sends, even where there is nobody to send to", async () => {
    rig = await Rig.start(1);
    await rig.settle();
    points.beforeLeaderSend.arm("return");
    try {
      rig.member(1n).driver.propose(bytes("a"));
      await rig.settle();
      assert.ok((points.beforeLeaderSend.terms?.count ?? 0) > 0);
    } finally {
      points.beforeLeaderSend.disarm();
    }
  });

  it("applies nothing before it is durable", async () => {
    rig = await Rig.start(1);
    await rig.settle();
    const { driver, machine, log } = rig.member(1n);
    log.hold = true;
    driver.propose(bytes("a"));
    await rig.settle();
    assert.deepEqual(machine.applied, []);
    log.release();
    await rig.settle();
    assert.deepEqual(machine.applied, ["a"]);
  });

  it("goes on leading while a large entry is applied over many turns, and applies what follows in order", async () => {
    rig = await Rig.start(3);
    const leader = await rig.leader();
    const { term } = leader.driver.status;
    for (const { machine } of rig.members.values()) machine.large = "large";
    for (const value of ["a", "large", "b"]) leader.driver.propose(bytes(value));
    await rig.ticks(40);
    leader.driver.propose(bytes("c"));
    await rig.ticks(40);
    assert.deepEqual([leader.driver.status.term, leader.driver.status.role], [term, "leader"]);
    const index = leader.driver.readIndex();
    await rig.ticks(1);
    assert.equal(await index, leader.driver.status.committed);
    for (const { machine } of rig.members.values()) assert.deepEqual(machine.applied, ["a"]);
    for (const { machine } of rig.members.values()) machine.largeDone.resolve();
    await rig.ticks(3);
    for (const { machine, failed } of rig.members.values()) {
      assert.deepEqual(machine.applied, ["a", "large", "b", "c"]);
      assert.equal(failed.error, undefined);
    }
  });

  it("applies nothing more while the state machine's memory is full, on followers too", async () => {
    rig = await Rig.start(3);
    const leader = await rig.leader();
    const follower = [...rig.members].find(([id]) => id !== leader.id)?.[1];
    assert.ok(follower);
    await rig.settle();
    const room = deferred<void>();
    follower.machine.full = room.promise;
    for (const value of ["a", "b", "c"]) {
      leader.driver.propose(bytes(value));
      await rig.settle();
    }
    assert.deepEqual(leader.machine.applied, ["a", "b", "c"]);
    assert.deepEqual(follower.machine.applied, ["a"], "it was found full after the first");
    follower.machine.full = undefined;
    room.resolve();
    await rig.settle();
    assert.deepEqual(follower.machine.applied, ["a", "b", "c"]);
  });

  it("writes what came in together with one sync", async () => {
    rig = await Rig.start(1);
    await rig.settle();
    const { driver, machine, log } = rig.member(1n);
    const before = log.appends;
    for (let i = 0; i < 100; i++) driver.propose(bytes(`v${i}`));
    await rig.settle();
    assert.equal(machine.applied.length, 100);
    assert.equal(log.appends - before, 1);
  });

  it("needs a majority of disks, its own among them or not", async () => {
    rig = await Rig.start(3);
    const leader = await rig.leader();
    const others = [...rig.members].filter(([id]) => id !== leader.id).map(([, member]) => member);
    await rig.settle();
    for (const other of others) other.log.hold = true;
    leader.driver.propose(bytes("a"));
    await rig.settle();
    assert.deepEqual(leader.machine.applied, [], "one disk of three is no majority");
    others[0]?.log.release();
    await rig.settle();
    assert.deepEqual(leader.machine.applied, ["a"]);
    assert.deepEqual(others[0]?.machine.applied, ["a"]);
    assert.deepEqual(others[1]?.machine.applied, [], "the third has it only in memory");
  });

  it("takes proposals and reads on followers", async () => {
    rig = await Rig.start(3);
    const leader = await rig.leader();
    const follower = [...rig.members].find(([id]) => id !== leader.id)?.[1];
    assert.ok(follower);
    await rig.settle();
    assert.equal(follower.driver.propose(bytes("a")), "accepted");
    await rig.settle();
    const read = follower.driver.readIndex();
    const shared = follower.driver.readIndex();
    await rig.settle();
    assert.equal(await read, leader.driver.status.committed);
    assert.equal(await shared, await read);
    assert.deepEqual(follower.machine.applied, ["a"]);
  });

  it("gives up a read when there is no leader in time, and when it is aborted", async () => {
    rig = await Rig.start(3);
    for (const id of rig.members.keys()) rig.cutOff.add(id);
    const { driver } = rig.member(1n);
    const late = assert.rejects(driver.readIndex(), /etcdserver: no leader/);
    const abort = new AbortController();
    const aborted = assert.rejects(driver.readIndex(abort.signal), /enough/);
    abort.abort(new Error("enough"));
    await rig.ticks(75);
    await late;
    await aborted;
  });

  it("ends when the disk fails, and acknowledges nothing of that batch", async () => {
    rig = await Rig.start(3);
    const leader = await rig.leader();
    const [id, follower] = [...rig.members].find(([other]) => other !== leader.id) ?? [];
    assert.ok(id !== undefined && follower);
    await rig.settle();
    follower.log.failure = new Error("EIO");
    rig.sent.length = 0;
    leader.driver.propose(bytes("a"));
    await rig.settle();
    assert.match(String(follower.failed.error), /task log failed/);
    assert.deepEqual(
      rig.sent.filter((message) => message.from === id && message.type === "appendResponse"),
      [],
    );
    assert.equal(follower.driver.propose(bytes("b")), "noLeader");
  });

  it("elects another when the leader is gone, sooner when its connections break", async () => {
    rig = await Rig.start(3);
    const first = await rig.leader();
    rig.cutOff.add(first.id);
    for (const [id, { driver }] of rig.members) if (id !== first.id) driver.reportUnreachable(first.id);
    const startMs = rig.clock.monotonicMs();
    const second = await rig.leader();
    assert.notEqual(second.id, first.id);
    assert.ok(rig.clock.monotonicMs() - startMs < 2000, "even after a split vote");
    await rig.ticks(20);
    assert.equal(first.driver.status.role, "follower", "a leader without quorum steps down");
  });

  it("hands over leadership", async () => {
    rig = await Rig.start(3);
    const leader = await rig.leader();
    const to = [1n, 2n, 3n].find((id) => id !== leader.id) ?? 0n;
    const seen: bigint[] = [];
    leader.driver.onLeadership((status) => seen.push(status.leader));
    const done = leader.driver.transferLeadership(to);
    await rig.settle();
    await done;
    assert.equal(seen.at(-1), to);
    await assert.rejects(leader.driver.transferLeadership(leader.id), /not leader/);
  });

  it("gives a transfer up after an election timeout, tells whoever waits, and takes proposals again", async () => {
    rig = await Rig.start(3);
    const leader = await rig.leader();
    const [dead, follower] = [1n, 2n, 3n].filter((id) => id !== leader.id) as [bigint, bigint];
    rig.cutOff.add(dead);
    const given = assert.rejects(leader.driver.transferLeadership(dead), { code: "TIMEOUT_LEADER_TRANSFER" });
    assert.equal(leader.driver.propose(bytes("no")), "dropped");
    assert.equal(leader.driver.proposeConfChange(removal(dead)), "dropped");
    const dropped: DroppedProposal[] = [];
    const forwarder = rig.member(follower).driver;
    forwarder.onDropped((one) => dropped.push(one));
    forwarder.propose(bytes("no"));
    forwarder.proposeConfChange(removal(dead));
    await rig.settle();
    assert.deepEqual(dropped, [
      { type: "request", data: bytes("no") },
      { type: "confChange", id: 5n },
    ]);
    await rig.ticks(9);
    assert.equal(leader.driver.propose(bytes("no")), "dropped");
    await rig.ticks(1);
    await given;
    for (const { driver } of [leader, rig.member(follower)])
      assert.equal(driver.propose(bytes("a")), "accepted");
    await rig.settle();
    assert.deepEqual(leader.machine.applied, ["a", "a"]);
  });

  it("tells at once who waits for a transfer that another took the place of, or that ends with the member", async () => {
    rig = await Rig.start(3);
    const leader = await rig.leader();
    const [dead, other] = [1n, 2n, 3n].filter((id) => id !== leader.id) as [bigint, bigint];
    rig.cutOff.add(dead);
    rig.cutOff.add(other);
    const replaced = assert.rejects(leader.driver.transferLeadership(dead), {
      code: "TIMEOUT_LEADER_TRANSFER",
    });
    const stopped = assert.rejects(leader.driver.transferLeadership(other), { code: "STOPPED" });
    await rig.ticks(1);
    await replaced;
    await leader.driver.stop();
    await stopped;
  });

  it("ticks once after standing still", async () => {
    rig = await Rig.start(3);
    const leader = await rig.leader();
    const { term } = leader.driver.status;
    rig.clock.jump(60_000);
    await rig.settle();
    await rig.ticks(3);
    assert.equal(leader.driver.status.role, "leader");
    assert.equal(leader.driver.status.term, term);
    const late = /^pintle_store_event_loop_delay_seconds_sum (\S+)$/m.exec(await leader.metrics.text());
    assert.ok(Math.abs(Number(late?.[1]) - 60) < 1, `${late?.[1]} s late in all`);
  });

  it("shortens the log and brings a follower back with a snapshot", async () => {
    rig = await Rig.start(3, { snapshotCount: 4000, limits: forgetful });
    const leader = await rig.leader();
    const id = [1n, 2n, 3n].find((other) => other !== leader.id) ?? 0n;
    rig.cutOff.add(id);
    await rig.ticks(forgottenTicks);
    for (let round = 0; round < 12; round++) {
      for (let i = 0; i < 1000; i++) leader.driver.propose(bytes("x"));
      await rig.settle();
    }
    await rig.ticks(5);
    assert.ok(leader.machine.flushes >= 2);
    assert.ok(leader.log.snapshot.index >= 8000);
    assert.deepEqual(leader.log.snapshot.conf, { voters: [1n, 2n, 3n], learners: [] });
    const behind = rig.member(id);
    behind.machine.failRestore = true;
    rig.cutOff.delete(id);
    await rig.ticks(15);
    assert.equal(behind.machine.applied.length, 0, "a broken stream changes nothing");
    behind.machine.failRestore = false;
    await rig.ticks(30);
    assert.deepEqual(behind.machine.applied.length, 12_000);
    assert.ok(behind.log.snapshot.index > 0, "the snapshot is marked in the log");
    (await rig.leader()).driver.propose(bytes("after"));
    await rig.ticks(2);
    assert.equal(behind.machine.applied.at(-1), "after");
  });

  describe("with a follower that is sent the state", () => {
    const entryBytes = 100;
    const sendWhileOthersWrite = async (config: Partial<DriverConfig>) => {
      rig = await Rig.start(3, { snapshotCount: 20, catchUpEntries: 0, limits: forgetful, ...config });
      const leader = await rig.leader();
      const id = [1n, 2n, 3n].find((other) => other !== leader.id) ?? 0n;
      const write = async (count: number) => {
        for (let i = 0; i < count; i++) leader.driver.propose(bytes("x".repeat(entryBytes)));
        await rig.settle();
      };
      rig.cutOff.add(id);
      await rig.ticks(forgottenTicks);
      for (let n = 0; n < 10; n++) await write(10);
      assert.ok(leader.driver.raftStatus.firstIndex > 80, "nothing is kept for who does not answer");
      const arrives = deferred<void>();
      rig.snapshotsWait = arrives.promise;
      rig.cutOff.delete(id);
      while (rig.snapshotsSent === 0) await rig.ticks(1);
      return { leader, behind: rig.member(id), write, arrives };
    };

    it("keeps what comes behind the state until the follower has that, too", async () => {
      const { leader, behind, write, arrives } = await sendWhileOthersWrite({});
      for (let n = 0; n < 30; n++) await write(10);
      await rig.ticks(5);
      assert.ok(leader.log.snapshot.index > 350, "the durable log is marked all the same");
      assert.ok(leader.driver.raftStatus.firstIndex <= 110);
      arrives.resolve();
      await rig.ticks(3);
      assert.equal(behind.machine.applied.length, 400);
      assert.equal(rig.snapshotsSent, 1);
      assert.deepEqual(rig.warnings, []);
      await write(20);
      await rig.ticks(1);
      await write(20);
      assert.ok(leader.driver.raftStatus.firstIndex > 400, "and no longer");
    });

    it("keeps no more than a bound, marks the log no oftener for it, and sends the state anew", async () => {
      const { leader, behind, write, arrives } = await sendWhileOthersWrite({
        logBytesMax: 150 * entryBytes,
      });
      const { flushes } = leader.machine;
      for (let n = 0; n < 30; n++) {
        await write(10);
        const { logBytes } = leader.driver.raftStatus;
        assert.ok(logBytes <= 170 * entryBytes, `${logBytes} bytes`);
      }
      assert.ok(
        leader.machine.flushes - flushes <= 300 / 20 + 2,
        `${leader.machine.flushes - flushes} flushes`,
      );
      arrives.resolve();
      await rig.ticks(5);
      assert.equal(behind.machine.applied.length, 400);
      assert.equal(rig.snapshotsSent, 2);
      assert.deepEqual(rig.warnings, ["a follower is too slow: what it lacks of the log is let go"]);
    });
  });

  it("ends when its disk fails, though a follower does not read the state that it is sent", async () => {
    rig = await Rig.start(3, { snapshotCount: 20, catchUpEntries: 0, limits: forgetful });
    const leader = await rig.leader();
    const id = [1n, 2n, 3n].find((other) => other !== leader.id) ?? 0n;
    rig.cutOff.add(id);
    await rig.ticks(forgottenTicks);
    for (let i = 0; i < 100; i++) leader.driver.propose(bytes("x"));
    await rig.ticks(5);
    rig.snapshotsWait = new Promise(() => undefined);
    rig.cutOff.delete(id);
    while (rig.snapshotsSent === 0) await rig.ticks(1);
    leader.log.failure = new Error("no space left on device");
    leader.driver.propose(bytes("y"));
    await rig.settle();
    assert.match(String(leader.failed.error), /task log failed/);
    assert.equal(leader.machine.openViews, 0);
  });

  it("lets go of the state it was to send when there is no connection for it", async () => {
    rig = await Rig.start(3, { snapshotCount: 20, catchUpEntries: 0, limits: forgetful });
    const leader = await rig.leader();
    const id = [1n, 2n, 3n].find((other) => other !== leader.id) ?? 0n;
    rig.cutOff.add(id);
    await rig.ticks(forgottenTicks);
    for (let i = 0; i < 100; i++) leader.driver.propose(bytes("x"));
    await rig.ticks(5);
    rig.snapshotsFail = true;
    rig.cutOff.delete(id);
    while (rig.snapshotsSent < 3) await rig.ticks(1);
    const { machine } = leader;
    assert.equal(machine.openViews, 0, "each failed attempt kept a view");
    rig.snapshotsFail = false;
    while (rig.member(id).machine.applied.length < 100) await rig.ticks(1);
    assert.equal(machine.openViews, 0);
  });

  it("goes on after a crash between installing a snapshot and marking it", async () => {
    rig = await Rig.start(1);
    await rig.settle();
    const { log, machine } = rig.member(1n);
    await rig.stop();
    machine.at = { index: 500, term: 7 };
    const again = await rig.open(1n, { log, machine });
    await rig.settle();
    assert.equal(log.snapshot.index, 500);
    assert.equal(again.driver.status.role, "leader");
    assert.ok(again.driver.status.term > 7);
  });

  it("starts the log over after such a crash although its own log reached further, another way", async () => {
    rig = new Rig([1n, 2n, 3n]);
    const log = divergentLog({ commit: 3 });
    const machine = new MemoryMachine({ voters: [1n, 2n, 3n], learners: [] });
    machine.at = { index: 10, term: 2 };
    const { driver } = await rig.open(1n, { log, machine });
    assert.deepEqual(log.snapshot, { index: 10, term: 2, conf: machine.conf });
    assert.deepEqual(log.entries, [], "nothing of the other way is left");
    assert.deepEqual(log.hardState, { term: 3, vote: 2n, commit: 10 });
    assert.equal(driver.status.lastIndex, 10);
  });

  it("keeps a log that leads up to the state and further", async () => {
    rig = new Rig([1n, 2n, 3n]);
    const log = divergentLog({ commit: 3 });
    const machine = new MemoryMachine({ voters: [1n, 2n, 3n], learners: [] });
    machine.at = { index: 10, term: 1 };
    const { driver } = await rig.open(1n, { log, machine });
    assert.equal(log.snapshot.index, 0);
    assert.equal(driver.status.lastIndex, 20);
  });

  it("refuses a state whose last entry the log has otherwise, as committed", async () => {
    rig = new Rig([1n, 2n, 3n]);
    const log = divergentLog({ commit: 10 });
    const machine = new MemoryMachine({ voters: [1n, 2n, 3n], learners: [] });
    machine.at = { index: 10, term: 2 };
    await assert.rejects(rig.open(1n, { log, machine }), /entry 10 of term 2, but .* one of term 1 there/);
  });

  it("refuses a state that ends before the log begins", async () => {
    rig = new Rig([1n]);
    const log = new MemoryLog();
    log.snapshot = { index: 9, term: 1, conf: { voters: [1n], learners: [] } };
    log.hardState = { term: 1, vote: 0n, commit: 9 };
    const machine = new MemoryMachine(log.snapshot.conf);
    await assert.rejects(rig.open(1n, { log, machine }), /ends at index 0, but .* shortened up to 9/);
  });

  it("adds a member, one change at a time", async () => {
    rig = await Rig.start(1);
    await rig.settle();
    const { driver, machine } = rig.member(1n);
    const change = (id: bigint, nodeId: bigint) =>
      ({ id, type: "addLearner", nodeId, context: bytes("") }) as const;
    assert.equal(driver.proposeConfChange(change(1n, 2n)), "accepted");
    assert.equal(driver.proposeConfChange(change(2n, 3n)), "pending");
    await rig.settle();
    assert.deepEqual(machine.conf, { voters: [1n], learners: [2n] });
    assert.equal(driver.status.progress.find((peer) => peer.id === 2n)?.learner, true);
  });

  it("can be made to forget its duties, for simulation only", async () => {
    rig = new Rig([1n]);
    const { driver, log, machine } = await rig.open(1n, {
      faults: { ackBeforeSync: true, skipPersistVote: true },
    });
    await rig.settle();
    assert.deepEqual(log.hardState, { term: 1, vote: 0n, commit: 0 });
    log.hold = true;
    driver.propose(bytes("a"));
    await rig.settle();
    assert.deepEqual(machine.applied, ["a"], "applied though nothing was synced");
  });
});
