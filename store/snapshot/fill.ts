import type { Backend, Bucket, Row } from "../backend/backend.ts";
import { isRevisionKey, isTombstone, mainOf, subOf } from "../revisions/revision-key.ts";
import { SnapshotError } from "./format.ts";

/** Rows per atomic batch; who fills a backend throws all of it away when something is wrong. */
const groupRows = 500;

/** Fills an empty backend with the rows of a snapshot, bucket by bucket, revisions in rising order. */
export class BackendFiller {
  readonly #into: Backend;
  #rows = 0;
  /** The key of the last revision. */
  #newest = "";

  constructor(into: Backend) {
    this.#into = into;
  }

  /** Answers what to wait for before the next, if anything. Throws SnapshotError. */
  add(bucket: Bucket, row: Row): Promise<void> | undefined {
    if (bucket === "key") this.#append(row);
    else this.#into.put(bucket, row.key, row.value);
    if (++this.#rows % groupRows !== 0) return undefined;
    this.#into.commit();
    return this.#into.room();
  }

  /** Makes all of it durable. */
  async finish(): Promise<void> {
    this.#into.commit();
    await this.#into.flush();
  }

  #append({ key, value }: Row): void {
    if (!isRevisionKey(key) || key <= this.#newest)
      throw new SnapshotError(
        `snapshot: it holds a row that is no revision, or one that is not in its place`,
      );
    this.#into.append({ main: mainOf(key), sub: subOf(key), deletion: isTombstone(key), value });
    this.#newest = key;
  }
}
