import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = import.meta.dirname;
const read = (file: string) => readFileSync(join(folder, file), "utf8");
const sectionsIn = (text: string) => text.split(",").map((one) => one.trim());

/** The sections that the titles of a file's tests name. */
function titled(file: string): ReadonlySet<string> {
  const sections = new Set<string>();
  for (const [, first = "", more = ""] of read(file).matchAll(/["`]§([\dA-Z.]+)((?:, §[\d.]+)*): /g))
    for (const section of [first, ...more.split(", §").filter((one) => one !== "")])
      sections.add(/^[A-Z]/.test(section) ? section.slice(0, 1) : section);
  return sections;
}

describe("the table of all that HTTP/2 demands", () => {
  const rows = read("README.md")
    .split("\n")
    .map((line) => /^\| ([\dC][^|]*) \| ([^|]*) \| ([^|]*) \|$/.exec(line))
    .filter((match) => match !== null)
    .map(([, sections = "", , held = ""]) => ({ sections: sectionsIn(sections), held }));
  const files = readdirSync(folder).filter((file) => file.endsWith(".test.ts") && file !== "table.test.ts");

  it("names only tests that there are", () => {
    assert.ok(rows.length > 80);
    const absent: string[] = [];
    for (const { sections, held } of rows) {
      if (held.startsWith("–")) continue;
      for (const file of sectionsIn(held)) {
        const titles = titled(`${file}.test.ts`);
        if (!sections.some((section) => titles.has(section))) absent.push(`${file}: ${sections.join()}`);
      }
    }
    assert.deepEqual(absent, []);
  });

  it("has a row for each section that a test names, in the file that has the test", () => {
    const missing: string[] = [];
    for (const file of files)
      for (const section of titled(file)) {
        const held = rows.filter(({ sections }) => sections.includes(section)).map((row) => row.held);
        const isHeld = held.some((names) => sectionsIn(names).includes(file.replace(".test.ts", "")));
        if (!isHeld) missing.push(`${file}: §${section}`);
      }
    assert.deepEqual(missing, []);
  });
});
