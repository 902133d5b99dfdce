import assert from "node:assert/strict";
import { text, utf8 } from "../../base/wire.ts";
import { backendDefaults } from "../backend/layered-backend.ts";
import { MemoryHome } from "../backend/memory-home.ts";
import { withStorageVersion } from "./storage-version.ts";

describe("the storage version in a snapshot", () => {
  async function metaRows(clusterVersion: string, ...keys: readonly string[]) {
    const failLoudly = (error: Error) => {
      throw error;
    };
    const backend = await new MemoryHome(backendDefaults, { onFailure: failLoudly }).open();
    for (const key of keys) backend.put("meta", key, utf8("as it was"));
    backend.commit();
    const view = withStorageVersion(backend.snapshot(), clusterVersion);
    const found: [string, string][] = [];
    for await (const rows of view.pages("meta", {}, 2))
      for (const { key, value } of rows) found.push([key, text(value)]);
    await view.close();
    await backend.close();
    return found;
  }
  const added = ["storageVersion", "3.7.0"] as const;
  const kept = (key: string) => [key, "as it was"] as const;

  it("has its place among the rows, whatever is there", async () => {
    assert.deepEqual(await metaRows("3.7.0"), [added]);
    assert.deepEqual(await metaRows("3.7.0", "confState"), [kept("confState"), added]);
    assert.deepEqual(await metaRows("3.7.0", "confState", "consistent_index", "term"), [
      kept("confState"),
      kept("consistent_index"),
      added,
      kept("term"),
    ]);
    assert.deepEqual(await metaRows("3.7.0", "storageVersion", "term"), [added, kept("term")]);
  });

  it("is not there in a cluster whose version knows none", async () => {
    for (const version of ["", "3.5.0"]) assert.deepEqual(await metaRows(version, "term"), [kept("term")]);
  });
});
