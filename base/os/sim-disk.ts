import { basename, dirname } from "node:path";
import type { Clock } from "./clock.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { below, chance, type Prng, type Random } from "./random.ts";
import { SimBytes } from "./sim-bytes.ts";

/** Disks that forget what was not synced. A machine's disk outlives its processes; `crash()` decides, by the seed, what of
 *  the un-synced writes, names and lengths survived – whole, torn within a sector's bounds, or not at all. */
interface Inode {
  /** What reads see. */
  readonly content: SimBytes;
  /** What is certain to survive. */
  readonly durable: SimBytes;
  /** Un-synced changes, oldest first. */
  pending: Change[];
}
type Change =
  | { readonly kind: "write"; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: "truncate"; readonly size: number };
type Node = { readonly inode: Inode } | { readonly folder: Folder };
interface Folder {
  readonly names: Map<string, Node>;
  durable: Map<string, Node>;
  /** Un-synced changes of names, oldest first; a crash keeps a prefix of them. */
  pending: { readonly apply: (names: Map<string, Node>) => void }[];
}

const sectorBytes = 512;
const newFolder = (): Folder => ({ names: new Map(), durable: new Map(), pending: [] });

export interface SimDiskOptions {
  readonly prng: Prng;
  readonly writeMs: number;
  readonly syncMs: number;
}

export class SimDisk {
  readonly #root = newFolder();
  readonly #options: SimDiskOptions;
  /** Processes opened before the last crash may not touch it any more. */
  #generation = 0;
  syncs = 0;

  constructor(options: SimDiskOptions) {
    this.#options = options;
  }

