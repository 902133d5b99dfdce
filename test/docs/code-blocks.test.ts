import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { freePorts } from "../../base/os/free-ports.ts";
import {
  canContain,
  eventually,
  isInstalled,
  type LocalCluster,
  run,
  startCluster,
} from "../local-cluster.ts";
import { isShown } from "./loose-output.ts";
import { commandsOf, type Page, type PageBlock, readPage } from "./page-blocks.ts";
import {
  folderOf,
  type PageProgram,
  programsOf,
  startLine,
  typeFaults,
  writeProject,
} from "./page-programs.ts";
import { type Answer, PageShell } from "./page-shell.ts";

const root = join(import.meta.dirname, "../..");
const docs = join(root, "docs");
const program = join(root, "bin/pintle");
/** Ends a hang, and measures nothing. */
const hangMs = 120_000;

const inDocs = readdirSync(docs, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".md") && !path.startsWith("node_modules") && !path.startsWith("."))
  .sort()
  .map((path) => `docs/${path}`);
const pages: readonly Page[] = ["README.md", "CONTRIBUTING.md", ...inDocs].map((path) =>
  readPage(path, readFileSync(join(root, path), "utf8")),
);
const isRun = (page: Page) =>
  page.runBy === undefined && page.blocks.some(({ notRun }) => notRun === undefined);
const asksCluster = (page: Page) =>
  isRun(page) &&
  !page.startsCluster &&
  page.blocks.some(({ language, notRun }) => notRun === undefined && /^(sh|yaml)$/.test(language));
const lacks = (page: Page) =>
  page.needs.filter((need) => (need === "containers" ? !canContain : !isInstalled(need)));

/** A page's folder, home and shell, as a reader would have them who has installed Pintle. */
class PageRun {
  readonly #page: Page;
  readonly #folder: string;
  readonly #projectFolder: string;
  readonly #programs: readonly PageProgram[];
  readonly #ports = new Map<string, string>();
  #shell: PageShell | undefined;

  constructor(page: Page, projectFolder: string, programs: readonly PageProgram[]) {
    this.#page = page;
    this.#projectFolder = projectFolder;
    this.#folder = join(projectFolder, folderOf(page));
    this.#programs = programs.filter((program) => program.page === page);
  }

  async begin(cluster: LocalCluster | undefined): Promise<void> {
    const free = await freePorts(this.#page.ports.length);
    for (const [at, port] of this.#page.ports.entries()) this.#ports.set(String(port), String(free[at]));
    const home = join(this.#folder, "home");
    for (const folder of [home, join(this.#folder, "bin")]) mkdirSync(folder, { recursive: true });
    symlinkSync(program, join(this.#folder, "bin/pintle"));
    symlinkSync(join(root, "examples"), join(this.#folder, "examples"));
    const own = {
      HOME: home,
      PATH: `${join(this.#folder, "bin")}:${process.env.PATH}`,
      ...(this.#page.startsCluster ? { PINTLE_API_PORT: "0" } : {}),
    };
    if (cluster !== undefined) await this.#settle(cluster, join(home, ".pintle"));
    this.#shell = new PageShell(this.#folder, own);
  }

  /** Makes the cluster the reader's own, but for a namespace to each page. */
  async #settle(cluster: LocalCluster, pintleHome: string): Promise<void> {
    mkdirSync(pintleHome);
    for (const name of readdirSync(cluster.folder))
      if (name !== "kubeconfig") symlinkSync(join(cluster.folder, name), join(pintleHome, name));
    const namespace = folderOf(this.#page);
    const made = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } };
    const file = join(this.#folder, "namespace.json");
    writeFileSync(file, JSON.stringify(made));
    await cluster.pintle("apply", "-f", file);
    rmSync(file);
    const kubeconfig = readFileSync(cluster.kubeconfig, "utf8");
    const placed = kubeconfig.replace(/^( +namespace: ).*$/m, `$1${namespace}`);
    assert.notEqual(placed, kubeconfig);
    writeFileSync(join(pintleHome, "kubeconfig"), placed, { mode: 0o600 });
  }

  async run(block: PageBlock): Promise<void> {
    if (block.file !== undefined) {
      if (block.language === "ts") return;
      const path = join(this.#folder, block.file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `${block.text}\n`);
    } else if (block.language === "sh")
      for (const { command, output } of commandsOf(block)) await this.#type(command, output, block);
    else if (block.language === "yaml")
      await this.#type(`pintle apply --dry-run -f - <<'END OF PAGE'\n${block.text}\nEND OF PAGE`);
    else if (block.language === "ts") {
      const whole = this.#programs.find(({ block: { line } }) => line === block.line);
      if (whole !== undefined)
        await this.#type(startLine(this.#projectFolder, whole), whole.block.output, block);
    }
  }

  async #type(asShown: string, shown?: string, block?: PageBlock): Promise<void> {
    // At once: a port of ours may be one of the page's.
    const command = asShown.replaceAll(/\b\d{4,5}\b/g, (port) => this.#ports.get(port) ?? port);
    const shell = this.#shell ?? assert.fail("no shell");
    const isSo = ({ status, output }: Answer) =>
      status > 0 === (block?.fails ?? false) && (shown === undefined || isShown(shown, output));
    const answer = block?.eventually
      ? await eventually(command, () => shell.run(command, hangMs), isSo)
      : await shell.run(command, hangMs);
    if (!isSo(answer))
      assert.fail(
        `${command}\nends with status ${answer.status} and prints\n${answer.output}\nand not, as the page says,\n${shown}`,
      );
  }

  async end(): Promise<void> {
    await this.#shell?.end();
    const own = join(this.#folder, "home/.pintle");
    if (this.#page.startsCluster && existsSync(own))
      await run(process.execPath, [program, "down", "--purge", "--data-dir", own], process.env);
  }
}

describe("the code on pages", function () {
  this.timeout(2 * hangMs);
  const folder = mkdtempSync(join(tmpdir(), "pintle-docs-"));
  const programs = pages.filter(({ runBy }) => runBy === undefined).flatMap(programsOf);
  let cluster: LocalCluster | undefined;
  before(async () => {
    writeProject(folder, programs);
    if (pages.some((page) => asksCluster(page) && lacks(page).length === 0))
      cluster = await startCluster({ replicas: 1, nodes: 1 });
  });
  after(async () => {
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  if (programs.length > 0) it("is of sound types", async () => assert.equal(await typeFaults(folder), ""));

  for (const page of pages.filter(isRun))
    describe(`${page.path}`, () => {
      const reader = new PageRun(page, folder, programs);
      before(async function () {
        const missing = lacks(page);
        if (missing.length > 0) {
          console.log(`      ${page.path} is not run: it needs ${missing.join(", ")}`);
          return this.skip();
        }
        await reader.begin(asksCluster(page) ? cluster : undefined);
      });
      after(() => reader.end());
      for (const block of page.blocks)
        if (block.notRun === undefined && block.language !== "text")
          it(`line ${block.line}: ${block.language}`, () => reader.run(block));
    });

  it("is run, or says why not", () => {
    for (const { path, runBy, blocks } of pages) {
      if (runBy !== undefined)
        assert.ok(readFileSync(join(root, runBy), "utf8").includes(path), `${runBy} does not run ${path}`);
      for (const { line, language, notRun } of blocks)
        if (notRun !== undefined) console.log(`      not run: ${path}:${line}: ${language}: ${notRun}`);
    }
  });
});
