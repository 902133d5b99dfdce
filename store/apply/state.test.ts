import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { systemClock } from "../../base/os/clock.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { below, chance, Prng, type Random } from "../../base/os/random.ts";
import { latin1 } from "../../base/wire.ts";
import {
  deleteRangeResponse,
  type InternalRaftRequest,
  internalRaftRequest,
  putResponse,
  type RangeResponse,
  type ResponseOp,
  rangeRequest,
  rangeResponse,
  type TxnResponse,
  txnResponse,
} from "../../proto/etcd.ts";
import { event, type KeyValue } from "../../proto/mvcc.ts";
import { EtcdModel, type ModelAnswer, type ModelEvent, type ModelKv } from "../../test/model/etcd-model.ts";
import { RandomRequests } from "../../test/model/random-requests.ts";
import { smallRevisions } from "../backend/backend-suite.ts";
import { MemoryHome } from "../backend/memory-home.ts";
import { type SliceLimits, sliceLimits } from "../mvcc/read.ts";
import type { Entry } from "../raft/types.ts";
import type { WatchBatch } from "../watch/event-bytes.ts";
import { openState, type State, type StateDeps } from "./state.ts";
import type { ApplyResult } from "./types.ts";

const backend = {
  batchBytesMax: 1_500,
  batchRowsMax: 10,
  pendingBytesMax: 1_000_000,
  revisions: smallRevisions,
};
/** So small that history mostly comes from the backend. */
const watch = {
  batchRevisionsMax: 4,
  batchBytesMax: 500,
  recent: { eventsMax: 6, bytesMax: 10_000 },
  historyRowsPerRead: 5,
};
const keyBySlice: SliceLimits = { keysMax: 1, valuesMax: 1, valueBytesMax: 1, changesMax: 2 };
/** So small that the keys are saved all the time, in many pages. */
const checkpoints = { rowsMin: 5, busyShare: 0.2, idleShare: 0.1, idleMs: 5, pageBytes: 40 };
const failLoudly = (error: Error) => {
  throw error;
};
const noMembership: StateDeps["membership"] = {
  check: () => undefined,
  restore: () => undefined,
  applyConfChange: () => ({ voters: [1n], learners: [] }),
  setAttributes: () => undefined,
  setClusterVersion: () => undefined,
  setDowngrade: () => undefined,
};

const kvOf = (kv: KeyValue | undefined): ModelKv | undefined =>
  kv && {
    key: latin1(kv.key),
    value: latin1(kv.value),
    create: kv.createRevision,
    mod: kv.modRevision,
    version: kv.version,
    lease: kv.lease,
  };

function rangeOf(response: RangeResponse): ModelAnswer {
  const kvs = response.kvs.map((kv) => kvOf(kv) as ModelKv);
  const revision = response.header?.revision ?? 0;
  return { kind: "range", revision, kvs, more: response.more, count: response.count };
}

function txnOf(response: TxnResponse, revision: number): ModelAnswer {
  const one = (op: ResponseOp): ModelAnswer => {
    if (op.responseRange) return rangeOf(op.responseRange);
    if (op.responsePut)
      return {
        kind: "put",
        revision: op.responsePut.header?.revision ?? 0,
        prevKv: kvOf(op.responsePut.prevKv),
      };
    if (op.responseDeleteRange) {
      const { header, deleted, prevKvs } = op.responseDeleteRange;
      return {
        kind: "deleteRange",
        revision: header?.revision ?? 0,
        deleted,
        prevKvs: prevKvs.map((kv) => kvOf(kv) as ModelKv),
      };
    }
    return op.responseTxn ? txnOf(op.responseTxn, 0) : { kind: "other" };
  };
  return { kind: "txn", revision, succeeded: response.succeeded, responses: response.responses.map(one) };
}

/** A result as the wire would carry it, in the model's words. */
function answerOf(result: ApplyResult): ModelAnswer {
  if (!result.ok) return { error: result.error.code };
  const { response, revision } = result;
  switch (result.kind) {
    case "put":
      return { kind: "put", revision, prevKv: kvOf(putResponse.decode(putResponse.encode(response)).prevKv) };
    case "deleteRange": {
      const { deleted, prevKvs } = deleteRangeResponse.decode(deleteRangeResponse.encode(response));
      return { kind: "deleteRange", revision, deleted, prevKvs: prevKvs.map((kv) => kvOf(kv) as ModelKv) };
    }
    case "range":
      return rangeOf(rangeResponse.decode(rangeResponse.encode(response)));
    case "txn":
      return txnOf(txnResponse.decode(txnResponse.encode(response)), revision);
    default:
      return { kind: "other" };
  }
}

