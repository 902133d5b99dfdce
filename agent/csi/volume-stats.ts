import { sleep } from "../../base/os/clock.ts";
import type { Os } from "../../base/os/os.ts";
import type { EventRecorder } from "../../client/events.ts";
import type { Pod } from "../../client/types.ts";
import type { CsiDrivers } from "./csi-drivers.ts";
import type { CsiVolumes } from "./csi-volumes.ts";
import { csiLimits } from "./driver-calls.ts";
import type { VolumeStatsAnswer } from "./messages.ts";
import type { CsiPaths } from "./volume-paths.ts";
import type { VolumeRecord } from "./volume-records.ts";

/** What a driver says of a volume; undefined: that it did not say. */
export interface CsiVolumeUse {
  readonly atMs: number;
  readonly availableBytes?: number;
  readonly capacityBytes?: number;
  readonly usedBytes?: number;
  readonly inodes?: number;
  readonly inodesFree?: number;
  readonly inodesUsed?: number;
  readonly condition?: { readonly isAbnormal: boolean; readonly message: string };
}

export interface CsiVolumeStatsDeps {
  readonly os: Pick<Os, "clock" | "log">;
  readonly paths: CsiPaths;
  readonly drivers: Pick<CsiDrivers, "get">;
  readonly volumes: Pick<CsiVolumes, "published" | "stagingPathOf">;
  readonly pods: () => readonly Pod[];
  readonly events: () => Pick<EventRecorder, "record">;
}

/** As often as kubelets. */
const measureMs = 60_000;

const keyOf = (podUid: string, volume: string) => `${podUid}/${volume}`;

/** Asks drivers how full the volumes of this node's pods are and, where they know, whether they are well. A driver that does not
 *  answer keeps nobody waiting but its own volumes. */
export class CsiVolumeStats {
  readonly #deps: CsiVolumeStatsDeps;
  #known: ReadonlyMap<string, CsiVolumeUse> = new Map();

  constructor(deps: CsiVolumeStatsDeps) {
    this.#deps = deps;
  }

  /** @param volume What the pod calls it. */
  of(podUid: string, volume: string): CsiVolumeUse | undefined {
    return this.#known.get(keyOf(podUid, volume));
  }

  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(this.#deps.os.clock, measureMs, signal);
      await this.measure(signal);
    }
  }

  /** All volumes once. */
  async measure(signal: AbortSignal): Promise<void> {
    const byDriver = new Map<string, VolumeRecord[]>();
    for (const record of this.#deps.volumes.published())
      byDriver.set(record.driver, [...(byDriver.get(record.driver) ?? []), record]);
    const found = new Map<string, CsiVolumeUse>();
    const ofDrivers = [...byDriver].map(([driver, records]) =>
      this.#measureAll(driver, records, { found, signal }),
    );
    await Promise.all(ofDrivers);
    this.#known = found;
  }

  async #measureAll(
    driver: string,
    records: readonly VolumeRecord[],
    { found, signal }: { readonly found: Map<string, CsiVolumeUse>; readonly signal: AbortSignal },
  ): Promise<void> {
    const { drivers, os, paths, volumes } = this.#deps;
    try {
      const calls = drivers.get(driver);
      const abilities = await calls.abilities(signal);
      if (!abilities.has("GET_VOLUME_STATS")) return;
      for (const record of records) {
        const { podUid, name, isBlock, handle } = record;
        const request = {
          volumeId: handle,
          volumePath: paths.target(podUid, name, isBlock),
          stagingTargetPath: volumes.stagingPathOf(record),
        };
        const options = { timeoutMs: csiLimits.lookMs, signal };
        const answer = await calls.node.ask("NodeGetVolumeStats", request, options);
        const use = volumeUse(answer, os.clock.wallMs(), abilities.has("VOLUME_CONDITION"));
        found.set(keyOf(podUid, record.podName), use);
        this.#tellCondition(record, use);
      }
    } catch (error) {
      signal.throwIfAborted();
      os.log.warn("cannot ask a CSI driver for its volumes' statistics", { driver, error });
    }
  }

  #tellCondition({ podUid, podName }: VolumeRecord, { condition }: CsiVolumeUse): void {
    if (condition?.isAbnormal !== true) return;
    const pod = this.#deps.pods().find(({ metadata }) => metadata.uid === podUid);
    if (pod === undefined) return;
    const message = `Volume ${podName}: ${condition.message}`;
    this.#deps.events().record(pod, { type: "Warning", reason: "VolumeConditionAbnormal", message });
  }
}

/** What an answer says; what is less than nothing is not taken for a figure. Pure. */
export function volumeUse(
  { usage, volumeCondition }: VolumeStatsAnswer,
  atMs: number,
  hasCondition: boolean,
): CsiVolumeUse {
  const of = (unit: "BYTES" | "INODES") => usage.find((one) => one.unit === unit);
  const [bytes, inodes] = [of("BYTES"), of("INODES")];
  const figures = {
    availableBytes: bytes?.available,
    capacityBytes: bytes?.total,
    usedBytes: bytes?.used,
    inodes: inodes?.total,
    inodesFree: inodes?.available,
    inodesUsed: inodes?.used,
  };
  const honest = Object.entries(figures).filter(([, figure]) => figure !== undefined && figure >= 0);
  const message = (volumeCondition?.message ?? "").slice(0, csiLimits.messageCharsMost);
  return {
    atMs,
    ...Object.fromEntries(honest),
    ...(hasCondition && { condition: { isAbnormal: volumeCondition?.abnormal ?? false, message } }),
  };
}
