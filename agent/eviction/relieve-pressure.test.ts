import assert from "node:assert/strict";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import type { Pod } from "../../client/types.ts";
import { RuntimeError } from "../runtime/seam.ts";
import type { Eviction } from "../sync/eviction.ts";
import type { DiskLayout } from "./disk-layout.ts";
import { NodePressure } from "./node-pressure.ts";
import { pressureTimes, relievePressure } from "./relieve-pressure.ts";
import type { Observation, Signal } from "./signals.ts";
import { readThresholds } from "./thresholds.ts";

const mi = 2 ** 20;
const short: Observation = { available: 50 * mi, capacity: 1000 * mi };
const plenty: Observation = { available: 900 * mi, capacity: 1000 * mi };

describe("agent/eviction/relieve-pressure", () => {
  let clock: ManualClock;
  let scope: TaskScope;
  let meter: MetricsRegistry;
  let left: Map<Signal, Observation>;
  let layout: DiskLayout;
  let pods: Pod[];
  /** By container: memory, or processes; folders by their last name. */
  let use: Record<string, number>;
  /** What was done, in order. */
  let done: string[];
  let evictions: Map<string, Eviction>;
  let freed: Set<string>;
  /** What comes of removing images, and of ended pods. */
  let onImages: () => number;
  let onEnded: () => void;
  /** Bytes of logs that are kept, of which a part goes at a time. */
  let keptLogs: number[];
  let onLogs: () => void;
  beforeEach(() => {
    clock = new ManualClock();
    scope = new TaskScope(silentLog);
    meter = new MetricsRegistry();
    left = new Map();
    layout = { imagesApart: false, layersWithImages: false };
    pods = [];
    use = {};
    done = [];
    evictions = new Map();
    freed = new Set();
    onImages = () => 0;
    onEnded = () => {};
    keptLogs = [];
    onLogs = () => {};
  });
  afterEach(() => scope.stop());

  const pod = (name: string, spec: object = {}, phase = "Running") => {
    const one = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "default", uid: name },
      spec: { containers: [{ name: `${name}-c` }], ...spec },
      status: { phase },
    } as unknown as Pod;
    pods.push(one);
    return one;
  };
  const amount = async (key: string): Promise<number> => {
    const found = use[key];
    if (found === undefined) throw new RuntimeError(`nobody knows of ${key}`);
    return found;
  };
  function start(hard: readonly string[], soft: readonly string[] = [], podGraceSecondsMost = 0): void {
    const texts = {
      hard,
      soft,
      softGracePeriod: soft.map((one) => `${one.split("<")[0]}=30s`),
      minimumReclaim: [],
    };
    const thresholds = readThresholds(texts, (problem) => assert.fail(JSON.stringify(problem)));
    const rules = { thresholds, transitionMs: 0, podGraceSecondsMost };
    const pressure = new NodePressure(rules, { clock, log: silentLog, observe: async () => left });
    const runtime = {
      listContainers: () =>
        pods.map(({ metadata: { name, namespace = "", uid } }) => ({
          id: `${name}-id`,
          name: `${name}-c`,
          pod: { name, namespace, uid },
          logPath: `/logs/${name}-log/0.log`,
          state: { phase: "running" },
        })) as never,
      containerStats: async (id: string) => {
        const found = await amount(id);
        return { cpuNanos: 0, memoryBytes: 0, workingSetBytes: found, processes: found };
      },
      writtenBytes: (id: string) => amount(`${id} layer`),
      writtenInodes: (id: string) => amount(`${id} layer inodes`),
    };
    const folders = {
      bytes: (path: string) => amount(path.split("/").at(-1) ?? ""),
      inodes: (path: string) => amount(`${path.split("/").at(-1)} inodes`),
    };
    scope.run("pressure", (signal) =>
      relievePressure(
        {
          clock,
          log: silentLog,
          meter,
          events: {
            record: (subject, { reason, message }) =>
              void done.push(`${subject.metadata.name}: ${reason}: ${message}`),
          },
          node: { apiVersion: "v1", kind: "Node", metadata: { name: "n1", uid: "n" } },
          pressure,
          layout: async () => layout,
          pods: () => pods,
          runtime,
          volumes: { folderOf: (_pod, { name }) => `/volumes/${name}` },
          folders,
          workers: {
            evict: (uid, eviction) => {
              if (evictions.has(uid)) return false;
              evictions.set(uid, eviction);
              freed.delete(uid);
              done.push(`evict ${uid} in ${eviction.graceSeconds} s`);
              return true;
            },
            isFreed: (uid) => freed.has(uid),
            reclaimEnded: async () => {
              done.push("reclaim ended pods");
              onEnded();
            },
          },
          reclaimLogs: async () => {
            const bytes = keptLogs.shift();
            if (bytes === undefined) return 0;
            done.push(`remove ${bytes} bytes of logs`);
            onLogs();
            return bytes;
          },
          reclaimImages: async () => {
            done.push("remove images");
            return onImages();
          },
        },
        signal,
      ),
    );
  }
  const actions = () => done.filter((one) => !one.startsWith("n1: "));
  const freedAll = () => {
    for (const uid of evictions.keys()) freed.add(uid);
  };

  it("leaves all pods alone while enough is left", async () => {
    pod("a");
    left.set("memory.available", plenty);
    start(["memory.available<100Mi"]);
    await clock.advance(60_000);
    assert.deepEqual(done, []);
  });

  it("has kept logs go before anything else of a disk that is full, and only as many as it takes", async () => {
    pod("a");
    keptLogs = [7, 5, 3];
    onLogs = () => {
      if (keptLogs.length === 1) left.set("nodefs.available", plenty);
    };
    left.set("nodefs.available", short);
    start(["nodefs.available<10%"]);
    await clock.advance(1);
    assert.deepEqual(actions(), ["remove 7 bytes of logs", "remove 5 bytes of logs"]);
    await clock.advance(pressureTimes.retryMs);
    assert.equal(actions().length, 2);
  });

  it("leaves kept logs alone where memory is short", async () => {
    pod("a");
    use = { "a-id": mi };
    keptLogs = [7];
    left.set("memory.available", short);
    start(["memory.available<100Mi"]);
    await clock.advance(1);
    assert.deepEqual(actions(), ["evict a in 1 s"]);
  });

  it("evicts one pod at a time, the one that is most above its request, until enough is left", async () => {
    for (const name of ["a", "b", "c"]) pod(name);
    use = { "a-id": 10 * mi, "b-id": 300 * mi, "c-id": 20 * mi };
    left.set("memory.available", short);
    start(["memory.available<100Mi"]);
    await clock.advance(1);
    assert.deepEqual(done, ["n1: EvictionThresholdMet: Attempting to reclaim memory", "evict b in 1 s"]);
    assert.deepEqual(evictions.get("b"), {
      message:
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. " +
        "Container b-c was using 300Mi, request is 0, has larger consumption of memory. ",
      annotations: {
        offending_containers: "b-c",
        offending_containers_usage: "300Mi",
        starved_resource: "memory",
      },
      graceSeconds: 1,
      disrupts: true,
    });
    await clock.advance(5_000);
    assert.deepEqual(actions(), ["evict b in 1 s"]);
    freedAll();
    await clock.advance(pressureTimes.endedPollMs);
    assert.deepEqual(actions(), ["evict b in 1 s", "evict c in 1 s"]);
    left.set("memory.available", plenty);
    freedAll();
    await clock.advance(120_000);
    assert.deepEqual(actions(), ["evict b in 1 s", "evict c in 1 s"]);
    assert.match(await meter.text(), /^kubelet_evictions\{eviction_signal="memory.available"\} 2$/m);
  });

  it("goes on to the next pod when one does not end", async () => {
    for (const name of ["stuck", "other"]) pod(name);
    use = { "stuck-id": 300 * mi, "other-id": 20 * mi };
    left.set("memory.available", short);
    start(["memory.available<100Mi"]);
    await clock.advance(pressureTimes.endedMostMs - 1);
    assert.deepEqual(actions(), ["evict stuck in 1 s"]);
    await clock.advance(pressureTimes.endedPollMs);
    assert.deepEqual(actions(), ["evict stuck in 1 s", "evict other in 1 s"]);
  });

  it("passes over pods that the cluster needs and those that ended, and says so when none is left", async () => {
    pod("critical", { priority: 2_000_000_000 });
    pod("ended", {}, "Succeeded");
    left.set("memory.available", short);
    start(["memory.available<100Mi"]);
    await clock.advance(pressureTimes.retryMs + 1);
    const told = "n1: EvictionThresholdMet: Attempting to reclaim memory";
    assert.deepEqual(done, [told, told]);
  });

  it("gives a pod its own time, or less where the node says so, once a soft threshold was met for long", async () => {
    pod("a", { terminationGracePeriodSeconds: 20 });
    use = { "a-id": 1 };
    left.set("memory.available", short);
    start([], ["memory.available<100Mi"], 60);
    await clock.advance(29_999);
    assert.deepEqual(done, []);
    await clock.advance(pressureTimes.lookMs);
    assert.deepEqual(actions(), ["evict a in 20 s"]);
    pod("b", { terminationGracePeriodSeconds: 600 });
    use = { "b-id": 1 };
    freedAll();
    await clock.advance(pressureTimes.endedPollMs);
    assert.deepEqual(actions(), ["evict a in 20 s", "evict b in 60 s"]);
  });

  it("lets what nobody uses go first, and no pod where that is enough", async () => {
    pod("a");
    left.set("nodefs.available", short);
    onImages = () => {
      left.set("nodefs.available", plenty);
      return 850 * mi;
    };
    start(["nodefs.available<10%"]);
    await clock.advance(60_000);
    assert.deepEqual(actions(), ["reclaim ended pods", "remove images"]);
  });

  it("goes on when images cannot be removed or ended pods take too long", async () => {
    pod("a", {
      volumes: [
        { name: "scratch", emptyDir: {} },
        { name: "tmp", emptyDir: { medium: "Memory" } },
      ],
    });
    use = { scratch: 4096, "a-log": 1, "a-id layer": 2 };
    left.set("nodefs.available", short);
    onImages = () => {
      throw new Error("busy");
    };
    start(["nodefs.available<10%"]);
    await clock.advance(1);
    assert.deepEqual(actions(), ["reclaim ended pods", "remove images", "evict a in 1 s"]);
    assert.match(
      evictions.get("a")?.message ?? "",
      /low on resource: ephemeral-storage\. .*Container a-c was using 3, request is 0/,
    );
  });

  it("ranks by what of the pods is on the disk that is full", async () => {
    for (const name of ["logs", "layers"]) pod(name);
    use = { "logs-log": 100, "logs-id layer": 1, "layers-log": 1, "layers-id layer": 100 };
    use = {
      ...use,
      "logs-log inodes": 1,
      "logs-id layer inodes": 9,
      "layers-log inodes": 5,
      "layers-id layer inodes": 5,
    };
    layout = { imagesApart: true, layersWithImages: true };
    left.set("nodefs.available", short);
    start(["nodefs.available<10%", "imagefs.available<10%", "nodefs.inodesFree<10%"]);
    await clock.advance(1);
    // Logs of ended containers alone could be given back there.
    assert.deepEqual(actions(), ["reclaim ended pods", "evict logs in 1 s"]);
    freedAll();
    evictions.clear();
    done = [];
    left = new Map([["imagefs.available", short]]);
    await clock.advance(pressureTimes.endedPollMs);
    assert.deepEqual(actions(), ["reclaim ended pods", "remove images", "evict layers in 1 s"]);
    freedAll();
    evictions.clear();
    done = [];
    left = new Map([["nodefs.inodesFree", { available: 1, capacity: 1000 }]]);
    await clock.advance(pressureTimes.endedPollMs);
    assert.deepEqual(actions(), ["reclaim ended pods", "evict layers in 1 s"]);
  });

  it("takes a pod that cannot be measured first: pressure does not wait for it", async () => {
    for (const name of ["greedy", "unmeasured"]) pod(name);
    use = { "greedy-log": 1e9, "greedy-id layer": 1e9 };
    left.set("nodefs.available", short);
    start(["nodefs.available<10%"]);
    await clock.advance(1);
    assert.deepEqual(actions().at(-1), "evict unmeasured in 1 s");
  });

  it("goes by processes where their numbers are short", async () => {
    for (const name of ["small", "bomb"]) pod(name);
    use = { "small-id": 3, "bomb-id": 3000 };
    left.set("pid.available", { available: 10, capacity: 1000 });
    start(["pid.available<5%"]);
    await clock.advance(1);
    assert.deepEqual(actions(), ["evict bomb in 1 s"]);
  });
});
