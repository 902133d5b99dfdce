import assert from "node:assert/strict";
import fc from "fast-check";
import { areHeld } from "../../base/testing/collect-garbage.ts";
import { utf8 } from "../../base/wire.ts";
import { DeletionChange, PutChange, type StoredChange } from "../mvcc/change.ts";
import { encodePut, encodeTombstone } from "../mvcc/key-value.ts";
import { HeldRevisions, RecentRevisions } from "./recent.ts";

const eventBytes = 1_000;
const changeBytes = 64;

function put(main: number, sub = 0, value = new Uint8Array(1)): PutChange {
  const parts = {
    key: utf8(`k${main}`),
    createRevision: main,
    modRevision: main,
    version: 1,
    lease: 0n,
    value,
  };
  const previous = main % 3 === 0 ? undefined : { main: main - 1, sub: main % 5 };
  return new PutChange({ main, sub }, encodePut(parts), { isInEvent: true, previous });
}

const deletion = (main: number, sub: number) =>
  new DeletionChange({ main, sub }, encodeTombstone(utf8(`k${main}`)), { main: main - 1, sub: 2 });

const shape = ({ type, main, sub, key, kv, event, previous }: StoredChange) => ({
  ...{ type, main, sub, key, previous },
  kv: Buffer.from(kv).toString("hex"),
  event: event && Buffer.from(event).toString("hex"),
});

describe("store/watch: recent revisions", () => {
  it("keep to their bound of bytes", () => {
    const value = new Uint8Array(eventBytes - changeBytes);
    const change = new PutChange({ main: 0, sub: 0 }, value, { isInEvent: false, previous: undefined });
    const recent = new RecentRevisions(0, { eventsMax: 1_000, bytesMax: 10_000 });
    for (let main = 1; main <= 100; main++)
      recent.push([new PutChange({ main, sub: 0 }, change.value, { isInEvent: false, previous: undefined })]);
    assert.equal(recent.first, 91);
    assert.equal(recent.sizeBytes, 10_000);
    assert.equal(recent.between(91, 101).length, 10);
  });

  it("give back the changes they were given, whole revisions, as far as their bound of changes reaches", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.boolean(), { minLength: 1, maxLength: 400 }), { maxLength: 40 }),
        fc.integer({ min: 400, max: 3_000 }),
        (revisions, eventsMax) => {
          const recent = new RecentRevisions(1, { eventsMax, bytesMax: 1e9 });
          let model: StoredChange[][] = [];
          for (const [at, deletions] of revisions.entries()) {
            const main = at + 2;
            const changes = deletions.map((isDeletion, sub) =>
              isDeletion ? deletion(main, sub) : put(main, sub),
            );
            recent.push(changes);
            model.push(changes);
            while (model.flat().length > eventsMax) model = model.slice(1);
          }
          assert.equal(recent.first, model[0]?.[0]?.main ?? 2);
          const held = new HeldRevisions(recent);
          held.from(recent.first + model.length);
          const skipped = Math.min(3, model.length);
          for (const from of [recent.first + skipped, recent.first])
            assert.deepEqual(
              held.from(from).map(({ events }) => events.map(({ change }) => shape(change as StoredChange))),
              model.slice(from - recent.first).map((changes) => changes.map(shape)),
            );
        },
      ),
      { numRuns: 30 },
    );
  });

  it("let go of the memory of each change they forget", async () => {
    const recent = new RecentRevisions(1, { eventsMax: 2, bytesMax: 1e9 });
    const values = [2, 3, 4, 5, 6].map((main) => {
      const change = put(main, 0, new Uint8Array(100_000));
      recent.push([change]);
      return new WeakRef(change.value.buffer);
    });
    assert.deepEqual(await areHeld(values), [false, false, false, true, true]);
    assert.equal(recent.between(5, 7).length, 2);
  });

  it("hold nothing once they are cleared", () => {
    const recent = new RecentRevisions(1, { eventsMax: 10, bytesMax: 1e9 });
    recent.push([put(2)]);
    recent.clear(7);
    assert.deepEqual([recent.first, recent.sizeBytes, recent.between(8, 9).length], [8, 0, 0]);
    recent.push([put(8)]);
    assert.equal(recent.between(8, 9).length, 1);
  });
});
