import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { canContain, eventually, isInstalled, type LocalCluster, startCluster } from "../local-cluster.ts";

/** Thirty pods at once, and nothing left of them. */
describe("a node's pods come and go without leaving anything", function () {
  this.timeout(300_000);
  let cluster: LocalCluster;

  before(async function () {
    if (!isInstalled("kubectl") || !canContain) return this.skip();
    cluster = await startCluster({ replicas: 1, nodes: 1, runtime: "oci" });
  });
  after(() => cluster?.stop());

  it("starts 30 at once and frees mounts, cgroups, links and folders with them", async () => {
    const { kubectl } = cluster;
    const before = whatIsThere(cluster);
    await kubectl(
      "create",
      "deployment",
      "many",
      "--image=pintle.local/host",
      "--replicas=30",
      "--",
      "sleep",
      "1000",
    );
    await kubectl("rollout", "status", "deployment/many", "--timeout=120s");
    const uids = (await kubectl("get", "pods", "-o", "jsonpath={.items[*].metadata.uid}")).split(" ");
    const during = whatIsThere(cluster);
    assert.ok(during.mounts.length >= before.mounts.length + 30, "this test sees the mounts");
    assert.ok(cgroupsOf(uids).length >= 30, "this test sees the cgroups");
    assert.ok(during.links.length >= before.links.length + 30, "this test sees the links");
    assert.ok(during.folders.length >= before.folders.length + 30, "this test sees the folders");
    const told = "jsonpath={range .items[*]}{.reason}: {.message}{'\\n'}{end}";
    const warnings = await kubectl("get", "events", "--field-selector=type=Warning", "-o", told);
    assert.equal(warnings, "");
    await kubectl("delete", "deployment", "many");
    await kubectl("delete", "pods", "--all", "--force", "--grace-period=0");
    await eventually(
      "nothing is left",
      async () => ({ ...whatIsThere(cluster), cgroups: cgroupsOf(uids) }),
      (now) => JSON.stringify(now) === JSON.stringify({ ...before, cgroups: [] }),
    );
  });
});

interface Leftovers {
  readonly mounts: readonly string[];
  readonly links: readonly string[];
  readonly folders: readonly string[];
}

function whatIsThere(cluster: LocalCluster): Leftovers {
  const agent = cluster.state().components.find(({ name }) => name === "node-1");
  assert.ok(agent?.pid, "the node runs");
  const mounts = readFileSync(`/proc/${agent.pid}/mountinfo`, "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((path) => path.startsWith(cluster.folder))
    .sort();
  const inside = (...words: string[]) =>
    execFileSync("nsenter", [`--net=/proc/${agent.pid}/ns/net`, ...words], { encoding: "utf8" });
  const links = [...inside("ip", "-o", "link").matchAll(/^\d+: (pp\w+)/gm)]
    .map(([, name = ""]) => name)
    .sort();
  const root = join(cluster.folder, "nodes", "node-1");
  const folders = ["containers", "sandboxes", "pods", "logs", "exits", "oci"].flatMap((kind) =>
    existsSync(join(root, kind)) ? readdirSync(join(root, kind)).map((name) => `${kind}/${name}`) : [],
  );
  return { mounts, links, folders };
}

/** Groups of these pods, in every hierarchy; other clusters here may have nodes of the same name. */
function cgroupsOf(uids: readonly string[]): string[] {
  const roots = ["", ...readdirSync("/sys/fs/cgroup")].map((name) =>
    join("/sys/fs/cgroup", name, "pintle/node-1"),
  );
  return roots
    .filter((root) => existsSync(root))
    .flatMap((root) => readdirSync(root).filter((name) => uids.some((uid) => name === `pod${uid}`)));
}
