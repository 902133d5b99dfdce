import type { Clock } from "../../../base/os/clock.ts";
import type { ApiClient } from "../../../client/api.ts";
import type { Informer } from "../../../client/informer.ts";
import { keyOf, keyOfRef } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import { isBindCompleted, selectedNodeOf, volumeAnnotations } from "../../../client/rules/volume-binding.ts";
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
  VolumeAttachment,
} from "../../../client/types.ts";
import { waitUntil } from "../wait-until.ts";
import { podClaims, type VolumePlan, volumesOn } from "./plan-volumes.ts";
import type { Storage } from "./storage.ts";

export interface BookSources {
  readonly claims: Pick<Informer<PersistentVolumeClaim>, "get" | "getByKey" | "subscribe">;
  readonly volumes: Pick<Informer<PersistentVolume>, "get" | "list">;
  readonly classes: Pick<Informer<StorageClass>, "get">;
  readonly csiNodes: Pick<Informer<CSINode>, "get">;
  readonly drivers: Pick<Informer<CSIDriver>, "get">;
  readonly capacitiesOf: (storageClass: string) => readonly CSIStorageCapacity[];
  readonly attachmentsOf: (node: string) => readonly VolumeAttachment[];
}

interface CarryOutOptions {
  readonly client: Pick<ApiClient, "update">;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Claims and volumes with what was decided for them: the next decision counts it before the API shows it. */
export class VolumeBook implements Storage {
  readonly #sources: BookSources;
  /** Volumes promised, by name, and nodes chosen, by the claims' keys. */
  readonly #taken = new Set<string>();
  readonly #selected = new Map<string, { readonly node: string; pods: number }>();

  constructor(sources: BookSources) {
    this.#sources = sources;
  }

  claim = (namespace: string, name: string) => this.#sources.claims.get({ namespace, name });
  volume = (name: string) => this.#sources.volumes.get({ name });
  volumes = () => this.#sources.volumes.list();
  storageClass = (name: string) => this.#sources.classes.get({ name });
  selectedNode = (claim: PersistentVolumeClaim) =>
    this.#selected.get(keyOf(claim))?.node ?? selectedNodeOf(claim);
  taken = () => this.#taken;
  volumeLimits = (node: string) => limitsOf(this.#sources.csiNodes.get({ name: node }));
  capacities = ({ metadata, provisioner }: StorageClass) =>
    this.#sources.drivers.get({ name: provisioner })?.spec.storageCapacity === true
      ? this.#sources.capacitiesOf(metadata.name)
      : undefined;
  attachments = (node: string) =>
    this.#sources.attachmentsOf(node).flatMap(({ spec }) => {
      const volume = spec.source.persistentVolumeName;
      return volume === undefined ? [] : [{ driver: spec.attacher, volume }];
    });

  /** What is to be done before the pod can be bound to the node, and counts from now on; undefined where that is nothing. */
  assume(pod: Pod, node: { readonly name: string; readonly labels: Readonly<Record<string, string>> }) {
    const claims = podClaims(pod, this);
    if ("problem" in claims || claims.open.length === 0) return undefined;
    const plan = volumesOn(claims, node, this);
    if ("reasons" in plan) return undefined; // the filter asked the same a moment ago
    for (const { volume } of plan.bindings) this.#taken.add(volume.metadata.name);
    for (const claim of plan.provisions) {
      const held = this.#selected.get(keyOf(claim));
      if (held === undefined) this.#selected.set(keyOf(claim), { node: node.name, pods: 1 });
      else held.pods++;
    }
    return plan;
  }

  /** The API shows it by now, or it is not to be. */
  forget({ bindings, provisions }: VolumePlan): void {
    for (const { volume } of bindings) this.#taken.delete(volume.metadata.name);
    for (const claim of provisions) {
      const held = this.#selected.get(keyOf(claim));
      if (held !== undefined && --held.pods === 0) this.#selected.delete(keyOf(claim));
    }
  }

  /** Does what is planned and waits until every claim has its volume. Rejects, saying why, where that is not to be. */
  async carryOut(
    plan: VolumePlan,
    node: string,
    { client, clock, signal, timeoutMs }: CarryOutOptions,
  ): Promise<void> {
    for (const { claim, volume } of plan.bindings)
      await client.update(resources.persistentvolumes, keptFor(claim, volume), { signal });
    for (const claim of plan.provisions)
      if (selectedNodeOf(claim) !== node)
        await client.update(resources.persistentvolumeclaims, onNode(claim, node), { signal });
    await waitUntil(() => this.#isCarriedOut(plan, node), {
      informer: this.#sources.claims,
      clock,
      signal,
      timeoutMs,
      late: () => new Error("binding volumes: context deadline exceeded"),
    });
  }

  /** Throws where it is not to be. */
  #isCarriedOut({ bindings, provisions }: VolumePlan, node: string): boolean {
    let all = true;
    for (const { metadata } of [...bindings.map(({ claim }) => claim), ...provisions]) {
      const { name, namespace = "" } = metadata;
      const quoted = JSON.stringify(name);
      const now = this.#sources.claims.getByKey(keyOfRef({ namespace, name }));
      if (now?.metadata.uid !== metadata.uid) throw new Error(`persistentvolumeclaim ${quoted} not found`);
      const isOlder = now.metadata.resourceVersion === metadata.resourceVersion;
      const isProvisioned = provisions.some((one) => one.metadata.name === name);
      // The provisioner gives a node back on which it can make nothing.
      if (isProvisioned && !isOlder && selectedNodeOf(now) !== node)
        throw new Error(`binding volumes: provisioning failed for PVC ${quoted}`);
      all &&= isBindCompleted(now) && Boolean(now.spec.volumeName);
    }
    return all;
  }
}

function keptFor(claim: PersistentVolumeClaim, volume: PersistentVolume): PersistentVolume {
  const { name, namespace, uid, resourceVersion } = claim.metadata;
  const claimRef = { kind: "PersistentVolumeClaim", apiVersion: "v1", name, namespace, uid, resourceVersion };
  const annotations = { ...volume.metadata.annotations, [volumeAnnotations.boundByController]: "yes" };
  const kept = { ...volume.spec, claimRef };
  return { ...volume, metadata: { ...volume.metadata, annotations }, spec: kept } as PersistentVolume;
}

function onNode(claim: PersistentVolumeClaim, node: string): PersistentVolumeClaim {
  const annotations = { ...claim.metadata.annotations, [volumeAnnotations.selectedNode]: node };
  return { ...claim, metadata: { ...claim.metadata, annotations } };
}

function limitsOf(node: CSINode | undefined): ReadonlyMap<string, number> {
  const limits = new Map<string, number>();
  for (const { name, allocatable } of node?.spec.drivers ?? [])
    if (allocatable?.count !== undefined) limits.set(name, allocatable.count);
  return limits;
}
