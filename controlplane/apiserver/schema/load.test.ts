import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkBuilt } from "./load.ts";

describe("apiserver/schema/load", () => {
  it("says what to do where the package was not built", () => {
    const folder = mkdtempSync(join(tmpdir(), "pintle-unbuilt-"));
    try {
      const from = join(folder, "controlplane", "apiserver");
      mkdirSync(from, { recursive: true });
      assert.throws(() => checkBuilt(from), /dist\/schema.json.gz is missing: run `npm run build`/);
      mkdirSync(join(folder, "dist"));
      writeFileSync(join(folder, "dist", "schema.json.gz"), "");
      checkBuilt(from);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
