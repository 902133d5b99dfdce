import type { Disk, DiskFile } from "../../base/os/disk.ts";

/** What is wrong with a machine's disk, as its processes meet it. */
export interface DiskWeather {
  /** No room for anything that grows. */
  isFull: boolean;
  /** The next operation of this kind fails. */
  failNext: "read" | "write" | "sync" | undefined;
  /** It says that it has synced, and has not. */
  lies: boolean;
  /** Added to each write and sync. */
  slowMs: number;
}

export const fairWeather = (): DiskWeather => ({
  isFull: false,
  failNext: undefined,
  lies: false,
  slowMs: 0,
});

export type DiskAct =
  | "open"
  | "write"
  | "truncate"
  | "sync"
  | "rename"
  | "remove"
  | "syncFolder"
  | "makeFolder";

/** Something that a process does to its disk. */
export interface DiskStep {
  readonly act: DiskAct;
  readonly path: string;
  readonly when: "before" | "after";
}

export interface DiskWatch {
  readonly weather: DiskWeather;
  /** Simulated time as the process has it. */
  readonly sleep: (ms: number) => Promise<void>;
  /** False: the process died of it. */
  readonly onStep: (step: DiskStep) => boolean;
  /** The process was told of a failure. */
  readonly onFailed: (what: string) => void;
  /** A sync was only said to be one. */
  readonly onLied: () => void;
  /** Planted bugs: syncs that nobody asks for. */
  readonly isLeftOut: (act: DiskAct, path: string) => boolean;
}

/** The disk as one process has it, through which faults come in and at whose steps it may die. */
export function faultyDisk(disk: Disk, watch: DiskWatch): Disk {
  const door = new Door(watch);
  return {
    open: async (path, options) => {
      const make = () => disk.open(path, options);
      const file = await (options?.create === true ? door.pass("open", path, make) : make());
      return faultyFile(file, door);
    },
    list: (folder) => disk.list(folder),
    exists: (path) => disk.exists(path),
    sizeBytes: (path) => disk.sizeBytes(path),
    makeFolder: (path) => door.pass("makeFolder", path, () => disk.makeFolder(path)),
    rename: (from, to) => door.pass("rename", to, () => disk.rename(from, to)),
    remove: (path) => door.pass("remove", path, () => disk.remove(path)),
    syncFolder: (path) => door.pass("syncFolder", path, () => disk.syncFolder(path)),
  };
}

function faultyFile(file: DiskFile, door: Door): DiskFile {
  const { path } = file;
  return {
    path,
    sizeBytes: () => file.sizeBytes(),
    read: async (offset, lengthBytes) => {
      door.check("read", path);
      return await file.read(offset, lengthBytes);
    },
    readNow: (offset, into) => {
      door.check("read", path);
      return file.readNow(offset, into);
    },
    write: (offset, chunks) => door.pass("write", path, () => file.write(offset, chunks)),
    truncate: (sizeBytes) => door.pass("truncate", path, () => file.truncate(sizeBytes)),
    sync: () => door.pass("sync", path, () => (door.lies() ? Promise.resolve() : file.sync())),
    syncNow: () => {
      door.check("sync", path);
      if (!door.lies()) file.syncNow();
    },
    close: () => file.close(),
  };
}

const writes: ReadonlySet<DiskAct> = new Set(["open", "write", "makeFolder"]);
const syncs: ReadonlySet<DiskAct> = new Set(["sync", "syncFolder"]);

class Door {
  readonly #watch: DiskWatch;

  constructor(watch: DiskWatch) {
    this.#watch = watch;
  }

  async pass<T>(act: DiskAct, path: string, go: () => Promise<T>): Promise<T> {
    const { weather, onStep, sleep, isLeftOut } = this.#watch;
    if (!onStep({ act, path, when: "before" })) return await never();
    if (weather.slowMs > 0) await sleep(weather.slowMs);
    if (syncs.has(act)) this.check("sync", path);
    else if (writes.has(act)) this.check("write", path);
    const done = isLeftOut(act, path) ? (undefined as T) : await go();
    if (!onStep({ act, path, when: "after" })) return await never();
    return done;
  }

  /** Throws where the disk fails. */
  check(kind: "read" | "write" | "sync", path: string): void {
    const { weather } = this.#watch;
    if (kind === "write" && weather.isFull) this.#fail("ENOSPC", `no space left on device, write ${path}`);
    if (weather.failNext !== kind) return;
    weather.failNext = undefined;
    this.#fail("EIO", `i/o error, ${kind} ${path}`);
  }

  lies(): boolean {
    const { weather, onLied } = this.#watch;
    if (weather.lies) onLied();
    return weather.lies;
  }

  #fail(code: "EIO" | "ENOSPC", what: string): never {
    this.#watch.onFailed(`${code}: ${what}`);
    throw Object.assign(new Error(`${code}: ${what}`), { code });
  }
}

const never = () => new Promise<never>(() => undefined);
