import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const pages = join(root, "docs/tutorial");
const example = "examples/operator";
/** A file that a page shows whole: its fence, its name, and its text. */
const shown = /^(```[a-z]+ file=(\S+)\n)([\s\S]*?)^```$/gm;
const shownOnlyThere = ["preview.yaml"];

/** `REWRITE=1` brings the pages up to the example's files. */
describe("the tutorial", () => {
  const told = new Set<string>();
  for (const page of readdirSync(pages))
    it(`shows the files of ${example} as they are: ${page}`, () => {
      const text = readFileSync(join(pages, page), "utf8");
      const asTheyAre = text.replaceAll(shown, (block, fence: string, name: string) => {
        told.add(name);
        if (shownOnlyThere.includes(name)) return block;
        return `${fence}${readFileSync(join(root, example, name), "utf8")}\`\`\``;
      });
      if (process.env.REWRITE === "1") writeFileSync(join(pages, page), asTheyAre);
      else assert.equal(text, asTheyAre);
    });

  it("shows every one of them", () => {
    const words = ["ls-files", "--cached", "--others", "--exclude-standard", example];
    const files = execFileSync("git", words, { cwd: root, encoding: "utf8" }).trim().split("\n");
    const left = files.filter(
      (path) => existsSync(join(root, path)) && !told.has(path.slice(example.length + 1)),
    );
    assert.deepEqual(left.sort(), [`${example}/README.md`, `${example}/package.json`]);
  });
});
