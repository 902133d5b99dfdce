import type { Disk } from "../../base/os/disk.ts";
import { Prng, type Random } from "../../base/os/random.ts";
import { SimDisk } from "../../base/os/sim-disk.ts";
import type { Backend } from "./backend.ts";
import { type BackendHome, type Draft, draftEvents } from "./home.ts";
import { type BackendConfig, type BackendEvents, LayeredBackend } from "./layered-backend.ts";
import { MemoryBase } from "./memory-base.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { openRevisions } from "./open-revisions.ts";

/** One database: its rows that change in place, and the folder of its revisions. */
interface Place {
  readonly rows: MemoryDisk;
  readonly folder: string;
}

const rootFolder = "/revisions";
/** A disk on which everything takes a moment, and nothing takes time. */
export const soon = {
  after: (_delayMs: number, fire: () => void) => {
    queueMicrotask(fire);
    return () => undefined;
  },
};

/** A home in memory; it outlives the member that crashes, and `crash` makes it lose what a power cut would. */
export class MemoryHome implements BackendHome {
  readonly #own = new SimDisk({ prng: new Prng(1), writeMs: 0, syncMs: 0 });
  #disk: Disk = this.#own.open(soon);
  #places = 1;
  #current = newPlace(1);
  readonly #config: BackendConfig;
  readonly #events: BackendEvents;
  readonly #pause: () => Promise<void>;

  constructor(
    config: BackendConfig,
    events: BackendEvents,
    pause: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.#config = config;
    this.#events = events;
    this.#pause = pause;
  }

  /** From now on revisions are on this disk, which is a machine's as one process sees it. */
  set disk(disk: Disk) {
    this.#disk = disk;
  }

  open(): Promise<Backend> {
    return this.#over(this.#current, this.#events);
  }

  async draft(): Promise<Draft> {
    const place = newPlace(++this.#places);
    const { events, adopted } = draftEvents(this.#events);
    const backend = await this.#over(place, events);
    return {
      backend,
      adopt: async () => {
        this.#current = place;
        adopted();
      },
      discard: async () => {
        await backend.retire();
        await this.#disk.remove(place.folder);
      },
    };
  }

  async sweep(): Promise<void> {
    for (const name of await this.#disk.list(rootFolder)) {
      const folder = `${rootFolder}/${name}`;
      if (placeNumber(folder) < placeNumber(this.#current.folder)) await this.#disk.remove(folder);
    }
  }

  /** The member ended without a power cut. */
  kill(): void {
    this.#current.rows.kill();
    this.#own.kill();
    this.#disk = this.#own.open(soon);
  }

  /** Power failed; to be called when nothing of the crashed member runs any more. */
  crash(random: Random): void {
    this.#current.rows.crash(random);
    this.#own.crash(random);
    this.#disk = this.#own.open(soon);
  }

  async #over({ rows, folder }: Place, events: BackendEvents): Promise<Backend> {
    const base = new MemoryBase(rows, this.#pause);
    const { faults } = events;
    const parts = { folder, disk: this.#disk, pause: this.#pause, faults };
    const log = await openRevisions(base, this.#config.revisions, parts);
    return LayeredBackend.over({ base, log }, this.#config, events);
  }
}

function newPlace(number: number): Place {
  return { rows: new MemoryDisk(), folder: `${rootFolder}/${number}` };
}

function placeNumber(folder: string): number {
  return Number(folder.slice(rootFolder.length + 1));
}
