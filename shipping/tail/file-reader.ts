import { constants, fstatSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { ifPresent } from "../../base/os/if-present.ts";
import type { Log } from "../../base/os/log.ts";
import type { Frame } from "../buffer/frame.ts";
import type { LineFormat } from "../format.ts";
import type { Stream } from "../record.ts";
import { fileIdentity } from "./file-identity.ts";

/** A log on disk, over all the files that it went through. */
export interface LogFiles {
  readonly stream: Stream;
  readonly format: LineFormat;
  /** The oldest first. Only the last one is still written to. A file keeps its inode when it is renamed. */
  readonly files: readonly { readonly path: string; readonly inode: number; readonly sizeBytes: number }[];
}

export interface ReaderDeps {
  readonly log: Log;
  readonly wallMs: () => number;
  /** Up to where a file was read, by its identity. */
  readonly endOf: (file: string) => number | undefined;
}

interface OpenFile {
  readonly handle: FileHandle;
  readonly path: string;
  readonly inode: number;
  /** Undefined until its first line is there. */
  identity: string | undefined;
  at: number;
  isVisited: boolean;
}

/** Lines longer than this come in several pieces. */
export const chunkBytesMax = 256 * 1024;

/** Reads one log through renames, truncation and removal: each file by its own identity from where it was read, older before
 *  younger. What is open is read to its end although it was removed. */
export class FileReader {
  #about: LogFiles;
  readonly #deps: ReaderDeps;
  /** The oldest first; the last one is that which is written to. */
  #open: OpenFile[] = [];
  /** Files that are there and were read to their end, with how long they were: by inode. */
  readonly #over = new Map<number, number>();
  readonly #identities = new Map<number, string>();
  #isGone = false;
  #hasMoved = false;

  constructor(about: LogFiles, deps: ReaderDeps) {
    this.#about = about;
    this.#deps = deps;
  }

  get stream(): Stream {
    return this.#about.stream;
  }

  /** Whether it has that file, or may have: some were not yet looked at. */
  has(identity: string): boolean {
    if (this.#open.some(({ isVisited }) => !isVisited)) return true;
    for (const one of this.#identities.values()) if (one === identity) return true;
    return false;
  }

  /** Whether the log goes on in a file that is not known yet. */
  get hasMoved(): boolean {
    return this.#hasMoved;
  }

  /** The log is over: what is left of it is read, and then `isDone`. */
  retire(): void {
    this.#isGone = true;
  }

  get isDone(): boolean {
    return this.#isGone && this.#open.length === 0;
  }

  /** These files there are now: opens those that are new. */
  async follow(about: LogFiles): Promise<void> {
    this.#about = about;
    this.#hasMoved = false;
    const there = new Set(about.files.map(({ inode }) => inode));
    const open = new Map(this.#open.map((file) => [file.inode, file]));
    for (const inode of this.#over.keys()) if (!there.has(inode)) this.#over.delete(inode);
    for (const inode of this.#identities.keys())
      if (!there.has(inode) && !open.has(inode)) this.#identities.delete(inode);
    const ordered: OpenFile[] = this.#open.filter(({ inode }) => !there.has(inode));
    for (const [at, { path, inode, sizeBytes }] of about.files.entries()) {
      const known = open.get(inode);
      const isLast = at === about.files.length - 1;
      if (known !== undefined) ordered.push(known);
      else if (isLast || (this.#over.get(inode) ?? -1) < sizeBytes)
        ordered.push(...(await this.#openOne(path, inode)));
    }
    this.#open = ordered;
  }

  /** The next lines; none for now where undefined. */
  async read(): Promise<Frame | undefined> {
    for (;;) {
      const [file] = this.#open;
      if (file === undefined) return undefined;
      const isFinal = this.#open.length > 1 || this.#isGone;
      // Asked at once: it is so quick that a thread would cost more.
      const { size } = fstatSync(file.handle.fd);
      file.isVisited = true;
      if (size < file.at) this.#beginAnew(file, "truncated");
      if (size > file.at) {
        const frame = await this.#readFrom(file, { size, isFinal });
        if (frame !== undefined) return frame;
      }
      if (!isFinal) {
        this.#lookForNext(file);
        return undefined;
      }
      this.#over.set(file.inode, file.at);
      await file.handle.close();
      this.#open.shift();
    }
  }

  async close(): Promise<void> {
    for (const { handle } of this.#open.splice(0)) await handle.close();
  }

  #lookForNext({ path, inode }: OpenFile): void {
    const there = statSync(path, { throwIfNoEntry: false });
    this.#hasMoved = there !== undefined && there.ino !== inode;
  }

  /** None where it was renamed or removed meanwhile: it is found by its new name then, if any. */
  async #openOne(path: string, inode: number): Promise<OpenFile[]> {
    // A pipe or a link that stands there meanwhile is another inode, and is not waited for.
    const handle = await ifPresent(open(path, constants.O_RDONLY | constants.O_NONBLOCK));
    if (handle === undefined) return [];
    if (fstatSync(handle.fd).ino === inode)
      return [{ handle, path, inode, identity: undefined, at: 0, isVisited: false }];
    await handle.close();
    return [];
  }

  async #readFrom(
    file: OpenFile,
    { size, isFinal }: { readonly size: number; readonly isFinal: boolean },
  ): Promise<Frame | undefined> {
    const about = { key: this.stream.key, inode: file.inode, isFinal };
    const identity = await fileIdentity(file.handle, about);
    if (identity === undefined) return undefined;
    if (file.identity !== undefined && identity !== file.identity) this.#beginAnew(file, "written anew");
    if (file.identity === undefined) {
      const known = this.#deps.endOf(identity) ?? 0;
      file.at = known <= size ? known : 0;
    }
    file.identity = identity;
    this.#identities.set(file.inode, identity);
    const length = Math.min(chunkBytesMax, size - file.at);
    if (length <= 0) return undefined;
    const { buffer, bytesRead } = await file.handle.read(Buffer.allocUnsafe(length), 0, length, file.at);
    const chunk = buffer.subarray(0, bytesRead);
    const isAll = file.at + bytesRead >= size;
    let whole = this.#about.format.wholeBytes(chunk);
    // A line without an end, or a record without one: it is taken as it is.
    if (whole === 0 && ((isFinal && isAll) || bytesRead === chunkBytesMax)) whole = bytesRead;
    if (whole === 0) return undefined;
    const start = file.at;
    file.at += whole;
    return this.#frame(chunk.subarray(0, whole), { file: identity, start, end: file.at });
  }

  #frame(body: Buffer, place: NonNullable<Frame["place"]>): Frame {
    const { stream, format } = this.#about;
    let lines = 0;
    for (let at = body.indexOf(10); at >= 0; at = body.indexOf(10, at + 1)) lines++;
    return { stream, format: format.name, lines: Math.max(1, lines), atMs: this.#deps.wallMs(), place, body };
  }

  #beginAnew(file: OpenFile, how: string): void {
    this.#deps.log.info("a log begins anew", { path: file.path, how });
    file.at = 0;
    file.identity = undefined;
  }
}
