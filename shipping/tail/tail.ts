import type { Frame } from "../buffer/frame.ts";
import { FileReader, type LogFiles, type ReaderDeps } from "./file-reader.ts";

/** How often it is looked which logs there are. */
const listEveryMs = 2_000;

export interface TailDeps extends ReaderDeps {
  readonly monotonicMs: () => number;
  /** The logs that there are now; none that nobody wants. */
  readonly list: () => Promise<readonly LogFiles[]>;
}

/** Lines of many logs, in turn. */
export class Tail {
  readonly #deps: TailDeps;
  readonly #readers = new Map<string, FileReader>();
  /** Whose logs are over, until they are read. */
  readonly #retired = new Set<FileReader>();
  #listAtMs = Number.NEGATIVE_INFINITY;

  constructor(deps: TailDeps) {
    this.#deps = deps;
  }

  /** What is new, about so many bytes: some of each log. */
  async read(bytesMost: number): Promise<readonly Frame[]> {
    const nowMs = this.#deps.monotonicMs();
    if (nowMs >= this.#listAtMs || this.#hasMoved()) {
      await this.#follow();
      this.#listAtMs = nowMs + listEveryMs;
    }
    const frames: Frame[] = [];
    let bytes = 0;
    for (const reader of [...this.#retired, ...this.#readers.values()]) {
      if (bytes >= bytesMost) break;
      const frame = await this.#readOne(reader);
      if (frame === undefined) continue;
      frames.push(frame);
      bytes += frame.body.length;
      this.#moveBack(reader);
    }
    return frames;
  }

  /** Whether no log that there is has that file. */
  isGone(file: string): boolean {
    for (const reader of [...this.#retired, ...this.#readers.values()])
      if (!reader.isDone && reader.has(file)) return false;
    return true;
  }

  /** A log that was renamed goes on under its name: that file is not known before it is looked which there are. */
  #hasMoved(): boolean {
    for (const reader of this.#readers.values()) if (reader.hasMoved) return true;
    return false;
  }

  async close(): Promise<void> {
    for (const reader of [...this.#retired, ...this.#readers.values()]) await reader.close();
  }

  async #follow(): Promise<void> {
    const there = new Set<string>();
    for (const about of await this.#deps.list()) {
      const { key } = about.stream;
      there.add(key);
      const reader = this.#readers.get(key) ?? new FileReader(about, this.#deps);
      this.#readers.set(key, reader);
      await this.#trying(reader, () => reader.follow(about));
    }
    for (const [key, reader] of this.#readers) {
      if (there.has(key)) continue;
      this.#readers.delete(key);
      reader.retire();
      this.#retired.add(reader);
    }
    for (const reader of this.#retired) if (reader.isDone) this.#retired.delete(reader);
  }

  #readOne(reader: FileReader): Promise<Frame | undefined> {
    return this.#trying(reader, () => reader.read());
  }

  /** A log that cannot be read for now is asked again; the others go on. */
  async #trying<T>(reader: FileReader, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      this.#deps.log.warn("a log cannot be read", { log: reader.stream.key, error });
      return undefined;
    }
  }

  /** The others come first next time. */
  #moveBack(reader: FileReader): void {
    const { key } = reader.stream;
    if (this.#readers.get(key) !== reader) return;
    this.#readers.delete(key);
    this.#readers.set(key, reader);
  }
}
