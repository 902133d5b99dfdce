import type { Clock } from "../../base/os/clock.ts";
import { describeError, type Log } from "../../base/os/log.ts";
import type { VolumeSummary } from "../../client/rules/stats-summary.ts";
import { claimOfVolume } from "../../client/rules/volume-claims.ts";
import type { Pod, Volume } from "../../client/types.ts";
import type { CsiVolumeUse } from "../csi/volume-stats.ts";
import { BackgroundRound } from "./background-round.ts";
import type { FolderUse } from "./machine-use.ts";
import { timeOf } from "./summary.ts";

export interface VolumeSamplerDeps {
  readonly pods: () => readonly Pod[];
  /** Where a volume stands that this node makes. */
  readonly folderOf: (pod: Pod, volume: Volume) => string;
  /** Where the volume of a claim, or of another machine, is that is no driver's; undefined: nobody knows yet. */
  readonly folderElsewhere: (pod: Pod, volume: Volume) => string | undefined;
  readonly csi: { of(podUid: string, volume: string): CsiVolumeUse | undefined };
  /** Of a folder, itself and all in it; undefined where there is none. */
  readonly bytes: (path: string) => Promise<number | undefined>;
  readonly inodes: (path: string) => Promise<number | undefined>;
  /** Of the file system that it is on. */
  readonly disk: (path: string) => Promise<FolderUse>;
  readonly clock: Pick<Clock, "monotonicMs" | "wallMs">;
  readonly log: Pick<Log, "warn">;
}

/** Measures the volumes of pods when somebody asks, once a minute at most and beside whoever asks: that is told what was found
 *  before. What drivers say is theirs (`../csi/volume-stats.ts`). */
export class VolumeSampler {
  readonly #deps: VolumeSamplerDeps;
  readonly #round: BackgroundRound<ReadonlyMap<string, readonly VolumeSummary[]>>;

  constructor(deps: VolumeSamplerDeps) {
    this.#deps = deps;
    this.#round = new BackgroundRound(new Map(), () => this.#measure(), deps);
  }

  /** By the pod's uid. */
  current(): ReadonlyMap<string, readonly VolumeSummary[]> {
    return this.#round.current();
  }

  /** Resolves once nothing is being measured. */
  settled(): Promise<void> {
    return this.#round.settled();
  }

  async #measure(): Promise<ReadonlyMap<string, readonly VolumeSummary[]>> {
    const known = new Map<string, readonly VolumeSummary[]>();
    for (const pod of this.#deps.pods()) {
      const found: VolumeSummary[] = [];
      for (const volume of pod.spec.volumes ?? []) {
        const one = await this.#measureOne(pod, volume).catch((error: unknown) => {
          const where = `${pod.metadata.namespace}/${pod.metadata.name}`;
          this.#deps.log.warn("a volume not measured", {
            pod: where,
            volume: volume.name,
            error: describeError(error),
          });
          return undefined;
        });
        if (one !== undefined) found.push(one);
      }
      if (found.length > 0) known.set(pod.metadata.uid, found);
    }
    return known;
  }

  async #measureOne(pod: Pod, volume: Volume): Promise<VolumeSummary | undefined> {
    const { csi, clock, disk, bytes, inodes, folderOf, folderElsewhere } = this.#deps;
    const { name } = volume;
    const { namespace = "" } = pod.metadata;
    const claim = claimOfVolume(pod.metadata.name, volume);
    const about = { name, ...(claim !== undefined && { pvcRef: { name: claim.name, namespace } }) };
    const told = csi.of(pod.metadata.uid, name);
    if (told !== undefined) {
      const { atMs, condition, ...figures } = told;
      const health = condition === undefined ? {} : { volumeHealthStats: { abnormal: condition.isAbnormal } };
      return { time: timeOf(atMs), ...figures, ...about, ...health };
    }
    const time = timeOf(clock.wallMs());
    if (claim !== undefined || volume.nfs !== undefined || volume.iscsi !== undefined) {
      const folder = folderElsewhere(pod, volume);
      if (folder === undefined) return undefined;
      const use = await disk(folder);
      return { time, ...use, inodesUsed: use.inodes - use.inodesFree, ...about };
    }
    if (!isMadeHere(volume)) return undefined;
    const folder = folderOf(pod, volume);
    const [usedBytes, inodesUsed] = [await bytes(folder), await inodes(folder)];
    if (usedBytes === undefined || inodesUsed === undefined) return undefined;
    return { time, ...(await disk(folder)), usedBytes, inodesUsed, ...about };
  }
}

const isMadeHere = ({ emptyDir, configMap, secret, downwardAPI, projected }: Volume): boolean =>
  [emptyDir, configMap, secret, downwardAPI, projected].some((kind) => kind !== undefined);
