import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "../../../base/os/disk.ts";
import { makeFolder } from "../../../base/os/make-folder.ts";
import type { Os } from "../../../base/os/os.ts";
import { utf8 } from "../../../base/wire.ts";
import { isObject, type JsonObject, type PluginConfig } from "./network-list.ts";
import type { GivenAddress } from "./plugin-answer.ts";

/** What a network namespace is known by beside its path, which another may have later. */
export interface NetnsId {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
}

/** A sandbox that was given to a network's plugins: with all that they must be told again to undo or check it, whatever
 *  became of the network's configuration since. */
export interface AttachmentRecord {
  readonly sandboxId: string;
  readonly ifName: string;
  readonly network: string;
  readonly cniVersion: string;
  readonly disableCheck: boolean;
  readonly plugins: readonly PluginConfig[];
  readonly args: readonly (readonly [string, string])[];
  readonly capabilityArgs: JsonObject;
  readonly netns: NetnsId;
  /** What the last plugin answered; undefined until all have. */
  readonly result?: JsonObject;
  /** Which of its plugins, by their places in the list, found it well when it was just made: only what these find wrong later is
   *  worth anything. */
  readonly checkedBy?: readonly number[];
  /** The pod's, the one first by which it is known. */
  readonly addresses: readonly GivenAddress[];
}

/** Sandboxes' ids are names of files here, and words of CNI. */
export const sandboxIdPattern = /^[A-Za-z0-9][\w.-]{0,127}$/;

/** Records as files, one a sandbox, written before plugins are run. */
export class AttachmentRecords {
  readonly #dir: string;
  readonly #os: Pick<Os, "disk" | "log">;
  readonly #records = new Map<string, AttachmentRecord>();

  private constructor(dir: string, os: Pick<Os, "disk" | "log">) {
    this.#dir = dir;
    this.#os = os;
  }

  static async open(dir: string, os: Pick<Os, "disk" | "log">): Promise<AttachmentRecords> {
    await makeFolder(dir, 0o700);
    const records = new AttachmentRecords(dir, os);
    for (const name of await readdir(dir)) {
      const sandboxId = name.replace(/\.json$/, "");
      if (!name.endsWith(".json")) continue;
      const record = recordOf(await readFile(join(dir, name), "utf8"));
      if (record?.sandboxId === sandboxId) records.#records.set(sandboxId, record);
      else {
        os.log.warn("a record of a pod's network is damaged; what its plugins made stays", { file: name });
        await os.disk.remove(join(dir, name));
      }
    }
    return records;
  }

  get(sandboxId: string): AttachmentRecord | undefined {
    return this.#records.get(sandboxId);
  }

  all(): readonly AttachmentRecord[] {
    return [...this.#records.values()];
  }

  async put(record: AttachmentRecord): Promise<void> {
    this.#records.set(record.sandboxId, record);
    await replaceFile(this.#os.disk, this.#path(record.sandboxId), utf8(JSON.stringify(record)));
  }

  async remove(sandboxId: string): Promise<void> {
    this.#records.delete(sandboxId);
    await this.#os.disk.remove(this.#path(sandboxId));
  }

  #path(sandboxId: string): string {
    return join(this.#dir, `${sandboxId}.json`);
  }
}

/** Written by this file and replaced whole: one that is not whole is none. */
function recordOf(text: string): AttachmentRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) &&
      Array.isArray(value.plugins) &&
      Array.isArray(value.addresses) &&
      isObject(value.netns)
      ? (value as unknown as AttachmentRecord)
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
