import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../../base/os/log.ts";
import { TaskScope } from "../../../base/os/task-scope.ts";
import type { Container, Pod } from "../../../client/types.ts";
import { testOs } from "../../../controlplane/apiserver/testing.ts";
import type { Rejection } from "../../admission/fits-node.ts";
import { PodPlacement } from "../../admission/pod-placement.ts";
import type { TopologyPolicy } from "../../cpus/topology-hints.ts";
import type { DeviceManager } from "../device-manager.ts";
import { type NodeDevices, openDevices } from "../start-devices.ts";
import { FakePlugin, type ToldDevice } from "./fake-plugin.ts";

export const gpu = "example.com/gpu";

/** A container that asks for so many devices. */
export const asking = (count: number, name = "c", more: Partial<Container> = {}): Container => ({
  name,
  image: "i",
  resources: { limits: { [gpu]: String(count) }, requests: { [gpu]: String(count) } },
  ...more,
});

export const podOf = (uid: string, containers: readonly Container[], more: Partial<Pod["spec"]> = {}): Pod =>
  ({
    metadata: { name: uid, namespace: "default", uid },
    spec: { containers, ...more },
  }) as Pod;

/** The part of an agent that is about devices, with its sockets. */
export class DeviceRig {
  readonly dir: string;
  readonly pods: Pod[] = [];
  readonly woken: string[] = [];
  readonly #plugins: FakePlugin[] = [];
  #tasks = new TaskScope(silentLog);
  #devices: NodeDevices | undefined;

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** @param dir Where an agent was before, if anywhere. */
  static async open(dir?: string): Promise<DeviceRig> {
    const rig = new DeviceRig(dir ?? (await mkdtemp(join(tmpdir(), "pintle-devices-"))));
    await rig.start();
    return rig;
  }

  async start(): Promise<void> {
    this.#tasks = new TaskScope(silentLog);
    this.#devices = await openDevices(
      { rootDir: this.dir, cpus: { topologyPolicy: "none" } },
      {
        os: { ...testOs(), log: silentLog },
        tasks: this.#tasks,
        pods: () => this.pods,
        cpus: () => undefined,
        onHealth: (uid) => void this.woken.push(uid),
      },
    );
    await this.#devices.start();
  }

  /** As if killed, but for what the kernel takes back. */
  async stop(): Promise<void> {
    await this.#tasks.stop();
    await this.#devices?.close();
  }

  get folder(): string {
    return join(this.dir, "device-plugins");
  }

  get manager(): DeviceManager {
    if (this.#devices === undefined) throw new Error("the rig is not started");
    return this.#devices.manager;
  }

  admit(pod: Pod): Promise<Rejection | undefined> {
    const rules = {
      topology: [],
      reserved: new Set<number>(),
      fullCoresOnly: false,
      topologyPolicy: "none" as TopologyPolicy,
      topologyScope: "container" as const,
    };
    return new PodPlacement(rules, { cpus: undefined, devices: this.manager }).admit(pod);
  }

  /** A plugin that is registered, and whose devices the node knows. */
  async plugin(
    devices: readonly ToldDevice[],
    { resourceName = gpu, endpoint = "gpu.sock", options = {} } = {},
  ): Promise<FakePlugin> {
    const plugin = new FakePlugin(devices);
    plugin.options = { ...plugin.options, ...options };
    this.#plugins.push(plugin);
    await rm(join(this.folder, endpoint), { force: true });
    await plugin.listen(join(this.folder, endpoint));
    await plugin.register(this.folder, { endpoint, resourceName });
    await this.until(() => this.manager.devices(resourceName).size === devices.length);
    return plugin;
  }

  /** Looks every few milliseconds: a plugin's word arrives when it does. */
  async until(holds: () => boolean): Promise<void> {
    const giveUpMs = Date.now() + 20_000;
    while (!holds()) {
      if (Date.now() > giveUpMs) throw new Error(`not in time: ${holds}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async close(): Promise<void> {
    for (const plugin of this.#plugins) plugin.stop();
    await this.stop();
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** Run by itself: the part of an agent that is about devices, with a plugin. It gives a device to a pod, and waits to be killed. */
if (process.argv[1] === import.meta.filename) {
  const rig = await DeviceRig.open(process.argv[2]);
  await rig.plugin([{ ID: "a" }, { ID: "b" }]);
  const rejection = await rig.admit(podOf("p", [asking(1)]));
  console.log(rejection?.message ?? "given");
}
