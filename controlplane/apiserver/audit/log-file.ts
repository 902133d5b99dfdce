import { basename, dirname, extname, join } from "node:path";
import type { Disk, DiskFile } from "../../../base/os/disk.ts";
import type { Log } from "../../../base/os/log.ts";
import type { AuditSink } from "./trail.ts";

export interface LogFileConfig {
  /** Absolute; `-` is standard output. */
  readonly path: string;
  /** 0: old files are not removed for their age, or number. */
  readonly ageDaysMax: number;
  readonly backupsMax: number;
  readonly sizeBytesMax: number;
}

export interface LogFileDeps {
  readonly disk: Disk;
  readonly wallMs: () => number;
  readonly log: Log;
  /** Writes to standard output; resolves when it was taken. */
  readonly print: (text: string) => Promise<void>;
  /** So many events are lost. */
  readonly failed: (plugin: "log", events: number) => void;
}

/** What may wait to be written before requests wait, too. */
const pendingBytesMax = 16 * 1024 * 1024;
const dayMs = 86_400_000;
const encoder = new TextEncoder();

/** Events in a file, in order, which gives way to a new one when it is full. Lines are written together as they come. */
export class AuditLogFile implements AuditSink {
  readonly #config: LogFileConfig;
  readonly #deps: LogFileDeps;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #writing: Promise<void> | undefined;
  #file: { readonly file: DiskFile; sizeBytes: number } | undefined;

  constructor(config: LogFileConfig, deps: LogFileDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  write(line: string): undefined {
    const bytes = encoder.encode(line);
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.#writing ??= this.#writeAll();
  }

  async ready(): Promise<void> {
    while (this.#pendingBytes > pendingBytesMax && this.#writing !== undefined) await this.#writing;
  }

  /** Everything that was handed over is written. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#file?.file.close();
    this.#file = undefined;
  }

  async #writeAll(): Promise<void> {
    // What comes in the same turn is written together.
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const chunks = this.#pending;
      this.#pending = [];
      const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      try {
        if (this.#config.path === "-") await this.#deps.print(Buffer.concat(chunks).toString());
        else await this.#append(chunks, sizeBytes);
      } catch (error) {
        this.#deps.failed("log", chunks.length);
        this.#deps.log.error("audit events are lost", { events: chunks.length, error });
      }
      this.#pendingBytes -= sizeBytes;
    }
    this.#writing = undefined;
  }

  async #append(chunks: readonly Uint8Array[], sizeBytes: number): Promise<void> {
    const { disk } = this.#deps;
    const { path, sizeBytesMax } = this.#config;
    const open = async () => {
      await disk.makeFolder(dirname(path));
      const file = await disk.open(path, { create: true });
      return { file, sizeBytes: await file.sizeBytes() };
    };
    this.#file ??= await open();
    if (this.#file.sizeBytes > 0 && this.#file.sizeBytes + sizeBytes > sizeBytesMax) {
      await this.#file.file.close();
      this.#file = undefined;
      await disk.rename(path, join(dirname(path), this.#backupName()));
      await this.#removeOld();
      this.#file = await open();
    }
    await this.#file.file.write(this.#file.sizeBytes, chunks);
    this.#file.sizeBytes += sizeBytes;
  }

  /** `audit-2026-11-28T12-00-00.000.log` */
  #backupName(): string {
    const time = new Date(this.#deps.wallMs()).toISOString().replaceAll(":", "-").replace("Z", "");
    const extension = extname(this.#config.path);
    return `${basename(this.#config.path, extension)}-${time}${extension}`;
  }

  async #removeOld(): Promise<void> {
    const { path, backupsMax, ageDaysMax } = this.#config;
    const folder = dirname(path);
    const extension = extname(path);
    const prefix = `${basename(path, extension)}-`;
    const times = (await this.#deps.disk.list(folder)).flatMap((name) => {
      if (!name.startsWith(prefix) || !name.endsWith(extension)) return [];
      const time = name.slice(prefix.length, name.length - extension.length);
      const match = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})$/.exec(time);
      if (match === null) return [];
      const [, day, hour, minute, second] = match;
      return [{ name, atMs: Date.parse(`${day}T${hour}:${minute}:${second}Z`) }];
    });
    const newestFirst = times.sort((a, b) => b.atMs - a.atMs);
    const oldest = this.#deps.wallMs() - ageDaysMax * dayMs;
    for (const [index, { name, atMs }] of newestFirst.entries()) {
      const tooMany = backupsMax > 0 && index >= backupsMax;
      const tooOld = ageDaysMax > 0 && atMs < oldest;
      if (tooMany || tooOld) await this.#deps.disk.remove(join(folder, name));
    }
  }
}
