import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { systemClock } from "../../base/os/clock.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { internalRaftRequest } from "../../proto/etcd.ts";
import { smallRevisions } from "../backend/backend-suite.ts";
import { MemoryHome } from "../backend/memory-home.ts";
import type { Entry } from "../raft/types.ts";
import { openState, type State, type StateDeps } from "./state.ts";
import type { ApplyResult } from "./types.ts";

const backend = { batchBytesMax: 500, batchRowsMax: 4, pendingBytesMax: 100_000, revisions: smallRevisions };
const failLoudly = (error: Error) => {
  throw error;
};

interface Opened {
  readonly state: State;
  readonly results: ApplyResult[];
  readonly noSpace: () => number;
}

async function open(
  home: MemoryHome,
  options: { readonly faults?: NonNullable<StateDeps["faults"]>; readonly quotaBytes?: number } = {},
): Promise<Opened> {
  const results: ApplyResult[] = [];
  let noSpace = 0;
  const state = await openState(
    { dataDir: "/nowhere", quotaBytes: options.quotaBytes ?? 0, electionMs: 1_000 },
    {
      clock: systemClock,
      disk: systemDisk,
      meter: new MetricsRegistry(),
      membership: {
        check: () => undefined,
        restore: () => undefined,
        applyConfChange: () => ({ voters: [7n], learners: [8n] }),
        setAttributes: () => undefined,
        setClusterVersion: () => undefined,
        setDowngrade: () => undefined,
      },
      onApplied: (_, result) => results.push(result),
      onNoSpace: () => noSpace++,
      onFailure: failLoudly,
      home,
      ...(options.faults && { faults: options.faults }),
    },
  );
  return { state, results, noSpace: () => noSpace };
}

const newHome = () => new MemoryHome(backend, { onFailure: failLoudly });
const entry = (index: number, request: Parameters<typeof internalRaftRequest.encode>[0]): Entry => ({
  term: 1,
  index,
  type: "normal",
  data: internalRaftRequest.encode({ header: { id: BigInt(index) }, ...request }),
});
const puts = (count: number): Entry[] =>
  Array.from({ length: count }, (_, at) =>
    entry(at + 1, { put: { key: Buffer.from(`k${at % 5}`), value: Buffer.from(`${at}`) } }),
  );

/** Applies one by one, with time for the disk in between, and dies losing nothing that was written. */
async function applyAndCrash(home: MemoryHome, faults: NonNullable<StateDeps["faults"]>): Promise<number> {
  const log = puts(60);
  const first = await open(home, { faults });
  for (const one of log) {
    first.state.apply([one]);
    await turn();
  }
  home.kill();
  const second = await open(home, { faults });
  second.state.apply(log);
  return second.state.mvcc.revision;
}

