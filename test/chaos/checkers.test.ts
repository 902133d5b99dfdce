import assert from "node:assert/strict";
import { type Acknowledged, longestSilenceMs, lostWrites, misnumbered } from "./checkers.ts";

const write = (key: string, revision: number, atMs = 0): Acknowledged => ({
  key,
  value: `v-${key}`,
  revision,
  atMs,
});
const present = (...writes: Acknowledged[]) =>
  new Map(writes.map(({ key, value, revision }) => [key, { value, modRevision: revision }]));

describe("chaos checkers", () => {
  it("are content with a faithful store", () => {
    const writes = [write("a", 2), write("b", 3)];
    assert.deepEqual(lostWrites(writes, present(...writes)), []);
    assert.deepEqual(misnumbered([writes]), []);
  });
  it("fail when an acknowledged write is lost, altered or renumbered", () => {
    const writes = [write("a", 2), write("b", 3), write("c", 4)];
    const store = present(write("a", 2), write("c", 9));
    assert.deepEqual(lostWrites(writes, store), [
      "b is gone",
      "c stands at revision 9, was acknowledged at 4",
    ]);
    store.set("a", { value: "other", modRevision: 2 });
    assert.match(lostWrites(writes, store)[0] ?? "", /a holds other/);
  });
  it("fail when revisions repeat or run backwards", () => {
    assert.equal(misnumbered([[write("a", 3), write("b", 2)]]).length, 1);
    assert.equal(misnumbered([[write("a", 3)], [write("b", 3)]]).length, 1);
  });
  it("measure the longest silence", () => {
    assert.equal(longestSilenceMs([10, 0, 500, 20]), 480);
    assert.equal(longestSilenceMs([]), 0);
  });
});
