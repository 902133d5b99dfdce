import assert from "node:assert/strict";
import fc from "fast-check";
import { latin1, latin1Bytes } from "../../base/wire.ts";
import { KeyIndex, noPoint, type Span } from "./key-index.ts";
import { hashOf } from "./key-table.ts";
import type { Point } from "./older-points.ts";

interface TwinPoint extends Point {
  readonly create: number;
  readonly version: number;
}

/** The dumb twin: every point of every key in a map. */
class TwinIndex {
  readonly points = new Map<string, TwinPoint[]>();

  add(key: string, main: number, deletion: boolean): TwinPoint | undefined {
    const points = this.points.get(key) ?? [];
    const last = points.at(-1);
    if (deletion && (last === undefined || last.deletion)) return undefined;
    const isNew = last === undefined || last.deletion;
    const version = deletion ? 0 : (last?.version ?? 0) + 1;
    const create = isNew ? main : last.create;
    const point = { main, sub: main % 3, deletion, create, version };
    this.points.set(key, [...points, point]);
    return point;
  }

  at(key: string, revision: number): TwinPoint | undefined {
    return this.points.get(key)?.findLast(({ main }) => main <= revision);
  }

  living(revision: number, from: string, to: string | undefined): [string, number][] {
    return [...this.points.keys()]
      .filter((key) => key >= from && (to === undefined || key < to))
      .sort((a, b) => (a < b ? -1 : 1))
      .flatMap((key) => {
        const point = this.at(key, revision);
        return point === undefined || point.deletion ? [] : [[key, point.main] as [string, number]];
      });
  }

  /** Answers what it drops. */
  compact(revision: number): string[] {
    const dropped: string[] = [];
    for (const [key, points] of this.points) {
      const newest = points.findLast(({ main }) => main <= revision);
      const isKept = (point: TwinPoint) =>
        point.main > revision || (point === newest && !(point.deletion && point.main < revision));
      dropped.push(...points.filter((point) => !isKept(point)).map((point) => described(point)));
      const kept = points.filter(isKept);
      if (kept.length === 0) this.points.delete(key);
      else this.points.set(key, kept);
    }
    return dropped.sort();
  }
}

const described = ({ main, sub, deletion }: Point) => `${main}.${sub}${deletion ? "t" : ""}`;

/** Few keys that share long beginnings, so that steps meet. */
const key = fc
  .tuple(
    fc.constantFrom("", "a", "/registry/pods/", "\0", "\xff\xff", "/registry/pods/".repeat(20)),
    fc.array(fc.constantFrom(0, 1, 127, 128, 254, 255), { maxLength: 3 }),
  )
  .map(([start, rest]) => start + String.fromCharCode(...rest));

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ put: key }) },
  { weight: 2, arbitrary: fc.record({ delete: key }) },
  { weight: 1, arbitrary: fc.record({ compactBack: fc.nat(20), stepsMax: fc.integer({ min: 1, max: 9 }) }) },
);

function put(index: KeyIndex, name: string, { main, sub }: Point): void {
  const bytes = latin1Bytes(name);
  index.put(bytes, index.find(bytes), main, sub);
}

/** Everything between the two keys at a revision, read in slices. */
function livingIn(index: KeyIndex, span: Span, options: { revision: number; keysMax: number }) {
  const out: [string, number][] = [];
  for (let from: Uint8Array | undefined = span.from; from !== undefined; )
    from = index.visitAt({ from, to: span.to }, options, (slot, point) => {
      out.push([latin1(index.records.keyOf(slot)), point.main]);
      return out.length % 5 !== 4;
    });
  return out;
}

function checkKey(index: KeyIndex, twin: TwinIndex, name: string, revision: number): void {
  const slot = index.find(latin1Bytes(name));
  const newest = twin.points.get(name)?.at(-1);
  assert.equal(slot > 0, newest !== undefined);
  if (newest === undefined) return;
  const { records } = index;
  assert.equal(latin1(records.keyOf(slot)), name);
  assert.equal(records.mainOf(slot), newest.main);
  assert.equal(records.versionOf(slot), newest.version);
  if (!newest.deletion) assert.equal(records.createOf(slot), newest.create);
  const point = noPoint();
  const wanted = twin.at(name, revision);
  assert.equal(index.pointAt(slot, revision, point), wanted !== undefined);
  if (wanted !== undefined) assert.equal(described(point), described(wanted));
}

