import assert from "node:assert/strict";
import type { SearchRecord } from "../../../client/logs/search-records.ts";
import { mergeFound } from "./merge.ts";

describe("what nodes find, as one", () => {
  it("is bounded for a node that names sources without end", async () => {
    let told = 0;
    async function* endless(): AsyncGenerator<SearchRecord, void, void> {
      for (; told < 100_000; told++) yield { source: { id: told, kind: "container", namespace: "n" } };
    }
    const finder = { name: "node-1", records: endless() };
    const wanted = {
      namespace: undefined,
      order: "newest",
      limit: 10,
      counts: undefined,
      follow: false,
    } as const;
    const records: SearchRecord[] = [];
    for await (const record of mergeFound([finder], wanted)) records.push(record);
    assert.match(JSON.stringify(records.at(-1)), /more than 20000 sources/);
    assert.ok(told < 21_000, String(told));
  });
});
