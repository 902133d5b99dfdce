import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Lease, Node, ValidatingWebhookConfiguration } from "../../client/types.ts";
import { checksText } from "./check.ts";
import { type ClusterView, clusterChecks } from "./cluster-checks.ts";
import { machineChecks } from "./machine-checks.ts";
import { type MachineFacts, openFilesIn, readMachineFacts } from "./machine-facts.ts";
import { measureSyncs } from "./sync-speed.ts";
import { blockingWebhooks } from "./webhook-reach.ts";

const unified = "25 24 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate";
const wellMachine: MachineFacts = {
  nodeVersion: "20.10.0",
  platform: "linux",
  kernel: "6.1.0",
  architecture: "x64",
  cpus: 2,
  memoryBytes: 8 * 2 ** 30,
  isRoot: true,
  mounts: unified,
  controllers: "cpuset cpu io memory pids\n",
  maxUserNamespaces: 10_000,
  userNamespacesForAll: true,
  inotifyInstances: 512,
  inotifyWatches: 65_536,
  openFiles: 65_536,
  programs: { crun: "crun version 1.8.1", nft: "nftables v1.0.6", ip: "ip utility" },
  ipForward: true,
  disk: { folder: "/data", freeBytes: 50 * 2 ** 30, allBytes: 100 * 2 ** 30, freeFiles: 1000 },
  syncMs: [1, 1, 2],
  isClockKept: true,
};
const states = (facts: Partial<MachineFacts>) =>
  machineChecks({ ...wellMachine, ...facts })
    .filter(({ state }) => state !== "ok")
    .map(({ name, state }) => `${name}: ${state}`);

const lease = (name: string, renewTime: string) =>
  ({
    metadata: { name },
    spec: { holderIdentity: "a", leaseDurationSeconds: 15, renewTime },
  }) as unknown as Lease;
const node = (name: string, ready = "True", kubeletVersion = "v1.36.0") =>
  ({
    metadata: { name },
    status: { conditions: [{ type: "Ready", status: ready }], nodeInfo: { kubeletVersion } },
  }) as unknown as Node;
const nowMs = Date.UTC(2026, 0, 1);
const now = new Date(nowMs).toISOString();
const wellCluster: ClusterView = {
  server: "https://127.0.0.1:6443",
  version: "v1.36.3+pintle",
  ready: "[+]ping ok\nreadyz check passed",
  leases: [lease("kube-scheduler", now), lease("kube-controller-manager", now)],
  nodes: [node("a")],
  certificates: [{ of: "the API server's", notAfterMs: nowMs + 100 * 86_400_000 }],
  aheadMs: 300,
  kubeconfigTimes: [],
  isSingle: false,
  members: [{ name: "store-1", figures: { etcd_server_is_leader: 1 } }],
  webhooks: { failing: [], blocking: [] },
  causes: 0,
  nowMs,
};
const clusterStates = (view: Partial<ClusterView>) =>
  clusterChecks({ ...wellCluster, ...view })
    .filter(({ state }) => state !== "ok")
    .map(({ name, state, says }) => `${name}: ${state}: ${says}`);

