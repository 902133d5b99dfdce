import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isShown } from "./loose-output.ts";
import { commandsOf, readPage } from "./page-blocks.ts";
import { programsOf } from "./page-programs.ts";
import { PageShell } from "./page-shell.ts";

const page = (...lines: readonly string[]) => readPage("docs/how-to/x.md", lines.join("\n"));
const fenced = (info: string, ...lines: readonly string[]) => [`\`\`\`${info}`, ...lines, "```"];

describe("a page's blocks", () => {
  it("are read with what their fences say", () => {
    const [command, file, other] = page(
      ...fenced("sh", "echo 1"),
      ...fenced("text output", "1"),
      "in `a/b.yaml`:",
      ...fenced("yaml file=a/b.yaml", "a: 1"),
      ...fenced('toml not-run="a file of others"', "x"),
    ).blocks;
    assert.equal(command?.output, "1");
    assert.deepEqual([file?.file, file?.text, file?.line], ["a/b.yaml", "a: 1", 8]);
    assert.equal(other?.notRun, "a file of others");
  });

  it("are refused, with their line, where nobody would run them", () => {
    const refused: readonly (readonly [readonly string[], RegExp])[] = [
      [["a", "", "    indented"], /how-to\/x\.md:3: an indented block/],
      [fenced("", "x"), /x\.md:1: the block has no language/],
      [fenced("toml", "x"), /nobody runs toml/],
      [fenced("sh notrun=x", "x"), /nobody knows what notrun is/],
      [fenced('sh not-run=""', "x"), /say why it is not run/],
      [fenced("text output", "x"), /no block before prints this/],
      [["```sh", "x"], /the block does not end/],
      [["`a.yaml`", "", "words", "", ...fenced("yaml file=a.yaml", "x")], /x\.md:5: .* name `a\.yaml`/],
    ];
    for (const [lines, words] of refused) assert.throws(() => page(...lines), words);
  });

  it("know of a page who runs it, what it needs and whose cluster it uses", () => {
    const read = page("---", "run-by: test/a.test.ts", "needs: kubectl, helm", "cluster: own", "---", "# X");
    assert.deepEqual(
      [read.runBy, read.needs, read.startsCluster],
      ["test/a.test.ts", ["kubectl", "helm"], true],
    );
  });

  it("of the shell are commands with the output that is shown", () => {
    const [session, script] = page(
      ...fenced("sh", "$ echo a \\", "    b", "a b", "$ true"),
      ...fenced("sh", "x=1", "echo $x"),
    ).blocks;
    assert.ok(session && script);
    assert.deepEqual(commandsOf(session), [
      { command: "echo a \\\n    b", output: "a b" },
      { command: "true" },
    ]);
    assert.deepEqual(commandsOf(script), [{ command: "x=1\necho $x" }]);
  });

  it("of TypeScript are programs, each line where it stands on the page", () => {
    const lines = [
      ...fenced("ts", "const a = 1;"),
      "words",
      ...fenced("ts continues", "a;"),
      ...fenced("ts", "2;"),
    ];
    const programs = programsOf(page(...lines));
    assert.deepEqual(
      programs.map(({ text, file, block }) => [text, file, block.line]),
      [
        ["\nconst a = 1;\n\n\n\na;", "how-to-x/line-1.ts", 5],
        ["\n\n\n\n\n\n\n\n2;", "how-to-x/line-8.ts", 8],
      ],
    );
  });
});

describe("what a page shows of an output", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["web   1/1", "web 1/1\n", true],
    ["web 1/1", "web 0/1\n", false],
    ["web 1/1 …s", "\x1b[32mweb\x1b[0m 1/1 12s", true],
    ["a…c", "a\nc", false],
    ["a\n…\nd", "a\nb\nc\nd", true],
    ["a\n…\nd", "a\nb\nc", false],
    ["a", "a\nb", false],
    ["a.c", "abc", false],
    ["…", "", true],
  ];
  for (const [shown, printed, is] of cases)
    it(`${JSON.stringify(shown)} is ${is ? "" : "not "}of ${JSON.stringify(printed)}`, () =>
      assert.equal(isShown(shown, printed), is));
});

describe("a page's shell", () => {
  const folder = mkdtempSync(join(tmpdir(), "pintle-page-shell-"));
  const shell = new PageShell(folder, process.env);
  after(async () => {
    await shell.end();
    rmSync(folder, { recursive: true });
  });
  const run = (script: string) => shell.run(script, 60_000);

  it("keeps what one command leaves for the next", async () => {
    await run(`export A=1; b=2; cd /`);
    assert.deepEqual(await run('echo "$A$b$PWD"'), { status: 0, output: "12/\n" });
  });

  it("stops a script at its first failure, and runs the next", async () => {
    assert.deepEqual(await run("echo a\n(exit 3)\necho b"), { status: 3, output: "a\n" });
    assert.deepEqual(await run("if false; then :; fi; false || echo c"), { status: 0, output: "c\n" });
  });

  it("hears both streams", async () => {
    const { output } = await run("echo a >&2");
    assert.equal(output, "a\n");
  });

  it("says what it heard of a command that does not end", async () => {
    await assert.rejects(
      new PageShell(folder, process.env).run("echo begun; exit", 60_000),
      /the shell ended: [\s\S]*begun/,
    );
  });

  it("leaves nothing running", async () => {
    const other = new PageShell(folder, process.env);
    const { output } = await other.run("sleep 1000 & echo $!", 60_000);
    await other.end();
    assert.throws(() => process.kill(Number(output), 0), /ESRCH/);
  });
});
