import assert from "node:assert/strict";
import { silentLog } from "../../base/os/log.ts";
import { latin1Bytes } from "../../base/wire.ts";
import type { Backend } from "../backend/backend.ts";
import type { CheckpointOf, CheckpointPages } from "../revisions/checkpoint.ts";
import { Checkpoints } from "./checkpoints.ts";
import { CompactionRun } from "./compaction.ts";
import { CompactionHashes } from "./compaction-hashes.ts";
import { KeyIndex } from "./key-index.ts";
import { MvccStore } from "./mvcc-store.ts";
import { Pins } from "./pins.ts";

const limits = { rowsMin: 10, busyShare: 1, idleShare: 0.25, idleMs: 1_000, pageBytes: 100 };
const turn = () => new Promise<void>(setImmediate);

/** A store in which each revision puts a key of its own, and what was saved of it. */
class Rig {
  readonly index = new KeyIndex();
  readonly saved: (CheckpointOf & { readonly pages: number })[] = [];
  revision = 1;
  isWriting = false;
  /** Of all keys. */
  olderPoints = 0;
  timer: (() => void) | undefined;
  readonly backend = {
    checkpoint: undefined as { readonly endBytes: number } | undefined,
    get: () => undefined,
    saveCheckpoint: async (of: CheckpointOf, pages: CheckpointPages) => {
      let count = 0;
      for await (const page of pages) {
        if (page === undefined) return false;
        assert.ok(!this.isWriting, "a page was written while a transaction was at work");
        count++;
      }
      this.saved.push({ ...of, pages: count });
      this.backend.checkpoint = { endBytes: 16 * (of.keys + this.olderPoints) };
      return true;
    },
  };
  readonly compaction: CompactionRun;
  readonly checkpoints: Checkpoints;

  constructor(behind = 0) {
    const backend = this.backend as unknown as Backend;
    const { index } = this;
    this.compaction = new CompactionRun(
      { index, backend, finishedCompaction: -1 },
      {
        pause: turn,
        pins: new Pins(),
        hashes: new CompactionHashes(),
        onDropped: () => undefined,
        log: silentLog,
      },
    );
    const parts = {
      index,
      backend,
      compaction: this.compaction,
      limits,
      revision: () => this.revision,
      isWriting: () => this.isWriting,
      leaseOf: () => 0n,
      pause: turn,
      after: (_: number, fire: () => void) => {
        this.timer = fire;
        return () => {
          this.timer = undefined;
        };
      },
    };
    this.checkpoints = new Checkpoints(parts, behind);
  }

  put(count: number): void {
    for (let n = 0; n < count; n++) {
      this.revision++;
      this.index.put(latin1Bytes(`key ${this.revision}`), 0, this.revision, 0);
      this.checkpoints.count(1);
    }
  }

  /** The idle time is over. */
  fire(): void {
    const { timer } = this;
    this.timer = undefined;
    assert.ok(timer, "nobody waits");
    timer();
  }

  async settle(): Promise<readonly number[]> {
    for (let n = 0; n < 300; n++) await turn();
    return this.saved.map(({ revision }) => revision);
  }
}

