import assert from "node:assert/strict";
import { accused } from "./accused.ts";

const groups = (...ids: readonly bigint[][]) => new Map(ids.map((group, found) => [found, group]));

describe("accused", () => {
  it("names nobody where all found the same, however many were compared", () => {
    assert.deepEqual(accused(groups([1n, 2n, 3n]), 3), []);
    assert.deepEqual(accused(groups([1n]), 3), []);
  });

  it("names all that are not with the quorum, the leader too", () => {
    assert.deepEqual(accused(groups([1n, 3n], [2n]), 3), [2n]);
    assert.deepEqual(accused(groups([1n], [2n, 3n]), 3), [1n]);
    assert.deepEqual(accused(groups([1n, 2n, 3n], [4n], [5n]), 5), [4n, 5n]);
  });

  it("names nobody's id where no quorum of all members agrees", () => {
    assert.deepEqual(accused(groups([1n], [2n]), 2), [0n]);
    assert.deepEqual(accused(groups([1n], [2n]), 3), [0n]);
    assert.deepEqual(accused(groups([1n, 2n], [3n], [4n]), 5), [0n]);
  });
});
