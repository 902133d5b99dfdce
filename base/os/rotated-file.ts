import {
  closeSync,
  existsSync,
  fdatasync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { promisify } from "node:util";
import { UsageError } from "./flags.ts";

/** etcd's --log-rotation-config-json. */
export interface Rotation {
  /** A file that would grow beyond is put aside first. */
  readonly bytesMax: number;
  /** How long what was put aside is kept; 0: for ever. */
  readonly ageDaysMax: number;
  /** How many are kept that were put aside; 0: all. */
  readonly filesMax: number;
  /** Whether their names tell local time, not UTC. */
  readonly isLocalTime: boolean;
}

const defaults = { maxsize: 100, maxage: 0, maxbackups: 0, localtime: false, compress: false };
const dayMs = 86_400_000;
const newline = 0x0a;
const synced = promisify(fdatasync);

/** Throws UsageError for what is no such setting. */
export function rotationOf(json: string): Rotation {
  const refuse = (why: string): never => {
    throw new UsageError(`--log-rotation-config-json: ${why}`);
  };
  let given: Record<string, unknown>;
  try {
    given = JSON.parse(json) ?? {};
  } catch (error) {
    return refuse(
      `improperly formatted log rotation config: ${error instanceof Error ? error.message : error}`,
    );
  }
  const known = { ...defaults, ...given };
  for (const [name, value] of Object.entries(known)) {
    const fallback = (defaults as Record<string, unknown>)[name];
    if (fallback === undefined) refuse(`unknown setting ${JSON.stringify(name)}`);
    const fits =
      typeof value === typeof fallback && (typeof value !== "number" || Number.isSafeInteger(value));
    if (!fits || (typeof value === "number" && value < 0)) refuse(`invalid log rotation config: ${name}`);
  }
  if (known.compress) refuse("compress is not supported");
  return {
    bytesMax: (known.maxsize || defaults.maxsize) * 1024 * 1024,
    ageDaysMax: known.maxage,
    filesMax: known.maxbackups,
    isLocalTime: known.localtime,
  };
}

/** A file of lines that is put aside under a name with the time, `NAME-2006-01-02T15-04-05.000.EXT`, when it is full. */
export class RotatedFile {
  readonly #path: string;
  readonly #rotation: Rotation;
  readonly #wallMs: () => number;
  #file: number;
  #bytes: number;

  constructor(path: string, rotation: Rotation, wallMs: () => number = () => Date.now()) {
    this.#path = path;
    this.#rotation = rotation;
    this.#wallMs = wallMs;
    this.#file = openSync(path, "a+", 0o600);
    this.#bytes = fstatSync(this.#file).size;
    this.#endLine();
  }

  /** Several processes may write to it by turns: one of them may have put it aside, and all make it longer. */
  lookAgain(): void {
    const there = statSync(this.#path, { throwIfNoEntry: false });
    if (there?.ino !== fstatSync(this.#file).ino) {
      closeSync(this.#file);
      this.#file = openSync(this.#path, "a+", 0o600);
    }
    this.#bytes = fstatSync(this.#file).size;
  }

  /** @param lines Whole ones, which stay in one file. */
  write(lines: string): void {
    const bytes = Buffer.from(lines);
    if (this.#bytes > 0 && this.#bytes + bytes.length > this.#rotation.bytesMax) this.#putAside();
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
    this.#bytes += bytes.length;
  }

  /** Resolves when all that was written is on the disk. */
  async sync(): Promise<void> {
    await synced(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Whoever wrote it before may have been killed in the middle of a line. */
  #endLine(): void {
    const last = Buffer.alloc(1);
    if (this.#bytes === 0 || readSync(this.#file, last, 0, 1, this.#bytes - 1) === 0) return;
    if (last[0] !== newline) this.#bytes += writeSync(this.#file, "\n");
  }

  #putAside(): void {
    closeSync(this.#file);
    renameSync(this.#path, this.#freeName());
    this.#file = openSync(this.#path, "a+", 0o600);
    this.#bytes = 0;
    this.#dropOld();
  }

  /** More than one may become full within a millisecond. */
  #freeName(): string {
    for (let wallMs = this.#wallMs(); ; wallMs++) {
      const name = this.#asideName(wallMs);
      if (!existsSync(name)) return name;
    }
  }

  #asideName(wallMs: number): string {
    const offsetMs = this.#rotation.isLocalTime ? new Date(wallMs).getTimezoneOffset() * 60_000 : 0;
    const time = new Date(wallMs - offsetMs).toISOString().slice(0, -1).replaceAll(":", "-");
    const { prefix, suffix } = this.#names();
    return join(dirname(this.#path), `${prefix}${time}${suffix}`);
  }

  #names(): { readonly prefix: string; readonly suffix: string } {
    const suffix = extname(this.#path);
    return { prefix: `${basename(this.#path, suffix)}-`, suffix };
  }

  #dropOld(): void {
    const { filesMax, ageDaysMax } = this.#rotation;
    const { prefix, suffix } = this.#names();
    const folder = dirname(this.#path);
    const oldest = basename(this.#asideName(this.#wallMs() - ageDaysMax * dayMs));
    // Their names sort as their times do.
    const aside = readdirSync(folder)
      .filter((name) => isAside(name, prefix, suffix))
      .sort()
      .reverse();
    for (const [at, name] of aside.entries())
      if ((filesMax > 0 && at >= filesMax) || (ageDaysMax > 0 && name < oldest)) rmSync(join(folder, name));
  }
}

/** Other files beside it are somebody else's. */
function isAside(name: string, prefix: string, suffix: string): boolean {
  if (!name.startsWith(prefix) || !name.endsWith(suffix)) return false;
  const time = name.slice(prefix.length, name.length - suffix.length);
  return /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$/.test(time);
}
