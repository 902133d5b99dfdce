import { strict as assert } from "node:assert";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deferred } from "../../../base/deferred.ts";
import { silentLog } from "../../../base/os/log.ts";
import { TaskScope } from "../../../base/os/task-scope.ts";
import type { EventInput } from "../../../client/events.ts";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import { ManualClock } from "../../../client/testing/manual-clock.ts";
import type { Pod, PodStatus } from "../../../client/types.ts";
import type { Image } from "../../images/image.ts";
import { Prober } from "../../probes/prober.ts";
import { SimulatedRuntime } from "../../runtime/simulated/runtime.ts";
import { PodStatuses } from "../../status/pod-statuses.ts";
import type { Eviction } from "../eviction.ts";
import { evictionGraceSeconds } from "../grace-seconds.ts";
import type { PodContext } from "../pod-context.ts";
import { PodWorker } from "../pod-worker.ts";

export const ref = { namespace: "default", name: "p" };

/** One pod worker with everything around it in memory: API, containers, time. */
export class WorkerRig {
  readonly clock = new ManualClock();
  readonly api = new FakeApi();
  readonly runtime = new SimulatedRuntime(this.clock);
  readonly events: EventInput[] = [];
  /** How often the pod's volumes were emptied. */
  cleared = 0;
  readonly #hung = deferred<never>();
  readonly #root: string;
  readonly context: PodContext;
  #agent = new TaskScope(silentLog);
  #worker: PodWorker | undefined;

  private constructor(root: string) {
    this.#root = root;
    const { clock, runtime, api } = this;
    const random = { uint32: () => 0, bytes: (length: number) => new Uint8Array(length) };
    const image: Image = {
      id: "sha256:1",
      names: [],
      digests: [],
      sizeBytes: 1,
      config: {},
      layers: [],
    } as never;
    this.context = {
      os: { clock, random, log: silentLog } as never,
      client: api,
      runtime,
      images: { ensure: async () => image, release: () => undefined },
      volumeImages: { ensure: async () => image, release: () => undefined },
      imageStore: { lowerDirs: async () => ["/nowhere"], folderOf: async () => "/nowhere" },
      volumes: {
        podDir: (uid) => join(root, "pods", uid),
        list: async () => [],
        prepare: async () => undefined,
        mountsOf: async () => [],
        devicesOf: async () => [],
        textOf: async () => "",
        clear: async () => void this.cleared++,
        remove: async () => undefined,
      },
      prober: new Prober(
        { runtime, clock, random },
        { onChange: () => this.#worker?.wake(), onTrouble: () => undefined },
      ),
      events: { record: (_pod, event) => void this.events.push(event) },
      sources: {
        configMap: async () => undefined,
        secret: async () => undefined,
        follow: () => undefined,
        forget: () => undefined,
      },
      services: () => [],
      inApi: (pod) => pod,
      ended: () => undefined,
      scheme: "oci",
      able: {
        runtimeHandlers: false,
        podResources: true,
        userNamespaces: () => false,
        seLinux: "absent",
      },
      recursiveReadOnly: true,
      nodeIp: "10.0.0.1",
      dns: { servers: ["10.96.0.10"], domain: "cluster.local", resolvConf: "" },
      allocatable: { cpuMillis: 1000, memoryBytes: 1e9, storageBytes: 1e9 },
      nodeMemoryBytes: 1e9,
      logsDir: join(root, "logs"),
    };
    runtime.subscribe(() => this.#worker?.wake());
  }

  static async open(): Promise<WorkerRig> {
    return new WorkerRig(await mkdtemp(join(tmpdir(), "pintle-worker-")));
  }

  /** Makes the pod in the API and starts an agent that runs it. */
  async run(spec: Partial<Pod["spec"]> = {}, more: { readonly status?: PodStatus } = {}): Promise<void> {
    await this.api.create(resources.pods, {
      metadata: { ...ref, uid: "uid" },
      spec: { containers: [{ name: "c", image: "i", command: ["run"] }], ...spec },
      ...more,
    } as never);
    await this.startAgent();
  }

  /** An agent that comes to a pod which may run already. */
  async startAgent(): Promise<void> {
    this.#agent = new TaskScope(silentLog);
    const statuses = new PodStatuses(this.api, this.context.os, this.#agent);
    const worker = new PodWorker(await this.pod(), this.context, statuses);
    this.#worker = worker;
    this.#agent.run("worker", (signal) => worker.run(signal));
    this.#agent.run("informer", async (signal) => {
      const pods = this.api.watch(resources.pods, { sendInitialEvents: true }, signal);
      for await (const event of pods)
        if (event.type !== "BOOKMARK") worker.update(event.object, event.type === "DELETED");
    });
  }

  /** Orders the pod's eviction. */
  evict(message: string, more: Partial<Eviction> = {}): boolean {
    return this.#worker?.evict({ message, graceSeconds: evictionGraceSeconds, ...more }) ?? false;
  }

  get worker(): PodWorker | undefined {
    return this.#worker;
  }

  /** Ends the agent; containers run on. */
  async stopAgent(): Promise<void> {
    await this.#agent.stop();
    this.#worker = undefined;
  }

  async close(): Promise<void> {
    this.#hung.reject(new Error("the test is over"));
    this.#hung.promise.catch(() => undefined);
    await this.stopAgent();
    this.context.prober.stop();
    await rm(this.#root, { recursive: true, force: true });
  }

  /** An answer that does not come while the test goes on. */
  get hung(): Promise<never> {
    return this.#hung.promise;
  }

  pod(): Promise<Pod> {
    return this.api.get(resources.pods, ref);
  }

  patch(body: object): Promise<Pod> {
    return this.api.patch(resources.pods, ref, body, { type: "merge" });
  }

  wake(): void {
    this.#worker?.wake();
  }

  /** Ids of the pod's containers that run, by name. */
  running(): ReadonlyMap<string, string> {
    const all = this.runtime.listContainers().filter(({ state }) => state.phase === "running");
    return new Map(all.map(({ name, id }) => [name, id]));
  }

  /** Lets everything go on, time with it where `passing`, until what is asked for is answered. */
  async until<T>(
    ask: () => T | undefined | Promise<T | undefined>,
    what: string,
    { passing = false } = {},
  ): Promise<T> {
    const giveUpMs = Date.now() + 60_000;
    for (;;) {
      const found = await ask();
      if (found !== undefined) return found;
      if (Date.now() > giveUpMs) assert.fail(`never came: ${what}`);
      // Slow enough that files are written meanwhile, however busy the machine is.
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (passing) await this.clock.advance(200);
    }
  }

  /** As time passes. */
  later<T>(ask: () => T | undefined | Promise<T | undefined>, what: string): Promise<T> {
    return this.until(ask, what, { passing: true });
  }

  /** The container of that name, once it runs and is another than `not`. */
  untilRunning(name = "c", not = ""): Promise<string> {
    return this.later(() => {
      const id = this.running().get(name);
      return id === not ? undefined : id;
    }, `container ${name} runs`);
  }

  untilPod(wanted: (pod: Pod) => boolean | undefined, what: string): Promise<Pod> {
    return this.later(async () => {
      const pod = await this.pod();
      return wanted(pod) ? pod : undefined;
    }, what);
  }
}