describe("store/mvcc: the index of keys", () => {
  it("agrees with a map of all points on puts, deletions, compactions and reads in the past", () => {
    const query = fc.record({ from: key, to: fc.option(key, { nil: undefined }), back: fc.nat(60) });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 300 }),
        fc.array(query, { maxLength: 20 }),
        (steps, queries) => {
          const index = new KeyIndex();
          const twin = new TwinIndex();
          let main = 1;
          let compacted = 0;
          for (const one of steps) {
            main++;
            if ("put" in one) put(index, one.put, twin.add(one.put, main, false) as Point);
            else if ("delete" in one) {
              const point = twin.add(one.delete, main, true);
              const slot = index.find(latin1Bytes(one.delete));
              if (point !== undefined) index.delete(slot, main, point.sub);
            } else {
              compacted = Math.max(compacted, main - one.compactBack);
              const dropped: string[] = [];
              const compaction = index.compaction(compacted);
              while (
                compaction.next(one.stepsMax, (...[m, sub, deletion]) => {
                  dropped.push(described({ main: m, sub, deletion }));
                })
              );
              assert.deepEqual(dropped.sort(), twin.compact(compacted));
            }
          }
          assert.equal(index.size, twin.points.size);
          assert.equal(index.living, twin.living(main, "", undefined).length);
          for (const { from, to, back } of queries) {
            const revision = Math.max(compacted, main - back);
            const span = { from: latin1Bytes(from), to: to === undefined ? undefined : latin1Bytes(to) };
            const found = livingIn(index, span, { revision, keysMax: 1 + (back % 7) });
            assert.deepEqual(found, twin.living(revision, from, to));
            checkKey(index, twin, from, revision);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("is the same when its rows are read back", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const twin = new TwinIndex();
        let main = 1;
        const rows: [string, TwinPoint][] = [];
        for (const one of steps) {
          main++;
          const name = "put" in one ? one.put : "delete" in one ? one.delete : "";
          const point = twin.add(name, main, "delete" in one);
          if (point !== undefined) rows.push([name, point]);
        }
        const index = new KeyIndex();
        for (const [name, point] of rows) index.restore(latin1Bytes(name), point);
        assert.deepEqual(
          livingIn(index, { from: latin1Bytes(""), to: undefined }, { revision: main, keysMax: 3 }),
          twin.living(main, "", undefined),
        );
        assert.equal(index.living, twin.living(main, "", undefined).length);
        for (const [name, point] of rows) checkKey(index, twin, name, point.main);
      }),
      { numRuns: 100 },
    );
  });

  for (const [order, nameOf] of [
    ["rising", (n: number) => `key-${String(n).padStart(7, "0")}`],
    ["falling", (n: number) => `key-${String(9_999_999 - n).padStart(7, "0")}`],
    ["scattered", (n: number) => `${Math.imul(n, 0x9e3779b1) >>> 0}-key`],
  ] as const) {
    it(`finds each of many keys that came in ${order} order, and none once they are gone`, () => {
      const index = new KeyIndex();
      const count = 70_000;
      for (let n = 0; n < count; n++) put(index, nameOf(n), { main: n + 2, sub: n, deletion: false });
      const inOrder = Array.from({ length: count }, (_, n) => nameOf(n)).sort();
      const walked: string[] = [];
      const everything = { from: new Uint8Array(0), to: undefined };
      index.visitLiving(everything, count, (slot) => walked.push(latin1(index.records.keyOf(slot))));
      assert.deepEqual(walked, inOrder);
      for (let n = 0; n < count; n++)
        assert.equal(index.records.subOf(index.find(latin1Bytes(nameOf(n)))), n);
      for (let n = 0; n < count; n++) index.delete(index.find(latin1Bytes(nameOf(n))), count + n + 2, 0);
      const compaction = index.compaction(2 * count + 2);
      let dropped = 0;
      while (compaction.next(1_000, () => dropped++));
      assert.deepEqual([dropped, index.size, index.living], [2 * count, 0, 0]);
      assert.equal(index.find(latin1Bytes(nameOf(7))), 0);
    });
  }

  it("takes keys of any length", () => {
    const index = new KeyIndex();
    const keys = [1, 127, 128, 129, 1_000, 65_536, 600_000, 1_500_000].map((length) =>
      new Uint8Array(length).fill(7),
    );
    for (const [at, bytes] of keys.entries()) index.put(bytes, 0, at + 2, 0);
    for (const [at, bytes] of keys.entries()) assert.equal(index.records.mainOf(index.find(bytes)), at + 2);
    assert.equal(index.find(new Uint8Array(65_535).fill(7)), 0);
  });

  it("finds keys for which its table has no place", () => {
    const index = new KeyIndex();
    const alike: Uint8Array[] = [];
    for (let n = 0; alike.length < 400; n++) {
      const bytes = latin1Bytes(`key-${n}`);
      if ((hashOf(bytes) & 0x7ff) === 0) alike.push(bytes);
    }
    for (const [at, bytes] of alike.entries()) index.put(bytes, index.find(bytes), at + 2, 0);
    assert.equal(index.size, alike.length);
    for (const [at, bytes] of alike.entries()) {
      const slot = index.find(bytes);
      assert.equal(index.records.mainOf(slot), at + 2);
      index.delete(slot, alike.length + at + 2, 0);
    }
    const compaction = index.compaction(2 * alike.length + 2);
    while (compaction.next(10, () => {}));
    assert.deepEqual([index.size, ...alike.map((bytes) => index.find(bytes))], [0, ...alike.map(() => 0)]);
  });

  it("finds a key's past among very many points, and forgets it in short steps", () => {
    const index = new KeyIndex();
    const count = 20_000;
    for (let main = 2; main < count; main++) put(index, "k", { main, sub: main, deletion: false });
    const slot = index.find(latin1Bytes("k"));
    const point = noPoint();
    for (let main = 2; main < count; main += 331) {
      assert.ok(index.pointAt(slot, main, point));
      assert.deepEqual([point.main, point.sub], [main, main]);
    }
    const compaction = index.compaction(count - 5);
    const dropped: number[] = [];
    let before = 0;
    while (compaction.next(1, (main) => dropped.push(main))) {
      assert.ok(dropped.length - before <= 1_024, "a step forgets one chunk at most");
      before = dropped.length;
    }
    assert.deepEqual([dropped.length, index.pointAt(slot, count - 6, point)], [count - 7, false]);
    assert.ok(index.pointAt(slot, count - 3, point) && point.main === count - 3);
  });
});
