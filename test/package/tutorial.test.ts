import { strict as assert } from "node:assert";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { freePorts } from "../../base/os/free-ports.ts";
import { isShown } from "../docs/loose-output.ts";
import { commandsOf, type PageBlock, readPage } from "../docs/page-blocks.ts";
import { type Answer, PageShell } from "../docs/page-shell.ts";
import { canContain, eventually, startCluster } from "../local-cluster.ts";
import { NoRegistryError, pack, root } from "./installed.ts";
import { tryAsPods } from "./operator-pods.ts";
import { run } from "./programs.ts";

/** In their order: docs/tutorial/index.md, docs/tutorial/webhooks-and-metrics.md, docs/tutorial/deploy.md. */
const paths = ["tutorial/index.md", "tutorial/webhooks-and-metrics.md", "tutorial/deploy.md"];
const pages = paths.map((path) => readPage(path, readFileSync(join(root, "docs", path), "utf8")));
/** Ends a hang, and measures nothing. */
const hangMs = 240_000;

/** A reader who has the package's file and nothing else, and does what the pages say, word by word. */
describe("the tutorial", function () {
  this.timeout(hangMs + 10_000);
  // Each block stands on what those before it made.
  this.bail(true);
  const folder = mkdtempSync(join(tmpdir(), "pintle-tutorial-"));
  const project = join(folder, "preview-operator");
  const home = join(folder, "home");
  const ports = new Map<string, string>();
  let shell: PageShell;

  before(async () => {
    mkdirSync(home);
    await pack(folder);
    const free = await freePorts(2);
    for (const [at, port] of ["9443", "8080"].entries()) ports.set(port, String(free[at]));
    shell = new PageShell(folder, {
      HOME: home,
      PATH: process.env.PATH,
      PINTLE_API_PORT: "0",
      npm_config_cache: process.env.npm_config_cache ?? join(homedir(), ".npm"),
      npm_config_prefer_offline: "true",
      npm_config_update_notifier: "false",
    });
  });
  after(async () => {
    await shell?.end();
    const cluster = join(home, ".pintle");
    await run([process.execPath, join(root, "bin/pintle"), "down", "--purge", "--data-dir", cluster], {
      cwd: root,
    });
    rmSync(folder, { recursive: true, force: true });
  });

  for (const { path, blocks } of pages)
    describe(`docs/${path}`, () => {
      for (const block of blocks)
        if (block.notRun === undefined && block.language !== "text")
          it(`line ${block.line}: ${block.file ?? block.text.split("\n")[0]}`, async function () {
            if (block.file === undefined) await type(block).catch((error) => orNoRegistry(this, error));
            else {
              const file = join(project, block.file);
              mkdirSync(dirname(file), { recursive: true });
              writeFileSync(file, `${block.text}\n`);
            }
          });
    });

  describe("what came out", () => {
    it("runs as pods by its manifests", async function () {
      if (!canContain) {
        console.log("      not tried as pods: this machine cannot run containers");
        return this.skip();
      }
      chmodSync(folder, 0o755);
      const cluster = await startCluster({ replicas: 1, nodes: 1 });
      try {
        await tryAsPods(project, cluster);
      } finally {
        await cluster.stop();
      }
    });
  });

  async function type(block: PageBlock): Promise<void> {
    for (const { command, output: shown } of commandsOf(block)) {
      // At once: a port of ours may be one of the page's.
      const typed = command.replaceAll(/\b\d{4}\b/g, (port) => ports.get(port) ?? port);
      const isSo = ({ status, output }: Answer) =>
        status === 0 && (shown === undefined || isShown(shown, output));
      const ask = () => shell.run(typed, hangMs);
      const answer = block.eventually ? await eventually(typed, ask, isSo) : await ask();
      if (!isSo(answer))
        assert.fail(
          `${typed}\nends with status ${answer.status} and prints\n${answer.output}\nand not\n${shown}`,
        );
    }
  }
});

function orNoRegistry(test: Mocha.Context, error: unknown): void {
  const isAway = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|ENOTCACHED/.test(String(error));
  if (!isAway || process.env.CI) throw error;
  console.error(new NoRegistryError("the registry of npm does not answer").message);
  test.skip();
}
