import { strict as assert } from "node:assert";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../../cli/command.ts";
import { allCommands, type NamedCommand } from "../../scripts/reference/all-commands.ts";
import { manName, manOverview, manPage, text } from "../../scripts/reference/man-page.ts";

const edition = { version: "1.2.3", date: "2026-11-30" };

describe("the manual's pages", () => {
  let all: readonly NamedCommand[];
  let folder: string;
  before(async () => {
    all = await allCommands();
    folder = mkdtempSync(join(tmpdir(), "pintle-man-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  it("are such that mandoc has no warning about them", function () {
    if (spawnSync("mandoc", ["-h"]).error !== undefined) this.skip();
    const pages = all.map((one) => [manName(one.row.name), manPage(one, all, edition)] as const);
    const files = [...pages, ["pintle", manOverview(all, edition)] as const].map(([name, page]) => {
      writeFileSync(join(folder, `${name}.1`), page);
      return `${name}.1`;
    });
    const { stdout, stderr, status } = spawnSync("mandoc", ["-Tlint", "-Wwarning", ...files], {
      cwd: folder,
      encoding: "utf8",
    });
    // A page refers to others, which are not installed here.
    assert.equal(`${stdout}${stderr}`, "");
    assert.equal(status, 0);
    const shown = execFileSync("mandoc", ["-Tutf8", "pintle-exec.1"], { cwd: folder, encoding: "utf8" });
    assert.match(shown.replaceAll(/.\u0008/g, ""), /pintle exec -it deployment\/web -- sh/);
  });

  it("hold every flag, value, example and exit status", () => {
    for (const one of all) {
      const page = manPage(one, all, edition);
      for (const [name, row] of Object.entries(one.command.flags))
        if (!row.hidden && !name.includes("."))
          assert.ok(page.includes(`\\fB${text(`--${name}`)}\\fR`), name);
      for (const status of ["0", "1", "2"]) assert.ok(page.includes(`.B ${status}\n`), one.row.name);
      assert.ok(one.command.examples.length === 0 || page.includes(".SH EXAMPLES"), one.row.name);
    }
  });

  it("read nothing into texts", () => {
    const hostile = '.de XX \\fBx\\*[y] \'z` -- "q" …\n.so /etc/passwd';
    const one: NamedCommand = {
      heading: "X",
      row: { name: "x", summary: hostile, load: async () => odd },
      command: command({
        name: "x",
        summary: hostile,
        usage: hostile,
        examples: [hostile],
        flags: { f: { kind: "string", value: hostile, help: hostile } },
        run: async () => 0,
      }),
    };
    const odd = one.command;
    const page = manPage(one, [one], edition);
    const requests = page.split("\n").filter((line) => /^[.']/.test(line));
    for (const request of requests) assert.match(request, /^\.(TH|SH|TP|B|BR|EX|EE|nh|ad l)( |$)/, request);
    assert.ok(!page.includes("\\*[y]"));
    assert.match(page, /^[\x20-\x7e\n]*$/);
  });
});