  /** The disk as one process sees it, until it crashes. */
  open(clock: Pick<Clock, "after">): Disk {
    const generation = this.#generation;
    const delay = <T>(ms: number, act: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        clock.after(ms, () => {
          if (generation !== this.#generation) return; // the process is dead: nobody waits
          try {
            resolve(act());
          } catch (error) {
            reject(error);
          }
        });
      });
    const { writeMs, syncMs, prng } = this.#options;
    const syncTime = () => syncMs * (0.5 + prng.uint32() / 2 ** 32);
    return {
      open: (path, options = {}) =>
        delay(0, () => this.#openFile(path, options.create === true, delay, syncTime)),
      list: (folder) => delay(0, () => [...(this.#folder(folder)?.names.keys() ?? [])].sort()),
      exists: (path) => delay(0, () => this.#find(path) !== undefined),
      sizeBytes: (path) =>
        delay(0, () => {
          const node = this.#find(path);
          return node !== undefined && "inode" in node ? node.inode.content.length : 0;
        }),
      makeFolder: (folder) => delay(writeMs, () => this.#makeFolder(folder)),
      rename: (from, to) =>
        delay(writeMs, () => {
          const node = this.#find(from);
          if (node === undefined) throw missing(from);
          if (dirname(from) === dirname(to)) {
            this.#change(dirname(from), (names) => {
              names.delete(basename(from));
              names.set(basename(to), node);
            });
            return;
          }
          this.#change(dirname(to), (names) => names.set(basename(to), node));
          this.#change(dirname(from), (names) => names.delete(basename(from)));
        }),
      remove: (path) =>
        delay(writeMs, () => {
          if (this.#find(path) !== undefined)
            this.#change(dirname(path), (names) => names.delete(basename(path)));
        }),
      syncFolder: (path) =>
        delay(syncTime(), () => {
          const folder = this.#folder(path);
          if (folder === undefined) throw missing(path);
          folder.durable = new Map(folder.names);
          folder.pending = [];
        }),
    };
  }

  /** The process died and with it what the machine had not written: power failed. */
  crash(random: Random = this.#options.prng): void {
    this.#generation++;
    this.#crashFolder(this.#root, random);
  }

  /** Only the process died; the machine still writes what it was given. */
  kill(): void {
    this.#generation++;
  }

  /** One bit of one file turns over, durably. Answers which; undefined where no file holds anything. */
  rot(random: Random, isMeant: (path: string) => boolean): string | undefined {
    const files = filesIn(this.#root, "").filter(
      ({ path, inode }) => inode.content.view.some((byte) => byte !== 0) && isMeant(path),
    );
    const file = files[below(random, files.length)];
    if (file === undefined) return undefined;
    const { inode, path } = file;
    const written = inode.content.view.findLastIndex((byte) => byte !== 0) + 1;
    const at = below(random, written);
    const mask = 1 << below(random, 8);
    flip(inode.content.view, at, mask);
    flip(inode.durable.view, at, mask);
    for (const change of inode.pending)
      if (change.kind === "write") flip(change.bytes, at - change.offset, mask);
    return `${path} at byte ${at}`;
  }

  #crashFolder(folder: Folder, random: Random): void {
    const survived = new Map(folder.durable);
    const kept = below(random, folder.pending.length + 1);
    for (const change of folder.pending.slice(0, kept)) change.apply(survived);
    folder.names.clear();
    for (const [name, node] of survived) folder.names.set(name, node);
    folder.durable = survived;
    folder.pending = [];
    for (const node of folder.names.values()) {
      if ("folder" in node) this.#crashFolder(node.folder, random);
      else this.#crashFile(node.inode, random);
    }
  }

  /** Each sector reaches the platter as it was after some of its writes, in no order among sectors; likewise the length. */
  #crashFile(inode: Inode, random: Random): void {
    const { pending } = inode;
    if (pending.length > 0 && !chance(random, 0.3)) {
      const versions = versionsOf(inode);
      const some = (): Uint8Array => versions[below(random, versions.length)] as Uint8Array;
      const content = new Uint8Array(some().length);
      for (let at = 0; at < content.length; at += sectorBytes)
        content.set(some().subarray(at, Math.min(at + sectorBytes, content.length)), at);
      inode.content.set(content);
    }
    inode.durable.set(inode.content.view);
    inode.pending = [];
  }

  #openFile(
    path: string,
    create: boolean,
    delay: <T>(ms: number, act: () => T) => Promise<T>,
    syncTime: () => number,
  ): DiskFile {
    let node = this.#find(path);
    if (node === undefined) {
      if (!create) throw missing(path);
      const made: Node = { inode: { content: new SimBytes(), durable: new SimBytes(), pending: [] } };
      this.#change(dirname(path), (names) => names.set(basename(path), made));
      node = made;
    }
    if (!("inode" in node)) throw new Error(`EISDIR: ${path} is a folder`);
    const { inode } = node;
    const { writeMs } = this.#options;
    return {
      path,
      sizeBytes: () => delay(0, () => inode.content.length),
      read: (offset, lengthBytes) => delay(0, () => inode.content.view.slice(offset, offset + lengthBytes)),
      readNow: (offset, into) => {
        const found = inode.content.view.subarray(offset, offset + into.length);
        into.set(found);
        return found.length;
      },
      write: (offset, chunks) => {
        const bytes = Uint8Array.from(Buffer.concat(chunks));
        return delay(writeMs, () => {
          inode.content.write(offset, bytes);
          inode.pending.push({ kind: "write", offset, bytes });
        });
      },
      truncate: (size) =>
        delay(writeMs, () => {
          inode.content.resize(size);
          inode.pending.push({ kind: "truncate", size });
        }),
      sync: () => {
        this.syncs++;
        // What was written before the call is durable when it resolves; later writes may not be.
        const covered = inode.pending.length;
        return delay(syncTime(), () => makeDurable(inode, covered));
      },
      syncNow: () => {
        this.syncs++;
        makeDurable(inode, inode.pending.length);
      },
      close: () => delay(0, () => undefined),
    };
  }

  #makeFolder(path: string): void {
    if (path === "/" || this.#folder(path) !== undefined) return;
    this.#makeFolder(dirname(path));
    const made: Node = { folder: newFolder() };
    this.#change(dirname(path), (names) => names.set(basename(path), made));
    // The contract of Disk.makeFolder: durable when it resolves.
    const parent = this.#folder(dirname(path)) as Folder;
    parent.durable.set(basename(path), made);
  }

  #change(path: string, apply: (names: Map<string, Node>) => void): void {
    const folder = this.#folder(path);
    if (folder === undefined) throw missing(path);
    apply(folder.names);
    folder.pending.push({ apply });
  }

  #folder(path: string): Folder | undefined {
    if (path === "/") return this.#root;
    const node = this.#find(path);
    return node !== undefined && "folder" in node ? node.folder : undefined;
  }

  #find(path: string): Node | undefined {
    return this.#folder(dirname(path))?.names.get(basename(path));
  }
}

function filesIn(folder: Folder, path: string): { readonly path: string; readonly inode: Inode }[] {
  return [...folder.names].flatMap(([name, node]) =>
    "inode" in node
      ? [{ path: `${path}/${name}`, inode: node.inode }]
      : filesIn(node.folder, `${path}/${name}`),
  );
}

/** Nothing where `at` lies outside. */
function flip(bytes: Uint8Array, at: number, mask: number): void {
  if (at >= 0 && at < bytes.length) bytes[at] = (bytes[at] as number) ^ mask;
}

/** The oldest changes. */
function makeDurable({ durable, pending }: Inode, changes: number): void {
  for (const change of pending.splice(0, changes)) make(change, durable);
}

/** What was durable, then that after each change since. */
function versionsOf({ durable, pending }: Inode): readonly Uint8Array[] {
  const bytes = new SimBytes(durable.view);
  const versions = [durable.view];
  for (const change of pending) {
    make(change, bytes);
    versions.push(bytes.view.slice());
  }
  return versions;
}

function make(change: Change, bytes: SimBytes): void {
  if (change.kind === "write") bytes.write(change.offset, change.bytes);
  else bytes.resize(change.size);
}

function missing(path: string): Error {
  return Object.assign(new Error(`ENOENT: no such file or directory: ${path}`), { code: "ENOENT" });
}
