import type { Os } from "../../base/os/os.ts";
import type { TaskScope } from "../../base/os/task-scope.ts";
import { DevicePluginError, type Devices } from "./device-list.ts";
import type { PluginOptions } from "./messages.ts";
import { PluginCalls } from "./plugin-calls.ts";

export const resourceLimits = {
  resourcesMost: 256,
  /** So long the devices of a plugin that went count for the node's capacity, as a kubelet's. */
  graceMs: 300_000,
} as const;

export interface Plugin {
  readonly calls: PluginCalls;
  readonly options: PluginOptions;
  readonly stop: AbortController;
}

interface Offered {
  devices: Devices;
  plugin: Plugin | undefined;
  /** Since when there is no plugin, by the monotonic clock. */
  stoppedMs: number;
  isRetired: boolean;
}

export interface ResourcesDeps {
  readonly os: Pick<Os, "clock" | "random" | "log">;
  readonly tasks: TaskScope;
  /** Called after a plugin told of its devices. */
  readonly onDevices: (resource: string, before: Devices, now: Devices) => void;
  /** Called when other resources are registered than before. */
  readonly onNames: () => void;
}

const none: Devices = new Map();

/** What the node's device plugins offer. */
export class DeviceResources {
  readonly #deps: ResourcesDeps;
  readonly #offered = new Map<string, Offered>();
  /** Resources whose plugin is being asked what it can. */
  readonly #connecting = new Set<string>();

  /** @param registered Resources of plugins that an earlier agent knew: they may come again. */
  constructor(registered: readonly string[], deps: ResourcesDeps) {
    this.#deps = deps;
    const stoppedMs = deps.os.clock.monotonicMs();
    for (const name of registered)
      this.#offered.set(name, { devices: none, plugin: undefined, stoppedMs, isRetired: false });
  }

  /** Takes a plugin in place of the one that its resource had. Rejects with DevicePluginError where it cannot be spoken to. */
  async connect(resource: string, socket: string, signal: AbortSignal): Promise<void> {
    if (this.#connecting.has(resource))
      throw new DevicePluginError(`a device plugin for ${resource} is just being registered`);
    const names = new Set([...this.#offered.keys(), ...this.#connecting, resource]);
    if (names.size > resourceLimits.resourcesMost)
      throw new DevicePluginError(`no more than ${resourceLimits.resourcesMost} resources can be registered`);
    this.#connecting.add(resource);
    const calls = new PluginCalls(socket, this.#deps.os);
    try {
      const options = await calls.options(signal);
      this.#take(resource, { calls, options, stop: new AbortController() });
    } catch (error) {
      calls.close();
      throw error;
    } finally {
      this.#connecting.delete(resource);
    }
  }

  /** Undefined where it has none that lives. */
  pluginOf(resource: string): Plugin | undefined {
    return this.#offered.get(resource)?.plugin;
  }

  /** Whether plugins offer it, or did until a short time ago. */
  has(resource: string): boolean {
    this.#retire();
    return this.#offered.get(resource)?.isRetired === false;
  }

  get names(): readonly string[] {
    this.#retire();
    return [...this.#offered].flatMap(([name, { isRetired }]) => (isRetired ? [] : [name]));
  }

  /** Devices as they can be given: none is healthy whose plugin is gone. */
  devices(resource: string): Devices {
    const offered = this.#offered.get(resource);
    if (offered === undefined) return none;
    if (offered.plugin !== undefined) return offered.devices;
    return new Map([...offered.devices].map(([id, one]) => [id, { ...one, isHealthy: false }]));
  }

  /** As its plugin told last. */
  told(resource: string): Devices {
    return this.#offered.get(resource)?.devices ?? none;
  }

  /** How many there are, and how many can be given. Nothing is said of what no plugin ever offered here; what plugins no longer
   *  offer is 0. */
  amounts(): ReadonlyMap<string, { readonly capacity: number; readonly allocatable: number }> {
    this.#retire();
    return new Map(
      [...this.#offered].map(([name, { devices, plugin, isRetired }]) => {
        const healthy = [...devices.values()].filter(({ isHealthy }) => isHealthy).length;
        const amounts = {
          capacity: isRetired ? 0 : devices.size,
          allocatable: isRetired || plugin === undefined ? 0 : healthy,
        };
        return [name, amounts] as const;
      }),
    );
  }

  close(): void {
    for (const { plugin } of this.#offered.values()) plugin?.calls.close();
  }

  #take(resource: string, plugin: Plugin): void {
    const { os, tasks, onNames } = this.#deps;
    const before = this.#offered.get(resource);
    before?.plugin?.stop.abort(new DevicePluginError("another plugin took its place"));
    // Nothing of a plugin that was gone is healthy before the next says so.
    const offered: Offered = { devices: this.devices(resource), plugin, stoppedMs: 0, isRetired: false };
    this.#offered.set(resource, offered);
    if (before === undefined || before.isRetired) onNames();
    os.log.info("device plugin registered", { resource });
    tasks.run(`device plugin of ${resource}`, async (signal) => {
      const stop = AbortSignal.any([signal, plugin.stop.signal]);
      const told = (devices: Devices) => {
        const last = offered.devices;
        offered.devices = devices;
        this.#deps.onDevices(resource, last, devices);
      };
      await plugin.calls.watch(told, stop).catch((error: unknown) => {
        if (!stop.aborted) os.log.warn("a device plugin is gone", { resource, error });
      });
      plugin.calls.close();
      if (this.#offered.get(resource)?.plugin !== plugin) return;
      offered.plugin = undefined;
      offered.stoppedMs = os.clock.monotonicMs();
    });
  }

  #retire(): void {
    const nowMs = this.#deps.os.clock.monotonicMs();
    let isAny = false;
    for (const offered of this.#offered.values()) {
      const { plugin, isRetired, stoppedMs } = offered;
      if (plugin !== undefined || isRetired || nowMs - stoppedMs <= resourceLimits.graceMs) continue;
      offered.isRetired = true;
      isAny = true;
    }
    if (isAny) this.#deps.onNames();
  }
}
