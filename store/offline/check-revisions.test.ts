import assert from "node:assert/strict";
import { utf8 } from "../../base/wire.ts";
import { backendDefaults } from "../backend/layered-backend.ts";
import { MemoryHome } from "../backend/memory-home.ts";
import { encodeKeyValue, encodeTombstone } from "../mvcc/key-value.ts";
import { checkRevisions } from "./check-revisions.ts";

interface Row {
  readonly main: number;
  readonly key?: string;
  /** Undefined: a deletion. */
  readonly version?: number;
  readonly create?: number;
  readonly mod?: number;
}

async function problemsOf(...rows: readonly Row[]): Promise<readonly string[]> {
  const failLoudly = (error: Error) => {
    throw error;
  };
  const backend = await new MemoryHome(backendDefaults, { onFailure: failLoudly }).open();
  for (const { main, key = "k", version, create = main, mod = main } of rows) {
    const kv = { key: utf8(key), createRevision: create, modRevision: mod, version: version ?? 0, lease: 0n };
    const value =
      version === undefined ? encodeTombstone(kv.key) : encodeKeyValue({ ...kv, value: utf8("v") });
    backend.append({ main, sub: 0, deletion: version === undefined, value });
  }
  backend.commit();
  return await checkRevisions(backend);
}

describe("store/offline: revisions against their neighbours", () => {
  it("are in order where each follows from the one of its key before it, whatever compactions dropped at the beginning", async () => {
    const history = [
      { main: 5, version: 3, create: 2 },
      { main: 6, version: 4, create: 2 },
      { main: 7 },
      { main: 8, version: 1 },
      { main: 9, key: "other", version: 1 },
      { main: 10, version: 2, create: 8 },
    ];
    assert.deepEqual(await problemsOf(...history), []);
  });

  it("are named where they do not", async () => {
    assert.deepEqual(await problemsOf({ main: 5, version: 1 }, { main: 6, version: 3, create: 5 }), [
      "revision 6.0: version 3 follows 1",
    ]);
    assert.deepEqual(await problemsOf({ main: 5, version: 1 }, { main: 6, version: 2, create: 4 }), [
      "revision 6.0: its key was made at 4, and before at 5",
    ]);
    assert.deepEqual(await problemsOf({ main: 5, version: 1, mod: 4 }), [
      "revision 5.0: the row is of revision 4",
    ]);
    assert.deepEqual(await problemsOf({ main: 5, version: 1, create: 9 }), [
      "revision 5.0: its key was made later, at 9",
    ]);
  });
});
