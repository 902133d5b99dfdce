import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../base/os/clock.ts";
import { parseFlags } from "../../base/os/flags.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import { LateWrites } from "../../controlplane/apiserver/late-writes.ts";
import { MemoryStorage } from "../../controlplane/apiserver/registry/memory-storage.ts";
import { startTestApiserver, type TestApiserver, testOs } from "../../controlplane/apiserver/testing.ts";
import { startControllerManager } from "../../controlplane/controllers/controller-manager.ts";
import { controllerManagerConfig, controllerManagerFlags } from "../../controlplane/controllers/flags.ts";
import { eventually } from "../local-cluster.ts";
import { FaultyLink } from "./faulty-link.ts";

const namespace = "default";

describe("a controller manager that leads no more, and does not know it", () => {
  const open: (() => unknown)[] = [];
  let folder: string;
  let late: LateWrites;
  let server: TestApiserver;
  let client: RestClient;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "pintle-late-leader-"));
    open.push(() => rmSync(folder, { recursive: true, force: true }));
    late = new LateWrites(new MemoryStorage(systemClock));
    server = await startTestApiserver({ storage: late.storage });
    open.push(() => server.stop());
    client = new RestClient(loadKubeconfig(server.kubeconfig));
    open.push(() => client.close());
  });
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });

  /** One that reaches the server through a link of its own. */
  async function startManager() {
    const link = await FaultyLink.open(Number(new URL(server.url).port));
    open.push(() => link.close());
    const text = readFileSync(await server.kubeconfigFor("system:kube-controller-manager"), "utf8");
    const kubeconfig = join(folder, `kubeconfig-${link.port}`);
    writeFileSync(kubeconfig, text.replaceAll(new URL(server.url).host, `127.0.0.1:${link.port}`));
    const words = [
      `--kubeconfig=${kubeconfig}`,
      "--controllers=replicaset-controller",
      "--leader-elect=true",
      "--leader-elect-lease-duration=3s",
      "--leader-elect-renew-deadline=2s",
      "--leader-elect-retry-period=500ms",
    ];
    const { flags } = parseFlags(controllerManagerFlags, words);
    const manager = await startControllerManager(controllerManagerConfig(flags), testOs());
    open.push(() => manager.stop());
    return { link, manager };
  }

  it("makes no pod that the next one made already, though its request was under way before", async () => {
    const labels = { app: "web" };
    const template = { metadata: { labels }, spec: { containers: [{ name: "c", image: "i" }] } };
    const spec = { replicas: 1, selector: { matchLabels: labels }, template };
    await client.create(resources.replicasets, { metadata: { namespace, name: "web" }, spec } as never);
    const held = late.hold(`/registry/pods/${namespace}/`);
    const first = await startManager();
    await held.reached;
    first.link.fault = "cut";
    await startManager();
    const pods = async () => (await client.list(resources.pods, { namespace })).items;
    const [made] = await eventually("the second makes the pod", pods, (all) => all.length > 0);
    held.letGo();
    assert.equal((await held.outcome).ok, false, "the first's pod is not stored");
    assert.deepEqual(
      (await pods()).map(({ metadata }) => metadata.name),
      [made?.metadata.name],
    );
  });
});
