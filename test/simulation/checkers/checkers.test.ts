import assert from "node:assert/strict";
import { Prng } from "../../../base/os/random.ts";
import { internalRaftRequest } from "../../../proto/etcd.ts";
import { noAuth } from "../../model/auth-model.ts";
import { CommittedLog } from "../committed-log.ts";
import { sendHostileFrame } from "../hostile-frames.ts";
import type { Life } from "../machine.ts";
import type { Operation, Outcome } from "../operation.ts";
import { AppliedOnce } from "./applied-once.ts";
import { ClientHistories, type KeyOp, take } from "./client-histories.ts";
import { CommitOrder } from "./commit-order.ts";
import { ElectionSafety } from "./election-safety.ts";
import { EqualHistory } from "./equal-history.ts";
import { EqualState } from "./equal-state.ts";
import { ExactlyOnce } from "./exactly-once.ts";
import { answer, bytes, entry, logOf, operation, put, reports } from "./fixtures.ts";
import { KeptPromises } from "./kept-promises.ts";
import { LeaderCompleteness } from "./leader-completeness.ts";
import { Leases } from "./leases.ts";
import { Linearizability } from "./linearizability.ts";
import { LogMatching } from "./log-matching.ts";
import { NoCorruption } from "./no-corruption.ts";
import { Progress } from "./progress.ts";
import { SerializableReads } from "./serializable.ts";
import { StateMachineSafety } from "./state-machine-safety.ts";
import { VoteOnce } from "./vote-once.ts";
import { Watches } from "./watches.ts";
import { type Called, searchOrder } from "./wing-gong.ts";

