import { join } from "node:path";
import { crc32c } from "../../base/crc32c.ts";
import { type Disk, type DiskFile, replaceFile } from "../../base/os/disk.ts";
import type { Log } from "../../base/os/log.ts";
import type { Mark } from "../core/sender.ts";
import { bytesNeeded, encodeFrame, type Frame, frameBytesMax, readFrame } from "./frame.ts";

export interface BufferRules {
  readonly bytesMax: number;
  readonly segmentBytes: number;
  /** What gives way when it is full: the oldest lines, or those that are still to come. */
  readonly whenFull: "drop-oldest" | "stop-reading";
}

export interface BufferDeps {
  readonly disk: Disk;
  readonly folder: string;
  readonly log: Log;
  /** So many lines that were not settled are lost. */
  readonly onLost: (reason: "buffer_full" | "buffer_damaged", lines: number) => void;
}

interface Segment {
  readonly path: string;
  readonly file: DiskFile;
  /** Number of its first frame; frames are numbered on and on. */
  readonly first: number;
  /** Where each frame begins, how many lines it has, and when it came. */
  readonly frames: { readonly at: number; readonly lines: number; readonly atMs: number }[];
  bytes: number;
  isSealed: boolean;
}

const endOf = (segment: Segment): number => segment.first + segment.frames.length;
const markBytes = 20;
const readBytesMost = 1024 * 1024;
const segmentName = /^(\d{16})\.segment$/;
const newline = 0x0a;
const encoder = new TextEncoder();

/** Lines that wait for one receiver, on disk: frames in segments of bounded size, each with its checksum, and what the receiver has
 *  settled. A frame says up to where its file is read, so that the lines and that place are there together or not at all.
 *  What was written survives the end of the process at once, and the machine's when its segment is sealed; what a machine
 *  forgot is read from its file again. One caller at a time.
 *  Invariant: a segment is removed only when all its lines are settled, or are counted as lost. */
export class DiskBuffer {
  readonly #rules: BufferRules;
  readonly #deps: BufferDeps;
  readonly #segments: Segment[] = [];
  #markFile: DiskFile | undefined;
  /** Everything before is settled. */
  #settled: Mark = { frame: 0, record: 0 };
  #nextFrame = 0;
  /** The next frame that `read` answers. */
  #readFrame = 0;
  #bytes = 0;
  readonly #ends = new Map<string, number>();

  private constructor(rules: BufferRules, deps: BufferDeps) {
    this.#rules = rules;
    this.#deps = deps;
  }

