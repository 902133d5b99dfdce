import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const docs = join(import.meta.dirname, "../../docs");
const folder = join(docs, "pictures/dashboard");
const bytesMost = 2_500_000;

describe("the pictures of the dashboard", () => {
  const page = readFileSync(join(docs, "how-to/dashboard.md"), "utf8");
  const shown = [...page.matchAll(/<picture>([\s\S]*?)<\/picture>/g)].map(([, inside = ""]) => inside);

  it("are there, light and dark, each shown once, and said in words", () => {
    const named = shown.flatMap((inside) => {
      const [, dark = ""] =
        /prefers-color-scheme: dark\)" srcset="\.\.\/pictures\/dashboard\/([^"]+)"/.exec(inside) ?? [];
      const [, light = ""] = /<img src="\.\.\/pictures\/dashboard\/([^"]+)"/.exec(inside) ?? [];
      assert.equal(dark, light.replace("-light.", "-dark."));
      assert.match(inside, /alt="[^"]{30,}"/);
      return [dark, light];
    });
    assert.deepEqual(named.sort(), readdirSync(folder).sort());
  });

  it("are small", () => {
    const bytes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
    assert.ok(bytes.reduce((sum, one) => sum + one, 0) < bytesMost, `${bytes}`);
  });
});
