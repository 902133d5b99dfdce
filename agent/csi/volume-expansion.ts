import { sleep } from "../../base/os/clock.ts";
import { describeError } from "../../base/os/log.ts";
import type { Os } from "../../base/os/os.ts";
import { compareQuantities, parseQuantity } from "../../base/quantity.ts";
import type { ApiClient } from "../../client/api.ts";
import type { EventRecorder } from "../../client/events.ts";
import { resources } from "../../client/resources.ts";
import { capacityOf } from "../../client/rules/volume-size.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../client/types.ts";
import type { CsiDrivers } from "./csi-drivers.ts";
import type { CsiVolumes } from "./csi-volumes.ts";
import { CsiError } from "./driver-calls.ts";
import { expandRequest } from "./driver-requests.ts";
import type { CsiPaths } from "./volume-paths.ts";
import type { VolumeRecord } from "./volume-records.ts";
import { type CsiSource, persistentSource } from "./volume-source.ts";

export interface VolumeExpansionDeps {
  readonly client: Pick<ApiClient, "get" | "patch">;
  readonly os: Pick<Os, "clock" | "log">;
  readonly paths: CsiPaths;
  readonly drivers: Pick<CsiDrivers, "get">;
  readonly volumes: Pick<CsiVolumes, "published" | "secret" | "stagingPathOf">;
  readonly events: () => Pick<EventRecorder, "record">;
}

/** A node may read claims, but not follow them. */
const lookMs = 30_000;
/** By these a driver says that it will never be. */
const infeasible: ReadonlySet<string> = new Set(["INVALID_ARGUMENT", "OUT_OF_RANGE", "NOT_FOUND"]);
const resizing: ReadonlySet<string> = new Set(["Resizing", "FileSystemResizePending"]);

/** Makes what is mounted here as large as its persistent volume has become, and tells the claim. */
export class VolumeExpansion {
  readonly #deps: VolumeExpansionDeps;

  constructor(deps: VolumeExpansionDeps) {
    this.#deps = deps;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { client, os, volumes } = this.#deps;
    for (;;) {
      await sleep(os.clock, lookMs, signal);
      for (const record of [...volumes.published()])
        try {
          if (record.lifecycle !== "Persistent" || !(await this.#canExpand(record.driver, signal))) continue;
          const volume = await client.get(resources.persistentvolumes, { name: record.name }, { signal });
          const { namespace = "", name = "" } = volume.spec.claimRef ?? {};
          const claim = await client.get(resources.persistentvolumeclaims, { namespace, name }, { signal });
          if (claim.metadata.uid === volume.spec.claimRef?.uid)
            await this.expand(record, { claim, volume, signal });
        } catch (error) {
          signal.throwIfAborted();
          os.log.warn("cannot make a volume larger", { volume: record.name, error });
        }
    }
  }

  async #canExpand(driver: string, signal: AbortSignal): Promise<boolean> {
    return (await this.#deps.drivers.get(driver).abilities(signal)).has("EXPAND_VOLUME");
  }

  /** As soon as it is shown. A driver that fails is asked again later; the pod has the volume as it is. */
  async expandShown(
    { metadata }: Pod,
    { name, isBlock, driver }: CsiSource,
    found: Parameters<VolumeExpansion["expand"]>[1],
  ): Promise<void> {
    await this.expand({ podUid: metadata.uid, name, isBlock, driver }, found).catch((error: unknown) => {
      found.signal.throwIfAborted();
      this.#deps.os.log.warn("cannot make a volume larger", { volume: name, error });
    });
  }

  /** Nothing to do where the claim has been told of the volume's size already. Rejects where the driver fails. */
  async expand(
    record: Pick<VolumeRecord, "podUid" | "name" | "isBlock" | "driver">,
    {
      claim,
      volume,
      signal,
    }: {
      readonly claim: PersistentVolumeClaim;
      readonly volume: PersistentVolume;
      readonly signal: AbortSignal;
    },
  ): Promise<void> {
    const { drivers, paths, volumes } = this.#deps;
    const size = volume.spec.capacity?.storage ?? "0";
    if (compareQuantities(size, capacityOf(claim)) <= 0) return;
    if (claim.status?.allocatedResourceStatuses?.storage === "NodeResizeInfeasible") return;
    const calls = drivers.get(record.driver);
    const abilities = await calls.abilities(signal);
    if (!abilities.has("EXPAND_VOLUME")) return;
    const source = persistentSource(volume, { podName: "", isReadOnly: false });
    const request = expandRequest({
      source,
      abilities,
      secrets: await volumes.secret(source.secrets.expand, signal),
      stagingPath: volumes.stagingPathOf(source),
      volumePath: paths.target(record.podUid, record.name, record.isBlock),
      bytes: Math.ceil(parseQuantity(size)),
    });
    try {
      await calls.node.ask("NodeExpandVolume", request, { signal });
    } catch (error) {
      if (error instanceof CsiError) await this.#tellFailure(claim, error, signal);
      throw error;
    }
    const conditions = (claim.status?.conditions ?? []).filter(({ type }) => !resizing.has(type));
    const status = { capacity: { storage: size }, conditions, allocatedResourceStatuses: { storage: null } };
    await this.#patch(claim, status, signal);
    this.#deps.events().record(claim, {
      type: "Normal",
      reason: "FileSystemResizeSuccessful",
      message: `MountVolume.NodeExpandVolume succeeded for volume "${record.name}"`,
    });
  }

  async #tellFailure(claim: PersistentVolumeClaim, error: CsiError, signal: AbortSignal): Promise<void> {
    const message = `NodeExpandVolume failed: ${describeError(error)}`;
    this.#deps.events().record(claim, { type: "Warning", reason: "VolumeResizeFailed", message });
    if (infeasible.has(error.status))
      await this.#patch(claim, { allocatedResourceStatuses: { storage: "NodeResizeInfeasible" } }, signal);
  }

  async #patch({ metadata }: PersistentVolumeClaim, status: object, signal: AbortSignal): Promise<void> {
    const { name, namespace = "", resourceVersion } = metadata;
    const body = { metadata: { resourceVersion }, status };
    const options = { type: "merge", subresource: "status", signal } as const;
    await this.#deps.client.patch(resources.persistentvolumeclaims, { name, namespace }, body, options);
  }
}