describe("store/apply: exactly once, guards and planted faults", () => {
  it("replays the log after a crash without a second effect, unless that bug is planted", async () => {
    assert.equal(await applyAndCrash(newHome(), {}), 61);
    assert.ok((await applyAndCrash(newHome(), { applyTwiceAfterRestart: true })) > 61);
  });

  it("tells watches of every revision, unless that bug is planted", async () => {
    for (const faults of [{}, { watchSkipsRevision: true } as const]) {
      const { state } = await open(newHome(), { faults });
      let events = 0;
      const options = {
        key: Buffer.from("\0"),
        rangeEnd: Buffer.from("\0"),
        startRevision: 0,
        prevKv: false,
      };
      state.hub.watch(
        { ...options, filters: [] },
        { ready: true, deliver: (batch) => (events += batch.events.length), compacted: () => assert.fail() },
      );
      state.apply(puts(20));
      state.hub.tell();
      assert.equal(events === 20, faults.watchSkipsRevision === undefined);
    }
  });

  it("refuses to go on after a gap, an unknown request and bytes that are none", async () => {
    const { state } = await open(newHome());
    assert.throws(() => state.apply([entry(2, { put: {} })]), /entry 2 does not follow the applied 0/);
    const bad = (data: Uint8Array): Entry => ({ term: 3, index: 1, type: "normal", data });
    assert.throws(() => state.apply([bad(internalRaftRequest.encode({ header: { id: 1n } }))]), {
      name: "UnknownEntryError",
      message: /log entry 1 \(term 3, 5 bytes\) holds a request of an unknown kind; .*upgrade this member/,
    });
    assert.throws(() => state.apply([bad(Buffer.from("ff", "hex"))]), { name: "UnknownEntryError" });
    state.apply([bad(new Uint8Array(0))]);
    assert.equal(state.appliedIndex, 1);
  });

  it("answers no space beyond the quota and asks for the alarm, which then refuses what grows", async () => {
    const { state, results, noSpace } = await open(newHome(), { quotaBytes: 1_000 });
    const put = (index: number, bytes: number) => {
      state.apply([entry(index, { put: { key: Buffer.from("k"), value: Buffer.alloc(bytes) } })]);
      const result = results.at(-1);
      return result?.ok ? "ok" : result?.error.code;
    };
    assert.equal(put(1, 10), "ok");
    assert.equal(put(2, 2_000), "NO_SPACE");
    assert.deepEqual([noSpace(), state.mvcc.revision], [1, 3]);
    state.apply([entry(3, { alarm: { action: "ACTIVATE", memberId: 5n, alarm: "NOSPACE" } })]);
    assert.equal(put(4, 1), "NO_SPACE");
    assert.equal(state.mvcc.revision, 3);
    state.apply([entry(5, { deleteRange: { key: Buffer.from("k") } })]);
    assert.equal(results.at(-1)?.ok, true);
    assert.deepEqual(state.alarms.list(), [{ memberId: 5n, alarm: "NOSPACE" }]);
    state.apply([entry(6, { alarm: { action: "DEACTIVATE", memberId: 5n, alarm: "NOSPACE" } })]);
    assert.deepEqual(state.alarms.list(), []);
  });

  it("has no limit where the quota is negative", async () => {
    const { state, results } = await open(newHome(), { quotaBytes: -1 });
    state.apply([entry(1, { put: { key: Buffer.from("k"), value: Buffer.alloc(2_000) } })]);
    assert.equal(results.at(-1)?.ok, true);
  });

  it("keeps alarms and the configuration over a restart, and applies a membership change once", async () => {
    const home = newHome();
    const { state } = await open(home);
    const change = { id: 1n, type: "addNode", nodeId: 7n, context: new Uint8Array(0) } as const;
    const conf = state.applyConfChange(change, { index: 1, term: 1 });
    assert.deepEqual(state.applyConfChange(change, { index: 1, term: 1 }), conf);
    state.apply([entry(2, { alarm: { action: "ACTIVATE", memberId: 5n, alarm: "CORRUPT" } })]);
    await state.close();
    const again = await open(home);
    assert.deepEqual(again.state.confState, { voters: [7n], learners: [8n] });
    assert.equal(again.state.appliedIndex, 2);
    again.state.apply([entry(3, { put: { key: Buffer.from("k") } })]);
    const refused = again.results.at(-1);
    assert.equal(refused?.ok === false && refused.error.code, "CORRUPT");
  });

  it("keeps each database that a snapshot replaced until nobody reads any of them", async () => {
    let sweeps = 0;
    class CountedHome extends MemoryHome {
      override async sweep(): Promise<void> {
        sweeps++;
        await super.sweep();
      }
    }
    const leader = await open(newHome());
    const member = await open(new CountedHome(backend, { onFailure: failLoudly }));
    member.state.apply(puts(10));
    const reader = member.state.snapshot();
    for (const index of [20, 40]) {
      leader.state.apply(puts(index));
      const { chunks, ...at } = leader.state.snapshot();
      await member.state.restore({ ...at, conf: { voters: [], learners: [] } }, chunks);
      await turn();
    }
    assert.equal(sweeps, 0);
    const copy = await open(newHome());
    const meta = { index: 10, term: 1, conf: { voters: [], learners: [] } };
    await copy.state.restore(meta, reader.chunks);
    assert.equal(copy.state.mvcc.revision, 11);
    for (let turns = 0; sweeps === 0 && turns < 1_000; turns++) await turn();
    assert.equal(sweeps, 1);
    for (const { state } of [leader, member, copy]) await state.close();
  });
});
