import { strict as assert } from "node:assert";

import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import type { Pod } from "../../client/types.ts";
import { isTerminal } from "../sync/pod-phase.ts";
import { WorkerRig } from "../sync/testing/worker-rig.ts";
import { keepLocalStorageLimits, localStorageLimits } from "./local-storage-watch.ts";

const mi = 2 ** 20;
const scratch = { name: "scratch", emptyDir: { sizeLimit: "10Mi" } };
const message = 'Usage of EmptyDir volume "scratch" exceeds the limit "10Mi". ';

describe("a pod that exceeds its local storage limits", () => {
  let rig: WorkerRig;
  let scope: TaskScope;
  /** Bytes by the folder's last name. */
  let sizes: Record<string, number | Error>;
  let measured: string[];
  let meter: MetricsRegistry;
  beforeEach(async () => {
    rig = await WorkerRig.open();
    scope = new TaskScope(silentLog);
    sizes = {};
    measured = [];
    meter = new MetricsRegistry();
  });
  afterEach(async () => {
    await scope.stop();
    await rig.close();
  });

  const told: string[] = [];
  const measure = async (folder: string) => {
    const name = folder.split("/").at(-1) ?? "";
    measured.push(name);
    const size = sizes[name];
    if (size instanceof Error) throw size;
    return size;
  };
  async function watch(): Promise<void> {
    const pods: Pod[] = [await rig.pod()];
    scope.run("local storage", (signal) =>
      keepLocalStorageLimits(
        {
          clock: rig.clock,
          log: silentLog,
          pods: () => pods,
          runtime: {
            listContainers: () => rig.runtime.listContainers(),
            writtenBytes: (id) => measure(`/containers/${id}/layer`),
          },
          volumes: { folderOf: (_pod, { name }) => `/volumes/${name}` },
          measure,
          events: { record: (_pod, { type, reason }) => told.push(`${type} ${reason}`) },
          meter,
          evict: (_pod, why) => rig.evict(why),
        },
        signal,
      ),
    );
  }
  const round = () => rig.clock.advance(localStorageLimits.pauseMs);
  const evicted = () => rig.untilPod(({ status }) => status?.phase === "Failed", "Failed");

  it("is evicted: Failed for good, with the reason, an event, and no condition of disruption", async () => {
    await rig.run({ restartPolicy: "Always", volumes: [scratch] });
    const id = await rig.untilRunning();
    sizes = { scratch: 10 * mi };
    await watch();
    await round();
    assert.deepEqual([...rig.running().values()], [id]);
    sizes = { scratch: 11 * mi };
    await round();
    const { status } = await evicted();
    assert.deepEqual([status?.reason, status?.message], ["Evicted", message]);
    assert.ok(!status?.conditions?.some(({ type }) => type === "DisruptionTarget"));
    assert.ok(status?.containerStatuses?.[0]?.state?.terminated);
    assert.deepEqual(
      rig.events
        .filter(({ reason }) => reason === "Evicted" || reason === "Killing")
        .map(({ type, reason }) => [type, reason]),
      [
        ["Warning", "Evicted"],
        ["Normal", "Killing"],
      ],
    );
    await rig.clock.advance(600_000);
    assert.equal(rig.running().size, 0);
  });

  it("has two seconds to end, whatever grace it asks for, and is called failed only then", async () => {
    rig.runtime.deaf.add("c");
    await rig.run({ terminationGracePeriodSeconds: 600, volumes: [scratch] });
    await rig.untilRunning();
    sizes = { scratch: 11 * mi };
    await watch();
    await round();
    await rig.until(() => rig.events.find(({ reason }) => reason === "Killing"), "told to end");
    assert.equal((await rig.pod()).status?.phase, "Running");
    const before = rig.clock.wallMs();
    await evicted();
    assert.ok(rig.clock.wallMs() - before < 5_000, `${rig.clock.wallMs() - before} ms`);
  });

  it("is evicted also while it takes its time to be deleted, and goes then", async () => {
    rig.runtime.deaf.add("c");
    await rig.run({ terminationGracePeriodSeconds: 600, volumes: [scratch] });
    await rig.untilRunning();
    const metadata = { deletionTimestamp: new Date(), deletionGracePeriodSeconds: 600, finalizers: ["x"] };
    await rig.patch({ metadata });
    await rig.until(() => rig.events.find(({ reason }) => reason === "Killing"), "told to end");
    sizes = { scratch: 11 * mi };
    await watch();
    const before = rig.clock.wallMs();
    assert.equal((await evicted()).status?.reason, "Evicted");
    await rig.later(() => rig.runtime.listPodSandboxes().length === 0 || undefined, "removed");
    assert.ok(rig.clock.wallMs() - before < 60_000, `${rig.clock.wallMs() - before} ms`);
  });

  it("is found by what its running containers log and write, one by one", async () => {
    const limits = { "ephemeral-storage": "10Mi" };
    await rig.run({
      containers: [
        { name: "a", image: "i", command: ["run"], resources: { limits } },
        { name: "b", image: "i", command: ["run"], resources: { limits } },
      ],
    });
    await rig.untilRunning("a");
    await rig.untilRunning("b");
    sizes = { a: 4 * mi, layer: 5 * mi };
    await watch();
    await round();
    await rig.until(() => (measured.length === 4 ? true : undefined), "measured");
    assert.equal(rig.running().size, 2);
    sizes = { a: 7 * mi, layer: 5 * mi };
    await round();
    assert.equal(
      (await evicted()).status?.message,
      'Container a exceeded its local ephemeral storage limit "10Mi". ',
    );
  });

  it("is not one whose containers all ended by themselves", async () => {
    await rig.run({ restartPolicy: "Never", volumes: [scratch] });
    rig.runtime.exit(await rig.untilRunning(), 0);
    rig.evict(message);
    const { status } = await rig.untilPod((pod) => isTerminal(pod.status?.phase), "ended");
    assert.deepEqual([status?.phase, status?.reason], ["Succeeded", undefined]);
    assert.ok(!rig.events.some(({ reason }) => reason === "Evicted"));
  });

  it("stays when the cluster needs it", async () => {
    await rig.run({ priority: 2_000_000_000, volumes: [scratch] });
    await rig.untilRunning();
    sizes = { scratch: 11 * mi };
    await watch();
    await round();
    await round();
    assert.deepEqual(measured, []);
    assert.equal(rig.running().size, 1);
  });

  it("counts as when it was last measured while it cannot be, and an event and a metric say that it cannot", async () => {
    const limits = { "ephemeral-storage": "15Mi" };
    await rig.run({
      containers: [{ name: "c", image: "i", command: ["run"], resources: { limits } }],
      volumes: [scratch],
    });
    await rig.untilRunning();
    sizes = { scratch: 8 * mi, c: mi, layer: mi };
    await watch();
    const rounds = async (count: number) => {
      for (let one = 0; one < count; one++) {
        const before = measured.length;
        await round();
        await rig.until(() => (measured.length >= before + 3 ? true : undefined), "measured");
      }
    };
    await rounds(1);
    sizes = { scratch: new Error("it takes too long"), c: mi, layer: mi };
    await rounds(2);
    assert.equal(rig.running().size, 1);
    assert.deepEqual(told, ["Warning StorageNotMeasured"]);
    assert.match(await meter.text(), /^pintle_local_storage_unmeasured_total 2$/m);
    sizes = { scratch: new Error("it takes too long"), c: 5 * mi, layer: 3 * mi };
    await round();
    const whole = "Pod ephemeral local storage usage exceeds the total limit of containers 15Mi. ";
    assert.equal((await evicted()).status?.message, whole);
  });

  it("is not one that cannot be measured, nor measured when it has no limits", async () => {
    await rig.run({ volumes: [scratch, { name: "free", emptyDir: {} }] });
    await rig.untilRunning();
    sizes = { scratch: new Error("too large"), free: 99 * mi };
    await watch();
    await round();
    await rig.until(() => (measured.length > 0 ? true : undefined), "measured");
    await round();
    assert.equal(rig.running().size, 1);
    assert.ok(!measured.includes("free"));
  });
});
