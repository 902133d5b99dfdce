import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const root = join(import.meta.dirname, "../..");

describe("client/models.ts", () => {
  it("is what the schema says: `npm run models` makes it", async () => {
    const script = pathToFileURL(join(root, "scripts/build-models.mjs")).href;
    const { modelsText } = (await import(script)) as { modelsText: () => string };
    const text = readFileSync(join(root, "client/models.ts"), "utf8");
    assert.ok(text === modelsText(), "npm run models, after npm run build");
  });
});
