import { BackendError, type Base, type BaseView, type Pages, type Row, type Write } from "./backend.ts";
import type { MemoryDisk } from "./memory-disk.ts";

/** A base in memory. `pause` stands for the time a disk takes (a resolved promise, or simulated time). */
export class MemoryBase implements Base {
  readonly #disk: MemoryDisk;
  readonly #pause: () => Promise<void>;
  readonly #life: number;

  constructor(disk: MemoryDisk, pause: () => Promise<void> = () => Promise.resolve()) {
    this.#disk = disk;
    this.#pause = pause;
    this.#life = disk.life;
    disk.open();
  }

  get(key: string): Uint8Array | undefined {
    return this.#disk.rows.get(key);
  }

  async write(pages: Iterable<readonly Write[]>, options: { readonly sync: boolean }): Promise<void> {
    await this.#takeTime();
    this.#disk.append([...pages].flat());
    if (!options.sync) return;
    await this.#takeTime();
    this.#disk.sync();
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

  async #takeTime(): Promise<void> {
    await this.#pause();
    if (this.#disk.life !== this.#life)
      throw new BackendError("io", "the machine under this database crashed");
  }
}

async function* pagesOf(rows: readonly Row[], from: string, to: string, rowsMax: number): Pages {
  const wanted = rows.filter(({ key }) => key >= from && key < to);
  for (let at = 0; at < wanted.length; at += rowsMax) yield wanted.slice(at, at + rowsMax);
}
