import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isAlive } from "../../cli/up/cluster-state.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import type { Pod } from "../../client/types.ts";
import { objectsOf } from "../cluster-objects.ts";
import { helmFor, helmProgram } from "../helm.ts";
import { canContain, eventually, isInstalled, type LocalCluster, startCluster } from "../local-cluster.ts";
import { processesOfPods } from "../pod-processes.ts";

const chart = fileURLToPath(new URL("../integration/charts/database", import.meta.url));
const namespace = "databases";
const inNamespace = `--namespace=${namespace}`;

/** Counts on from where its disk says; tells on that disk if another one writes there at the same time. */
const database = `
exec 9>/data/pgdata/lock
flock -n 9 || { echo "$POD_NAME" >> /data/pgdata/second-writer; exit 1; }
busybox httpd -p 5432 -h /data/pgdata 9>&-
count=$(tail -n 1 /data/pgdata/log 2>/dev/null || echo 0)
trap 'exit 0' TERM
: > /tmp/ready
while :; do count=$((count + 1)); echo $count >> /data/pgdata/log; sleep 0.1 9>&-; done`;
const values = {
  image: "pintle.local/host",
  commands: {
    run: ["sh", "-c", database],
    isReady: ["test", "-f", "/tmp/ready"],
    checkpoint: ["sh", "-c", 'echo "$POD_NAME" >> /data/pgdata/checkpoints'],
    dump: ["sh", "-c", "curl -sfo /archive/dump http://$HOST.databases:5432/log"],
  },
};
/** Asks the read replicas again and again. */
const client = `while :; do curl -sfo /dev/null --max-time 5 http://db-read.${namespace}:5432/log && echo answered || echo "failed with $?"; sleep 0.1; done`;