describe("store/mvcc: when the keys are saved", () => {
  it("is when the revisions since the last time are as many as the keys were", async () => {
    const rig = new Rig();
    rig.put(9);
    assert.deepEqual(await rig.settle(), []);
    rig.put(1);
    assert.deepEqual(await rig.settle(), [11]);
    rig.put(9);
    assert.deepEqual(await rig.settle(), [11]);
    rig.put(1);
    assert.deepEqual(await rig.settle(), [11, 21]);
    rig.put(19);
    assert.deepEqual(await rig.settle(), [11, 21]);
    rig.put(1);
    assert.deepEqual(await rig.settle(), [11, 21, 41]);
    assert.deepEqual(
      rig.saved.map(({ keys }) => keys),
      [10, 20, 40],
    );
  });

  it("is when they are as many as the keys and all of their history were", async () => {
    const rig = new Rig();
    rig.olderPoints = 30;
    rig.put(10);
    rig.put(39);
    assert.deepEqual(await rig.settle(), [50]);
    rig.put(49);
    await rig.settle();
    assert.equal(rig.saved.length, 1);
    rig.put(30);
    await rig.settle();
    assert.equal(rig.saved.length, 2);
  });

  it("is sooner when it has been idle", async () => {
    const rig = new Rig();
    rig.put(100);
    await rig.settle();
    rig.put(5);
    rig.saved.length = 0;
    assert.equal(rig.timer, undefined);
    rig.put(20);
    rig.put(10);
    rig.fire(); // many came meanwhile
    assert.deepEqual(await rig.settle(), []);
    rig.put(2);
    rig.fire();
    assert.deepEqual(await rig.settle(), [rig.revision]);
    rig.put(5);
    assert.equal(rig.timer, undefined);
  });

  it("is after a start that read many revisions", async () => {
    const rig = new Rig(30);
    assert.deepEqual(await rig.settle(), [1]);
  });

  it("is after the compaction that a start goes on with, which the checkpoint then counts as done", async () => {
    const { index, backend, saved } = new Rig();
    index.put(latin1Bytes("lives"), 0, 2, 0);
    index.delete(index.put(latin1Bytes("is gone"), 0, 3, 0), 4, 0);
    const upkeep = { drop: async () => true, put: () => undefined, commit: () => undefined };
    const restored = {
      backend: { ...backend, ...upkeep, reclaim: () => undefined } as unknown as Backend,
      index,
      revision: 5,
      compactRevision: 5,
      unfinishedCompaction: true,
      finishedCompaction: -1,
      leased: new Map<string, bigint>(),
      rowsRead: 30,
    };
    const store = new MvccStore(restored, {
      leases: { move: () => undefined, leaseOf: () => 0n },
      onChanges: () => undefined,
      pause: turn,
      after: () => () => undefined,
      checkpoints: limits,
    });
    for (let n = 0; n < 100; n++) await turn();
    await store.stop();
    assert.deepEqual(
      saved.map(({ keys }) => keys),
      [1],
    );
  });

  it("is again when the last one has ended", async () => {
    const rig = new Rig();
    rig.put(40);
    await rig.settle();
    rig.checkpoints.mayHaveEnded();
    assert.equal(rig.timer, undefined);
    rig.saved.length = 0;
    rig.backend.checkpoint = undefined;
    rig.checkpoints.mayHaveEnded();
    assert.deepEqual(await rig.settle(), [rig.revision]);
  });

  it("is at the end, if that pays", async () => {
    const rig = new Rig();
    rig.put(100);
    await rig.settle();
    const before = rig.saved.length;
    rig.put(24);
    await rig.checkpoints.stop();
    assert.equal(rig.saved.length, before);
    const other = new Rig();
    other.put(40);
    await other.settle();
    other.put(15);
    await other.checkpoints.stop();
    assert.equal(other.saved.at(-1)?.revision, other.revision);
    assert.equal(other.timer, undefined);
    other.put(100);
    assert.equal((await other.settle()).at(-1), 56);
  });

  it("is page by page, each between two transactions", async () => {
    const rig = new Rig();
    rig.put(9);
    rig.isWriting = true;
    rig.put(1);
    assert.deepEqual(await rig.settle(), []);
    rig.isWriting = false;
    await rig.settle();
    assert.equal(rig.saved.length, 1);
    assert.ok((rig.saved[0]?.pages ?? 0) > 2);
  });

  it("is broken off at the end where a transaction has not ended, and none begins then", async () => {
    const rig = new Rig();
    rig.isWriting = true; // it failed halfway
    rig.put(10);
    await rig.settle();
    await rig.checkpoints.stop();
    await rig.compaction.stop();
    assert.deepEqual(rig.saved, []);
    const other = new Rig();
    other.put(40);
    await other.settle();
    const before = other.saved.length;
    other.put(15);
    other.isWriting = true;
    await other.checkpoints.stop();
    await other.compaction.stop();
    assert.equal(other.saved.length, before);
  });

  it("is not while a compaction runs, nor after one that was broken off", async () => {
    const rig = new Rig();
    rig.put(9);
    let end: (isWhole: boolean) => void = () => undefined;
    const ended = rig.compaction.between(() => new Promise((resolve) => (end = resolve)));
    rig.put(1);
    assert.deepEqual(await rig.settle(), []);
    assert.equal(rig.compaction.isIdle, false);
    void rig.compaction.stop();
    end(false);
    await ended;
    assert.deepEqual(await rig.settle(), []);
    rig.put(100);
    await rig.checkpoints.stop();
    assert.deepEqual(await rig.settle(), []);
  });
});
