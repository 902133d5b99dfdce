import { strict as assert } from "node:assert";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localDriverConfig, localDriverFlags } from "../../agent/local-driver/flags.ts";
import { startLocalDriver } from "../../agent/local-driver/start-local-driver.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { parseFlags } from "../../base/os/flags.ts";
import { createLog } from "../../base/os/log.ts";
import type { Running } from "../../base/os/os.ts";
import { eventually, isInstalled, type LocalCluster, startCluster } from "../local-cluster.ts";

const hostpath = process.env.PINTLE_CSI_HOSTPATH ?? "";
const sidecars = process.env.PINTLE_CSI_SIDECARS ?? "";
const names = ["csi-node-driver-registrar", "csi-provisioner", "csi-attacher", "csi-resizer"] as const;

// Kubernetes' own helpers of CSI drivers, whose binaries lie in the folder PINTLE_CSI_SIDECARS, with a whole cluster: beside
// csi-driver-host-path (PINTLE_CSI_HOSTPATH), and beside our own driver.
describe("Kubernetes' sidecars of CSI drivers", function () {
  this.timeout(300_000);
  let cluster: LocalCluster;
  let dir: string;
  let node: string;
  let ours: Running;
  const children: ChildProcess[] = [];

  const run = (program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    children.push(spawn(program, args, { stdio: "ignore", env: { ...process.env, ...env } }));
  const sidecar = (name: (typeof names)[number], driver: string, ...args: string[]) =>
    run(join(sidecars, name), [`--csi-address=${socketOf(driver)}`, ...args], {
      NODE_NAME: "node-1",
      NAMESPACE: "kube-system",
      POD_NAME: "sidecars",
    });
  const toCluster = () => `--kubeconfig=${cluster.kubeconfig}`;
  const socketOf = (driver: string) => join(node, "plugins", driver, "csi.sock");
  const apply = (...items: object[]) =>
    cluster.kubectlWith(JSON.stringify({ apiVersion: "v1", kind: "List", items }), "apply", "-f", "-");
  const shown = (kind: string, name: string, path: string) =>
    cluster.kubectl("get", kind, name, "--ignore-not-found", "-o", `jsonpath=${path}`);

  before(async function () {
    const programs = [hostpath, ...names.map((name) => join(sidecars, name))];
    if (!programs.every((path) => existsSync(path)) || process.getuid?.() !== 0 || !isInstalled("kubectl"))
      return this.skip();
    dir = mkdtempSync(join(tmpdir(), "pintle-csi-sidecars-"));
    cluster = await startCluster({ replicas: 1, nodes: 1, runtime: "process" });
    node = join(cluster.folder, "nodes/node-1");
    // The registrar does not wait for the folder of its socket.
    for (const folder of ["plugins_registry", "plugins/hostpath", "plugins/ours"])
      mkdirSync(join(node, folder), { recursive: true });
    mkdirSync(join(dir, "hostpath"));
    run(hostpath, [
      "--drivername=hostpath.csi.k8s.io",
      `--endpoint=unix://${socketOf("hostpath")}`,
      "--nodeid=node-1",
      `--statedir=${dir}/hostpath`,
      "--enable-attach=true",
    ]);
    ours = await startLocalDriver(
      localDriverConfig(
        parseFlags(localDriverFlags, [
          `--endpoint=unix://${socketOf("ours")}`,
          "--node-name=node-1",
          `--data-dir=${dir}/ours`,
          `--kubelet-dir=${node}`,
        ]).flags,
      ),
      { disk: systemDisk, log: createLog({ level: "error", format: "text" }) },
    );
    for (const driver of ["hostpath", "ours"]) {
      const registry = `--plugin-registration-path=${node}/plugins_registry`;
      sidecar(
        "csi-node-driver-registrar",
        driver,
        `--kubelet-registration-path=${socketOf(driver)}`,
        registry,
      );
      sidecar("csi-resizer", driver, toCluster());
    }
    sidecar("csi-provisioner", "hostpath", toCluster());
    sidecar("csi-attacher", "hostpath", toCluster());
    const perNode = ["--node-deployment", "--strict-topology", "--immediate-topology=false"];
    const capacity = ["--enable-capacity", "--capacity-ownerref-level=-1", "--capacity-poll-interval=5s"];
    sidecar("csi-provisioner", "ours", toCluster(), ...perNode, ...capacity);
    const driver = (name: string, spec: object) => ({
      apiVersion: "storage.k8s.io/v1",
      kind: "CSIDriver",
      metadata: { name },
      spec: { fsGroupPolicy: "File", ...spec },
    });
    const storageClass = (name: string, provisioner: string, volumeBindingMode: string) => ({
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: { name },
      provisioner,
      volumeBindingMode,
      allowVolumeExpansion: true,
    });
    await apply(
      driver("hostpath.csi.k8s.io", { attachRequired: true, podInfoOnMount: true }),
      driver("local-path.csi.pintle.dev", { attachRequired: false, storageCapacity: true }),
      storageClass("hostpath", "hostpath.csi.k8s.io", "Immediate"),
      storageClass("ours", "local-path.csi.pintle.dev", "WaitForFirstConsumer"),
    );
  });
  after(async () => {
    if (cluster === undefined) return;
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    }
    await ours?.stop();
    await cluster.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const claim = (name: string, storage: string) => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name },
    spec: { accessModes: ["ReadWriteOnce"], storageClassName: name, resources: { requests: { storage } } },
  });
  const pod = (name: string) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: "c",
          image: "pintle.local/host",
          command: ["sh", "-c", 'echo kept > "$PINTLE_ROOT/data/file"; exec sleep 10000'],
          volumeMounts: [{ name: "v", mountPath: "/data" }],
        },
      ],
      volumes: [{ name: "v", persistentVolumeClaim: { claimName: name } }],
    },
  });
  const isReady = "{.status.containerStatuses[0].ready}";
  const becomes = (kind: string, name: string, path: string, wanted: string) =>
    eventually(
      `${path} of ${kind} ${name} is ${wanted}`,
      () => shown(kind, name, path),
      (found) => found === wanted,
    );
  const remove = async (name: string) => {
    await cluster.kubectl("delete", "pod", name, "--timeout=60s");
    const volume = await shown("pvc", name, "{.spec.volumeName}");
    await cluster.kubectl("delete", "pvc", name, "--timeout=60s");
    await becomes("pv", volume, "{.metadata.name}", "");
  };

  it("provide, attach, enlarge and remove volumes of csi-driver-host-path", async () => {
    await apply(claim("hostpath", "1Mi"), pod("hostpath"));
    await becomes("pod", "hostpath", isReady, "true");
    const attachments = () =>
      cluster.kubectl("get", "volumeattachments", "-o", "jsonpath={.items[*].status.attached}");
    assert.equal(await attachments(), "true");
    await apply(claim("hostpath", "3Mi"));
    await becomes("pvc", "hostpath", "{.status.capacity.storage}", "3Mi");
    await remove("hostpath");
    await eventually("the volume is detached", attachments, (found) => found === "");
  });

  it("provide, enlarge and remove folders of a node by our own driver, and say what it has left", async () => {
    await eventually(
      "the node's capacity is told",
      () => cluster.kubectl("get", "csistoragecapacities", "-A", "-o", "jsonpath={.items[*].capacity}"),
      (found) => found !== "" && found !== "0",
    );
    await apply(claim("ours", "1Mi"), pod("ours"));
    await becomes("pod", "ours", isReady, "true");
    assert.equal(readdirSync(join(dir, "ours/volumes")).length, 1);
    await apply(claim("ours", "3Mi"));
    await becomes("pvc", "ours", "{.status.capacity.storage}", "3Mi");
    await remove("ours");
    assert.deepEqual(readdirSync(join(dir, "ours/volumes")), []);
  });
});
