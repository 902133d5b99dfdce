import { chmod, lstat, readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { type Disk, replaceFile } from "../../base/os/disk.ts";
import { ifPresent } from "../../base/os/if-present.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import type { AccessMode } from "../csi/messages.ts";
import { mustRun } from "../runtime/supervised/run-command.ts";
import { isId } from "./requests.ts";

/** Where a volume is shown to a pod, or about to be. */
export interface Target {
  readonly path: string;
  readonly mode: AccessMode;
  readonly flags: readonly string[];
}

export interface LocalVolume {
  readonly id: string;
  /** As it was asked for. */
  readonly name: string;
  readonly bytes: number;
  readonly targets: readonly Target[];
}

/** However many files there are. */
const removeMs = 30 * 60_000;

/** The volumes of a node as they are on disk: `DIR/volumes/ID/data`, and `volume.json` beside it, which is written last and
 *  makes the folder a volume. What is removed lies in `DIR/removed` until nothing is left of it. */
export class LocalVolumes {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #known = new Map<string, LocalVolume>();

  private constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  /** Rejects where a record cannot be read: nobody would know what its folder is. */
  static async open(disk: Disk, folder: string): Promise<LocalVolumes> {
    const volumes = new LocalVolumes(disk, folder);
    await makeFolder(join(folder, "volumes"), 0o711);
    await makeFolder(join(folder, "removed"), 0o700);
    for (const id of await readdir(join(folder, "volumes"))) {
      const path = volumes.#record(id);
      const text = isId(id) ? await ifPresent(readFile(path, "utf8")) : undefined;
      if (text !== undefined) volumes.#known.set(id, readRecord(id, text, path));
    }
    for (const id of await readdir(join(folder, "removed"))) await volumes.#removeRest(id);
    return volumes;
  }

  get(id: string): LocalVolume | undefined {
    return this.#known.get(id);
  }

  /** By id. */
  list(): readonly LocalVolume[] {
    return [...this.#known.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  dataOf(id: string): string {
    return join(this.#folder, "volumes", id, "data");
  }

  async put(volume: LocalVolume): Promise<void> {
    const data = this.dataOf(volume.id);
    if ((await ifPresent(lstat(data))) === undefined) {
      await makeFolder(join(data, ".."), 0o711);
      await makeFolder(data, 0o777);
      await chmod(data, 0o777); // whoever a pod runs as may write there
    }
    await replaceFile(this.#disk, this.#record(volume.id), Buffer.from(JSON.stringify(volume)));
    this.#known.set(volume.id, volume);
  }

  /** Nothing to do where there is no such volume, and nothing left of one. */
  async remove(id: string): Promise<void> {
    if (!isId(id)) return;
    const gone = join(this.#folder, "removed", id);
    // What is left there is of a volume of the same name that was before.
    if ((await ifPresent(lstat(gone))) !== undefined) await this.#removeRest(id);
    await ifPresent(rename(join(this.#folder, "volumes", id), gone));
    this.#known.delete(id);
    await this.#removeRest(id);
  }

  /** By another process: a pod may have left any number of files there, and folders in folders. */
  async #removeRest(id: string): Promise<void> {
    const path = join(this.#folder, "removed", id);
    if ((await ifPresent(lstat(path))) === undefined) return;
    await mustRun(["rm", "-rf", "--one-file-system", "--", path], { timeoutMs: removeMs });
  }

  #record(id: string): string {
    return join(this.#folder, "volumes", id, "volume.json");
  }
}

function readRecord(id: string, text: string, path: string): LocalVolume {
  const found: unknown = JSON.parse(text);
  if (!isRecord(found) || found.id !== id) throw new Error(`${path} is damaged`);
  return found;
}

function isRecord(value: unknown): value is LocalVolume {
  const { name, bytes, targets } = (value ?? {}) as Partial<LocalVolume>;
  return typeof name === "string" && Number.isSafeInteger(bytes) && Array.isArray(targets);
}
