import assert from "node:assert/strict";
import { remotesMax, wantedLinks } from "./wanted-links.ts";

const known = new Map([
  [1n, ["http://a:1"]],
  [2n, ["http://b:1"]],
]);
const says = (from: bigint, ...peerUrls: string[]) => ({ from, peerUrls });

describe("whom a member connects to", () => {
  it("are the other members, where they are known to be and where they say that they are", () => {
    const wanted = wantedLinks(1n, known, [says(2n, "http://b:2", "http://b:1"), says(1n, "http://a:1")]);
    assert.deepEqual([...wanted], [[2n, ["http://b:1", "http://b:2"]]]);
  });

  it("are those, too, that it does not know and that say where they are, so many at most", () => {
    assert.deepEqual(wantedLinks(1n, known, [says(3n, "http://c:1")]).get(3n), ["http://c:1"]);
    assert.equal(wantedLinks(1n, known, [says(3n)]).has(3n), false);
    const many = Array.from({ length: 1_000 }, (_, i) => says(BigInt(i + 10), `http://d:${i}`));
    const wanted = wantedLinks(1n, known, [...many, says(2n, "http://b:2")]);
    assert.equal(wanted.size, 1 + remotesMax);
    assert.deepEqual(wanted.get(2n), ["http://b:1", "http://b:2"], "members are never left out");
  });
});