  static async open(rules: BufferRules, deps: BufferDeps): Promise<DiskBuffer> {
    const buffer = new DiskBuffer(rules, deps);
    await buffer.#open();
    return buffer;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Up to where each file is read. */
  get ends(): ReadonlyMap<string, number> {
    return this.#ends;
  }

  /** When the oldest line came that is not settled; undefined where there is none. */
  get oldestAtMs(): number | undefined {
    for (const segment of this.#segments)
      if (this.#settled.frame < endOf(segment))
        return segment.frames[Math.max(0, this.#settled.frame - segment.first)]?.atMs;
    return undefined;
  }

  /** Records before it are settled. */
  get settled(): Mark {
    return this.#settled;
  }

  /** Whether a frame of so many bytes can be added now: where not, and the oldest lines do not give way, reading stops. */
  hasRoom(bytes: number): boolean {
    return this.#rules.whenFull === "drop-oldest" || this.#bytes + bytes <= this.#rules.bytesMax;
  }

  /** Adds frames, in order. The oldest give way where there is no room. */
  async append(frames: readonly Frame[]): Promise<void> {
    const { segmentBytes, bytesMax } = this.#rules;
    for (const frame of frames) {
      const pieces = encodeFrame(frame);
      const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
      while (this.#bytes + bytes > bytesMax && this.#segments.length > 0) await this.#dropOldest();
      let segment = this.#segments.at(-1);
      if (segment === undefined || segment.isSealed || segment.bytes + bytes > segmentBytes)
        segment = await this.#begin(segment);
      await segment.file.write(segment.bytes, pieces);
      segment.frames.push({ at: segment.bytes, lines: frame.lines, atMs: frame.atMs });
      segment.bytes += bytes;
      this.#bytes += bytes;
      this.#nextFrame++;
      if (frame.place !== undefined) this.#ends.set(frame.place.file, frame.place.end);
    }
  }

  /** The next frames, about so many bytes; none where all were read. Their bytes are the caller's. */
  async read(bytesMost: number): Promise<{ readonly number: number; readonly frame: Frame }[]> {
    const segment = this.#segments.find((one) => this.#readFrame < endOf(one));
    if (segment === undefined) return [];
    this.#readFrame = Math.max(this.#readFrame, segment.first);
    const from = segment.frames[this.#readFrame - segment.first]?.at ?? 0;
    const lengthBytes = Math.min(segment.bytes - from, Math.max(1, bytesMost), readBytesMost);
    let bytes = await segment.file.read(from, lengthBytes);
    const needed = bytesNeeded(bytes) ?? 0;
    if (needed > bytes.length || bytes.length < 12)
      bytes = await segment.file.read(from, Math.min(segment.bytes - from, Math.max(needed, 12)));
    const found: { readonly number: number; readonly frame: Frame }[] = [];
    for (let at = 0; ; ) {
      const one = readFrame(bytes.subarray(at));
      if (one === "short" && found.length > 0) return found;
      if (typeof one === "string") {
        if (found.length > 0) return found;
        this.#skipDamaged(segment);
        return this.read(bytesMost);
      }
      found.push({ number: this.#readFrame++, frame: one.frame });
      at += one.bytes;
      if (at >= bytes.length) return found;
    }
  }

  /** All records before it are settled: a segment that holds nothing else is removed. */
  async settle(upTo: Mark): Promise<void> {
    this.#settled = upTo;
    await this.#writeMark();
    while (this.#segments.length > 1) {
      const [oldest] = this.#segments;
      if (oldest === undefined || endOf(oldest) > this.#settled.frame) break;
      await this.#remove(oldest);
    }
  }

  /** Files that are gone and whose lines are settled need not be remembered. */
  forget(isGone: (file: string) => boolean): void {
    for (const file of this.#ends.keys()) if (isGone(file)) this.#ends.delete(file);
  }

  async close(): Promise<void> {
    for (const segment of this.#segments) {
      if (!segment.isSealed) await segment.file.sync();
      await segment.file.close();
    }
    await this.#markFile?.close();
  }

  async #open(): Promise<void> {
    const { disk, folder } = this.#deps;
    await disk.makeFolder(folder);
    this.#markFile = await disk.open(join(folder, "settled"), { create: true });
    this.#settled = readMark(await this.#markFile.read(0, markBytes)) ?? this.#settled;
    const saved = await this.#savedEnds();
    for (const [file, end] of Object.entries(saved.ends)) this.#ends.set(file, end);
    const names = (await disk.list(folder)).filter((name) => segmentName.test(name));
    for (const [at, name] of names.entries()) {
      const first = Number(segmentName.exec(name)?.[1]);
      const about = { first, savedBefore: saved.before, isLast: at === names.length - 1 };
      await this.#recover(join(folder, name), about);
    }
    // A machine may have kept the mark and forgotten the frames: none comes to stand where another was settled in part.
    const { frame, record } = this.#settled;
    this.#nextFrame = Math.max(this.#nextFrame, record > 0 ? frame + 1 : frame, saved.before);
    this.#readFrame = this.#settled.frame;
  }

  /** Reads a segment to its end, or to where it is not whole: what follows there was not written to its end. */
  async #recover(
    path: string,
    {
      first,
      savedBefore,
      isLast,
    }: { readonly first: number; readonly savedBefore: number; readonly isLast: boolean },
  ): Promise<void> {
    const { disk } = this.#deps;
    const file = await disk.open(path);
    const segment: Segment = { path, file, first, frames: [], bytes: 0, isSealed: true };
    const sizeBytes = await file.sizeBytes();
    let rest: Uint8Array = new Uint8Array(0);
    for (let at = 0; ; ) {
      const one = readFrame(rest);
      if (one === "broken") break;
      if (one === "short") {
        const more = await file.read(
          at + rest.length,
          Math.min(frameBytesMax, Math.max(readBytesMost, rest.length)),
        );
        if (more.length === 0) break;
        rest = Buffer.concat([rest, more]);
        continue;
      }
      const { frame, bytes } = one;
      const number = endOf(segment);
      segment.frames.push({ at, lines: frame.lines, atMs: frame.atMs });
      if (frame.place !== undefined && number >= savedBefore)
        this.#ends.set(frame.place.file, frame.place.end);
      at += bytes;
      segment.bytes = at;
      rest = rest.subarray(bytes);
    }
    if (segment.bytes < sizeBytes) await this.#cutOff(segment, { sizeBytes, isLast });
    if (segment.frames.length === 0) {
      await file.close();
      await disk.remove(path);
      return;
    }
    // Whoever wrote it may have been killed before it was durable: what comes behind must not outlive it.
    await file.sync();
    this.#segments.push(segment);
    this.#bytes += segment.bytes;
    this.#nextFrame = endOf(segment);
  }

  /** What stands behind the last whole frame. In the last segment it is what a kill or a loss of power left, and is read from its
   *  files again; in any other it was whole once. */
  async #cutOff(
    { path, file, bytes }: Segment,
    { sizeBytes, isLast }: { readonly sizeBytes: number; readonly isLast: boolean },
  ): Promise<void> {
    const { log, onLost } = this.#deps;
    const rest = await file.read(bytes, sizeBytes - bytes);
    const lost = isLast ? 0 : rest.reduce((sum, byte) => sum + (byte === newline ? 1 : 0), 0);
    if (isLast) log.warn("the end of a segment is not whole and is cut off", { path, bytes: rest.length });
    else log.error("a segment of the buffer is damaged; its last lines are lost", { path, lost });
    if (lost > 0) onLost("buffer_damaged", lost);
    await file.truncate(bytes);
  }

  /** A frame that was whole and cannot be read is the disk's doing: the rest of its segment is passed over. */
  #skipDamaged(segment: Segment): void {
    const lost = linesBehind(segment, this.#readFrame);
    this.#deps.log.error("a segment of the buffer is damaged; its lines are lost", {
      path: segment.path,
      lost,
    });
    this.#deps.onLost("buffer_damaged", lost);
    this.#readFrame = endOf(segment);
  }

  async #begin(before: Segment | undefined): Promise<Segment> {
    const { disk, folder } = this.#deps;
    if (before !== undefined && !before.isSealed) {
      // A write that failed may have left something behind the last frame.
      await before.file.truncate(before.bytes);
      await before.file.sync();
      before.isSealed = true;
    }
    const first = this.#nextFrame;
    const path = join(folder, `${String(first).padStart(16, "0")}.segment`);
    const file = await disk.open(path, { create: true });
    await file.truncate(0);
    await disk.syncFolder(folder);
    const segment: Segment = { path, file, first, frames: [], bytes: 0, isSealed: false };
    this.#segments.push(segment);
    return segment;
  }

  async #dropOldest(): Promise<void> {
    const [oldest] = this.#segments;
    if (oldest === undefined) return;
    // Those that were read are on their way.
    const lost = linesBehind(oldest, this.#readFrame);
    if (lost > 0) {
      this.#deps.log.warn("the buffer is full; its oldest lines are dropped", { lost });
      this.#deps.onLost("buffer_full", lost);
    }
    await this.#remove(oldest);
    const after = endOf(oldest);
    if (this.#settled.frame < after) this.#settled = { frame: after, record: 0 };
    this.#readFrame = Math.max(this.#readFrame, after);
  }

  /** What its frames say of their files is written elsewhere before it goes. */
  async #remove(segment: Segment): Promise<void> {
    const { disk, folder } = this.#deps;
    const active = this.#segments.at(-1);
    if (active !== undefined && !active.isSealed) await active.file.sync();
    const saved = { before: this.#nextFrame, ends: Object.fromEntries(this.#ends) };
    await replaceFile(disk, join(folder, "places.json"), encoder.encode(JSON.stringify(saved)));
    await segment.file.close();
    await disk.remove(segment.path);
    this.#segments.splice(this.#segments.indexOf(segment), 1);
    this.#bytes -= segment.bytes;
  }

  async #savedEnds(): Promise<{ readonly before: number; readonly ends: Readonly<Record<string, number>> }> {
    const { disk, folder, log } = this.#deps;
    const path = join(folder, "places.json");
    if (!(await disk.exists(path))) return { before: 0, ends: {} };
    const file = await disk.open(path);
    try {
      return JSON.parse(Buffer.from(await file.read(0, await file.sizeBytes())).toString("utf8"));
    } catch (error) {
      log.warn("the places in files cannot be read; files are read from their beginning", { path, error });
      return { before: 0, ends: {} };
    } finally {
      await file.close();
    }
  }

  async #writeMark(): Promise<void> {
    const bytes = Buffer.alloc(markBytes);
    bytes.writeDoubleBE(this.#settled.frame, 0);
    bytes.writeDoubleBE(this.#settled.record, 8);
    bytes.writeUInt32BE(crc32c(0, bytes, 0, 16), 16);
    await this.#markFile?.write(0, [bytes]);
  }
}

/** Lines of frames from that one on. */
function linesBehind({ first, frames }: Segment, from: number): number {
  return frames.slice(Math.max(0, from - first)).reduce((sum, { lines }) => sum + lines, 0);
}

/** Undefined for none, or one that was not written to its end: then more is sent again. */
function readMark(bytes: Uint8Array): Mark | undefined {
  const buffer = Buffer.from(bytes);
  if (buffer.length < markBytes || crc32c(0, buffer, 0, 16) !== buffer.readUInt32BE(16)) return undefined;
  return { frame: buffer.readDoubleBE(0), record: buffer.readDoubleBE(8) };
}
