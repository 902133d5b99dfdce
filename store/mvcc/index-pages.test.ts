import assert from "node:assert/strict";
import fc from "fast-check";
import { latin1, latin1Bytes } from "../../base/wire.ts";
import { IndexLoad } from "./index-load.ts";
import { indexPages } from "./index-pages.ts";
import { KeyIndex } from "./key-index.ts";
import { marks } from "./key-records.ts";

/** Few keys that share long beginnings, so that steps meet. */
const key = fc
  .tuple(
    fc.constantFrom("", "a", "/registry/pods/", "\0", "\xff\xff", "/registry/pods/".repeat(20)),
    fc.array(fc.constantFrom(0, 1, 127, 128, 254, 255), { maxLength: 3 }),
  )
  .map(([start, rest]) => start + String.fromCharCode(...rest));

/** A put, a deletion of a living key, or a lease for one. */
const step = fc.record({ key, kind: fc.constantFrom("put", "put", "put", "delete", "lease") });
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const leaseOf = (slot: number) => BigInt(slot) * -3n;

/** Does it at a revision; answers the row that tells of it. */
function take(
  index: KeyIndex,
  { key: name, kind }: Step,
  main: number,
): Parameters<KeyIndex["restore"]>[1] | undefined {
  const bytes = latin1Bytes(name);
  const known = index.find(bytes);
  const isLiving = known !== 0 && index.records.versionOf(known) > 0;
  if (kind === "put") {
    const slot = index.put(bytes, known, main, main % 3);
    const { records } = index;
    return {
      main,
      sub: main % 3,
      deletion: false,
      create: records.createOf(slot),
      version: records.versionOf(slot),
    };
  }
  if (!isLiving) return undefined;
  if (kind === "lease") {
    index.records.mark(known, marks.leased, true);
    return undefined;
  }
  index.records.mark(known, marks.leased, false);
  index.delete(known, main, main % 3);
  return { main, sub: main % 3, deletion: true, create: 0, version: 0 };
}

/** All that an index knows, in words. */
function told(index: KeyIndex): string[] {
  const out: string[] = [];
  const { records, older } = index;
  index.visitEvery(new Uint8Array(0), Number.POSITIVE_INFINITY, (slot) => {
    const version = records.versionOf(slot);
    const points = [...older.pointsOf(records.olderOf(slot)).points].map(
      (point) => `${older.mainOf(point)}.${older.subOf(point)}${older.isDeletion(point) ? "t" : ""}`,
    );
    const generation = version === 0 ? "deleted" : `${records.createOf(slot)}x${version}`;
    assert.equal(index.find(records.keyOf(slot)), slot);
    out.push(
      `${latin1(records.keyOf(slot))} ${records.mainOf(slot)}.${records.subOf(slot)} ${generation} after ${points} ` +
        `${records.isMarked(slot, marks.compactable)}`,
    );
  });
  return out;
}

