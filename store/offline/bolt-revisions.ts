import type { StoredRevisions } from "../backend/backend.ts";
import { CheckpointError } from "../revisions/checkpoint.ts";
import { isRevisionKey, isTombstone, mainOf, subOf } from "../revisions/revision-key.ts";
import type { PlacedRow } from "../revisions/row-format.ts";
import { BoltError } from "../snapshot/bolt-error.ts";
import type { BoltFile } from "../snapshot/bolt-reader.ts";
import { isBump } from "./etcd-rows.ts";

/** The revisions in a snapshot file, read where they lie: each walk reads the file once. */
export class BoltRevisions implements StoredRevisions {
  readonly #bolt: BoltFile;
  readonly #meta: ReadonlyMap<string, Uint8Array>;
  readonly checkpoint = undefined;

  private constructor(bolt: BoltFile, meta: ReadonlyMap<string, Uint8Array>) {
    this.#bolt = bolt;
    this.#meta = meta;
  }

  /** @param metaKeys Rows of the bucket `meta` that `get` is asked for. */
  static async open(bolt: BoltFile, metaKeys: readonly string[]): Promise<BoltRevisions> {
    const meta = new Map<string, Uint8Array>();
    for await (const { rows } of bolt.rows((bucket) => bucket === "meta"))
      for (const { key, value } of rows) if (metaKeys.includes(key)) meta.set(key, value.slice());
    return new BoltRevisions(bolt, meta);
  }

  get(_bucket: "meta", key: string): Uint8Array | undefined {
    return this.#meta.get(key);
  }

  async visitRevisions(visit: (row: PlacedRow) => void): Promise<void> {
    for await (const { rows } of this.#bolt.rows((bucket) => bucket === "key"))
      for (const row of rows) {
        const { key, value } = row;
        if (!isRevisionKey(key))
          throw new BoltError(this.#bolt.path, "holds a row that is no revision of a key");
        if (isBump("key", row)) continue;
        const place = { bytes: value, start: 0, end: value.length };
        visit({ main: mainOf(key), sub: subOf(key), deletion: isTombstone(key), ...place });
      }
  }

  async readCheckpoint(): Promise<void> {
    throw new CheckpointError(`${this.#bolt.path} holds no checkpoint`);
  }

  visitBehind(revision: number, visit: (row: PlacedRow) => void): Promise<void> {
    return this.visitRevisions((row) => {
      if (row.main > revision) visit(row);
    });
  }
}
