import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../../base/os/flags.ts";
import { ifPresent } from "../../base/os/if-present.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import type { Os } from "../../base/os/os.ts";
import type { TaskScope } from "../../base/os/task-scope.ts";
import type { Amounts } from "../../client/rules/pod-requests.ts";
import type { Container, ContainerStatus, Pod } from "../../client/types.ts";
import { DurableText } from "../durable-text.ts";
import { Allocations, answerOf, type GivenDevices, readCheckpoint } from "./allocations.ts";
import { beginChoice, type Choice, finishChoice } from "./choose-devices.ts";
import { type ContainerAccess, joinAccess } from "./container-access.ts";
import { DevicePluginError, type Devices } from "./device-list.ts";
import { DeviceResources } from "./device-resources.ts";
import { devicesAsked } from "./devices-asked.ts";
import { type DeviceSource, type GivenAsked, PodDevices } from "./pod-devices.ts";

export interface DeviceManagerConfig {
  /** Of the plugins' sockets; what containers have outlives the agent there. */
  readonly folder: string;
  /** The bit of each NUMA node. */
  readonly places: ReadonlyMap<number, number>;
}

export interface DeviceManagerDeps {
  readonly os: Pick<Os, "clock" | "random" | "log">;
  readonly tasks: TaskScope;
  /** Called with pods of which a device is well or ill by now. */
  readonly onHealth: (podUids: readonly string[]) => void;
}

type ResourceStatus = NonNullable<ContainerStatus["allocatedResourcesStatus"]>[number];

/** Which devices of the node's plugins containers have. */
export class DeviceManager implements DeviceSource {
  readonly resources: DeviceResources;
  readonly #config: DeviceManagerConfig;
  readonly #deps: DeviceManagerDeps;
  readonly #allocations: Allocations;
  /** No plugin ever registered here: what the Node says of devices is another machine's. */
  readonly isNew: boolean;
  readonly #saved: DurableText;

  private constructor(
    config: DeviceManagerConfig,
    found: { readonly allocations: Allocations; readonly registered: readonly string[] } | undefined,
    deps: DeviceManagerDeps,
  ) {
    this.#config = config;
    this.#deps = deps;
    this.#saved = new DurableText(fileIn(config.folder));
    this.#allocations = found?.allocations ?? new Allocations();
    this.isNew = found === undefined;
    this.resources = new DeviceResources(found?.registered ?? [], {
      ...deps,
      onDevices: (resource, before, now) => this.#told(resource, before, now),
      onNames: () => this.#saveSoon(),
    });
  }

  /** Goes on with what an earlier agent gave. Rejects with UsageError where its record is damaged. */
  static async open(config: DeviceManagerConfig, deps: DeviceManagerDeps): Promise<DeviceManager> {
    await makeFolder(config.folder, 0o750);
    const text = await ifPresent(readFile(fileIn(config.folder), "utf8"));
    const found = text === undefined ? undefined : readCheckpoint(text);
    if (text !== undefined && found === undefined)
      throw new UsageError(
        `device plugins: ${fileIn(config.folder)} is not whole; drain the node and delete the file`,
      );
    return new DeviceManager(config, found, deps);
  }

