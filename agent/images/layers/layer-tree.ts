import { spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  copyFileSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readlinkSync,
  rmSync,
  type Stats,
  symlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { ImageError } from "../image.ts";
import { LayerUnion } from "./layer-union.ts";
import { pathInside } from "./path-inside.ts";

/** Of what an archive holds, checked. */
export interface EntryFacts {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly mtimeSeconds: number;
}

export interface OpenFile {
  write(bytes: Uint8Array): void;
  close(): void;
}

interface KnownFolder {
  /** Set at the end: a folder that nobody may write could not be filled. The root has none. */
  mode?: number;
  /** Folders that stand in it. */
  inner?: Set<string>;
}

const noFacts: EntryFacts = { uid: 0, gid: 0, mode: 0o755, mtimeSeconds: 0 };
const isRoot = process.getuid?.() === 0;

/** The folder that one layer becomes, on top of the trees below it. Writes nowhere else: every path is walked in what the image
 *  would show, and no link of the image's is given to the kernel. What it removes from the layers below is remembered until
 *  `finish` and has no bearing on what it brings itself, whatever the order. */
export class LayerTree {
  readonly #root: string;
  readonly #below: LayerUnion;
  /** Folders that stand in this tree, each after the one that it is in. */
  readonly #folders = new Map<string, KnownFolder>([["", {}]]);
  /** Paths of which nothing shows that is below. */
  readonly #hidden = new Set<string>();

  constructor(root: string, below: LayerUnion) {
    this.#root = root;
    this.#below = below;
  }

  /** Where a name in the archive leads; empty for the root. */
  place(name: string): readonly string[] {
    return pathInside(name, (path) => {
      if (this.#folders.has(keyOf(path))) return undefined;
      const at = this.#at(path);
      const stats = lstatSync(at, { throwIfNoEntry: false });
      if (stats !== undefined) return stats.isSymbolicLink() ? readlinkSync(at) : undefined;
      return this.#isHidden(path) ? undefined : this.#below.linkTarget(path);
    });
  }

  hide(path: readonly string[]): void {
    this.#hidden.add(keyOf(path));
  }

  folder(path: readonly string[], facts: EntryFacts): void {
    this.#makeRoom(path, true);
    this.#makeFolder(path, facts);
  }

  file(path: readonly string[], facts: EntryFacts): OpenFile {
    this.#makeRoom(path, false);
    const descriptor = openSync(this.#at(path), "wx", 0o600);
    return {
      write(bytes) {
        for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
      },
      close() {
        try {
          if (isRoot) fchownSync(descriptor, facts.uid, facts.gid);
          // After the owner: changing that clears the set-user-ID bit.
          fchmodSync(descriptor, facts.mode);
          futimesSync(descriptor, facts.mtimeSeconds, facts.mtimeSeconds);
        } finally {
          closeSync(descriptor);
        }
      },
    };
  }

  symlink(path: readonly string[], target: string, facts: EntryFacts): void {
    this.#makeRoom(path, false);
    const at = this.#at(path);
    symlinkSync(target, at);
    if (isRoot) lchownSync(at, facts.uid, facts.gid);
    lutimesSync(at, facts.mtimeSeconds, facts.mtimeSeconds);
  }

  /** A further name for what stands at `target`, here or below: it shares everything with it. */
  link(path: readonly string[], target: readonly string[]): void {
    const here = this.#at(target);
    const below = this.#isHidden(target) ? undefined : this.#below.find(target);
    const from = lstatSync(here, { throwIfNoEntry: false })
      ? here
      : below?.kind === "other"
        ? below.path
        : here;
    if (keyOf(path) === keyOf(target)) return;
    this.#makeRoom(path, false);
    linkSync(from, this.#at(path));
  }

  fifo(path: readonly string[], facts: EntryFacts): void {
    this.#makeRoom(path, false);
    const at = this.#at(path);
    run(["mkfifo", at]);
    if (isRoot) lchownSync(at, facts.uid, facts.gid);
    chmodSync(at, facts.mode);
  }

  /** Nothing stands there, neither here nor below. */
  nothing(path: readonly string[]): void {
    this.#makeRoom(path, false);
    this.hide(path);
  }

  /** Puts whiteouts where something below is hidden: further names of the one at `whiteout`. */
  finishWithWhiteouts(whiteout: string): void {
    for (const key of this.#hidden) {
      const path = key === "" ? [] : key.split("/");
      if (key === "" || !this.#isHidden(path.slice(0, -1))) this.#whiteOut(path, whiteout);
    }
    this.#setFolderModes();
  }

  /** Brings in everything that shows through from below, as further names of the same files: the tree is the whole image. */
  finishWhole(): void {
    this.#bringUp([]);
    this.#setFolderModes();
  }

  #whiteOut(path: readonly string[], whiteout: string): void {
    const below = this.#below.find(path);
    if (below.kind === "absent") return;
    const stats = lstatSync(this.#at(path), { throwIfNoEntry: false });
    if (stats === undefined) {
      this.#foldersAbove(path);
      linkWhiteout(whiteout, this.#at(path));
    } else if (stats.isDirectory())
      for (const name of this.#below.names(path)) this.#whiteOut([...path, name], whiteout);
  }

  #bringUp(path: readonly string[]): void {
    if (this.#hidden.has(keyOf(path))) return;
    for (const name of this.#below.names(path)) {
      const inner = [...path, name];
      const found = this.#below.find(inner);
      if (found.kind === "absent" || this.#hidden.has(keyOf(inner))) continue;
      const here = lstatSync(this.#at(inner), { throwIfNoEntry: false });
      if (found.kind === "folder") {
        if (here === undefined) this.#makeFolder(inner, this.#factsBelow(inner));
        if (here === undefined || here.isDirectory()) this.#bringUp(inner);
      } else if (here === undefined) linkOrCopy(found.path, this.#at(inner), found.stats);
    }
  }

  #setFolderModes(): void {
    // A tree that its owner cannot remove would stay for ever.
    for (const [key, { mode }] of [...this.#folders].reverse())
      if (mode !== undefined) chmodSync(join(this.#root, key), isRoot ? mode : mode | 0o700);
    chmodSync(this.#root, 0o755);
  }

  /** A later entry replaces whatever stood there, except that a folder is laid over a folder. */
  #makeRoom(path: readonly string[], isFolder: boolean): void {
    this.#foldersAbove(path);
    const key = keyOf(path);
    if (isFolder && this.#folders.has(key)) return;
    const stats = lstatSync(this.#at(path), { throwIfNoEntry: false });
    if (stats === undefined) return;
    rmSync(this.#at(path), { recursive: true, force: true });
    if (isFolder) this.#hidden.add(key); // what it was hid what is below
    this.#forget(path);
  }

  /** A folder that is here no more, and those in it. Costs what those are, not what the tree is. */
  #forget(path: readonly string[]): void {
    this.#folders.get(keyOf(path.slice(0, -1)))?.inner?.delete(keyOf(path));
    const todo = [keyOf(path)];
    for (let key = todo.pop(); key !== undefined; key = todo.pop()) {
      todo.push(...(this.#folders.get(key)?.inner ?? []));
      this.#folders.delete(key);
    }
  }

  /** The folders that an entry implies are as those below, whose place they take. */
  #foldersAbove(path: readonly string[]): void {
    for (let depth = 1; depth < path.length; depth++) {
      const folder = path.slice(0, depth);
      if (this.#folders.has(keyOf(folder))) continue;
      if (lstatSync(this.#at(folder), { throwIfNoEntry: false }) !== undefined)
        throw new ImageError(`${folder.join("/")} is no folder, but ${path.join("/")} is to be in it`);
      this.#makeFolder(folder, this.#factsBelow(folder));
    }
  }

  #makeFolder(path: readonly string[], facts: EntryFacts): void {
    const key = keyOf(path);
    const known = this.#folders.get(key);
    if (known === undefined) {
      mkdirSync(this.#at(path), { mode: 0o700 });
      this.#folders.set(key, { mode: facts.mode });
      const above = this.#folders.get(keyOf(path.slice(0, -1)));
      if (above?.inner !== undefined) above.inner.add(key);
      else if (above !== undefined) above.inner = new Set([key]);
    } else known.mode = facts.mode;
    if (isRoot) lchownSync(this.#at(path), facts.uid, facts.gid);
  }

  #factsBelow(path: readonly string[]): EntryFacts {
    if (this.#isHidden(path)) return noFacts;
    const found = this.#below.find(path);
    if (found.kind === "other")
      throw new ImageError(`${path.join("/")} is no folder, but something is to be in it`);
    if (found.kind === "absent") return noFacts;
    const { uid, gid, mode, mtimeMs } = lstatSync(found.folders[0] ?? "");
    return { uid, gid, mode: mode & 0o7777, mtimeSeconds: mtimeMs / 1000 };
  }

  /** The path, or a folder that it is in. */
  #isHidden(path: readonly string[]): boolean {
    if (this.#hidden.size === 0) return false;
    return this.#hidden.has("") || path.some((_, at) => this.#hidden.has(keyOf(path.slice(0, at + 1))));
  }

  #at(path: readonly string[]): string {
    return join(this.#root, ...path);
  }
}

const keyOf = (path: readonly string[]): string => path.join("/");

function linkOrCopy(from: string, to: string, stats: Stats): void {
  try {
    linkSync(from, to);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "EMLINK" || !stats.isFile()) throw error;
    copyFileSync(from, to);
    if (isRoot) lchownSync(to, stats.uid, stats.gid);
    chmodSync(to, stats.mode & 0o7777);
    lutimesSync(to, stats.atimeMs / 1000, stats.mtimeMs / 1000);
  }
}

/** A file has only so many names. */
function linkWhiteout(whiteout: string, path: string): void {
  try {
    linkSync(whiteout, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EMLINK")) throw error;
    makeWhiteout(path);
  }
}

/** Throws where the system does not let us: it is an old kernel and we are not root, or the disk knows no such files. */
export function makeWhiteout(path: string): void {
  run(["mknod", path, "c", "0", "0"]);
}

function run(command: readonly string[]): void {
  const [program = "", ...args] = command;
  const { status, stderr, error } = spawnSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  if (status !== 0) throw new ImageError(`${program}: ${error?.message ?? String(stderr).trim()}`);
}

/** Makes one folder, which is there and empty, of trees, the topmost first: further names of the same files. */
export function flatten(root: string, trees: readonly string[]): void {
  new LayerTree(root, new LayerUnion(trees)).finishWhole();
}
