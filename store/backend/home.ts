import { join } from "node:path";
import { type Disk, replaceFile } from "../../base/os/disk.ts";
import { text, utf8 } from "../../base/wire.ts";
import { type Backend, BackendError } from "./backend.ts";
import { type BackendConfig, type BackendEvents, LayeredBackend } from "./layered-backend.ts";
import { LevelBase } from "./level-base.ts";
import { openRevisions } from "./open-revisions.ts";

/** Where a member's database lives. A received snapshot is built beside the database in use and then put in its place;
 *  a crash at any moment leaves the one or the other, whole. */
export interface BackendHome {
  open(): Promise<Backend>;
  /** An empty database beside the one in use; what an earlier attempt left is discarded. */
  draft(): Promise<Draft>;
  /** Removes databases that others replaced and that are closed. */
  sweep(): Promise<void>;
}

/** A failure of a draft is heard by who fills it, and is nobody else's until it is adopted. */
export function draftEvents(events: BackendEvents): {
  readonly events: BackendEvents;
  readonly adopted: () => void;
} {
  let isAdopted = false;
  const onFailure = (error: BackendError) => {
    if (isAdopted) events.onFailure(error);
  };
  return {
    events: { ...events, onFailure },
    adopted: () => {
      isAdopted = true;
    },
  };
}

export interface Draft {
  readonly backend: Backend;
  /** Makes the flushed draft the database that `open` finds from now on. The former one may still be read until closed. */
  adopt(): Promise<void>;
  /** Closes and removes it. */
  discard(): Promise<void>;
}

/** `<folder>/current` names the database's own folder, `<folder>/<n>`; replacing that small file is the atomic step. */
export class LevelHome implements BackendHome {
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #config: BackendConfig;
  readonly #events: BackendEvents;

  constructor(folder: string, config: BackendConfig, parts: { readonly disk: Disk } & BackendEvents) {
    this.#folder = folder;
    this.#disk = parts.disk;
    this.#config = config;
    this.#events = { pause, ...parts };
  }

  async open(): Promise<Backend> {
    const number = await this.#prepare();
    return this.#openNumber(number, this.#events);
  }

  async draft(): Promise<Draft> {
    const current = await this.#current();
    const number = (current ?? 0) + 1;
    await this.#disk.remove(this.#path(number));
    const { events, adopted } = draftEvents(this.#events);
    const backend = await this.#openNumber(number, events);
    return {
      backend,
      adopt: async () => {
        await this.#disk.syncFolder(this.#folder);
        await this.#setCurrent(number);
        adopted();
      },
      discard: async () => {
        await backend.retire();
        await this.#disk.remove(this.#path(number));
      },
    };
  }

  async sweep(): Promise<void> {
    const current = await this.#current();
    if (current !== undefined) await this.#removeAllBut((number) => number < current, current);
  }

  async #removeAllBut(which: (number: number) => boolean, current: number): Promise<void> {
    for (const name of await this.#disk.list(this.#folder))
      if (/^\d{6}$/.test(name) && Number(name) !== current && which(Number(name)))
        await this.#disk.remove(join(this.#folder, name));
  }

  #path(number: number): string {
    return join(this.#folder, String(number).padStart(6, "0"));
  }

  /** The number of the database in use, after clearing away what an unfinished install or a replaced database left. */
  async #prepare(): Promise<number> {
    try {
      await this.#disk.makeFolder(this.#folder);
      const current = await this.#current();
      if (current === undefined) {
        await this.#setCurrent(1);
        return 1;
      }
      // The file that names it may have been put in place just before the last life ended: until that is durable, what it named
      // before is needed, too.
      await this.#disk.syncFolder(this.#folder);
      await this.#removeAllBut(() => true, current);
      if (!(await this.#disk.exists(this.#path(current))))
        throw new BackendError(
          "corrupt",
          `${this.#path(current)}: the database is missing although ${join(this.#folder, "current")} names it; restore a snapshot, or remove this member's data directory and let it join anew`,
        );
      return current;
    } catch (error) {
      if (error instanceof BackendError) throw error;
      const detail = error instanceof Error ? error.message : String(error);
      throw new BackendError("io", `${this.#folder}: cannot be used for the database: ${detail}`, error);
    }
  }

  async #current(): Promise<number | undefined> {
    const path = join(this.#folder, "current");
    if (!(await this.#disk.exists(path))) return undefined;
    const file = await this.#disk.open(path);
    try {
      const content = text(await file.read(0, 64)).trim();
      if (/^\d{6}$/.test(content)) return Number(content);
    } finally {
      await file.close();
    }
    throw new BackendError(
      "corrupt",
      `${path}: does not name a database; write the name of the newest folder beside it into it, or remove this member's data directory and let it join anew`,
    );
  }

  async #setCurrent(number: number): Promise<void> {
    if (number === 1) await this.#disk.makeFolder(this.#path(number));
    await replaceFile(
      this.#disk,
      join(this.#folder, "current"),
      utf8(`${String(number).padStart(6, "0")}\n`),
    );
  }

  async #openNumber(number: number, events: BackendEvents): Promise<Backend> {
    const { faults, onMoving } = events;
    const disk = this.#disk;
    const base = await LevelBase.open(this.#path(number), disk);
    try {
      const log = await openRevisions(base, this.#config.revisions, {
        folder: join(this.#path(number), "revisions"),
        disk,
        pause,
        faults,
        onMoving,
      });
      return await LayeredBackend.over({ base, log }, this.#config, events);
    } catch (error) {
      await base.close();
      throw error;
    }
  }
}

const pause = () => new Promise<void>(setImmediate);
