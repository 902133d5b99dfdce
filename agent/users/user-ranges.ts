import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../../base/os/flags.ts";
import { ifPresent } from "../../base/os/if-present.ts";
import type { Log } from "../../base/os/log.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import { RuntimeError, type UserRange } from "../runtime/seam.ts";
import { writeDurably } from "../write-durably.ts";

/** Users of a pod, as many as kubelets give. */
const length = 65_536;
/** Each node of a machine has so many ranges for itself, unless two of them come upon the same by chance. */
const ranges = 256;
/** Of 2^32 users, without those below 65,536, which are people's and the system's. */
const blocks = Math.floor((2 ** 32 / length - 1) / ranges);

export interface UserRangesConfig {
  /** `<root>/pods`. */
  readonly dir: string;
  readonly rootDir: string;
}

/** Which users of the host pods have as their own. What a pod has is in its folder, as with kubelets, and goes with it. */
export class UserRanges {
  readonly #dir: string;
  /** Of the first range. */
  readonly #first: number;
  readonly #used = new Map<string, number>();
  readonly #log: Log;

  private constructor({ dir, rootDir }: UserRangesConfig, log: Log) {
    this.#log = log;
    this.#dir = dir;
    const block = createHash("sha256").update(rootDir).digest().readUInt32BE() % blocks;
    this.#first = (1 + block * ranges) * length;
  }

  /** Goes on with what pods have. Rejects with UsageError where that is damaged. */
  static async open(config: UserRangesConfig, podUids: readonly string[], log: Log): Promise<UserRanges> {
    const users = new UserRanges(config, log);
    for (const uid of podUids) {
      const text = await ifPresent(readFile(users.#file(uid), "utf8"));
      if (text === undefined) continue;
      const first = firstOf(text);
      if (first === undefined || [...users.#used.values()].includes(first))
        throw new UsageError(
          `user namespaces: ${users.#file(uid)} is not whole, or another pod's; drain the node and delete the file`,
        );
      users.#used.set(uid, first);
    }
    return users;
  }

  /** The pod's own, from now until it is released. Rejects with RuntimeError where all are others'. */
  async take(podUid: string): Promise<UserRange> {
    const known = this.#used.get(podUid);
    if (known !== undefined) return { first: known, length };
    const used = new Set(this.#used.values());
    const all = Array.from({ length: ranges }, (_, index) => this.#first + index * length);
    const first = all.find((one) => !used.has(one));
    if (first === undefined)
      throw new RuntimeError("could not find an empty slot to allocate a user namespace");
    this.#used.set(podUid, first);
    try {
      await makeFolder(join(this.#dir, podUid), 0o711);
      await writeDurably(this.#file(podUid), textOf(first));
    } catch (error) {
      this.#used.delete(podUid);
      throw error;
    }
    return { first, length };
  }

  /** Nothing of the pod is left. */
  async release(podUid: string): Promise<void> {
    if (!this.#used.has(podUid)) return;
    await rm(this.#file(podUid), { force: true });
    this.#used.delete(podUid);
  }

  /** The same, without waiting; where it fails the next agent finds the pod gone. */
  forget(podUid: string): void {
    this.release(podUid).catch((error: unknown) =>
      this.#log.warn("cannot note freed users", { podUid, error }),
    );
  }

  /** Of pods that are no more, while no agent ran, none has any. */
  async keepOnly(podUids: ReadonlySet<string>): Promise<void> {
    for (const uid of [...this.#used.keys()]) if (!podUids.has(uid)) await this.release(uid);
  }

  #file(podUid: string): string {
    return join(this.#dir, podUid, "userns");
  }
}

/** As kubelets write it. */
function textOf(hostId: number): string {
  const mapping = [{ hostId, containerId: 0, length }];
  return JSON.stringify({ uidMappings: mapping, gidMappings: mapping });
}

function firstOf(text: string): number | undefined {
  const hostId = Number(/"hostId":(\d{1,10}),/.exec(text)?.[1]);
  const isRange = hostId >= length && hostId % length === 0 && hostId + length <= 2 ** 32;
  return isRange && textOf(hostId) === text ? hostId : undefined;
}
