import type { Container, Pod } from "../../client/types.ts";
import type { Rejection } from "../admission/fits-node.ts";
import { type PlacedBeside, peakOf } from "../cpus/place-pod.ts";
import type { Hint } from "../cpus/topology-hints.ts";
import type { GivenDevices } from "./allocations.ts";
import { beginChoice, type Choice, deviceHints, finishChoice } from "./choose-devices.ts";
import { DevicePluginError, type Devices } from "./device-list.ts";
import { devicesAsked } from "./devices-asked.ts";

/** What is asked for a container. */
export interface GivenAsked {
  readonly resource: string;
  readonly count: number;
  /** The pod's own, of init containers that are over by then. */
  readonly reusable: ReadonlySet<string>;
  /** Where it is to be. */
  readonly hint?: Hint | undefined;
  readonly signal?: AbortSignal;
}

/** The node's devices. */
export interface DeviceSource {
  /** Plugins offer it, or containers have some of it. */
  isManaged(resource: string): boolean;
  devices(resource: string): Devices;
  /** All that containers have of a resource. */
  inUse(resource: string): ReadonlySet<string>;
  /** What a container has, by resource. */
  of(podUid: string, container: string): ReadonlyMap<string, GivenDevices>;
  /** Keeps devices for a container until its plugin answered for them. */
  reserve(podUid: string, container: string, resource: string, ids: readonly string[]): void;
  /** Rejects with DevicePluginError. */
  give(podUid: string, container: string, asked: GivenAsked): Promise<void>;
}

/** A pod's containers as they are given devices: first, in one go, NUMA nodes to take them from, where somebody asks for that, and
 *  then the devices, each resource's by its plugin. */
export class PodDevices implements PlacedBeside {
  readonly #pod: Pod;
  readonly #places: ReadonlyMap<number, number>;
  readonly #manager: DeviceSource;
  readonly #hints = new Map<string, Hint>();
  /** Of init containers that are over by then, by resource. */
  #reusable = new Map<string, ReadonlySet<string>>();

  constructor(pod: Pod, places: ReadonlyMap<number, number>, manager: DeviceSource) {
    this.#pod = pod;
    this.#places = places;
    this.#manager = manager;
  }

  hints(container: Container): readonly (readonly Hint[])[] {
    const own = this.#manager.of(this.#pod.metadata.uid, container.name);
    return this.#asked(container).flatMap(([resource, count]) => {
      const had = own.get(resource)?.devices;
      return this.#hintsOf(resource, count, had) ?? [];
    });
  }

  podHints(): readonly (readonly Hint[])[] {
    const containers = this.#containers();
    const names = new Set(containers.flatMap((one) => this.#asked(one).map(([name]) => name)));
    return [...names].flatMap((resource) => {
      const count = peakOf(this.#pod, (one) => new Map(this.#asked(one)).get(resource) ?? 0);
      const had = containers.flatMap(({ name }) => [
        ...(this.#manager.of(this.#pod.metadata.uid, name).get(resource)?.devices ?? []),
      ]);
      return this.#hintsOf(resource, count, had.length === 0 ? undefined : new Map(had)) ?? [];
    });
  }

  /** Keeps devices that would do, so that the containers that follow are placed beside them. */
  placed(container: Container, hint: Hint): undefined {
    const { uid } = this.#pod.metadata;
    this.#hints.set(container.name, hint);
    if (hint.nodes === undefined) return;
    for (const [resource, count] of this.#asked(container)) {
      if (this.#manager.of(uid, container.name).has(resource)) continue;
      const begun = beginChoice({ ...this.#choice(resource, count), affinity: hint.nodes });
      if (begun !== undefined) this.#manager.reserve(uid, container.name, resource, finishChoice(begun, []));
    }
    this.#passOn(container);
  }

  /** Has the plugins give what the containers ask for, and keeps that; or says why not. */
  async give(): Promise<Rejection | undefined> {
    this.#reusable = new Map();
    try {
      for (const container of this.#containers()) {
        for (const [resource, count] of this.#asked(container)) {
          const reusable = this.#reusable.get(resource) ?? new Set<string>();
          const hint = this.#hints.get(container.name);
          await this.#manager.give(this.#pod.metadata.uid, container.name, {
            resource,
            count,
            reusable,
            hint,
          });
        }
        this.#passOn(container);
      }
    } catch (error) {
      if (!(error instanceof DevicePluginError)) throw error;
      return unexpected(error.message);
    }
    return undefined;
  }

  #containers(): readonly Container[] {
    const { initContainers = [], containers } = this.#pod.spec;
    return [...initContainers, ...containers];
  }

  #asked(container: Container): readonly (readonly [resource: string, count: number])[] {
    return devicesAsked(container).filter(([name]) => this.#manager.isManaged(name));
  }

  #choice(resource: string, count: number): Omit<Choice, "affinity"> {
    const reusable = this.#reusable.get(resource) ?? new Set<string>();
    const devices = this.#manager.devices(resource);
    return { devices, inUse: this.#manager.inUse(resource), reusable, count, places: this.#places };
  }

  #hintsOf(
    resource: string,
    count: number,
    had: ReadonlyMap<string, unknown> | undefined,
  ): readonly (readonly Hint[])[] | undefined {
    const choice = this.#choice(resource, count);
    if (had !== undefined && had.size !== count) return [[]];
    // What it has already is all that can be given.
    const others = had && new Set([...choice.devices.keys()].filter((id) => !had.has(id)));
    const hints = deviceHints(
      others === undefined ? choice : { ...choice, inUse: others, reusable: new Set() },
    );
    return hints === undefined ? undefined : [hints];
  }

  /** What an init container had those that follow may have after it; a sidecar keeps its own. */
  #passOn(container: Container): void {
    const isInit = this.#pod.spec.initContainers?.includes(container) && container.restartPolicy !== "Always";
    for (const [resource, { devices }] of this.#manager.of(this.#pod.metadata.uid, container.name)) {
      const before = this.#reusable.get(resource) ?? new Set<string>();
      const own = devices;
      this.#reusable.set(
        resource,
        isInit ? new Set([...before, ...own.keys()]) : new Set([...before].filter((id) => !own.has(id))),
      );
    }
  }
}

export const unexpected = (problem: string): Rejection => ({
  reason: "UnexpectedAdmissionError",
  message: `Allocate failed due to ${problem}, which is unexpected`,
});
