import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { utf8 } from "../../base/wire.ts";
import { watchResponse } from "../../proto/etcd.ts";
import { event } from "../../proto/mvcc.ts";
import type { WatchBatch } from "./event-bytes.ts";
import { Writer } from "./fixtures/writer.ts";
import { watchLimits } from "./hub.ts";

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
    await turn();
    assert.deepEqual([answers, handle.progressRevision], [["5: 2 3 5"], 5]);
  });

  it("does not wait for the end of the turn once a batch is full", async () => {
    const writer = new Writer({ ...watchLimits, batchRevisionsMax: 2 });
    const { answers } = watch(writer, "a");
    for (let i = 0; i < 5; i++) writer.put("a");
    assert.deepEqual(answers, ["3: 2 3", "5: 4 5"]);
    await turn();
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
    for (let i = 0; i < 5; i++) await turn();
    assert.deepEqual(first.answers, ["3: 2 3"]);
    assert.deepEqual(now.answers, ["3: 3"]);
    assert.deepEqual(earlier.answers, ["3: 2 3"]);
  });

  it("encodes the events of a turn once for all watches that are given the same", async () => {
    const writer = new Writer();
    const watches = [watch(writer, "a"), watch(writer, "a"), watch(writer, "b"), watch(writer, "b")];
    for (const key of ["a", "b"]) writer.put(key);
    await turn();
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
    for (let i = 0; i < 20; i++) await turn();
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
    await turn();
    assert.deepEqual([answers, handle.progressRevision], [[], undefined]);
    sink.ready = true;
    handle.resume();
    for (let i = 0; i < 5; i++) await turn();
    assert.deepEqual([answers, handle.progressRevision], [["3: 2 3"], 3]);
  });

  it("pauses after telling that takes long, and then tells together what came meanwhile", async () => {
    const writer = new Writer();
    const { answers, sink } = watch(writer, "a");
    const deliver = sink.deliver;
    sink.deliver = (batch) => {
      deliver(batch);
      writer.clock.nowMs += 3;
    };
    writer.put("a");
    await turn();
    writer.put("a");
    await turn();
    writer.clock.pass(5);
    writer.put("a");
    await turn();
    assert.deepEqual(answers, ["2: 2"]);
    writer.clock.pass(1);
    assert.deepEqual(answers, ["2: 2", "4: 3 4"]);
    await turn();
    writer.clock.pass(60);
    writer.put("a");
    await turn();
    assert.deepEqual(answers.at(-1), "5: 5");
  });

  it("tells at once on demand, in a pause as well", async () => {
    const writer = new Writer();
    const { answers, sink, handle } = watch(writer, "a");
    const deliver = sink.deliver;
    sink.deliver = (batch) => {
      deliver(batch);
      writer.clock.nowMs += 10;
    };
    writer.put("a");
    await turn();
    writer.put("a");
    writer.hub.tell();
    assert.deepEqual([answers, handle.progressRevision], [["2: 2", "3: 3"], 3]);
    writer.clock.pass(100);
    await turn();
    assert.equal(answers.length, 2);
  });

  it("gives one watch that does not read its own pace, and 999 others of the same range all there is", async () => {
    const writer = new Writer();
    const quick = Array.from({ length: 999 }, () => watch(writer, "a"));
    const slow = watch(writer, "a");
    slow.sink.ready = false;
    for (let i = 0; i < 3; i++) {
      writer.put("a");
      await turn();
    }
    assert.deepEqual(slow.answers, []);
    assert.equal(writer.hub.slowWatchers, 1);
    assert.equal(new Set(quick.map(({ answers }) => answers.join())).size, 1);
    assert.deepEqual(quick[0]?.answers, ["2: 2", "3: 3", "4: 4"]);
    slow.sink.ready = true;
    slow.handle.resume();
    await turn();
    assert.deepEqual(slow.answers, ["4: 2 3 4"]);
    writer.put("a");
    await turn();
    assert.deepEqual([slow.answers.at(-1), quick[0]?.answers.at(-1)], ["5: 5", "5: 5"]);
  });
});
