import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { canContain, eventually, isInstalled, type LocalCluster, startCluster } from "../local-cluster.ts";

const pagesFile = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
const pagesNow = () => Number(readFileSync(pagesFile, "utf8"));

/** Shows what its control group holds it to, fills its folder and asks for one page more. */
const script = [
  "cat /sys/fs/cgroup/hugetlb/hugetlb.2MB.limit_in_bytes /sys/fs/cgroup/hugetlb.2MB.max 2>/dev/null",
  "fallocate -l 4M /pages/a && echo filled",
  "fallocate -l 2M /pages/b 2>&1; echo asked",
  "exec sleep 1000",
].join("; ");

const pod = (name: string, pages: string) => {
  const amounts = { cpu: "100m", memory: "32Mi", "hugepages-2Mi": pages };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: "c",
          image: "pintle.local/host",
          command: ["sh", "-c", script],
          resources: { requests: amounts, limits: amounts },
          env: [{ name: "PAGES", valueFrom: { resourceFieldRef: { resource: "limits.hugepages-2Mi" } } }],
          volumeMounts: [{ name: "pages", mountPath: "/pages" }],
        },
      ],
      volumes: [{ name: "pages", emptyDir: { medium: "HugePages" } }],
    },
  };
};

describe("pods with huge pages", function () {
  this.timeout(300_000);
  let pagesBefore: number | undefined;
  let cluster: LocalCluster | undefined;
  const kubectl = (...words: string[]) =>
    cluster?.kubectl(...words) ?? Promise.reject(new Error("no cluster"));

  before(async function () {
    if (!isInstalled("kubectl") || !canContain || !existsSync(pagesFile)) return this.skip();
    pagesBefore = pagesNow();
    writeFileSync(pagesFile, String(pagesBefore + 4));
    if (pagesNow() < pagesBefore + 4) return this.skip(); // the kernel finds no whole pages
    cluster = await startCluster({ replicas: 1, nodes: 1, runtime: "oci" });
  });
  after(async () => {
    await cluster?.stop();
    if (pagesBefore !== undefined) writeFileSync(pagesFile, String(pagesBefore));
  });

  it("have as many as they ask for, and the node gives away no more than it has", async () => {
    const all = pagesNow() * 2;
    const node = (path: string) => kubectl("get", "node", "node-1", "-o", `jsonpath=${path}`);
    const ofNode = await node("{.status.capacity.hugepages-2Mi} {.status.allocatable.hugepages-2Mi}");
    assert.equal(ofNode, `${all}Mi ${all}Mi`);
    await cluster?.kubectlWith(JSON.stringify(pod("first", "4Mi")), "apply", "-f", "-");
    const said = await eventually(
      "the first pod asked for too much",
      () => kubectl("logs", "first"),
      (text) => text.includes("asked"),
    );
    assert.match(said, /filled\n.*No space left on device/);
    if (/\bhugetlb\b/.test(readFileSync("/proc/self/mountinfo", "utf8"))) assert.match(said, /^4194304\n/);
    assert.equal((await kubectl("exec", "first", "--", "sh", "-c", "echo $PAGES")).trim(), `${4 * 2 ** 20}`);
    await cluster?.kubectlWith(JSON.stringify(pod("second", `${all - 2}Mi`)), "apply", "-f", "-");
    await eventually(
      "the second pod waits",
      () => kubectl("get", "pod", "second", "-o", "jsonpath={.status.conditions[0].message}"),
      (text) => text.includes("Insufficient hugepages-2Mi"),
    );
    await kubectl("delete", "pod", "first");
    await eventually(
      "the second pod runs",
      () => kubectl("get", "pod", "second", "-o", "jsonpath={.status.phase}"),
      (phase) => phase === "Running",
    );
  });
});