describe("pintle doctor", () => {
  it("finds nothing wrong with a machine that is fit", () => assert.deepEqual(states({}), []));

  it("says what a machine lacks", () => {
    assert.deepEqual(states({ nodeVersion: "20.9.0" }), ["Node.js: error"]);
    assert.deepEqual(states({ isRoot: false, ipForward: false }), ["root: warning"]);
    assert.deepEqual(states({ programs: {} }), [
      "runtime: warning",
      "nftables: warning",
      "ip command: error",
    ]);
    assert.deepEqual(states({ mounts: "" }), ["cgroups: error"]);
    assert.deepEqual(states({ controllers: "cpu memory" }), ["cgroups: warning"]);
    const old =
      "1 1 0:1 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n2 1 0:2 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory";
    assert.deepEqual(states({ mounts: old }), ["cgroups: warning"]);
    assert.deepEqual(
      states({ mounts: `${old}\n3 1 0:3 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids` }),
      [],
    );
    assert.deepEqual(states({ maxUserNamespaces: 0, inotifyInstances: 10, openFiles: 1024 }), [
      "user namespaces: warning",
      "inotify: warning",
      "open files: warning",
    ]);
    const disk = { folder: "/", freeBytes: 2 ** 20, allBytes: 2 ** 40, freeFiles: 1 };
    assert.deepEqual(states({ disk, syncMs: Array(10).fill(20) }), [
      "disk space: error",
      "disk syncs: warning",
    ]);
    assert.deepEqual(states({ syncMs: [80], isClockKept: false }), ["disk syncs: error", "clock: warning"]);
    assert.deepEqual(states({ syncMs: undefined, isClockKept: undefined, disk: undefined }), [
      "disk space: unknown",
      "disk syncs: unknown",
      "clock: unknown",
    ]);
  });

  it("reads this machine, and leaves nothing on its disk", async () => {
    const folder = mkdtempSync(join(tmpdir(), "pintle-doctor-"));
    try {
      const facts = await readMachineFacts(join(folder, "not/there/yet"), measureSyncs);
      assert.equal(facts.disk?.folder, folder);
      assert.ok((facts.syncMs?.length ?? 0) > 0);
      assert.deepEqual(readdirSync(folder), []);
      assert.equal(machineChecks(facts).find(({ name }) => name === "Node.js")?.state, "ok");
    } finally {
      rmSync(folder, { recursive: true });
    }
    assert.equal(
      openFilesIn("Max open files            1024                 524288               files"),
      1024,
    );
    assert.equal(openFilesIn("Max open files  unlimited  unlimited  files"), Number.POSITIVE_INFINITY);
  });

  it("finds nothing wrong with a cluster that is well", () => assert.deepEqual(clusterStates({}), []));

  it("says what a cluster lacks", () => {
    assert.match(
      clusterStates({ version: { unread: "refused" } })[0] ?? "",
      /^API server: error: .*does not answer: refused/,
    );
    assert.match(
      clusterStates({ ready: "[+]ping ok\n[-]etcd failed" })[0] ?? "",
      /^readiness: error: \[-\]etcd failed/,
    );
    const late = ["kube-scheduler", "kube-controller-manager"].map((name) =>
      lease(name, "2025-12-31T23:00:00Z"),
    );
    assert.deepEqual(clusterStates({ leases: late }), [
      "leaders: error: kube-scheduler and kube-controller-manager have none",
    ]);
    assert.match(
      clusterStates({ leases: late.slice(1) })[0] ?? "",
      /^leaders: unknown: there is no Lease kube-scheduler/,
    );
    assert.deepEqual(clusterStates({ leases: [], isSingle: true }), []);
    assert.match(clusterStates({ nodes: [] })[0] ?? "", /^nodes: error/);
    assert.match(
      clusterStates({ nodes: [node("a"), node("b", "Unknown")] })[0] ?? "",
      /1 of 2 are ready; not b/,
    );
    assert.match(
      clusterStates({ nodes: [node("a", "True", "v1.37.0")] })[0] ?? "",
      /^versions: error: .*such as a with v1.37.0/,
    );
    assert.match(clusterStates({ nodes: [node("a", "True", "v1.32.0")] })[0] ?? "", /^versions: error/);
    assert.match(
      clusterStates({ kubeconfigTimes: [{ of: "x", notAfterMs: nowMs - 1 }] })[0] ?? "",
      /^certificates: error: .*is x, 1 days ago/,
    );
    assert.match(
      clusterStates({ kubeconfigTimes: [{ of: "x", notAfterMs: nowMs + 86_400_000 }] })[0] ?? "",
      /^certificates: warning/,
    );
    assert.match(
      clusterStates({ kubeconfigTimes: [{ of: "x", notAfterMs: Number.NaN }] })[0] ?? "",
      /cannot be read: x/,
    );
    assert.match(clusterStates({ aheadMs: -65_000 })[0] ?? "", /^clock skew: error: .*65 s behind ours/);
    const silent = { name: "store-2", figures: undefined };
    assert.match(
      clusterStates({ members: [...(wellCluster.members ?? []), silent] })[0] ?? "",
      /1 of 2 answer, store-1 leads.*not store-2/,
    );
    assert.match(clusterStates({ members: [silent] })[0] ?? "", /^store members: error/);
    assert.equal(
      clusterChecks({ ...wellCluster, members: undefined }).some(({ name }) => name === "store members"),
      false,
    );
    assert.match(clusterStates({ causes: 2 })[0] ?? "", /^objects: warning: 2 causes/);
  });

  it("knows the webhooks that would hold up everything", () => {
    const hooks = (more: object) =>
      [
        {
          metadata: { name: "x" },
          webhooks: [
            {
              name: "x.example.com",
              clientConfig: { service: { name: "x", namespace: "x" } },
              rules: [{ apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"] }],
              ...more,
            },
          ],
        },
      ] as unknown as readonly ValidatingWebhookConfiguration[];
    assert.deepEqual(blockingWebhooks(hooks({})), ["x.example.com"]);
    assert.deepEqual(blockingWebhooks(hooks({ namespaceSelector: {} })), ["x.example.com"]);
    for (const more of [
      { failurePolicy: "Ignore" },
      { namespaceSelector: { matchLabels: { checked: "yes" } } },
      { clientConfig: { url: "https://elsewhere" } },
      { rules: [{ apiGroups: ["apps"], operations: ["*"], resources: ["deployments"] }] },
    ])
      assert.deepEqual(blockingWebhooks(hooks(more)), [], JSON.stringify(more));
  });

  it("shows a line a check, and what to do", () => {
    const text = checksText([
      { of: "machine", name: "disk", state: "error", says: "full", change: "more space" },
      { of: "cluster", name: "API", state: "ok", says: "answers" },
    ]);
    assert.equal(
      text,
      "This machine\n  error   disk  full\n                to change: more space\n\nThe cluster\n  ok      API   answers\n",
    );
  });
});
