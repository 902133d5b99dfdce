import assert from "node:assert/strict";
import { UnheardChanges } from "./unheard-changes.ts";

const put = (key: string, revision: number, bytes = 1) => ({
  changes: [{ type: "put" as const, key, value: new Uint8Array(bytes), modRevision: revision }],
  revision,
});

describe("changes of kinds without a cache", () => {
  const build = (limits?: { changesMax: number; bytesMax: number }) => {
    const unheard = new UnheardChanges(limits);
    unheard.startOver(10);
    const hear = (key: string, revision: number, bytes = 1) => {
      const { changes } = put(key, revision, bytes);
      unheard.push(changes, revision);
    };
    const of = (prefix: string) => unheard.of(prefix).map(({ revision }) => revision);
    return { unheard, hear, of };
  };

  it("are kept from where nothing was missed, each kind's apart", () => {
    const { unheard, hear, of } = build();
    hear("/a/1", 11);
    hear("/b/1", 12);
    hear("/a/2", 13);
    assert.deepEqual([unheard.baseOf("/a/"), of("/a/"), of("/b/")], [10, [11, 13], [12]]);
    unheard.startOver(20);
    assert.deepEqual([unheard.baseOf("/a/"), of("/a/")], [20, []]);
  });

  it("give way to newer ones beyond the bounds, and say where they begin then", () => {
    const { unheard, hear, of } = build({ changesMax: 2, bytesMax: 1000 });
    for (const revision of [11, 12, 13]) hear("/a/1", revision);
    assert.deepEqual([unheard.baseOf("/a/"), of("/a/")], [11, [12, 13]]);
    hear("/a/1", 14, 995);
    assert.deepEqual([unheard.baseOf("/a/"), of("/a/")], [14, []]);
  });

  it("begin anew for a kind whose cache took them meanwhile", () => {
    const { unheard, hear, of } = build();
    hear("/a/1", 11);
    unheard.heardUntil("/a/", 20);
    hear("/a/1", 21);
    assert.deepEqual([unheard.baseOf("/a/"), of("/a/"), unheard.baseOf("/b/")], [20, [21], 10]);
    unheard.startOver(30);
    assert.equal(unheard.baseOf("/a/"), 30);
  });
});