  /** Begins to give a pod's containers what they ask for; undefined where that is no device. */
  begin(pod: Pod): PodDevices | undefined {
    const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
    const asks = containers.some((one) => devicesAsked(one).some(([name]) => this.isManaged(name)));
    return asks ? new PodDevices(pod, this.#config.places, this) : undefined;
  }

  /** Plugins offer it, or containers have some of it. */
  isManaged(resource: string): boolean {
    return this.resources.has(resource) || this.#allocations.resources.has(resource);
  }

  of(podUid: string, container: string): ReadonlyMap<string, GivenDevices> {
    return this.#allocations.of(podUid, container);
  }

  devices(resource: string): Devices {
    return this.resources.devices(resource);
  }

  inUse(resource: string): ReadonlySet<string> {
    return this.#allocations.inUse(resource);
  }

  /** What of the node's resources pods may have; a pod that has devices already finds at least what all have. */
  amounts(podUid: string): Amounts {
    const amounts: Record<string, number> = {};
    for (const [name, { allocatable }] of this.resources.amounts()) amounts[name] = allocatable;
    if (!this.#allocations.has(podUid)) return amounts;
    for (const name of this.#allocations.resources)
      amounts[name] = Math.max(amounts[name] ?? 0, this.inUse(name).size);
    return amounts;
  }

  /** For the Node. */
  nodeAmounts(): {
    readonly capacity: Readonly<Record<string, string>>;
    readonly allocatable: Readonly<Record<string, string>>;
  } {
    const all = [...this.resources.amounts()];
    return {
      capacity: Object.fromEntries(all.map(([name, { capacity }]) => [name, String(capacity)])),
      allocatable: Object.fromEntries(all.map(([name, { allocatable }]) => [name, String(allocatable)])),
    };
  }

  /** Keeps devices for a container until its plugin answered for them. */
  reserve(podUid: string, container: string, resource: string, ids: readonly string[]): void {
    const known = this.resources.told(resource);
    const devices = new Map(ids.map((id) => [id, known.get(id)?.numa ?? []]));
    this.#allocations.set(podUid, container, { resource, devices });
  }

  /** Gives a container devices of one resource, as its plugin says. Rejects with DevicePluginError, as the kubelet words it. */
  async give(podUid: string, container: string, asked: GivenAsked): Promise<void> {
    const { resource, count, signal } = asked;
    const had = this.of(podUid, container).get(resource);
    if (had?.answer !== undefined && had.devices.size !== count)
      throw new DevicePluginError(
        `pod ${JSON.stringify(podUid)} container ${JSON.stringify(container)} changed request for resource ${JSON.stringify(resource)} from ${had.devices.size} to ${count}`,
      );
    const plugin = this.#pluginWith(resource, had);
    if (had?.answer !== undefined || count === 0) return;
    const choice = (): Choice => ({
      devices: this.resources.devices(resource),
      inUse: new Set([...this.inUse(resource)].filter((id) => !had?.devices.has(id))),
      reusable: asked.reusable,
      count,
      affinity: asked.hint?.nodes,
      places: this.#config.places,
    });
    const begun = this.#begun(choice(), resource);
    const preferred =
      plugin.options.getPreferredAllocationAvailable && begun.among.size > 0
        ? await plugin.calls
            .preferred(
              { available: [...begun.chosen, ...begun.among], included: begun.chosen, count },
              signal,
            )
            .catch(failed("device plugin GetPreferredAllocation rpc failed with err: "))
        : [];
    // Others may have been given some meanwhile.
    const ids = finishChoice(this.#begun(choice(), resource), preferred);
    this.reserve(podUid, container, resource, ids);
    const reserved = this.of(podUid, container).get(resource);
    try {
      const answer = answerOf(await plugin.calls.allocate(ids, signal));
      // The pod may be gone by now, and its devices another's.
      if (reserved === undefined || this.of(podUid, container).get(resource) !== reserved) return;
      this.#allocations.set(podUid, container, { resource, devices: reserved.devices, answer });
    } catch (error) {
      if (this.of(podUid, container).get(resource) === reserved)
        this.#allocations.drop(podUid, container, resource);
      throw error;
    }
  }

  /** How a container that is about to start gets at its devices; undefined where it has none. Rejects with DevicePluginError. */
  async access(pod: Pod, container: Container, signal: AbortSignal): Promise<ContainerAccess | undefined> {
    const { uid } = pod.metadata;
    const asked = devicesAsked(container).filter(([name, count]) => count > 0 && this.isManaged(name));
    if (asked.length === 0) return undefined;
    // Its node may have lost what it knew of it.
    if (asked.some(([name]) => this.of(uid, container.name).get(name)?.answer === undefined)) {
      for (const [resource, count] of asked)
        await this.give(uid, container.name, { resource, count, reusable: new Set(), signal });
      await this.save();
    }
    for (const [resource] of asked) {
      const plugin = this.resources.pluginOf(resource);
      if (!plugin?.options.preStartRequired) continue;
      const ids = [...(this.of(uid, container.name).get(resource)?.devices.keys() ?? [])];
      await plugin.calls
        .preStart(ids, signal)
        .catch(failed("device plugin PreStartContainer rpc failed with err: "));
    }
    const given = asked.flatMap(([name]) => this.of(uid, container.name).get(name)?.answer?.access ?? []);
    return joinAccess(given, (what) =>
      this.#deps.os.log.warn("device plugins disagree: the first counts", { pod: uid, what }),
    );
  }

  /** Rejects where it cannot be written. */
  save(): Promise<void> {
    const registered = this.resources.names.map((name) => {
      const healthy = [...this.resources.devices(name)].filter(([, { isHealthy }]) => isHealthy);
      return [name, healthy.map(([id]) => id)] as const;
    });
    const text = this.#allocations.checkpoint(Object.fromEntries(registered));
    return this.#saved.write(text);
  }

  /** What the pod had is free. Where that cannot be noted, the next agent finds the pod gone. */
  forget(podUid: string): void {
    if (this.#allocations.forget(podUid)) this.#saveSoon();
  }

  /** Pods that are no more, while no agent ran, have nothing. */
  keepOnly(podUids: ReadonlySet<string>): void {
    for (const uid of this.#allocations.podUids) if (!podUids.has(uid)) this.forget(uid);
  }

  /** What a container's status tells of its devices. */
  healthOf(podUid: string, container: string): readonly ResourceStatus[] {
    return [...this.of(podUid, container)].map(([name, { devices }]) => {
      const told = this.resources.told(name);
      const resources = [...devices.keys()].map((resourceID) => ({
        resourceID,
        health: told.get(resourceID)?.isHealthy === false ? "Unhealthy" : "Healthy",
      }));
      return { name, resources };
    });
  }

  async close(): Promise<void> {
    this.resources.close();
    await this.#saved.settled();
  }

  #pluginWith(resource: string, had: GivenDevices | undefined) {
    const plugin = this.resources.pluginOf(resource);
    if (!this.resources.has(resource))
      throw new DevicePluginError(`cannot allocate unregistered device ${resource}`);
    const devices = this.resources.devices(resource);
    const isHealthy = (id: string) => devices.get(id)?.isHealthy === true;
    if (plugin === undefined || ![...devices.keys()].some(isHealthy))
      throw new DevicePluginError(
        `no healthy devices present; cannot allocate unhealthy devices ${resource}`,
      );
    if (had?.answer !== undefined && ![...had.devices.keys()].every(isHealthy))
      throw new DevicePluginError(
        `previously allocated devices are no longer healthy; cannot allocate unhealthy devices ${resource}`,
      );
    return plugin;
  }

  #begun(choice: Choice, resource: string) {
    const begun = beginChoice(choice);
    if (begun !== undefined) return begun;
    const { devices, inUse, count, reusable } = choice;
    const available = [...devices].filter(([id, { isHealthy }]) => isHealthy && !inUse.has(id)).length;
    throw new DevicePluginError(
      `requested number of devices unavailable for ${resource}. Requested: ${count - reusable.size}, Available: ${available}`,
    );
  }

  #told(resource: string, before: Devices, now: Devices): void {
    const changed = [...now].filter(([id, { isHealthy }]) => before.get(id)?.isHealthy !== isHealthy);
    const podUids = this.#allocations.podsWith(resource, new Set(changed.map(([id]) => id)));
    if (podUids.length > 0) this.#deps.onHealth(podUids);
  }

  #saveSoon(): void {
    this.save().catch((error: unknown) =>
      this.#deps.os.log.warn("cannot note which devices are given", { error }),
    );
  }
}

/** By the name that kubelets give it, for those that read it. */
const fileIn = (folder: string): string => join(folder, "kubelet_internal_checkpoint");

const failed = (what: string) => (error: unknown) => {
  if (!(error instanceof DevicePluginError)) throw error;
  throw new DevicePluginError(`${what}${error.message}`);
};
