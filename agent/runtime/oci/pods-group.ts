import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../../../base/os/make-folder.ts";
import { readOptional } from "../supervised/records.ts";
import { type Cgroups, cgroupStats, groupFolder } from "./cgroups.ts";

/** The control group of all pods of a node, such as `/pintle/node-1`: what they may take together. */
export class PodsGroup {
  readonly #cgroups: Cgroups;
  readonly #path: string;

  constructor(cgroups: Cgroups, path: string) {
    this.#cgroups = cgroups;
    this.#path = path;
  }

  /** From now on the kernel keeps all pods together to so much memory; undefined lifts a limit of before. Rejects where they
   *  have more that cannot be taken from them. */
  async limitMemory(bytes: number | undefined): Promise<void> {
    const folder = groupFolder(this.#cgroups, this.#path);
    if (bytes === undefined && (await readOptional(join(folder, "cgroup.procs"))) === undefined) return;
    await makeFolder(folder, 0o755);
    if (this.#cgroups.version === 1) {
      await writeFile(join(folder, "memory.limit_in_bytes"), String(bytes ?? -1));
      return;
    }
    // Each level hands the controller down to the next.
    const above = this.#path
      .split("/")
      .filter((name) => name !== "")
      .slice(0, -1);
    for (let depth = 0; depth <= above.length; depth++) {
      const level = join(this.#cgroups.root, ...above.slice(0, depth));
      await writeFile(join(level, "cgroup.subtree_control"), "+memory");
    }
    await writeFile(join(folder, "memory.max"), bytes === undefined ? "max" : String(bytes));
  }

  /** How much memory pods have; that the kernel could drop at once does not count. */
  async workingSetBytes(): Promise<number> {
    return (await cgroupStats(this.#cgroups, this.#path)).workingSetBytes;
  }
}