/** A database's chart with real containers and data on disk, as the processes under it are killed, in this order. */
describe("a database's chart on a cluster whose processes are killed", function () {
  this.timeout(300_000);
  this.bail(true);
  let folder: string;
  let cluster: LocalCluster;
  let api: RestClient;
  let helm: (...args: string[]) => Promise<string>;
  let empty: readonly string[];

  before(async function () {
    if (!isInstalled(helmProgram) || !isInstalled("kubectl") || !isInstalled("busybox") || !canContain)
      return this.skip();
    folder = mkdtempSync(join(tmpdir(), "pintle-database-"));
    writeFileSync(join(folder, "values.json"), JSON.stringify(values));
    cluster = await startCluster({ replicas: 1, nodes: 2, runtime: "oci" });
    api = new RestClient(loadKubeconfig(cluster.kubeconfig));
    helm = helmFor(cluster.kubeconfig, folder);
    await api.create(resources.namespaces, { metadata: { name: namespace } });
    // Where no agent is killed: names are answered by that of the client's own node.
    await cluster.kubectl(
      "run",
      "client",
      "--image=pintle.local/host",
      `--overrides=${JSON.stringify({ spec: { nodeName: "node-2" } })}`,
      "--command",
      "--",
      "sh",
      "-c",
      client,
    );
    await cluster.kubectl("wait", "--for=condition=Ready", "pod/client", "--timeout=2m");
    empty = await eventually(
      "the namespace has what every one has",
      () => objectsOf(api),
      (all) => all.filter((one) => one.includes(` ${namespace}/`)).length === 2,
    );
  });
  after(async () => {
    api?.close();
    await cluster?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  const upgrade = (...flags: string[]) =>
    helm(
      ...["upgrade", "db", chart, "--install", inNamespace, "--wait", "--timeout=4m"],
      `--values=${join(folder, "values.json")}`,
      ...flags,
    );
  const pods = async () =>
    (await api.list(resources.pods, { namespace, labelSelector: "app.kubernetes.io/name=database" })).items;
  const livesOf = (all: readonly Pod[]) =>
    all.map(({ metadata, status }) => [metadata.uid, status?.containerStatuses?.[0]?.restartCount]);

  /** The folder on this machine of a claim's volume. */
  async function folderOf(claim: string): Promise<string> {
    const { spec } = await api.get(resources.persistentvolumeclaims, { namespace, name: claim });
    const volume = await api.get(resources.persistentvolumes, { name: spec.volumeName ?? "" });
    return volume.spec.local?.path ?? "";
  }
  const data = (name: string) => folderOf(`data-${name}`).then((path) => join(path, "pgdata"));
  const names = ["db-primary-0", "db-read-0", "db-read-1"];
  const logOf = async (name: string) =>
    readFileSync(join(await data(name), "log"), "utf8")
      .trimEnd()
      .split("\n")
      .map(Number);

  /** Each of them writes on, after all that was ever written, and none ever wrote beside another. */
  async function nothingIsLost(): Promise<void> {
    for (const name of names) {
      const { length } = await logOf(name);
      const log = await eventually(
        `${name} writes on`,
        () => logOf(name),
        (now) => now.length > length + 1,
      );
      assert.deepEqual(
        log,
        log.map((_, at) => at + 1),
      );
      assert.ok(!existsSync(join(await data(name), "second-writer")), `two pods of ${name} ran at once`);
    }
  }
  const answers = async () => (await cluster.kubectl("logs", "client", "--tail=-1")).split("\n");
  /** What the client heard meanwhile, once it has asked again. */
  async function heard(since: number): Promise<ReadonlySet<string>> {
    const all = await eventually("the client asks on", answers, (lines) => lines.length > since + 5);
    return new Set(all.slice(since).filter((line) => line !== ""));
  }
  const componentPid = (name: string) =>
    cluster.state().components.find((component) => component.name === name)?.pid ?? undefined;
  async function kill(pids: readonly (number | undefined)[]): Promise<void> {
    for (const pid of pids) if (pid !== undefined && isAlive(pid)) process.kill(pid, "SIGKILL");
    await eventually(
      "those killed are gone",
      async () => pids.filter((pid) => pid !== undefined && isAlive(pid)),
      (alive) => alive.length === 0,
    );
  }
  const allReady = () =>
    eventually(
      "all are ready",
      pods,
      (all) =>
        all.length === names.length && all.every((pod) => pod.status?.containerStatuses?.[0]?.ready === true),
    );

  it("installs, and is backed up where its data is", async () => {
    await upgrade();
    await nothingIsLost();
    await cluster.kubectl("create", "job", "now", "--from=cronjob/db-backup", inNamespace);
    await cluster.kubectl("wait", "--for=condition=Complete", "job/now", inNamespace, "--timeout=2m");
    assert.match(readFileSync(join(await folderOf("db-archive"), "dump"), "utf8"), /^1\n2\n/);
    await cluster.kubectl("delete", "job", "now", inNamespace);
  });

  it("is upgraded: its pods are other ones, its data is the same", async () => {
    const before = new Set((await pods()).map(({ metadata }) => metadata.uid));
    await upgrade("--set=settings.maxConnections=200");
    for (const { metadata } of await pods()) assert.ok(!before.has(metadata.uid), metadata.name);
    for (const name of names)
      assert.equal(readFileSync(join(await data(name), "checkpoints"), "utf8"), `${name}\n`);
    await nothingIsLost();
  });

  for (const component of ["server-1", "node-1"])
    it(`does not notice that ${component === "node-1" ? "a node's agent" : "the control plane"} is killed`, async () => {
      const before = livesOf(await pods());
      const { length } = await eventually(
        "the client is answered",
        answers,
        (lines) => lines.at(-2) === "answered",
      );
      await kill([componentPid(component)]);
      assert.deepEqual([...(await heard(length))], ["answered"]);
      assert.deepEqual(livesOf(await allReady()), before);
      await nothingIsLost();
    });

  it("goes on where it was once a whole node comes back", async () => {
    await kill([componentPid("node-1"), ...processesOfPods(cluster.folder, ["node-1"])]);
    await nothingIsLost();
    await allReady();
  });

  it("is uninstalled, and leaves nothing, on disk neither", async () => {
    await helm("uninstall", "db", inNamespace, "--wait", "--timeout=4m");
    assert.ok(existsSync(join(await data("db-primary-0"), "log")), "the primary's claim is to stay");
    await cluster.kubectl("delete", "pvc", "data-db-primary-0", inNamespace);
    await eventually(
      "nothing is left",
      async () => (await objectsOf(api)).filter((one) => !empty.includes(one)),
      (more) => more.length === 0,
    );
    for (const node of ["node-1", "node-2"])
      assert.deepEqual(readdirSync(join(cluster.folder, "nodes", node, "local-volumes")), []);
  });
});
