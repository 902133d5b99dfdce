import { strict as assert } from "node:assert";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFlags } from "../../base/os/flags.ts";
import { createLog } from "../../base/os/log.ts";
import type { Running } from "../../base/os/os.ts";
import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";
import { attachmentName, uniqueName } from "../../client/rules/csi-volume-names.ts";
import type { Pod } from "../../client/types.ts";
import { startTestApiserver, type TestApiserver, testOs } from "../../controlplane/apiserver/testing.ts";
import { startAgent } from "../agent.ts";
import { agentConfig, agentFlags } from "../flags.ts";
import { nodeIdentity, openAdministrator, until } from "../testing/whole-node.ts";
import { mountPoints, removeMounts } from "../volumes/sub-paths.ts";
import { FakeDriver } from "./testing/fake-driver.ts";

// One whole agent with the rights of a node, a whole API server and a driver of tests; pods are plain processes.
describe("a node with a CSI driver", function () {
  this.timeout(120_000);
  let dir: string;
  let api: TestApiserver;
  let client: RestClient;
  let agent: Running;
  let driver: FakeDriver;
  let argv: string[];
  const driverName = "fake.example.com";
  const csi = { driver: driverName, handle: "v1" };
  const start = () =>
    startAgent(agentConfig(parseFlags(agentFlags, argv).flags), {
      ...testOs(),
      log: createLog({ level: "error", format: "text" }),
    });

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "pintle-csi-node-"));
    api = await startTestApiserver();
    argv = [
      ...(await nodeIdentity(api, dir)),
      "--allow-host-image",
      "--address=127.0.0.1",
      "--port=0",
      "--runtime=process",
      "--pod-cidr=127.67.1.0/24",
    ];
    client = await openAdministrator(api);
    agent = await start();
    driver = new FakeDriver(join(dir, "data"));
    await driver.listen(join(dir, "root/plugins_registry/fake.sock"));
  });
  after(async () => {
    await client.deleteCollection(resources.pods, { namespace: "default", gracePeriodSeconds: 1 });
    await gone();
    await agent.stop();
    driver.stop();
    client.close();
    await api.stop();
    await removeMounts(dir);
    await rm(dir, { recursive: true, force: true });
  });

  const gone = () =>
    until(
      () => client.list(resources.pods, { namespace: "default" }),
      ({ items }) => items.length === 0,
    );
  const run = (name: string, volume: object, script = 'cat "$PINTLE_ROOT/data/name"; exec sleep 1000') =>
    client.create(resources.pods, {
      metadata: { name, namespace: "default" },
      spec: {
        nodeName: "n1",
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: "c",
            image: "pintle.local/host",
            command: ["/bin/sh", "-c", script],
            volumeMounts: [{ name: "v", mountPath: "/data" }],
          },
        ],
        volumes: [{ name: "v", ...volume }],
      },
    } as never);
  const pod = (name: string, wanted: (pod: Pod) => boolean) =>
    until(() => client.get(resources.pods, { namespace: "default", name }), wanted);
  const isReady = ({ status }: Pod) => status?.containerStatuses?.[0]?.ready === true;
  const status = (resource: never, name: string, body: object, namespace = "") =>
    client.patch(resource, { name, namespace }, { status: body }, { type: "merge", subresource: "status" });
  const node = () => client.get(resources.nodes, { name: "n1" });
  const claimVolume = { persistentVolumeClaim: { claimName: "data" } };

  /** What the binder makes of a claim and a volume with a secret. */
  async function bind(): Promise<void> {
    await client.create(resources.secrets, {
      metadata: { name: "key", namespace: "default" },
      data: { key: Buffer.from("word").toString("base64") },
    });
    const claim = await client.create(resources.persistentvolumeclaims, {
      metadata: {
        name: "data",
        namespace: "default",
        annotations: { "pv.kubernetes.io/bind-completed": "yes" },
      },
      spec: {
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "1Mi" } },
        volumeName: "pv1",
        storageClassName: "",
      },
    } as never);
    await client.create(resources.persistentvolumes, {
      metadata: { name: "pv1" },
      spec: {
        accessModes: ["ReadWriteOnce"],
        capacity: { storage: "1Mi" },
        claimRef: { name: "data", namespace: "default", uid: claim.metadata.uid },
        csi: {
          driver: driverName,
          volumeHandle: csi.handle,
          nodeStageSecretRef: { name: "key", namespace: "default" },
        },
      },
    } as never);
    const capacity = { storage: "1Mi" };
    await status(resources.persistentvolumeclaims as never, "data", { phase: "Bound", capacity }, "default");
  }

  it("tells the cluster of the driver, and that controllers attach volumes", async () => {
    await until(
      () => client.list(resources.csinodes),
      ({ items }) => items[0]?.spec.drivers[0]?.nodeID === "id-of-n1",
    );
    const { annotations } = (await node()).metadata;
    assert.equal(annotations?.["volumes.kubernetes.io/controller-managed-attach-detach"], "true");
  });

  it("mounts a claim's volume once it is attached, keeps it over its own end, and gives it back", async () => {
    await bind();
    await run("one", claimVolume);
    await until(node, ({ status: { volumesInUse = [] } = {} }) => volumesInUse.includes(uniqueName(csi)));
    assert.equal(driver.calls("NodeStageVolume").length, 0);
    const attachment = attachmentName(csi, "n1");
    await client.create(resources.volumeattachments, {
      metadata: { name: attachment },
      spec: { nodeName: "n1", attacher: driverName, source: { persistentVolumeName: "pv1" } },
    } as never);
    await status(resources.volumeattachments as never, attachment, { attached: true });
    const volumesAttached = [{ name: uniqueName(csi), devicePath: "" }];
    await status(resources.nodes as never, "n1", { volumesAttached });
    await pod("one", isReady);
    const [staged] = driver.calls("NodeStageVolume");
    assert.equal(
      Buffer.from((staged?.secrets as { value: Buffer }[] | undefined)?.[0]?.value ?? "").toString(),
      "word",
    );
    await agent.stop();
    agent = await start();
    await pod("one", isReady);
    assert.equal(driver.calls("NodePublishVolume").length, 1);
    await client.delete(resources.pods, { namespace: "default", name: "one" }, { gracePeriodSeconds: 1 });
    await gone();
    assert.equal(driver.calls("NodeUnstageVolume").length, 1);
    await until(node, ({ status: { volumesInUse = [] } = {} }) => volumesInUse.length === 0);
    assert.ok(!(await mountPoints()).some((path) => path.startsWith(dir)));
  });

  it("has a hanging driver keep up its own pods alone, and lets them go when it answers", async () => {
    await client.create(resources.csidrivers, {
      metadata: { name: driverName },
      spec: { attachRequired: false, volumeLifecycleModes: ["Ephemeral"] },
    } as never);
    let release: (answer: object) => void = () => undefined;
    const hang = () =>
      new Promise<object>((resolve) => {
        release = resolve;
      });
    driver.behaviours.set("NodePublishVolume", hang);
    driver.behaviours.set("NodeUnpublishVolume", hang);
    await run("hangs", { csi: { driver: driverName } });
    const published = driver.calls("NodePublishVolume").length;
    await driver.until(() => driver.calls("NodePublishVolume").length > published);
    await run("other", { emptyDir: {} }, "exec sleep 1000");
    await pod("other", isReady);
    const unpublished = driver.calls("NodeUnpublishVolume").length;
    await client.delete(resources.pods, { namespace: "default", name: "hangs" }, { gracePeriodSeconds: 1 });
    await driver.until(() => driver.calls("NodeUnpublishVolume").length > unpublished);
    await client.delete(resources.pods, { namespace: "default", name: "other" }, { gracePeriodSeconds: 1 });
    await until(
      () => client.list(resources.pods, { namespace: "default" }),
      ({ items }) => items.map(({ metadata }) => metadata.name).join() === "hangs",
    );
    driver.behaviours.clear();
    release({});
    await gone();
  });
});
