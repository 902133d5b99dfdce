import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { holdPort } from "../../base/os/free-ports.ts";
import { canContain, eventually, isInstalled, type LocalCluster, startCluster } from "../local-cluster.ts";

/** What pods of a node have come to, as kubectl tells it. */
describe("a pod's end, told truly", function () {
  this.timeout(300_000);
  let cluster: LocalCluster;

  before(async function () {
    if (!isInstalled("kubectl") || !canContain) return this.skip();
    cluster = await startCluster({ replicas: 1, nodes: 1, runtime: "oci" });
  });
  after(async () => {
    await cluster?.pintle("down").catch(() => undefined); // the second `up`, if it came to that
    await cluster?.stop();
  });

  const run = (name: string, flags: readonly string[], ...command: string[]) =>
    cluster.kubectl("run", name, "--image=pintle.local/host", ...flags, "--command", "--", ...command);
  const field = (what: string, path: string) => cluster.kubectl("get", what, "-o", `jsonpath={${path}}`);
  const comes = (what: string, path: string, wanted: string) =>
    eventually(
      `${what} ${path} is ${wanted}`,
      () => field(what, path),
      (seen) => seen === wanted,
    );
  const status = ".status.containerStatuses[0]";

  it("a command that does not exist fails the pod, and its Job", async () => {
    await run("absent", ["--restart=Never"], "nosuchcommand");
    await comes("pod/absent", ".status.phase", "Failed");
    const { reason, exitCode } = JSON.parse(await field("pod/absent", `${status}.state.terminated`));
    assert.deepEqual([reason, exitCode], ["StartError", 128]);
    await cluster.kubectlWith(
      JSON.stringify({
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name: "absent" },
        spec: { backoffLimit: 0, template: { spec: neverRuns } },
      }),
      "apply",
      "-f",
      "-",
    );
    await comes("job/absent", ".status.conditions[?(@.type=='Failed')].status", "True");
  });

  /** A container that runs may not have said it yet. */
  const said = (pod: string, wanted: string) =>
    eventually(
      `${pod} says ${wanted}`,
      () => cluster.kubectl("logs", pod),
      (text) => text === wanted,
    );

  it("a deletion by force ends what ignores SIGTERM, whatever grace it had", async () => {
    const deaf = "trap '' TERM; echo deaf; while :; do sleep 0.1; done";
    const grace = JSON.stringify({ spec: { terminationGracePeriodSeconds: 600 } });
    await run("deaf", [`--overrides=${grace}`, "--override-type=strategic"], "sh", "-c", deaf);
    await said("deaf", "deaf\n");
    const id = (await field("pod/deaf", `${status}.containerID`)).replace(/^.*\//, "");
    await cluster.kubectl("delete", "pod", "deaf", "--wait=false");
    await cluster.kubectl("delete", "pod", "deaf", "--force", "--grace-period=0");
    const folders = join(cluster.folder, "nodes", "node-1", "containers");
    await eventually(
      "it is gone",
      async () => readdirSync(folders),
      (names) => !names.includes(id),
    );
  });

  it("after the whole node went down, what never restarts failed and all else runs anew", async () => {
    await run("once", ["--restart=Never"], "sh", "-c", "echo ran; exec sleep 1000");
    await run("always", [], "sh", "-c", "echo run $HOSTNAME; exec sleep 1000");
    const job = {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "long" },
      spec: { template: { spec: sleepsOnce } },
    };
    await cluster.kubectlWith(JSON.stringify(job), "apply", "-f", "-");
    for (const pod of ["pod/once", "pod/always"]) await comes(pod, `${status}.ready`, "true");
    await comes("job/long", ".status.ready", "1");
    await said("once", "ran\n");
    await said("always", "run always\n");
    const first = await field("pod", ".items[?(@.metadata.labels.job-name=='long')].metadata.name");
    await cluster.pintle("down");
    // Nobody takes them for free ones meanwhile: the cluster comes back to them.
    await Promise.all(Object.values(cluster.state().plan.ports).map(holdPort));
    await cluster.pintle("up", "--detach", "--replicas=1", "--nodes=1", "--runtime=oci");
    await comes("pod/once", ".status.phase", "Failed");
    assert.equal(await field("pod/once", `${status}.restartCount`), "0");
    assert.equal(await cluster.kubectl("logs", "once"), "ran\n");
    await comes("pod/always", `${status}.ready`, "true");
    assert.equal(await field("pod/always", `${status}.restartCount`), "1");
    assert.equal(await field("pod/always", `${status}.lastState.terminated.exitCode`), "137");
    assert.equal(await cluster.kubectl("logs", "always", "--previous"), "run always\n");
    await said("always", "run always\n");
    await comes(`pod/${first}`, ".status.phase", "Failed");
    await comes("job/long", ".status.ready", "1");
    assert.equal(await field("job/long", ".status.failed"), "1");
  });
});

const neverRuns = {
  restartPolicy: "Never",
  containers: [{ name: "c", image: "pintle.local/host", command: ["nosuchcommand"] }],
};
const sleepsOnce = {
  restartPolicy: "Never",
  containers: [{ name: "c", image: "pintle.local/host", command: ["sleep", "1000"] }],
};
