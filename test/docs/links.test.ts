import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";

const root = join(import.meta.dirname, "../..");
const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
}).split("\n");
const texts = new Map(
  tracked
    .filter((path) => path.endsWith(".md") && existsSync(join(root, path)))
    .map((path) => [path, readFileSync(join(root, path), "utf8")]),
);
/** What VitePress, which makes the anchors, makes of a heading. */
const anchorOf = (heading: string) =>
  heading
    .normalize("NFKD")
    .replaceAll(/[\u0300-\u036F]/g, "")
    .replaceAll(/[\s~`!@#$%^&*()\-_+=[\]{}|\\;:"'“”‘’<>,.?/]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .replace(/^(\d)/, "_$1")
    .toLowerCase();

function anchorsIn(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of withoutBlocks(text).matchAll(/^#{1,6} (.+)$/gm)) {
    const own = /\{#([\w-]+)\}$/.exec(heading)?.[1];
    const anchor = own ?? anchorOf(heading.replaceAll(/\]\([^)]*\)/g, "]"));
    let free = anchor;
    for (let count = 1; anchors.has(free); count++) free = `${anchor}-${count}`;
    anchors.add(free);
  }
  return anchors;
}

const withoutBlocks = (text: string) => text.replaceAll(/^( *`{3,})[\s\S]*?^\1$/gm, "");

/** Links that lead nowhere, of a file. */
function deadLinks(path: string, text: string): readonly string[] {
  const dead: string[] = [];
  const prose = withoutBlocks(text).replaceAll(/`[^`\n]+`/g, "");
  for (const [, target = ""] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [file = "", anchor] = target.split("#");
    const led = file === "" ? path : linked(path, file);
    if (led === undefined) dead.push(target);
    else if (
      anchor !== undefined &&
      led.endsWith(".md") &&
      !anchorsIn(led === path ? text : (texts.get(led) ?? "")).has(anchor)
    )
      dead.push(target);
  }
  return dead;
}

/** The file that a link leads to. The site takes links without an ending, and of folders. */
function linked(from: string, target: string): string | undefined {
  const start = target.startsWith("/") ? `docs${target}` : join(dirname(from), target);
  const path = normalize(start).replace(/\/$/, "");
  const options = [path, `${path}.md`, path.replace(/\.html$/, ".md"), join(path, "index.md")];
  return (
    options.find((option) => existsSync(join(root, option)) && !isFolder(option)) ??
    (isFolder(path) ? path : undefined)
  );
}

const isFolder = (path: string) => existsSync(join(root, path)) && statSync(join(root, path)).isDirectory();

/** What a benchmark writes. */
const isMeasured = (name: string) => /^bench\/(out\/|[\w-]+-report\.md$)/.test(name);

/** Files of ours that a text names in code marks and that are not there; those that it shows whole are the reader's. */
function missingFiles(path: string, text: string): readonly string[] {
  const rooms =
    /^(base|proto|store|client|controlplane|agent|cli|lib|cluster|shipping|bench|test|examples|docs|scripts)\//;
  const shown = new Set([...text.matchAll(/^```[a-z]+ file=(\S+)/gm)].map(([, name]) => name));
  return [...withoutBlocks(text).matchAll(/`([\w./-]+(?:\.(?:md|ts|mjs|json|yaml|go|tsv)|\/))`/g)]
    .map(([, name = ""]) => name)
    .filter((name) => rooms.test(name) && !isMeasured(name) && !shown.has(name))
    .filter((name) => !existsSync(join(root, name)) && !existsSync(join(root, dirname(path), name)));
}

describe("links", () => {
  it("in every Markdown file lead somewhere", () => {
    const dead = [...texts].flatMap(([path, text]) =>
      deadLinks(path, text).map((link) => `${path}: ${link}`),
    );
    assert.deepEqual(dead, []);
  });

  it("that are dead are found", () => {
    const text =
      "# A b\n[a](#a-b) [b](#c) [c](no.md) [d](README.md) [e](README.md#nowhere) `[f](no.md)` [g](docs)";
    assert.deepEqual(deadLinks("made-up.md", text), ["#c", "no.md", "README.md#nowhere"]);
  });

  it("and every file that a text names in code marks is there", () => {
    const missing = [...texts].flatMap(([path, text]) =>
      missingFiles(path, text).map((name) => `${path}: ${name}`),
    );
    assert.deepEqual(missing, []);
  });

  it("and one that is not is found", () => {
    const text =
      "`docs/no.md` `cli/no/` `cli/up/` `cli/main.ts` `links.test.ts`\n```sh\n`docs/in-a-block.md`\n```";
    assert.deepEqual(missingFiles("test/docs/made-up.md", text), ["docs/no.md", "cli/no/"]);
  });

  it("lead out of docs/ nowhere, where the site has nothing", () => {
    const out = [...texts]
      .filter(([path]) => path.startsWith("docs/"))
      .flatMap(([path, text]) =>
        [...withoutBlocks(text).matchAll(/\]\((\.\.?\/[^)#\s]+)/g)].map(([, target = ""]) => [
          path,
          relative("docs", join(dirname(path), target)),
        ]),
      )
      .filter(([, target = ""]) => target.startsWith(".."));
    assert.deepEqual(out, []);
  });
});
