import { WireError } from "../../base/wire.ts";
import { type ContainerAccess, readAccess } from "./container-access.ts";
import { DevicePluginError, isDeviceId } from "./device-list.ts";
import { containerAllocation, type ToldAllocation } from "./messages.ts";

/** What a container has of one resource. */
export interface GivenDevices {
  /** By id, with the NUMA nodes of each. */
  readonly devices: ReadonlyMap<string, readonly number[]>;
  /** What the plugin answered; undefined until it did. */
  readonly answer?: { readonly bytes: Uint8Array; readonly access: ContainerAccess };
}

type ByResource = Map<string, GivenDevices>;

const nothing: ReadonlyMap<string, GivenDevices> = new Map();

/** Checks what a plugin answered. Throws DevicePluginError. */
export const answerOf = (told: ToldAllocation): NonNullable<GivenDevices["answer"]> => ({
  access: readAccess(told),
  bytes: Buffer.from(containerAllocation.encode(told)),
});

/** Which devices containers have, by pod, container and resource. */
export class Allocations {
  readonly #pods: Map<string, Map<string, ByResource>>;

  constructor(pods: Map<string, Map<string, ByResource>> = new Map()) {
    this.#pods = pods;
  }

  of(podUid: string, container: string): ReadonlyMap<string, GivenDevices> {
    return this.#pods.get(podUid)?.get(container) ?? nothing;
  }

  set(podUid: string, container: string, given: { readonly resource: string } & GivenDevices): void {
    const { resource, ...what } = given;
    const containers = this.#pods.get(podUid) ?? new Map<string, ByResource>();
    this.#pods.set(podUid, containers);
    const own: ByResource = containers.get(container) ?? new Map();
    containers.set(container, own);
    own.set(resource, what);
  }

  drop(podUid: string, container: string, resource: string): void {
    this.#pods.get(podUid)?.get(container)?.delete(resource);
  }

  /** False where the pod had nothing. */
  forget(podUid: string): boolean {
    return this.#pods.delete(podUid);
  }

  get podUids(): readonly string[] {
    return [...this.#pods.keys()];
  }

  has(podUid: string): boolean {
    return [...(this.#pods.get(podUid)?.values() ?? [])].some((own) => own.size > 0);
  }

  /** All that containers have of a resource. */
  inUse(resource: string): ReadonlySet<string> {
    const ids = new Set<string>();
    for (const [, , one, { devices }] of this.#each())
      if (one === resource) for (const id of devices.keys()) ids.add(id);
    return ids;
  }

  get resources(): ReadonlySet<string> {
    return new Set([...this.#each()].map(([, , resource]) => resource));
  }

  /** Pods that have one of these. */
  podsWith(resource: string, ids: ReadonlySet<string>): readonly string[] {
    const found = [...this.#each()].filter(
      ([, , one, { devices }]) => one === resource && [...devices.keys()].some((id) => ids.has(id)),
    );
    return [...new Set(found.map(([podUid]) => podUid))];
  }

  /** As kubelets write it, but for their checksum. Nothing of what a plugin has not answered for. */
  checkpoint(registered: Readonly<Record<string, readonly string[]>>): string {
    const PodDeviceEntries = [...this.#each()].flatMap(([PodUID, ContainerName, ResourceName, given]) =>
      given.answer === undefined
        ? []
        : [
            {
              PodUID,
              ContainerName,
              ResourceName,
              DeviceIDs: byNode(given.devices),
              AllocResp: Buffer.from(given.answer.bytes).toString("base64"),
            },
          ],
    );
    return JSON.stringify({ Data: { PodDeviceEntries, RegisteredDevices: registered } });
  }

  *#each(): Generator<readonly [podUid: string, container: string, resource: string, given: GivenDevices]> {
    for (const [podUid, containers] of this.#pods)
      for (const [container, resources] of containers)
        for (const [resource, given] of resources) yield [podUid, container, resource, given];
  }
}

/** -1 has those that lie nowhere. */
const nowhere = -1;

function byNode(devices: GivenDevices["devices"]): Record<string, string[]> {
  const nodes: Record<string, string[]> = {};
  for (const [id, numa] of devices)
    for (const node of numa.length > 0 ? numa : [nowhere]) {
      nodes[node] ??= [];
      nodes[node].push(id);
    }
  return nodes;
}

export interface Checkpoint {
  readonly allocations: Allocations;
  /** Resources that plugins had registered. */
  readonly registered: readonly string[];
}

/** Undefined for what was not written whole. Pure. */
export function readCheckpoint(text: string): Checkpoint | undefined {
  try {
    const data = objectOf(objectOf(JSON.parse(text)).Data);
    const allocations = new Allocations();
    for (const entry of listOf(data.PodDeviceEntries ?? [])) {
      const { PodUID, ContainerName, ResourceName, DeviceIDs, AllocResp } = objectOf(entry);
      const devices = new Map<string, number[]>();
      for (const [node, ids] of Object.entries(objectOf(DeviceIDs)))
        for (const id of listOf(ids)) {
          if (!isDeviceId(textOf(id)) || !/^(-1|\d{1,4})$/.test(node)) throw new NotWhole();
          const numa = devices.get(textOf(id)) ?? [];
          devices.set(textOf(id), Number(node) === nowhere ? numa : [...numa, Number(node)]);
        }
      const told = containerAllocation.decode(Buffer.from(textOf(AllocResp), "base64"));
      const resource = textOf(ResourceName);
      allocations.set(textOf(PodUID), textOf(ContainerName), { resource, devices, answer: answerOf(told) });
    }
    return { allocations, registered: Object.keys(objectOf(data.RegisteredDevices ?? {})) };
  } catch (error) {
    const isOurs = [NotWhole, SyntaxError, WireError, DevicePluginError].some((one) => error instanceof one);
    if (isOurs) return undefined;
    throw error;
  }
}

class NotWhole extends Error {
  override readonly name = "NotWhole";
}

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new NotWhole();
  return value as Record<string, unknown>;
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new NotWhole();
  return value;
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw new NotWhole();
  return value;
}
