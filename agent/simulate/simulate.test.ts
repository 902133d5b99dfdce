import { strict as assert } from "node:assert";
import { parseFlags, UsageError } from "../../base/os/flags.ts";
import { systemRandom } from "../../base/os/random.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { resources } from "../../client/resources.ts";
import { localPath } from "../../client/rules/local-path.ts";
import { volumeAnnotations } from "../../client/rules/volume-binding.ts";
import { FakeApi } from "../../client/testing/fake-api.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import type { PersistentVolume, Pod } from "../../client/types.ts";
import { testOs } from "../../controlplane/apiserver/testing.ts";
import { agentFlags } from "../flags.ts";
import { testMachine as machine } from "../status/testing/test-machine.ts";
import { simulationConfig, simulationFlags } from "./flags.ts";
import { simulate } from "./simulate.ts";

const configOf = (...words: string[]) =>
  simulationConfig(parseFlags({ ...agentFlags, ...simulationFlags }, words, { env: {} }).flags);

describe("agent/simulate", () => {
  let api: FakeApi;
  let clock: ManualClock;
  let tasks: TaskScope | undefined;
  beforeEach(() => {
    tasks = undefined;
    api = new FakeApi();
    clock = new ManualClock();
  });
  afterEach(() => tasks?.stop());

  async function start(...words: string[]) {
    const config = configOf("--node-name=sim", ...words);
    assert.ok(config);
    const os = { ...testOs(), clock, random: systemRandom };
    tasks = new TaskScope(os.log);
    simulate(config, { client: api, tasks, machine, os });
    await clock.advance(10);
  }

  const readiness = () =>
    api
      .all(resources.nodes)
      .map(({ metadata, status }) => [
        metadata.name,
        status?.conditions?.find(({ type }) => type === "Ready")?.status,
      ]);
  const leases = () => api.all(resources.leases).map(({ spec }) => String(spec?.renewTime));
  const phase = (name: string) =>
    api.all(resources.pods).find(({ metadata }) => metadata.name === name)?.status?.phase;
  const makePod = (name: string, nodeName: string, metadata: object = {}) =>
    api.create(resources.pods, {
      metadata: { name, namespace: "d", ...metadata },
      spec: { nodeName, containers: [{ name: "c", image: "i" }] },
    } as unknown as Pod);

  it("registers its nodes ready, in their zones, and renews their leases", async () => {
    await start("--simulate=3", "--simulate-zones=2", "--simulate-cpus=8");
    assert.deepEqual(
      readiness(),
      [1, 2, 3].map((number) => [`sim-${number}`, "True"]),
    );
    const nodes = api.all(resources.nodes);
    assert.deepEqual(
      nodes.map(({ metadata }) => metadata.labels?.["topology.kubernetes.io/zone"]),
      ["zone-1", "zone-2", "zone-1"],
    );
    assert.equal(nodes[0]?.status?.allocatable?.cpu, "8");
    const [before] = leases();
    await clock.advance(15_000);
    assert.ok(leases().every((one) => one > (before ?? "")));
    // A heartbeat is in the status, every five minutes.
    await clock.advance(300_000);
    const heartbeat = api.all(resources.nodes)[2]?.status?.conditions?.[0]?.lastHeartbeatTime;
    assert.ok(String(heartbeat) > "2026-01-01T00:04");
  });

  it("says that a node is there that was given up", async () => {
    await start("--simulate=2");
    const conditions = [{ type: "Ready", status: "Unknown", reason: "NodeStatusUnknown" }];
    const options = { type: "strategic", subresource: "status" } as const;
    await api.patch(resources.nodes, { name: "sim-2" }, { status: { conditions } }, options);
    await clock.advance(10);
    assert.deepEqual(readiness(), [
      ["sim-1", "True"],
      ["sim-2", "True"],
    ]);
  });

  it("goes on where another process stopped", async () => {
    await start("--simulate=2");
    await makePod("p", "sim-1");
    await clock.advance(10);
    const [pod] = api.all(resources.pods);
    const [lease] = leases();
    await tasks?.stop();
    await clock.advance(60_000);
    await start("--simulate=2");
    await makePod("q", "sim-2");
    await clock.advance(10);
    assert.deepEqual(readiness(), [
      ["sim-1", "True"],
      ["sim-2", "True"],
    ]);
    assert.ok((leases()[0] ?? "") > (lease ?? ""));
    const [same, other] = api.all(resources.pods);
    assert.deepEqual(same?.status, pod?.status);
    assert.equal(other?.status?.phase, "Running");
    assert.notEqual(other?.status?.podIP, same?.status?.podIP);
  });

  it("lets a node stay away that somebody deletes, with its pods", async () => {
    await start("--simulate=2");
    await api.delete(resources.nodes, { name: "sim-2" });
    await api.delete(resources.leases, { namespace: "kube-node-lease", name: "sim-2" });
    await clock.advance(60_000);
    assert.deepEqual(readiness(), [["sim-1", "True"]]);
    await makePod("p", "sim-2");
    await clock.advance(1000);
    assert.equal(phase("p"), undefined);
  });

  it("runs the pods of its nodes, and no others, until they are deleted", async () => {
    await start("--simulate=1");
    await makePod("p", "sim-1", { finalizers: ["a/b"] });
    await makePod("elsewhere", "node-1");
    await clock.advance(10);
    assert.equal(phase("p"), "Running");
    assert.equal(phase("elsewhere"), undefined);
    await api.delete(resources.pods, { namespace: "d", name: "p" });
    await clock.advance(10);
    // Kept by a finalizer, it shows how it ended.
    assert.equal(phase("p"), "Failed");
  });

  it("keeps volumes of its nodes until they are released, and lets those of others be", async () => {
    await start("--simulate=1");
    assert.ok(api.all(resources.nodes)[0]?.metadata.annotations?.[localPath.folderAnnotation]);
    const make = (name: string, node: string, policy: string, phase: string) =>
      api.create(resources.persistentvolumes, {
        metadata: {
          name,
          annotations: { [volumeAnnotations.provisionedBy]: localPath.provisioner },
        },
        spec: {
          persistentVolumeReclaimPolicy: policy,
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [
                { matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] },
              ],
            },
          },
        },
        status: { phase },
      } as unknown as PersistentVolume);
    await make("bound", "sim-1", "Delete", "Bound");
    await make("released", "sim-1", "Delete", "Released");
    await make("retained", "sim-1", "Retain", "Released");
    await make("elsewhere", "node-1", "Delete", "Released");
    await clock.advance(10);
    const left = api.all(resources.persistentvolumes).map(({ metadata }) => metadata.name);
    assert.deepEqual(left, ["bound", "retained", "elsewhere"]);
  });

  it("refuses what means nothing to it, by name", () => {
    const refused = (words: string[], ...lines: string[]) =>
      assert.throws(
        () => configOf("--node-name=sim", ...words),
        (error) => error instanceof UsageError && lines.every((line) => error.message.includes(line)),
      );
    refused(
      ["--simulate=1", "--runtime=oci", "--cluster-dns=1.2.3.4"],
      "--runtime: means nothing",
      "--cluster-dns: means nothing",
    );
    refused(["--simulate-cpus=4"], "--simulate-cpus: needs --simulate");
    refused(["--simulate=-1"], "--simulate: -1 must be 1 to 100000");
    refused(["--simulate=1", "--simulate-memory=much", "--pod-cidr=x"], "--simulate-memory", "--pod-cidr");
    refused(["--simulate=1", "--node-ip=10.0.0.1,fd00::1"], "--node-ip: ");
    refused(["--simulate=1", "--simulate-stages=/nowhere"], "--simulate-stages: cannot read /nowhere");
    assert.equal(configOf("--node-name=real", "--runtime=process"), undefined);
  });
});