describe("the checkers of the simulation", () => {
  it("kept promises: an entry, a term or a vote that was on disk and is gone", () => {
    const vote = { term: 2, vote: 7n, commit: 0 };
    const start = { index: 0, term: 0 };
    const kept = () => {
      const promises = new KeptPromises();
      const batch = { hardState: vote, entries: [entry(1, 1), entry(2, 2)], sync: true };
      promises.writing(1n, batch);
      promises.kept(1n, batch);
      return promises;
    };
    const found = { hardState: vote, snapshot: start, entries: [entry(1, 1), entry(2, 2)] };
    assert.equal(kept().reopened(1n, found), undefined);
    assert.match(kept().reopened(1n, { ...found, entries: [entry(1, 1)] }) ?? "", /ends before entry 2/);
    assert.match(kept().reopened(1n, { ...found, entries: [entry(1, 1), entry(2, 1)] }) ?? "", /of term 1/);
    assert.match(kept().reopened(1n, { ...found, hardState: { ...vote, term: 1 } }) ?? "", /in term 1 again/);
    assert.match(kept().reopened(1n, { ...found, hardState: { ...vote, vote: 8n } }) ?? "", /vote in term 2/);
    const underway = kept();
    underway.writing(1n, { entries: [entry(2, 3)], sync: true });
    assert.equal(underway.reopened(1n, { ...found, entries: [entry(1, 1)] }), undefined);
  });

  it("equal history: another hash of the same revisions", () => {
    const { said, report } = reports();
    const history = new EqualHistory(report);
    const hashed = (hash: number, compactRevision: number) => ({
      hash,
      compactRevision,
      hashRevision: 9,
    });
    history.told("m1", "as it is", hashed(5, 1));
    history.told("m2", "as it is", hashed(5, 1));
    history.told("m2", "as it is", hashed(6, 2));
    history.told("m2", "at its compaction", hashed(8, 1));
    assert.deepEqual(said, []);
    history.told("m3", "as it is", hashed(7, 1));
    assert.equal(said.length, 1);
    history.told("m3", "at its compaction", hashed(7, 1));
    assert.equal(said.length, 2);
  });

  it("an order of calls: found where there is one, and only there", () => {
    const write = (value: string, startMs: number, endMs: number) => ({
      op: { leaves: [value] },
      startMs,
      endMs,
    });
    const read = (found: string, startMs: number, endMs: number) => ({
      op: { found, leaves: [undefined] },
      startMs,
      endMs,
    });
    const search = (calls: readonly Called<KeyOp>[]) => searchOrder(calls, "", take);
    const open = Number.POSITIVE_INFINITY;
    assert.equal(
      search([write("a", 0, 20), write("b", 5, 20), read("b", 12, 13), read("a", 14, 15)]),
      "linearizable",
    );
    assert.equal(search([write("a", 0, 10), write("b", 11, 20), read("a", 21, 22)]), "not linearizable");
    assert.equal(
      search([write("a", 0, 10), write("b", 11, open), read("b", 30, 31), read("b", 32, 33)]),
      "linearizable",
    );
    assert.equal(
      search([write("a", 0, 10), write("b", 11, open), read("b", 30, 31), read("a", 32, 33)]),
      "not linearizable",
    );
    assert.equal(search([write("a", 0, open), read("", 30, 31)]), "linearizable");
    assert.equal(search([read("a", 0, 5), write("a", 6, 7)]), "not linearizable");
  });

  it("client histories: a read that no order explains, but for a lease that ended", () => {
    for (const lease of [0n, 7n]) {
      const { said, report } = reports();
      const histories = new ClientHistories(report);
      const asked = (id: number, given: Partial<Operation>, told: Outcome) =>
        histories.told(operation({ id, ...given }), told, { startMs: id, endMs: id + 0.5 });
      asked(1, { kind: "put", request: { key: bytes("a"), value: bytes("1"), lease } }, answer(2));
      asked(
        2,
        { kind: "range", request: { key: bytes("a") } },
        answer(2, { kvs: [], more: false, count: 0 }),
      );
      histories.finished(["a"]);
      assert.equal(said.length, lease === 0n ? 1 : 0);
    }
  });

  it("hostile frames: a member that takes one, and one that is changed by it", () => {
    const { said, report } = reports();
    const status = { role: "follower", leader: 2n, term: 1, committed: 1, lastIndex: 1 };
    const trusting = (onMessage: () => void) =>
      ({
        id: 1n,
        machine: { name: "m1" },
        member: { driver: { status }, state: { appliedIndex: 1 }, fromPeers: { onMessage } },
      }) as unknown as Life;
    const parts = { random: new Prng(1), report };
    sendHostileFrame(
      trusting(() => {
        throw new Error("refused");
      }),
      2n,
      parts,
    );
    assert.deepEqual(said, []);
    sendHostileFrame(
      trusting(() => undefined),
      2n,
      parts,
    );
    sendHostileFrame(
      trusting(() => {
        status.term++;
        throw new Error("refused");
      }),
      2n,
      parts,
    );
    assert.equal(said.length, 2);
  });

  it("vote once: two candidates of one term", () => {
    const { said, report } = reports();
    const votes = new VoteOnce(report);
    votes.granted(1n, 2, 7n);
    votes.granted(1n, 2, 7n);
    votes.granted(1n, 3, 8n);
    assert.deepEqual(said, []);
    votes.granted(1n, 2, 8n);
    assert.equal(said.length, 1);
  });

  it("election safety: two leaders in one term", () => {
    const { said, report } = reports();
    const elections = new ElectionSafety(report);
    elections.leads("m1", 1);
    elections.leads("m2", 2);
    elections.leads("m1", 1);
    assert.deepEqual(said, []);
    elections.leads("m1", 2);
    assert.match(said.join(), /both m2 and m1 lead in term 2/);
  });

  it("log matching: one index and term, two pasts", () => {
    const { said, report } = reports();
    const matching = new LogMatching(report);
    matching.written("m1", entry(2, 1, bytes("x"), 7));
    matching.written("m2", entry(2, 1, bytes("x"), 7));
    matching.written("m2", entry(2, 2, bytes("x"), 8));
    assert.deepEqual(said, []);
    matching.written("m2", entry(2, 1, bytes("x"), 8));
    assert.equal(said.length, 1);
  });

  it("leader completeness: a leader without, or with another, committed entry", () => {
    const { said, report } = reports();
    const completeness = new LeaderCompleteness(report);
    completeness.committed(entry(5, 1), 1);
    completeness.termBegins("m1", entry(6, 2), { index: 5, term: 1 }, () => entry(5, 1).chain);
    completeness.termBegins("m1", entry(3, 1), { index: 2, term: 0 }, () => undefined);
    assert.deepEqual(said, []);
    completeness.termBegins("m2", entry(5, 2), { index: 4, term: 1 }, () => undefined);
    completeness.termBegins("m2", entry(6, 2), { index: 5, term: 1 }, () => 99);
    assert.equal(said.length, 2);
  });

  it("no way back: commit index, applied index, revision", () => {
    const { said, report } = reports();
    const order = new CommitOrder(report);
    const [life, next] = [{}, {}];
    order.looked(life, "m1", { committed: 5, applied: 4, revision: 3 });
    order.looked(next, "m1", { committed: 1, applied: 1, revision: 1 });
    assert.deepEqual(said, []);
    order.looked(life, "m1", { committed: 4, applied: 3, revision: 2 });
    assert.equal(said.length, 3);
  });

  it("state machine safety: another entry at an applied index", () => {
    const { said, report } = reports();
    const log = logOf([put("a", "1")]);
    const safety = new StateMachineSafety(log, report);
    safety.applied("m1", { at: () => log.at(1)?.entry }, 1);
    assert.deepEqual(said, []);
    safety.applied("m2", { at: () => entry(1, 2) }, 1);
    assert.equal(said.length, 1);
  });

  it("applied once: a value under two revisions, whoever finds it", () => {
    const { said, report } = reports();
    const once = new AppliedOnce(report);
    const asked = operation({ request: { key: bytes("k"), value: bytes("v") } });
    const kv = {
      key: bytes("k"),
      value: bytes("v"),
      createRevision: 7,
      modRevision: 7,
      version: 1,
      lease: 0n,
    };
    once.asked(asked);
    once.told(asked, answer(7));
    once.saw(kv, "w1");
    once.told(operation({ kind: "range", client: "d" }), answer(9, { kvs: [kv] }));
    once.saw({ ...kv, value: bytes("another's"), modRevision: 8 }, "w1");
    assert.deepEqual(said, []);
    once.told(
      operation({ kind: "deleteRange", client: "d" }),
      answer(9, { prevKvs: [{ ...kv, modRevision: 8 }] }),
    );
    assert.match(said.join(), /d with #1 finds k=v at revision 8, where c with #1 found it at 7/);
  });

  it("applied once: a value whose client was told that it was not taken, unless it asked again", () => {
    for (const code of ["NO_LEADER", "LEADER_CHANGED", "TIMEOUT"] as const)
      for (const isAskedAgain of [false, true])
        for (const isSeenFirst of [false, true]) {
          const { said, report } = reports();
          const once = new AppliedOnce(report);
          const asked = operation({ request: { key: bytes("k"), value: bytes("v") } });
          const see = () =>
            once.saw(
              {
                key: bytes("k"),
                value: bytes("v"),
                createRevision: 7,
                modRevision: 7,
                version: 1,
                lease: 0n,
              },
              "w1",
            );
          once.asked(asked);
          if (isSeenFirst) see();
          once.told(asked, { kind: "error", code });
          if (isAskedAgain) once.asked(asked);
          if (!isSeenFirst) see();
          const isRight = code === "TIMEOUT" || (isAskedAgain && !isSeenFirst);
          assert.equal(said.length, isRight ? 0 : 1, `${code} ${isAskedAgain} ${isSeenFirst} ${said.join()}`);
        }
  });

  it("exactly once: an operation that is in the log twice", () => {
    const { said, report } = reports();
    const once = () => new CommittedLog([new ExactlyOnce(report)]);
    logOf([put("a", "1", 1), put("a", "2", 2), put("a", "3")], once());
    assert.deepEqual(said, []);
    logOf([put("a", "1", 1), put("a", "1", 1)], once());
    assert.equal(said.length, 1);
  });

  it("equal state: another revision, key, lease or user", () => {
    const { said, report } = reports();
    const log = logOf([put("a", "1"), { leaseGrant: { id: 7n, ttl: 1 } }]);
    const equal = new EqualState(log, report);
    const auth = () => noAuth;
    const right = { applied: 2, revision: 2, kvs: () => log.model.keysAt(2), leases: () => [7n], auth };
    equal.whole("m1", right);
    equal.whole("m1", { ...right, applied: 1, leases: () => [] });
    assert.deepEqual(said, []);
    equal.whole("m1", { ...right, revision: 3 });
    equal.whole("m1", { ...right, kvs: () => [] });
    equal.whole("m1", { ...right, leases: () => [] });
    equal.whole("m1", { ...right, auth: () => ({ ...noAuth, users: { ann: { password: "", roles: [] } } }) });
    assert.equal(said.length, 4);
  });

  it("acknowledged writes survive: an answered one that is not in the log", () => {
    const { said, report } = reports();
    const log = logOf([put("a", "1", 1)]);
    const checker = new Linearizability(log, report);
    checker.completed(operation({ id: 1 }), answer(2));
    checker.completed(operation({ id: 2 }), { kind: "lost" });
    assert.deepEqual(said, []);
    checker.completed(operation({ id: 3 }), answer(3));
    assert.match(said.join(), /acknowledged writes survive/);
  });

  it("linearizability: order in time, and the answers", () => {
    const { said, report } = reports();
    const log = logOf([put("a", "1", 1), put("a", "2", 2)]);
    const checker = new Linearizability(log, report);
    const read = (floor: number) => operation({ kind: "range", request: { key: bytes("a") }, floor });
    const kv = (value: string, version: number) => ({
      key: bytes("a"),
      value: bytes(value),
      createRevision: 2,
      modRevision: version + 1,
      version,
      lease: 0n,
    });
    const first = { kvs: [kv("1", 1)], more: false, count: 1 };
    checker.completed(read(0), answer(2, first));
    checker.completed(operation({ id: 2 }), answer(3));
    assert.deepEqual(said, []);
    assert.equal(checker.floor, 2);
    checker.completed(read(2), answer(2, first));
    assert.match(said.join(), /though 2 was answered before/);
    checker.completed(read(2), answer(3, first));
    assert.match(said.join(), /is right/);
    checker.completed(operation({ id: 2, floor: 2 }), answer(3));
    assert.match(said.join(), /is entry 2, though 2 was answered/);
    checker.completed(operation({ id: 1 }), answer(9));
    assert.equal(said.length, 4);
  });

  it("serializable reads: a state that never was, and one older than was seen", () => {
    const { said, report } = reports();
    const log = logOf([put("a", "1", 1), put("b", "2", 2)]);
    const checker = new SerializableReads(log, report);
    const life = {} as NonNullable<Operation["life"]>;
    const read = operation({ kind: "range", request: { key: bytes("zz") }, serializable: true, life });
    const nothing = { kvs: [], more: false, count: 0 };
    checker.completed(read, answer(1, nothing));
    checker.completed(read, answer(3, nothing));
    checker.completed({ ...read, client: "another" }, answer(2, nothing));
    assert.deepEqual(said, []);
    checker.completed(read, answer(2, nothing));
    checker.completed(read, answer(4, nothing));
    checker.completed(read, answer(3, { ...nothing, count: 1 }));
    assert.equal(said.length, 3);
  });

  it("watch: gaps, repetitions, halves of revisions, early progress, missing ends", () => {
    const { said, report } = reports();
    const two = { requestPut: { key: bytes("b"), value: bytes("x") } };
    const three = { requestPut: { key: bytes("c"), value: bytes("x") } };
    const log = logOf([put("a", "1"), { txn: { success: [two, three] } }]);
    const range = {
      client: "w",
      key: bytes("\0"),
      rangeEnd: bytes("\0"),
      prevKv: false,
      filters: [],
    } as const;
    const eventOf = (key: string, revision: number, value: string) => ({
      type: "PUT" as const,
      kv: {
        key: bytes(key),
        value: bytes(value),
        createRevision: revision,
        modRevision: revision,
        version: 1,
        lease: 0n,
      },
      prevKv: undefined,
    });
    const header = { clusterId: 1n, memberId: 1n, revision: 3, raftTerm: 1 };
    const first = eventOf("a", 2, "1");
    const [left, right] = [eventOf("b", 3, "x"), eventOf("c", 3, "x")];
    const brokenBy = (next: number, ...batches: (readonly ReturnType<typeof eventOf>[])[]): string => {
      said.length = 0;
      const checker = new Watches(log, report);
      const position = { range, next };
      for (const events of batches) checker.received(position, { header, events: [...events] });
      checker.finished(position);
      return said.join("\n");
    };
    assert.equal(brokenBy(1, [first], [left, right], []), "");
    assert.match(brokenBy(1, [left, right]), /where .*is right/);
    assert.match(brokenBy(1, [first], [first], [left, right]), /where .*is right/);
    assert.match(brokenBy(1, [first, left]), /without having been given/);
    assert.match(brokenBy(1, [first], []), /without having been given/);
    assert.match(brokenBy(1, [first]), /never got/);
    said.length = 0;
    new Watches(log, report).compacted({ range, next: 1 }, 2);
    assert.equal(said.length, 1);
  });

  it("leases: one that ends too early, and one that does not end", () => {
    const { said, report } = reports();
    const ttl = { leaseGrant: { id: 7n, ttl: 2 } };
    logOf(
      [ttl, { leaseRevoke: { id: 7n } }],
      new CommittedLog([new Leases({ minTtlS: 1, clockDrift: 0 }, report)]),
    );
    assert.match(said.join(), /lease 7 expired at 1000, before 2000/);
    said.length = 0;
    const leases = new Leases({ minTtlS: 1, clockDrift: 0 }, report);
    logOf([ttl, put("a", "1"), put("a", "2"), { leaseRevoke: { id: 7n } }], new CommittedLog([leases]));
    assert.deepEqual(said, []);
    leases.renewed(7n, 1_500, 2);
    assert.match(said.join(), /expired at 3000, before 3500/);
    said.length = 0;
    const forgotten = new Leases({ minTtlS: 1, clockDrift: 0 }, report);
    const open = logOf([ttl], new CommittedLog([forgotten]));
    forgotten.finished(open, 1_000);
    assert.deepEqual(said, []);
    forgotten.finished(open, 9_000);
    assert.equal(said.length, 1);
  });

  it("no corruption: an alarm that says so, and whom it names", () => {
    const { said, report } = reports();
    const committed = new CommittedLog([new NoCorruption((id) => `m${id}`, report)]);
    const alarm = (action: "ACTIVATE" | "DEACTIVATE", alarm: "CORRUPT" | "NOSPACE") => ({
      alarm: { action, memberId: 2n, alarm },
    });
    committed.add(entry(1, 1, internalRaftRequest.encode(alarm("ACTIVATE", "NOSPACE"))), 0);
    committed.add(entry(2, 1, internalRaftRequest.encode(alarm("DEACTIVATE", "CORRUPT"))), 0);
    assert.deepEqual(said, []);
    committed.add(entry(3, 1, internalRaftRequest.encode(alarm("ACTIVATE", "CORRUPT"))), 0);
    assert.deepEqual(said, ["no corruption: the members accuse m2"]);
  });

  it("progress: a member that does not take writes, and one that stays behind", async () => {
    const { said, report } = reports();
    const machines = [{ name: "m1", life: { member: { state: { appliedIndex: 4 } } } }] as never;
    const later = () => assert.fail("nothing is to be asked again");
    const operations = { run: async () => ({ kind: "lost" }) as const };
    const progress = new Progress(machines, { operations, later }, report);
    const probes = progress.probe();
    await Promise.resolve();
    progress.finished(probes, 5);
    assert.deepEqual(said, ["progress: m1 does not take writes: lost", "progress: m1 is at entry 4 of 5"]);
  });

  it("progress: a member whose database was full, and has room again", async () => {
    const { said, report } = reports();
    const machines = [{ name: "m1", life: { member: { state: { appliedIndex: 5 } } } }] as never;
    const outcomes: Outcome[] = [
      { kind: "answer", response: {} },
      { kind: "error", code: "NO_SPACE" },
    ];
    const operations = { run: async () => outcomes.pop() ?? ({ kind: "lost" } as const) };
    const progress = new Progress(machines, { operations, later: (act) => act() }, report);
    const probes = progress.probe();
    await new Promise((resolve) => setImmediate(resolve));
    progress.finished(probes, 5);
    assert.deepEqual(said, []);
  });
});
