import { randomUUID } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { FileHeldError, holdFile } from "../../../base/os/hold-file.ts";
import { readOptional, writeRecord } from "../../runtime/supervised/records.ts";
import { SharedHold } from "./shared-hold.ts";

/** Layers that somebody is at work on, from before they are looked for until a node's list names them. */
export interface Claim {
  readonly id: string;
  release(): Promise<void>;
}

export interface LiveClaims {
  readonly ids: ReadonlySet<string>;
  /** Of layers. */
  readonly names: ReadonlySet<string>;
}

/** How long a sweep waits for those that make a claim, which takes a moment. */
const sweepWaitMs = 30_000;

/** Claims of all processes that have a folder of layers in common: a file each, which its process has locked while it lives. While
 *  a sweep decides what to remove, nobody makes a claim; what was claimed before, it keeps. */
export class Claims {
  readonly #dir: string;
  readonly #made: SharedHold;

  constructor(dir: string) {
    this.#dir = dir;
    this.#made = new SharedHold(this.#lockFile);
  }

  async take(names: readonly string[], signal: AbortSignal | undefined): Promise<Claim> {
    return this.betweenSweeps(async () => {
      const id = randomUUID();
      const path = join(this.#dir, "claims", `${id}.json`);
      await writeRecord(path, names);
      const unlock = await holdFile(path);
      const release = async () => {
        await rm(path, { force: true });
        await unlock();
      };
      return { id, release };
    }, signal);
  }

  /** No sweep decides anything meanwhile. */
  async betweenSweeps<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const release = await this.#made.take(signal);
    try {
      return await work();
    } finally {
      await release();
    }
  }

  /** Nobody makes a claim meanwhile. Those of processes that ended are removed. */
  async duringSweep<T>(work: (live: LiveClaims) => Promise<T>): Promise<T> {
    const wait = AbortSignal.timeout(sweepWaitMs);
    const release = await holdFile(this.#lockFile, { wait }).catch((cause: unknown) => {
      throw wait.aborted ? new Error(`somebody who does not go on has ${this.#lockFile}`) : cause;
    });
    try {
      return await work(await this.#live());
    } finally {
      await release();
    }
  }

  async #live(): Promise<LiveClaims> {
    const ids = new Set<string>();
    const names = new Set<string>();
    for (const file of await readdir(join(this.#dir, "claims"))) {
      const path = join(this.#dir, "claims", file);
      const text = await readOptional(path);
      if (text === undefined) continue; // released just now
      if (!(await isHeld(path))) {
        await rm(path, { force: true });
        continue;
      }
      ids.add(file.replace(/\.json$/, ""));
      for (const name of JSON.parse(text) as string[]) names.add(name); // written by us, whole
    }
    return { ids, names };
  }

  get #lockFile(): string {
    return join(this.#dir, "claims.lock");
  }
}

async function isHeld(path: string): Promise<boolean> {
  try {
    await (await holdFile(path))();
    return false;
  } catch (error) {
    if (error instanceof FileHeldError) return true;
    throw error;
  }
}
