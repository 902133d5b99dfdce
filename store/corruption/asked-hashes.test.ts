import assert from "node:assert/strict";
import { type Deferred, deferred } from "../../base/deferred.ts";
import { StoreError } from "../errors.ts";
import type { KeyValueHash } from "../mvcc/hash.ts";
import { AskedHashes } from "./asked-hashes.ts";

describe("hashes that other members ask for", () => {
  const rig = () => {
    const begun: { readonly revision: number; readonly end: Deferred<KeyValueHash> }[] = [];
    const asked = new AskedHashes((revision) => {
      const end = deferred<KeyValueHash>();
      begun.push({ revision, end });
      return end.promise;
    });
    return {
      asked,
      revisions: () => begun.map(({ revision }) => revision),
      async end(at: number, error?: Error) {
        const one = begun[at];
        assert.ok(one !== undefined);
        if (error === undefined) one.end.resolve(hashAt(one.revision));
        else one.end.reject(error);
        await new Promise(setImmediate);
      },
    };
  };
  const hashAt = (revision: number) => ({ hash: 7 * revision, compactRevision: 1, hashRevision: revision });

  it("are made one at a time, for the newest of those that wait", async () => {
    const { asked, revisions, end } = rig();
    const first = asked.at(5);
    const given = asked.at(6);
    const refused = assert.rejects(given, { code: "TOO_MANY_REQUESTS" });
    const last = asked.at(7);
    await refused;
    assert.deepEqual(revisions(), [5]);
    await end(0);
    assert.deepEqual([await first, revisions()], [hashAt(5), [5, 7]]);
    await end(1);
    assert.deepEqual(await last, hashAt(7));
    void asked.at(8);
    assert.deepEqual(revisions(), [5, 7, 8]);
  });

  it("are the same for all who ask for the same", async () => {
    const { asked, revisions, end } = rig();
    const answers = [asked.at(5), asked.at(6), asked.at(5), asked.at(6)];
    await end(0);
    await end(1);
    assert.deepEqual(await Promise.all(answers), [5, 6, 5, 6].map(hashAt));
    assert.deepEqual(revisions(), [5, 6]);
  });

  it("go on with the next where one fails", async () => {
    const { asked, revisions, end } = rig();
    const failed = assert.rejects(asked.at(5), { code: "COMPACTED" });
    const next = asked.at(6);
    await end(0, new StoreError("COMPACTED"));
    await failed;
    await end(1);
    assert.deepEqual([await next, revisions()], [hashAt(6), [5, 6]]);
  });
});
