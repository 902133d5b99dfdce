import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { utf8 } from "../../base/wire.ts";
import { event } from "../../proto/mvcc.ts";
import type { WatchBatch } from "./event-bytes.ts";
import { Writer } from "./fixtures/writer.ts";
import { type Watch, watchLimits } from "./hub.ts";

const letter = fc.constantFrom("a", "b", "c");
const begin = fc.record({
  do: fc.constant("watch" as const),
  key: letter,
  /** Revisions before the next one that it begins at. */
  back: fc.integer({ min: -3, max: 5 }),
  noPut: fc.integer({ max: 9 }).map((n) => n === 0),
  /** What it takes to tell its sink. */
  costMs: fc.nat(3),
});
/** What happens to a writer and its watches, one of which is chosen by a number. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("put" as const), key: letter }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("turn" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("tell" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.nat(30) }) },
  { weight: 3, arbitrary: begin },
  ...(["stall", "resume", "cancel"] as const).map((act) => ({
    weight: 1,
    arbitrary: fc.record({ do: fc.constant(act), which: fc.nat() }),
  })),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

class Heard {
  readonly start: number;
  readonly revisions: number[] = [];
  readonly handle: Watch;
  ready = true;
  #isOver = false;
  readonly #writer: Writer;
  readonly #begin: Extract<Step, { readonly do: "watch" }>;

  constructor(writer: Writer, how: Extract<Step, { readonly do: "watch" }>) {
    this.#writer = writer;
    this.#begin = how;
    this.start = Math.max(1, writer.revision + 1 - how.back);
    const options = { key: utf8(how.key), rangeEnd: utf8("z"), startRevision: this.start, prevKv: false };
    this.handle = writer.hub.watch({ ...options, filters: how.noPut ? ["NOPUT"] : [] }, this);
  }

  deliver({ events }: WatchBatch): void {
    assert.ok(this.ready, "a sink that is not ready is told nothing");
    for (const one of events) this.revisions.push(event.decode(one).kv?.modRevision ?? 0);
    this.#writer.clock.nowMs += this.#begin.costMs;
  }

  compacted(): void {
    assert.fail();
  }

  stall(): void {
    this.ready = false;
  }

  resume(): void {
    this.ready = true;
    this.handle.resume();
  }

  cancel(): void {
    this.handle.cancel();
    this.#isOver = true;
  }

  get #wanted(): number[] {
    const { key, noPut } = this.#begin;
    return this.#writer.changes
      .filter((change) => change.revision >= this.start && change.key >= key && !noPut)
      .map(({ revision }) => revision);
  }

  /** Nothing else, and nothing too early. */
  check(): void {
    const wanted = this.#wanted;
    assert.deepEqual(this.revisions, wanted.slice(0, this.revisions.length));
    const due = wanted.filter((revision) => revision <= (this.handle.progressRevision ?? 0));
    assert.ok(this.revisions.length >= due.length, "progress is ahead of events");
  }

  checkWhole(): void {
    if (!this.#isOver) assert.deepEqual(this.revisions, this.#wanted);
  }
}

/** Short batches and a short memory, so that watches come to read history too. */
const limits = { ...watchLimits, batchRevisionsMax: 5, recent: { eventsMax: 4, bytesMax: 1 << 20 } };

async function live(steps: readonly Step[]): Promise<void> {
  const writer = new Writer(limits);
  const watches: Heard[] = [];
  for (const one of steps) {
    await take(one, writer, watches);
    for (const watch of watches) watch.check();
  }
  for (const watch of watches) watch.resume();
  while (writer.hub.slowWatchers > 0) await turn();
  writer.hub.tell();
  for (const watch of watches) watch.checkWhole();
}

async function take(one: Step, writer: Writer, watches: Heard[]): Promise<void> {
  if (one.do === "put") writer.put(one.key);
  else if (one.do === "turn") await turn();
  else if (one.do === "tell") writer.hub.tell();
  else if (one.do === "pass") writer.clock.pass(one.ms);
  else if (one.do === "watch") watches.push(new Heard(writer, one));
  else watches[one.which % watches.length]?.[one.do]();
}

describe("store/watch: what watches are told", () => {
  it("is all they want, in order and once, however turns, pauses and slow sinks come together", () =>
    fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), live), { numRuns: 200 }));
});
