import assert from "node:assert/strict";
import { Turns } from "../../base/slices.ts";
import { utf8 } from "../../base/wire.ts";
import { watchResponse } from "../../proto/etcd.ts";
import { event } from "../../proto/mvcc.ts";
import { PutChange, type StoredChange } from "../mvcc/change.ts";
import { encodePut } from "../mvcc/key-value.ts";
import type { WatchBatch } from "./event-bytes.ts";
import { WatchHub, type WatchLimits, watchLimits } from "./hub.ts";

class Writer {
  revision = 1;
  readonly compactRevision = 0;
  readonly hub: WatchHub;
  readonly #changes: StoredChange[] = [];

  constructor(limits: WatchLimits = watchLimits) {
    const onFailure = (error: unknown) => {
      throw error;
    };
    this.hub = new WatchHub(this, { onFailure, turns: new Turns(), limits });
  }

  put(key: string): void {
    const main = ++this.revision;
    const parts = { key: utf8(key), createRevision: main, modRevision: main, version: 1, lease: 0n };
    const kv = encodePut({ ...parts, value: utf8("v") });
    const change = new PutChange({ main, sub: 0 }, kv, { isInEvent: true, previous: undefined });
    this.#changes.push(change);
    this.hub.notify(main, [change]);
  }

  async read(from: number) {
    const later = this.#changes.filter(({ revision }) => revision >= from);
    return {
      revisions: later.map((change) => ({ revision: change.revision, changes: [change] })),
      upTo: this.revision,
    };
  }

  previous(): undefined {
    return undefined;
  }
}

/** Watches and notes `revision of the answer: revisions of its events`. */
function watch(writer: Writer, key: string, startRevision = 0) {
  const answers: string[] = [];
  const batches: WatchBatch[] = [];
  const sink = {
    ready: true,
    deliver(batch: WatchBatch) {
      batches.push(batch);
      const { revision, events } = batch;
      const revisions = events.map((one) => event.decode(one).kv?.modRevision);
      answers.push(`${revision}: ${revisions.join(" ")}`);
    },
    compacted: () => assert.fail(),
  };
  const options = { key: utf8(key), rangeEnd: utf8("z"), startRevision, filters: [], prevKv: false };
  return { answers, batches, sink, handle: writer.hub.watch(options, sink) };
}

describe("store/watch: the hub", () => {
  it("gives a watch what one turn brings in one answer, and no progress before it", async () => {
    const writer = new Writer();
    const { answers, handle } = watch(writer, "a");
    for (const key of ["a", "b", "A", "c"]) writer.put(key);
    assert.deepEqual([answers, handle.progressRevision], [[], 1]);
    await Promise.resolve();
    assert.deepEqual([answers, handle.progressRevision], [["5: 2 3 5"], 5]);
  });

  it("does not wait for the end of the turn once a batch is full", async () => {
    const writer = new Writer({ ...watchLimits, batchRevisionsMax: 2 });
    const { answers } = watch(writer, "a");
    for (let i = 0; i < 5; i++) writer.put("a");
    assert.deepEqual(answers, ["3: 2 3", "5: 4 5"]);
    await Promise.resolve();
    assert.deepEqual(answers, ["3: 2 3", "5: 4 5", "6: 6"]);
  });

  it("gives a watch that begins within a turn what it has not got of it, once", async () => {
    const writer = new Writer();
    const first = watch(writer, "a");
    writer.put("a");
    const now = watch(writer, "a");
    const earlier = watch(writer, "a", 2);
    assert.equal(now.handle.progressRevision, 2);
    writer.put("a");
    for (let i = 0; i < 5; i++) await Promise.resolve();
    assert.deepEqual(first.answers, ["3: 2 3"]);
    assert.deepEqual(now.answers, ["3: 3"]);
    assert.deepEqual(earlier.answers, ["3: 2 3"]);
  });

  it("encodes the events of a turn once for all watches that are given the same", async () => {
    const writer = new Writer();
    const watches = [watch(writer, "a"), watch(writer, "a"), watch(writer, "b"), watch(writer, "b")];
    for (const key of ["a", "b"]) writer.put(key);
    await Promise.resolve();
    const [a, sameAsA, b, sameAsB] = watches.map(({ batches }) => batches[0] ?? assert.fail());
    assert.ok(a && b);
    assert.equal(a.body, sameAsA?.body);
    assert.equal(b.body, sameAsB?.body);
    assert.deepEqual(
      watchResponse.decode(a.body).events,
      a.events.map((one) => event.decode(one)),
    );
    assert.deepEqual(
      watches.map(({ answers }) => answers),
      [["3: 2 3"], ["3: 2 3"], ["3: 3"], ["3: 3"]],
    );
  });

  it("keeps nothing in memory while nobody watches", async () => {
    const writer = new Writer();
    writer.put("a");
    assert.equal(writer.hub.recentBytes, 0);
    const { answers, handle } = watch(writer, "a", 2);
    writer.put("a");
    assert.ok(writer.hub.recentBytes > 0);
    for (let i = 0; i < 20; i++) await Promise.resolve();
    assert.deepEqual(answers.join(" ").match(/(?<= )\d+/g), ["2", "3"]);
    handle.cancel();
    assert.equal(writer.hub.recentBytes, 0);
    writer.put("a");
    assert.equal(writer.hub.recentBytes, 0);
  });

  it("has a watch whose sink is not ready catch up from the first revision of the turn it missed", async () => {
    const writer = new Writer();
    const { answers, sink, handle } = watch(writer, "a");
    sink.ready = false;
    writer.put("a");
    writer.put("a");
    await Promise.resolve();
    assert.deepEqual([answers, handle.progressRevision], [[], undefined]);
    sink.ready = true;
    handle.resume();
    for (let i = 0; i < 5; i++) await Promise.resolve();
    assert.deepEqual([answers, handle.progressRevision], [["3: 2 3"], 3]);
  });
});