/** Nested transactions carry no revision of their own in etcd's answers. */
function withoutNestedRevisions(answer: ModelAnswer, nested = false): ModelAnswer {
  if (!("kind" in answer) || answer.kind !== "txn") return answer;
  const responses = answer.responses.map((one) => withoutNestedRevisions(one, true));
  return { ...answer, revision: nested ? 0 : answer.revision, responses };
}

interface Seen {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
  readonly start: number;
  readonly prevKv: boolean;
  readonly events: { readonly batch: number; readonly event: ModelEvent }[];
  compactedAt: number | undefined;
  ready: boolean;
  handle: { resume(): void; cancel(): void; readonly progressRevision: number | undefined } | undefined;
}

class World {
  readonly random: Random;
  readonly model = new EtcdModel();
  readonly home = new MemoryHome(backend, { onFailure: failLoudly }, () => turn());
  readonly log: Entry[] = [];
  readonly results: ApplyResult[] = [];
  readonly requests: RandomRequests;
  watches: Seen[] = [];
  state: State | undefined;
  batches = 0;

  readonly #slices: SliceLimits;

  constructor(seed: number, slices: SliceLimits) {
    this.#slices = slices;
    this.random = new Prng(seed);
    this.requests = new RandomRequests(this.random);
  }

  get open(): State {
    assert.ok(this.state);
    return this.state;
  }

  async start(home = this.home): Promise<State> {
    this.state = await openState(
      {
        dataDir: "/nowhere",
        quotaBytes: 0,
        electionMs: 1_000,
        backend,
        watch,
        slices: this.#slices,
        checkpoints,
      },
      {
        clock: systemClock,
        disk: systemDisk,
        meter: new MetricsRegistry(),
        membership: noMembership,
        onApplied: (_, result) => this.results.push(result),
        onNoSpace: () => undefined,
        onFailure: failLoudly,
        home,
      },
    );
    return this.state;
  }

  async step(): Promise<void> {
    this.requests.revision = this.model.revision;
    const request: InternalRaftRequest = this.requests.next();
    const entry: Entry = {
      term: 1,
      index: this.log.length + 1,
      type: "normal",
      data: internalRaftRequest.encode(request),
    };
    this.log.push(entry);
    await this.open.apply([entry]);
    const answer = withoutNestedRevisions(this.model.apply(request));
    const result = this.results.at(-1);
    assert.ok(result);
    assert.deepEqual(answerOf(result), answer, `entry ${entry.index}`);
    assert.equal(this.open.mvcc.revision, this.model.revision);
  }

  watch(): void {
    const { random, model } = this;
    const seen: Seen = {
      key: Buffer.from(["a", "ab", "b", "\0"][below(random, 4)] ?? "", "latin1"),
      rangeEnd: Buffer.from(["", "\0", "b", "c"][below(random, 4)] ?? "", "latin1"),
      start: Math.max(1, model.revision + 3 - below(random, 30)),
      prevKv: chance(random, 0.5),
      events: [],
      compactedAt: undefined,
      ready: true,
      handle: undefined,
    };
    const options = { ...seen, startRevision: seen.start, filters: [] };
    seen.handle = this.open.hub.watch(options, {
      get ready() {
        return seen.ready;
      },
      deliver: (batch) => this.#deliver(seen, batch),
      compacted: (revision) => {
        seen.compactedAt = revision;
      },
    });
    this.watches.push(seen);
  }

