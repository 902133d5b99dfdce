import { watch } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { deferred } from "../../base/deferred.ts";
import { ifPresent } from "../../base/os/if-present.ts";
import { rotatedLogs } from "../runtime/log-files.ts";
import { LineSplitter, type LogLine, parseLogLine } from "./cri-log.ts";

const chunkBytes = 64 * 1024;

export interface FollowOptions {
  /** Begin at the end of what is there. */
  readonly fromEnd?: boolean;
  /** Absent: read what is there and end. Else: called for every end of the file; false ends it. */
  readonly goesOn?: () => boolean;
  /** Wakes the reader to ask `goesOn` again. */
  readonly onWake?: (wake: () => void) => () => void;
  readonly signal: AbortSignal;
}

/** The lines of a container's log: rotated files first, oldest first; then, when following, what comes. Woken by inotify,
 *  never by time. */
export async function* followLog(path: string, options: FollowOptions): AsyncGenerator<LogLine, void, void> {
  if (!options.fromEnd)
    for (const name of await rotatedLogs(path)) {
      const rotated = await ifPresent(open(name, "r"));
      if (rotated !== undefined) yield* readThrough(rotated);
    }
  let bell = deferred<void>();
  const ring = () => bell.resolve();
  const watcher =
    options.goesOn &&
    watch(dirname(path), (_kind, name) => {
      if (name === null || name === basename(path)) ring();
    });
  const off = options.onWake?.(ring);
  options.signal.addEventListener("abort", ring, { once: true });
  let file = await ifPresent(open(path, "r"));
  let splitter = new LineSplitter();
  let at = options.fromEnd && file ? (await file.stat()).size : 0;
  try {
    for (;;) {
      if (options.signal.aborted) return;
      bell = deferred();
      // Asked before reading: what is written before the end is then still read.
      const goesOn = options.goesOn?.() ?? false;
      if (file !== undefined) {
        for (let chunk = await readAt(file, at); chunk.length > 0; chunk = await readAt(file, at)) {
          at += chunk.length;
          yield* parsed(splitter, chunk);
          if (options.signal.aborted) return;
        }
      }
      const next = await reopened(path, file);
      if (next !== undefined) {
        await file?.close();
        file = next;
        splitter = new LineSplitter();
        at = 0;
        continue;
      }
      if (!goesOn) return;
      await bell.promise;
    }
  } finally {
    options.signal.removeEventListener("abort", ring);
    off?.();
    watcher?.close();
    await file?.close();
  }
}

async function* readThrough(file: FileHandle): AsyncGenerator<LogLine, void, void> {
  const splitter = new LineSplitter();
  try {
    let at = 0;
    for (let chunk = await readAt(file, at); chunk.length > 0; chunk = await readAt(file, at)) {
      at += chunk.length;
      yield* parsed(splitter, chunk);
    }
  } finally {
    await file.close();
  }
}

function* parsed(splitter: LineSplitter, chunk: Buffer): Generator<LogLine> {
  for (const line of splitter.push(chunk)) {
    const one = parseLogLine(line);
    if (one !== undefined) yield one;
  }
}

async function readAt(file: FileHandle, position: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(chunkBytes), 0, chunkBytes, position);
  return buffer.subarray(0, bytesRead);
}

/** The file of that name if it is another than the one open: the old one was rotated away. */
async function reopened(path: string, file: FileHandle | undefined): Promise<FileHandle | undefined> {
  const there = await ifPresent(stat(path));
  if (there === undefined) return undefined;
  if (file !== undefined && (await file.stat()).ino === there.ino) return undefined;
  return ifPresent(open(path, "r"));
}
