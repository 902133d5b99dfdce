import { dirname, join } from "node:path";
import { must } from "../../base/assert.ts";
import { WireError } from "../../base/wire.ts";
import type { Write } from "../backend/backend.ts";
import {
  CheckpointError,
  type CheckpointMark,
  type CheckpointPages,
  checkpointFileName,
  checkpointKey,
  checkpointRow,
  readPages,
  writePages,
} from "./checkpoint.ts";
import { ioFailure } from "./failure.ts";
import type { RevisionLogParts } from "./log-config.ts";

/** The checkpoint of a log, if it has one: its file, and when it ends. */
export class KeptCheckpoint {
  readonly #parts: RevisionLogParts;
  #mark: CheckpointMark | undefined;

  constructor(parts: RevisionLogParts, mark: CheckpointMark | undefined) {
    this.#parts = parts;
    this.#mark = mark;
  }

  get mark(): CheckpointMark | undefined {
    return this.#mark;
  }

  /** `newest` is the log's last revision. Rejects with CheckpointError, or with the WireError that `take` throws. */
  async read(newest: number, take: (bytes: Uint8Array, start: number, end: number) => void): Promise<void> {
    const { number, endBytes, revision } = must(this.#mark, "revisions: there is no checkpoint");
    if (revision > newest) throw new CheckpointError(`it tells of revision ${revision}, which is not here`);
    try {
      await readPages(this.#parts.disk, this.#path(number), endBytes, take);
    } catch (error) {
      if (error instanceof CheckpointError || error instanceof WireError) throw error;
      throw new CheckpointError(error instanceof Error ? error.message : String(error));
    }
  }

  /** Writes the file and makes it durable; answers its bytes. Undefined, and no file, where it was stopped or the pages broke
   *  off. Rejects with BackendError; then there is no file either. */
  async write(number: number, pages: CheckpointPages, isStopped: () => boolean): Promise<number | undefined> {
    const { disk } = this.#parts;
    const path = this.#path(number);
    let endBytes: number | undefined;
    try {
      const file = await disk.open(path, { create: true });
      try {
        endBytes = await writePages(file, pages, isStopped);
      } finally {
        await file.close();
      }
      if (endBytes !== undefined) await disk.syncFolder(dirname(path));
    } catch (error) {
      await disk.remove(path);
      throw ioFailure(error, path, "writing a checkpoint of");
    }
    if (endBytes === undefined) await disk.remove(path);
    return endBytes;
  }

  /** Lets a written one take the place of the one before, whose file may go once the row is durable. */
  replace(mark: CheckpointMark): { readonly row: Write; removeFormer(): Promise<void> } {
    const former = this.#mark;
    this.#mark = mark;
    return { row: checkpointRow(mark), removeFormer: () => this.#remove(former) };
  }

  /** Ends it where revisions behind it may have been rewritten: whoever reads a checkpoint reads all of them, dropped ones too.
   *  `behind` is the first revision behind those that were. */
  endIfRewritten(behind: number | undefined): { readonly row: Write; remove(): Promise<void> } | undefined {
    const mark = this.#mark;
    const isUntouched = mark === undefined || (behind !== undefined && behind <= mark.revision);
    if (isUntouched || this.#parts.faults?.keepCheckpoint) return undefined;
    this.#mark = undefined;
    return { row: [checkpointKey, undefined], remove: () => this.#remove(mark) };
  }

  async #remove(mark: CheckpointMark | undefined): Promise<void> {
    if (mark !== undefined) await this.#parts.disk.remove(this.#path(mark.number));
  }

  #path(number: number): string {
    return join(this.#parts.folder, checkpointFileName(number));
  }
}
