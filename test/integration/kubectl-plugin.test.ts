import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse, stringify } from "yaml";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import { startTestApiserver, type TestApiserver } from "../../controlplane/apiserver/testing.ts";
import { eachKubectl } from "../kubectls.ts";

const bin = join(import.meta.dirname, "../../bin");

eachKubectl("integration: kubectl pintle", ({ program }) => {
  let server: TestApiserver;
  let folder: string;
  let env: Record<string, string>;

  before(async () => {
    server = await startTestApiserver();
    folder = await mkdtemp(join(tmpdir(), "pintle-plugin-"));
    await symlink(program, join(folder, "kubectl"));
    for (const name of ["kubectl-pintle", "kubectl_complete-pintle"])
      await symlink(join(bin, name), join(folder, name));
    const config = parse(await readFile(server.kubeconfig, "utf8"));
    const [context] = config.contexts;
    config.contexts.push({ name: "other", context: { ...context.context, namespace: "shop" } });
    await writeFile(join(folder, "config"), stringify(config));
    await chmod(join(folder, "config"), 0o600);
    env = { PATH: `${folder}:${process.env.PATH}`, HOME: folder, KUBECONFIG: join(folder, "config") };
    const client = new RestClient(loadKubeconfig(server.kubeconfig));
    for (const name of ["shop", "shelf"]) await client.create(resources.namespaces, { metadata: { name } });
    for (const namespace of ["default", "shop"])
      await client.create(resources.pods, {
        metadata: { name: `web-${namespace}`, namespace },
        spec: { containers: [{ name: "serve", image: "web" }] },
      });
    client.close();
  });
  after(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const kubectl = (...words: readonly string[]) =>
    promisify(execFile)("kubectl", words, { env: { ...env }, encoding: "utf8" });

  it("is a plugin that kubectl has no warning about", async () => {
    const { stdout, stderr } = await kubectl("plugin", "list");
    const mine = stdout.split("\n").filter((line) => line.includes(folder));
    assert.deepEqual(mine, [join(folder, "kubectl-pintle")]);
    const about = `${stdout}${stderr}`
      .split("\n")
      .filter((line) => /warning/.test(line) && /pintle/.test(line));
    assert.deepEqual(about, []);
  });

  it("asks kubectl's cluster, by $KUBECONFIG, --kubeconfig, --context and -n", async () => {
    assert.match((await kubectl("pintle", "get", "pods", "-o", "name")).stdout, /^pod\/web-default\n$/);
    assert.match(
      (await kubectl("pintle", "get", "pods", "-n", "shop", "-o", "name")).stdout,
      /^pod\/web-shop\n$/,
    );
    const other = await kubectl("pintle", "get", "pods", "--context", "other", "-o", "name");
    assert.equal(other.stdout, "pod/web-shop\n");
    const { KUBECONFIG: _, ...without } = env;
    const elsewhere = promisify(execFile)("kubectl", ["pintle", "get", "pods"], { env: without });
    await assert.rejects(elsewhere, /neither \$KUBECONFIG nor .*\.kube\/config/);
    const why = kubectl("pintle", "why", "pod/web-default", `--kubeconfig=${join(folder, "config")}`);
    await assert.rejects(why, { code: 3, stdout: /^pod\/web-default: there are no nodes\n/ });
  });

  it("says which of the commands are another's", async () => {
    await assert.rejects(kubectl("pintle", "up"), (error: { code: number; stderr: string }) => {
      assert.equal(error.code, 2);
      assert.match(error.stderr, /"up" is about this machine, not about a cluster: pintle up/);
      return true;
    });
    assert.match(
      (await kubectl("pintle", "why", "--help")).stdout,
      /^kubectl pintle why .*\n[\s\S]*\n {2}kubectl pintle why pod/,
    );
  });

  it("completes in kubectl's own completion what the cluster has", async () => {
    const offered = async (...words: readonly string[]) =>
      (await kubectl("__complete", "pintle", ...words)).stdout.split("\n").filter((line) => line !== "");
    assert.deepEqual(await offered("why", "pods/web"), ["pods/web-default", ":4"]);
    assert.deepEqual(await offered("get", "pods", "-n", "shop", "w"), ["web-shop", ":4"]);
    assert.deepEqual(await offered("get", "pods", "-n", "sh"), ["shelf", "shop", ":4"]);
    assert.deepEqual(await offered("get", "--context="), [
      ...["test", "other"].map((name) => `--context=${name}`),
      ":4",
    ]);
    assert.deepEqual(await offered("logs", "web-default", "-c", ""), ["serve", ":4"]);
    assert.ok((await offered("get", "statefuls")).includes("statefulsets\tStatefulSet (apps)"));
  });
});
