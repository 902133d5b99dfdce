import type { KeyValueHash } from "./hash.ts";

/** As many as etcd keeps. */
const hashesMax = 10;

/** The hashes of the last compactions since the start: members that compacted at the same revisions have the same. */
export class CompactionHashes {
  /** In rising order of revisions, as compactions are. */
  #hashes: readonly KeyValueHash[] = [];

  add(hash: KeyValueHash): void {
    this.#hashes = [...this.#hashes, hash].slice(-hashesMax);
  }

  /** Of a compaction at this revision; undefined where it was none of the last. 0, which asks for the newest, is none. */
  at(revision: number): KeyValueHash | undefined {
    return revision === 0 ? undefined : this.#hashes.find(({ hashRevision }) => hashRevision === revision);
  }

  /** The newest first. */
  list(): readonly KeyValueHash[] {
    return this.#hashes.toReversed();
  }
}
