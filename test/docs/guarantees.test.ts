import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";

const root = new URL("../../", import.meta.url);
const page = readFileSync(new URL("docs/explanation/guarantees.md", root), "utf8");

describe("docs/explanation/guarantees.md", () => {
  it("names only tests that exist, each in the file that it says", () => {
    const missing: string[] = [];
    for (const [, file = "", titles = ""] of page.matchAll(/`([\w/.-]+\.ts)`((?:,? *:? *"[^"]+")*)/g)) {
      const path = new URL(file, root);
      if (!existsSync(path)) {
        missing.push(file);
        continue;
      }
      const source = readFileSync(path, "utf8");
      for (const [, title = ""] of titles.matchAll(/"([^"]+)"/g))
        if (!source.includes(title)) missing.push(`${file}: ${title}`);
    }
    assert.deepEqual(missing, []);
  });

  it("shows each guarantee by a test", () => {
    const rows = page.split("\n").filter((line) => /^\| (?!---|guarantee)/.test(line));
    assert.ok(rows.length > 20);
    for (const row of rows) assert.match(row, /`[\w/.-]+\.ts`/, row);
  });
});