describe("store/mvcc: the index as pages", () => {
  it("is the same when it was loaded, whatever the size of a page", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 120 }),
        fc.integer({ min: 1, max: 400 }),
        (steps, pageBytes) => {
          const index = new KeyIndex();
          for (const [at, one] of steps.entries()) take(index, one, at + 2);
          const load = new IndexLoad(index.size);
          for (const page of indexPages(index, leaseOf, pageBytes)) load.page(page, 0, page.length);
          load.end();
          assert.deepEqual(told(load.index), told(index));
          assert.deepEqual([load.index.size, load.index.living], [index.size, index.living]);
          const leased = new Map<string, bigint>();
          index.visitEvery(new Uint8Array(0), Number.POSITIVE_INFINITY, (slot) => {
            if (index.records.isMarked(slot, marks.leased))
              leased.set(latin1(index.records.keyOf(slot)), leaseOf(slot));
          });
          assert.deepEqual(load.leased, leased);
        },
      ),
    );
  });

  it("is what it became meanwhile, with the revisions behind the one at which it began", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 200 }),
        (before, meanwhile, pageBytes) => {
          const index = new KeyIndex();
          let main = 2;
          for (const one of before) take(index, one, main++);
          const rows: { readonly key: string; readonly row: NonNullable<ReturnType<typeof take>> }[] = [];
          const load = new IndexLoad(index.size);
          const changes = [...meanwhile];
          for (const page of indexPages(index, leaseOf, pageBytes)) {
            load.page(page, 0, page.length);
            for (const one of changes.shift() ?? []) {
              const row = take(index, one, main++);
              if (row !== undefined) rows.push({ key: one.key, row });
            }
          }
          load.end();
          for (const { key: name, row } of rows) load.index.restore(latin1Bytes(name), row);
          assert.deepEqual(told(load.index), told(index));
          assert.deepEqual([load.index.size, load.index.living], [index.size, index.living]);
        },
      ),
    );
  });

  it("finds each key before, while and after it is entered in the table, and none that is gone", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.array(step, { maxLength: 80 }),
        (before, meanwhile) => {
          const index = new KeyIndex();
          let main = 2;
          for (const one of before) take(index, one, main++);
          const load = new IndexLoad(index.size);
          for (const page of indexPages(index, leaseOf, 100)) load.page(page, 0, page.length);
          assert.equal(load.index.isListed, load.index.size === 0);
          let from: Uint8Array | undefined = new Uint8Array(0);
          for (const one of meanwhile) {
            for (const each of [index, load.index]) {
              take(each, one, main);
              if (main % 7 > 0) continue;
              const compaction = each.compaction(main - 3);
              while (compaction.next(1, () => undefined));
            }
            main++;
            if (from !== undefined) from = load.index.list(from, 3);
            assert.deepEqual(told(load.index), told(index));
          }
          while (from !== undefined) from = load.index.list(from, 3);
          assert.ok(load.index.isListed);
          assert.deepEqual(told(load.index), told(index));
          for (const one of meanwhile)
            assert.equal(load.index.find(latin1Bytes(one.key)) > 0, index.find(latin1Bytes(one.key)) > 0);
        },
      ),
    );
  });

  it("enters a few long keys in the table at a stretch, not all that it may", () => {
    const load = new IndexLoad(8);
    const index = new KeyIndex();
    for (let at = 0; at < 8; at++) index.put(Buffer.alloc(300_000, at), 0, at + 2, 0);
    for (const page of indexPages(index, leaseOf, 100)) load.page(page, 0, page.length);
    let stretches = 0;
    for (let from: Uint8Array | undefined = new Uint8Array(0); from !== undefined; stretches++)
      from = load.index.list(from, 1_000);
    assert.equal(stretches, 3);
    assert.ok(load.index.isListed);
  });

  it("keeps a long history over many pages", () => {
    const index = new KeyIndex();
    const bytes = latin1Bytes("hot");
    for (let main = 2; main < 10_000; main++) index.put(bytes, index.find(bytes), main, 0);
    const load = new IndexLoad(1);
    let pages = 0;
    for (const page of indexPages(index, leaseOf, 1_000)) {
      load.page(page, 0, page.length);
      pages++;
    }
    load.end();
    assert.ok(pages > 10);
    assert.deepEqual(told(load.index), told(index));
  });

  it("refuses pages that are out of order or not whole", () => {
    const index = new KeyIndex();
    for (const name of ["a", ...new Array(90).fill("b"), "c"])
      index.put(latin1Bytes(name), index.find(latin1Bytes(name)), 2, 0);
    const pages = [...indexPages(index, leaseOf, 1)];
    const loaded = (some: readonly (Uint8Array | undefined)[]) => () => {
      const load = new IndexLoad(3);
      for (const page of some) if (page !== undefined) load.page(page, 0, page.length);
      load.end();
    };
    loaded(pages)();
    assert.throws(loaded([pages.at(-1), pages[0]]), /out of order/);
    assert.throws(loaded(pages.slice(0, 3)), /ends within a key/);
    assert.throws(loaded([pages[0]?.subarray(0, 3)]), /unexpected end/);
  });
});
