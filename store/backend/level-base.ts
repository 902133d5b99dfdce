import { ClassicLevel } from "classic-level";
import type { Disk } from "../../base/os/disk.ts";
import { latin1, latin1Bytes } from "../../base/wire.ts";
import { BackendError, type Base, type BaseView, type Pages, type Row, type Write } from "./backend.ts";
import { batchSlots, checkNumbers, numberRow, slotRange } from "./batch-numbers.ts";

type Db = ClassicLevel<Uint8Array, Uint8Array>;

/** Before and after every bucket's keys. */
const endMarks = [Uint8Array.of(0), Uint8Array.of(0xff)] as const;
const readAheadBytes = 1024 * 1024;

export class LevelBase implements Base {
  readonly #db: Db;
  readonly #path: string;
  readonly #disk: Disk;
  /** Batches written in all its lives. */
  #batches = 0;
  #durableNames: ReadonlySet<string> = new Set();

  private constructor(db: Db, path: string, disk: Disk) {
    this.#db = db;
    this.#path = path;
    this.#disk = disk;
  }

  /** Opens or creates the database in `path`. Rejects with BackendError. */
  static async open(path: string, disk: Disk): Promise<LevelBase> {
    const db: Db = new ClassicLevel(path, {
      keyEncoding: "view",
      valueEncoding: "view",
      compression: true,
      writeBufferSize: 4 * 1024 * 1024,
      cacheSize: 4 * 1024 * 1024,
      maxOpenFiles: 500,
    });
    try {
      await db.open();
    } catch (error) {
      throw explain(error, path, "opening");
    }
    const base = new LevelBase(db, path, disk);
    try {
      await base.#takeUpNumbers();
    } catch (error) {
      await db.close();
      throw error;
    }
    return base;
  }

  async #takeUpNumbers(): Promise<void> {
    const rows: Row[] = [];
    const view = this.view();
    for await (const page of view.pages(slotRange.from, slotRange.to, batchSlots)) rows.push(...page);
    await view.close();
    const { newest, missing } = checkNumbers(rows);
    if (missing !== undefined)
      throw damaged(this.#path, `its log has lost batch ${missing}, but holds batch ${newest}`);
    this.#batches = newest;
  }

  get(key: string): Uint8Array | undefined {
    try {
      return this.#db.getSync(latin1Bytes(key));
    } catch (error) {
      throw explain(error, this.#path, "reading");
    }
  }

  async write(pages: Iterable<readonly Write[]>, options: { readonly sync: boolean }): Promise<void> {
    const batch = this.#db.batch();
    const [slot, number] = numberRow(++this.#batches);
    try {
      batch.put(latin1Bytes(slot), number);
      let isFirst = true;
      for (const page of pages) {
        if (!isFirst) await new Promise(setImmediate); // a large batch is handed over page by page
        isFirst = false;
        for (const [key, value] of page)
          if (value === undefined) batch.del(latin1Bytes(key));
          else batch.put(latin1Bytes(key), value);
      }
      await batch.write(options);
      if (options.sync) await this.#syncNames();
    } catch (error) {
      throw explain(error, this.#path, "writing");
    }
  }

  view(): BaseView {
    const snapshot = this.#db.snapshot();
    const db = this.#db;
    const path = this.#path;
    async function* pages(from: string, to: string, rowsMax: number): Pages {
      const iterator = db.iterator({
        gte: latin1Bytes(from),
        lt: latin1Bytes(to),
        snapshot,
        fillCache: false,
        highWaterMarkBytes: readAheadBytes,
      });
      try {
        for (;;) {
          const entries = await iterator.nextv(rowsMax);
          if (entries.length === 0) return;
          yield entries.map(([key, value]) => ({ key: latin1(key), value }));
        }
      } catch (error) {
        throw explain(error, path, "reading");
      } finally {
        await iterator.close();
      }
    }
    return { pages, close: () => snapshot.close() };
  }

  /** LevelDB compacts the levels that held something when it was asked, and writes its memory out only then, unmerged, to the
   *  lowest level where nothing overlaps; there it stays. So its memory is written out first. The marks then make one table
   *  that overlaps all others, with which every level below is merged anew. */
  async compact(): Promise<void> {
    const range = [endMarks[0], endMarks[1]] as const;
    try {
      await this.#db.compactRange(...range);
      await this.#db.batch(endMarks.map((key) => ({ type: "put", key, value: new Uint8Array(0) })));
      await this.#db.compactRange(...range);
    } catch (error) {
      throw explain(error, this.#path, "compacting");
    }
  }

  async sizeBytes(): Promise<number> {
    let bytes = 0;
    for (const name of await this.#disk.list(this.#path))
      bytes += await this.#disk.sizeBytes(`${this.#path}/${name}`);
    return bytes;
  }

  async close(): Promise<void> {
    await this.#db.close();
  }

  /** LevelDB makes durable what is in a log, but not that the folder has it: a new log whose name is lost is lost. */
  async #syncNames(): Promise<void> {
    const names = await this.#disk.list(this.#path);
    if (names.every((name) => this.#durableNames.has(name))) return;
    await this.#disk.syncFolder(this.#path);
    this.#durableNames = new Set(names);
  }
}

/** Names the path and what to do, for the line the operator reads. */
function explain(error: unknown, path: string, doing: string): BackendError {
  if (error instanceof BackendError) return error;
  const causes = [error, error instanceof Error ? error.cause : undefined];
  const codes = causes.map(errorCode);
  const said = causes.map((cause) => (cause instanceof Error ? cause.message : "")).join(" ");
  const detail = said.trim() || String(error);
  const text = said.replaceAll(path, ""); // a folder's name says nothing of what is wrong with it
  if (codes.includes("LEVEL_LOCKED"))
    return new BackendError(
      "locked",
      `${path}: the database is in use by another process; stop that one or choose another --data-dir`,
      error,
    );
  if (codes.includes("LEVEL_CORRUPTION") || /corrupt|not a directory|invalid argument/i.test(text))
    return damaged(path, detail, error);
  if (/no space left/i.test(text))
    return new BackendError(
      "no-space",
      `${path}: the disk is full; free space there and start the member again, nothing acknowledged is lost`,
      error,
    );
  return new BackendError("io", `${path}: ${doing} the database failed: ${detail}`, error);
}

function damaged(path: string, detail: string, cause?: unknown): BackendError {
  return new BackendError(
    "corrupt",
    `${path}: the database is damaged (${detail}); restore a snapshot, or remove this member's data directory and let it join anew`,
    cause,
  );
}

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
