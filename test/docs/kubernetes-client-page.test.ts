import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startTestApiserver, type TestApiserver } from "../../controlplane/apiserver/testing.ts";
import { connectCluster, defineKind, type KubeClient, kinds } from "../../lib/client.ts";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/how-to/kubernetes-client.md"), "utf8");
const blocks = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code);
/** What a block says; the others are run for their end alone. */
const operatorAt = blocks.findIndex((code) => code.includes("runControllers(api"));

/** The programs of docs/how-to/kubernetes-client.md, as they stand there, one after the other with one cluster. */
describe("docs/how-to/kubernetes-client.md", function () {
  this.timeout(120_000);
  let server: TestApiserver;
  let api: KubeClient;
  let folder: string;
  const children: ChildProcess[] = [];

  before(async () => {
    assert.ok(blocks.length >= 7 && operatorAt > 0);
    server = await startTestApiserver();
    api = connectCluster({ kubeconfig: server.kubeconfig });
    folder = mkdtempSync(join(tmpdir(), "pintle-client-page-"));
    const { compilerOptions } = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8"));
    const paths = { "pintle/client": [join(root, "lib/client.ts")] };
    const typeRoots = [join(root, "node_modules/@types")];
    const own = { ...compilerOptions, paths, typeRoots, types: ["node"] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: own }));
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    for (const [n, code] of blocks.entries()) writeFileSync(join(folder, `block-${n}.ts`), code);
  });

  after(async () => {
    for (const child of children) if (child.exitCode === null) child.kill("SIGKILL");
    api?.close();
    await server?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  function start(n: number): { readonly child: ChildProcess; readonly said: () => string } {
    const child = spawn(process.execPath, ["--import", "tsx", join(folder, `block-${n}.ts`)], {
      cwd: root,
      env: {
        ...process.env,
        KUBECONFIG: server.kubeconfig,
        TSX_TSCONFIG_PATH: join(folder, "tsconfig.json"),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.push(child);
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => (said += data));
    return { child, said: () => said };
  }

  it("has types that hold", async () => {
    const compiler = join(root, "node_modules/typescript7/bin/tsc");
    await promisify(execFile)(process.execPath, [compiler, "-p", folder]).catch((error) => {
      assert.fail(error.stdout);
    });
  });

  for (const [n, code] of blocks.entries()) {
    if (n === operatorAt) continue;
    const heading = /[^\n]*$/.exec(
      page
        .slice(0, page.indexOf(code))
        .replace(/\n```ts\n$/, "")
        .trim(),
    )?.[0];
    it(`block ${n + 1} runs, after "${heading?.slice(-40)}"`, async () => {
      const { child, said } = start(n);
      const [exitCode] = await once(child, "close");
      assert.equal(exitCode, 0, said());
    });
  }

  it("the operator works, and ends when it is asked to", async () => {
    const { child, said } = start(operatorAt);
    const closed = once(child, "close");
    const Backup = defineKind<{ source: string; copies?: number }, { copies?: number }>({
      group: "example.com",
      version: "v1",
      kind: "Backup",
      plural: "backups",
      namespaced: true,
    });
    const at = { name: "weekly", namespace: "default" };
    await api.create(Backup, { metadata: at, spec: { source: "/data", copies: 3 } });
    const has = (copies: number) => api.until(Backup, at, (backup) => backup?.status?.copies === copies);
    await has(3).catch((error) => assert.fail(`${error}: ${said()}`));
    await api.patch(Backup, at, { spec: { copies: 1 } }, { type: "merge" });
    await has(1);
    await api.delete(Backup, at);
    await api.until(Backup, at, (backup) => backup === undefined);
    child.kill("SIGTERM");
    assert.deepEqual(await closed, [0, null], said());
    assert.match(said(), /cleaning up after weekly/);
    const lease = await api.get(kinds.Lease, { name: "backup-operator" });
    assert.equal(lease.spec?.holderIdentity ?? "", "");
  });
});
