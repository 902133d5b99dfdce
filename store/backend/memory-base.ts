import { OrderedMap } from "../../base/ordered-map.ts";
import { BackendError, type Base, type BaseView, type Pages, type Row, type Write } from "./backend.ts";

/** What survives of a memory base when its process does not: the simulated disk under `MemoryBase`. */
export class MemoryDisk {
  /** Counts crashes: whoever opened the disk in an earlier life writes no more. */
  life = 0;
  readonly rows = new OrderedMap<Uint8Array>();
  /** Batches written but not synced, oldest first, each with what it replaced. */
  #undo: { readonly key: string; readonly before: Uint8Array | undefined }[][] = [];

  write(writes: readonly Write[], sync: boolean): void {
    const undo = writes.map(([key]) => ({ key, before: this.rows.get(key) }));
    for (const [key, value] of writes) this.#set(key, value);
    this.#undo.push(undo);
    if (sync) this.#undo = [];
  }

  get unsyncedBatches(): number {
    return this.#undo.length;
  }

  /** Whoever had it open is gone; what they wrote is as safe or unsafe as before. */
  kill(): void {
    this.life++;
  }

  /** Loses unsynced batches from the newest back, but for the oldest `keep` of them: what a power cut may do. */
  crash(keep: number): void {
    this.life++;
    for (const batch of this.#undo.splice(keep).reverse())
      for (const { key, before } of batch.reverse()) this.#set(key, before);
    this.#undo = []; // what survived the cut is on the disk
  }

  #set(key: string, value: Uint8Array | undefined): void {
    if (value === undefined) this.rows.delete(key);
    else this.rows.set(key, value);
  }
}

/** A base in memory. `pause` stands for the time a disk takes (a resolved promise, or simulated time). */
export class MemoryBase implements Base {
  readonly #disk: MemoryDisk;
  readonly #pause: () => Promise<void>;
  readonly #life: number;

  constructor(disk: MemoryDisk, pause: () => Promise<void> = () => Promise.resolve()) {
    this.#disk = disk;
    this.#pause = pause;
    this.#life = disk.life;
  }

  get(key: string): Uint8Array | undefined {
    return this.#disk.rows.get(key);
  }

  async write(writes: readonly Write[], options: { readonly sync: boolean }): Promise<void> {
    await this.#pause();
    if (this.#disk.life !== this.#life)
      throw new BackendError("io", "the machine under this database crashed");
    this.#disk.write(writes, options.sync);
  }

  view(): BaseView {
    const rows: Row[] = [];
    this.#disk.rows.visit("", undefined, (key, value) => {
      rows.push({ key, value });
    });
    return { pages: (from, to, rowsMax) => pagesOf(rows, from, to, rowsMax), close: () => Promise.resolve() };
  }

  compact(): Promise<void> {
    return Promise.resolve(); // nothing is kept that is not there
  }

  async sizeBytes(): Promise<number> {
    let bytes = 0;
    this.#disk.rows.visit("", undefined, (key, value) => {
      bytes += key.length + value.length;
    });
    return bytes;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function* pagesOf(rows: readonly Row[], from: string, to: string, rowsMax: number): Pages {
  const wanted = rows.filter(({ key }) => key >= from && key < to);
  for (let at = 0; at < wanted.length; at += rowsMax) yield wanted.slice(at, at + rowsMax);
}