  #deliver(seen: Seen, batch: WatchBatch): void {
    assert.ok(seen.ready, "nothing may be delivered to a sink that is not ready");
    this.batches++;
    for (const bytes of batch.events) {
      const { type, kv, prevKv } = event.decode(bytes);
      assert.ok(kv);
      const shared = { revision: kv.modRevision, key: latin1(kv.key), previous: kvOf(prevKv) };
      seen.events.push({
        batch: this.batches,
        event: { type, ...shared, kv: type === "PUT" ? kvOf(kv) : undefined },
      });
    }
    if (chance(this.random, 0.2)) seen.ready = false;
  }

  wake(): void {
    for (const seen of this.watches) {
      seen.ready = true;
      seen.handle?.resume();
    }
  }

  /** What every watch saw must be a prefix of what the model says, whole revisions, and all of it once caught up. */
  checkWatches(): void {
    for (const seen of this.watches) {
      const wanted = this.model.eventsFor(seen, seen.start);
      for (const [at, { batch, event: got }] of seen.events.entries()) {
        const want = wanted[at];
        assert.ok(want, `an event too many: ${JSON.stringify(got.key)} at ${got.revision}`);
        // A previous value may be missing where compaction took it, and is given only on request.
        const previous = got.previous === undefined ? undefined : want.previous;
        assert.deepEqual(got, { ...want, previous });
        const before = seen.events[at - 1];
        if (before !== undefined && before.event.revision === got.revision)
          assert.equal(before.batch, batch, "a revision was split");
      }
      const progress = seen.handle?.progressRevision ?? 0;
      const due = wanted.filter(({ revision }) => revision <= progress).length;
      assert.ok(seen.events.length >= due, `progress ${progress} is ahead of its events`);
    }
  }

  async settle(): Promise<void> {
    this.open.hub.tell();
    for (let round = 0; this.open.hub.slowWatchers > 0; round++) {
      assert.ok(round < 1_000, "watches do not catch up");
      this.wake();
      await turn();
    }
  }

  checkSettled(): void {
    this.checkWatches();
    for (const seen of this.watches) {
      const wanted = this.model.eventsFor(seen, seen.start);
      if (seen.compactedAt === undefined)
        assert.equal(seen.events.length, wanted.length, "events are missing");
      else assert.ok(seen.start < seen.compactedAt, "a watch that wants nothing compacted was ended");
      seen.handle?.cancel();
    }
    this.watches = [];
  }

  checkWhole(): void {
    const all = {
      ...rangeRequest.decode(new Uint8Array(0)),
      key: Buffer.from("\0"),
      rangeEnd: Buffer.from("\0"),
    };
    const from = Math.max(1, this.model.compactRevision);
    for (let revision = from; revision <= this.model.revision; revision += 1 + below(this.random, 5))
      assert.deepEqual(
        rangeOf(this.open.reader.range({ ...all, revision })),
        this.model.read({ ...all, revision }),
      );
  }

  /** Whoever watched resumes from what it saw, as clients do. */
  forgetWatches(): void {
    this.watches = [];
  }
}

describe("store/apply: the whole state against the model", () => {
  for (let seed = 1; seed <= 12; seed++) {
    const isSliced = seed % 2 === 0;
    it(`answers, watches and survives like the model, ${isSliced ? "a key a slice, " : ""}seed ${seed}`, async () => {
      const world = new World(seed, isSliced ? keyBySlice : sliceLimits);
      await world.start();
      for (let step = 0; step < 350; step++) {
        await world.step();
        if (chance(world.random, 0.05)) world.watch();
        if (chance(world.random, 0.1)) world.wake();
        if (chance(world.random, 0.3)) await turn();
        if (chance(world.random, 0.03)) await world.open.flush();
        if (chance(world.random, 0.02)) await crash(world);
        if (chance(world.random, 0.01)) await installElsewhere(world);
        if (step % 10 === 0) world.checkWatches();
      }
      await world.settle();
      world.checkSettled();
      world.checkWhole();
      await world.open.close();
    });
  }
});

/** What takes slices is applied alone, and what follows it handed in again. */
async function applyAll(state: State, entries: readonly Entry[]): Promise<void> {
  for (let rest = state.apply(entries); rest !== undefined; rest = state.apply(entries)) await rest;
}

/** The process dies: what was not flushed is lost, and the log is applied from where the state stands. */
async function crash(world: World): Promise<void> {
  world.checkWatches();
  world.forgetWatches();
  world.home.crash(world.random);
  const state = await world.start();
  assert.ok(state.appliedIndex <= world.log.length);
  await applyAll(state, world.log); // those that took effect are skipped
  assert.equal(state.appliedIndex, world.log.length);
  assert.equal(state.mvcc.revision, world.model.revision);
  world.checkWhole();
}

/** A member that is far behind gets the whole state; its watches go on from where they are. */
async function installElsewhere(world: World): Promise<void> {
  await world.settle();
  world.checkSettled();
  const from = world.open;
  const snapshot = from.snapshot();
  const behind = await world.start(new MemoryHome(backend, { onFailure: failLoudly }));
  await applyAll(behind, world.log.slice(0, below(world.random, world.log.length)));
  const meta = { index: snapshot.index, term: snapshot.term, conf: { voters: [], learners: [] } };
  for (let i = 0; i < 3; i++) world.watch();
  await behind.restore(meta, snapshot.chunks);
  assert.equal((await behind.hashKv(0)).hash, (await from.hashKv(0)).hash);
  world.checkWhole();
  await world.settle();
  world.checkSettled();
  await behind.close();
  world.state = from;
}
