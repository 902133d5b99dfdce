import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Clock } from "../../base/os/clock.ts";
import { ifPresent } from "../../base/os/if-present.ts";
import { describeError, type Log } from "../../base/os/log.ts";
import type { Runtime } from "../runtime/seam.ts";
import { BackgroundRound } from "./background-round.ts";

export interface DiskUse {
  readonly usedBytes: number;
  readonly inodesUsed: number;
}

/** What a container holds of the disk. */
export interface ContainerDisk {
  readonly atMs: number;
  /** What it wrote to its own root; absent where that is nowhere, or nobody knows. */
  readonly rootfs?: DiskUse;
  readonly logs?: DiskUse;
}

export interface ContainerDisksDeps {
  readonly runtime: Pick<Runtime, "listContainers" | "writtenBytes" | "writtenInodes">;
  readonly clock: Pick<Clock, "monotonicMs" | "wallMs">;
  readonly log: Pick<Log, "warn">;
  /** Ends what is being measured. */
  readonly signal: AbortSignal;
}

/** What running containers hold of the disk, measured as volumes are. */
export class ContainerDisks {
  readonly #deps: ContainerDisksDeps;
  readonly #round: BackgroundRound<ReadonlyMap<string, ContainerDisk>>;

  constructor(deps: ContainerDisksDeps) {
    this.#deps = deps;
    this.#round = new BackgroundRound(new Map(), () => this.#measure(), deps);
  }

  /** By the container's id. */
  current(): ReadonlyMap<string, ContainerDisk> {
    return this.#round.current();
  }

  /** Resolves once nothing is being measured. */
  settled(): Promise<void> {
    return this.#round.settled();
  }

  async #measure(): Promise<ReadonlyMap<string, ContainerDisk>> {
    const { runtime, clock, log, signal } = this.#deps;
    const found = new Map<string, ContainerDisk>();
    for (const { id, logPath, state, pod, name } of runtime.listContainers()) {
      if (state.phase !== "running") continue;
      try {
        const logs = await folderUse(dirname(logPath));
        const usedBytes = await runtime.writtenBytes(id, signal);
        const inodesUsed = await runtime.writtenInodes(id, signal);
        const isKnown = usedBytes !== undefined && inodesUsed !== undefined;
        found.set(id, {
          atMs: clock.wallMs(),
          ...(isKnown && { rootfs: { usedBytes, inodesUsed } }),
          ...(logs !== undefined && { logs }),
        });
      } catch (error) {
        signal.throwIfAborted();
        const where = `${pod.namespace}/${pod.name}`;
        log.warn("a container's disk not measured", {
          pod: where,
          container: name,
          error: describeError(error),
        });
      }
    }
    return found;
  }
}

/** Of the few files in a folder of logs, those of the container's earlier runs too; undefined where it is gone. */
async function folderUse(folder: string): Promise<DiskUse | undefined> {
  const names = await ifPresent(readdir(folder));
  if (names === undefined) return undefined;
  let usedBytes = 0;
  for (const name of names) usedBytes += 512 * ((await ifPresent(stat(join(folder, name))))?.blocks ?? 0);
  return { usedBytes, inodesUsed: names.length };
}
