import { randomUUID } from "node:crypto";
import type { Informer } from "../../../client/informer.ts";
import { type Allocation, poolKey } from "../../../client/rules/allocated-devices.ts";
import type { SelectableNode } from "../../../client/rules/node-selector.ts";
import { classResources, isExtendedClaim } from "../../../client/rules/resource-claims.ts";
import type { DeviceClass, Pod, ResourceClaim, ResourceSlice } from "../../../client/types.ts";
import { type WaitOptions, waitUntil } from "../wait-until.ts";
import { type Allocated, allocate } from "./allocate.ts";
import { AllocatedDevices } from "./allocated-devices.ts";
import { type Pool, poolsFor } from "./pools.ts";
import type { SearchLimit } from "./search-limit.ts";
import { SelectorCache } from "./selector-cache.ts";

export interface DeviceSources {
  readonly claims: Pick<Informer<ResourceClaim>, "byOwner" | "get" | "subscribe">;
  readonly classes: Pick<Informer<DeviceClass>, "addIndex" | "byIndex" | "get">;
  readonly slices: Pick<Informer<ResourceSlice>, "addIndex" | "byIndex">;
}

/** Of a cluster without any. */
export const noDevices: DeviceSources = {
  claims: { byOwner: () => [], get: () => undefined, subscribe: () => () => undefined },
  classes: { addIndex: () => undefined, byIndex: () => [], get: () => undefined },
  slices: { addIndex: () => undefined, byIndex: () => [] },
};

/** An allocation that the API may not show yet. */
interface Pending {
  readonly allocation: Allocation;
  /** As which version it was written; undefined: it was not yet. */
  readonly written: bigint | undefined;
}

const slicesByNode = "device-node";
const classesByResource = "class-resource";
const slicesByPool = "device-pool";

/** Devices and who has them: as the informers show it, and as was decided a moment ago. */
export class DeviceBook {
  readonly #sources: DeviceSources;
  readonly #allocated = new AllocatedDevices();
  /** By the claim's uid. */
  readonly #pending = new Map<string, Pending>();
  readonly #selectors = new SelectorCache();

  constructor(sources: DeviceSources) {
    this.#sources = sources;
    const { slices, claims, classes } = sources;
    classes.addIndex(classesByResource, classResources);
    slices.addIndex(slicesByNode, ({ spec }) => [
      (spec.sharedCounters ?? []).length > 0 ? "" : (spec.nodeName ?? ""),
    ]);
    slices.addIndex(slicesByPool, ({ spec }) => [poolKey(spec.driver, spec.pool.name)]);
    claims.subscribe({
      onAdd: (claim) => this.#show(claim),
      onUpdate: (claim) => this.#show(claim),
      onDelete: (claim) => this.gone(claim),
    });
  }

  claim(namespace: string, name: string): ResourceClaim | undefined {
    return this.#sources.claims.get({ namespace, name });
  }

  deviceClass(name: string): DeviceClass | undefined {
    return this.#sources.classes.get({ name });
  }

  /** The class that stands for a resource of containers: of several the newest, of those the first by name. */
  classFor(resource: string): DeviceClass | undefined {
    return this.#sources.classes
      .byIndex(classesByResource, resource)
      .reduce<DeviceClass | undefined>(
        (best, one) => (best && !isPreferred(one, best) ? best : one),
        undefined,
      );
  }

  /** The claim that was made for what the pod's containers ask of such resources. Whoever makes claims in another namespace may
   *  name the pod as their owner, too. */
  extendedClaimOf({ metadata: { namespace, uid } }: Pod): ResourceClaim | undefined {
    return this.#sources.claims.byOwner(uid).find((claim) => {
      const { metadata } = claim;
      const isManaged = metadata.ownerReferences?.some((one) => one.uid === uid && one.controller === true);
      return isManaged && metadata.namespace === namespace && isExtendedClaim(claim);
    });
  }

  /** `waitUntil`, after each change of a claim. */
  async waitFor(isDone: () => boolean, options: Omit<WaitOptions<ResourceClaim>, "informer">): Promise<void> {
    await waitUntil(isDone, { informer: this.#sources.claims, ...options });
  }

  isPending({ metadata }: ResourceClaim): boolean {
    return this.#pending.has(metadata.uid);
  }

  /** What the claims would get on the node. The same for the same state, but for the names of shares. */
  tryOn(claims: readonly ResourceClaim[], node: SelectableNode, limit: SearchLimit): Allocated {
    return allocate({
      limit,
      claims,
      node,
      pools: this.#poolsFor(node),
      allocated: this.#allocated,
      deviceClass: (name) => this.deviceClass(name),
      selects: (selectors, device, of) => this.#selectors.selects(selectors, device, of),
      newShare: randomUUID,
    });
  }

  /** Counts from now on, for a claim that holds nothing. */
  assume({ metadata }: ResourceClaim, allocation: Allocation): void {
    this.#pending.set(metadata.uid, { allocation, written: undefined });
    this.#allocated.set(metadata.uid, allocation);
  }

  /** It stands in the API; counts until the informer says more. */
  wrote({ metadata }: ResourceClaim): void {
    const pending = this.#pending.get(metadata.uid);
    if (pending === undefined) return;
    const written = BigInt(metadata.resourceVersion);
    const shown = this.claim(metadata.namespace ?? "", metadata.name);
    if (shown !== undefined && BigInt(shown.metadata.resourceVersion) >= written) {
      this.#pending.delete(metadata.uid);
      this.#show(shown);
    } else this.#pending.set(metadata.uid, { ...pending, written });
  }

  /** It is not to be. What stands in the API by now stays until that says otherwise. */
  forget({ metadata }: ResourceClaim): void {
    if (this.#pending.get(metadata.uid)?.written !== undefined) return;
    if (!this.#pending.delete(metadata.uid)) return;
    const shown = this.claim(metadata.namespace ?? "", metadata.name);
    this.#allocated.set(metadata.uid, shown?.status?.allocation);
  }

  /** It is not in the API any more. */
  gone({ metadata }: ResourceClaim): void {
    this.#pending.delete(metadata.uid);
    this.#allocated.set(metadata.uid, undefined);
  }

  #show({ metadata, status }: ResourceClaim): void {
    const pending = this.#pending.get(metadata.uid);
    if (pending !== undefined) {
      const { written } = pending;
      if (written === undefined || BigInt(metadata.resourceVersion) < written) return;
      this.#pending.delete(metadata.uid);
    }
    this.#allocated.set(metadata.uid, status?.allocation);
  }

  #poolsFor(node: SelectableNode): readonly Pool[] {
    const { slices } = this.#sources;
    return poolsFor(node, {
      ofNode: (name) => slices.byIndex(slicesByNode, name),
      shared: () => slices.byIndex(slicesByNode, ""),
      ofPool: (driver, pool) => slices.byIndex(slicesByPool, poolKey(driver, pool)),
    });
  }
}

function isPreferred({ metadata: a }: DeviceClass, { metadata: b }: DeviceClass): boolean {
  const [ageA, ageB] = [a, b].map(({ creationTimestamp = "" }) => Date.parse(creationTimestamp));
  return ageA === ageB ? a.name < b.name : (ageA ?? 0) > (ageB ?? 0);
}
