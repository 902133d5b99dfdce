import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../base/wire.ts";
import { isPermissionRange, type KeyRange, KeyRanges, keyRange } from "./key-ranges.ts";

const range = (key: string, rangeEnd = "") => keyRange(utf8(key), utf8(rangeEnd));
/** All short keys of three letters, the zero byte among them. */
const letters = ["\0", "a", "b"];
const keys = ["", ...letters, ...letters.flatMap((one) => letters.map((two) => one + two))]
  .flatMap((start) => [start, ...letters.map((end) => start + end)])
  .filter((key, at, all) => key !== "" && all.indexOf(key) === at);
const holds = ({ from, to }: KeyRange, key: string) => key >= from && (to === undefined || key < to);

const aKey = fc.constantFrom(...keys);
const aRange = fc
  .tuple(aKey, fc.oneof(fc.constant(""), fc.constant("\0"), aKey))
  .map(([key, end]) => ({ key, end }));
const aPermission = aRange.filter(({ key, end }) => isPermissionRange(utf8(key), utf8(end)));

describe("a set of key ranges", () => {
  it("covers what its ranges cover together, and nothing else", () => {
    fc.assert(
      fc.property(fc.array(aPermission, { maxLength: 5 }), aRange, (given, asked) => {
        const ranges = given.map(({ key, end }) => range(key, end));
        const wanted = range(asked.key, asked.end);
        const inIt = (key: string) => ranges.some((one) => holds(one, key));
        if (wanted.to !== undefined && wanted.to <= wanted.from) return;
        // Keys longer than those asked with lie between them, so their neighbours are asked, too.
        const bounds = [...ranges, wanted].flatMap(({ from, to }) => [
          from,
          `${from}\0`,
          ...(to ? [to] : []),
        ]);
        const all = [...keys, ...bounds, "\xff\xff\xff"].filter((key) => holds(wanted, key));
        const isOpenCovered = wanted.to !== undefined || ranges.some(({ to }) => to === undefined);
        assert.equal(new KeyRanges(ranges).covers(wanted), isOpenCovered && all.every(inIt));
      }),
      { numRuns: 3_000 },
    );
  });

  it("joins neighbours, and what reaches to the end", () => {
    const joined = new KeyRanges([range("b", "d"), range("a", "b"), range("d", "\0"), range("c")]);
    assert.ok(joined.covers(range("a", "\0")));
    assert.ok(!joined.covers(range("A", "b")));
    assert.ok(!new KeyRanges([range("a", "b"), range("c", "d")]).covers(range("a", "d")));
  });

  it("does not take one key for all from it on", () => {
    const one = new KeyRanges([range("a")]);
    assert.ok(one.covers(range("a")));
    assert.ok(one.covers(range("a", "a\0")));
    assert.ok(!one.covers(range("a", "\0")));
    assert.ok(!one.covers(range("a", "b")));
    assert.ok(!one.covers(range("\0", "\0")));
  });

  it("covers a range that ends before its begin where it covers the begin", () => {
    const some = new KeyRanges([range("b", "d")]);
    assert.ok(some.covers(range("c", "a")));
    assert.ok(!some.covers(range("d", "c")));
    assert.ok(!new KeyRanges([]).covers(range("d", "c")));
  });
});
