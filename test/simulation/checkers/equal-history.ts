import type { HashKvResponse } from "../../../proto/etcd-maintenance.ts";
import type { Report } from "../report.ts";

/** All members tell the same hash of all revisions up to one, at the same compact revision: not only current keys are equal, but
 *  everything that a read or a watch of the past may show. */
export class EqualHistory {
  readonly #hashes = new Map<string, { readonly hash: number; readonly member: string }>();
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  /** `isOfCompaction`: it was hashed by a compaction at that very revision, by another rule where no key was left (etcd's). */
  told(
    member: string,
    { hash, compactRevision, hashRevision }: HashKvResponse,
    isOfCompaction = false,
  ): void {
    const by = isOfCompaction ? ", hashed while compacting there," : "";
    const name = `revision ${hashRevision}, compacted up to ${compactRevision}${by}`;
    const known = this.#hashes.get(name);
    if (known === undefined) this.#hashes.set(name, { hash, member });
    else if (known.hash !== hash)
      this.#report(
        "equal history",
        `the history at ${name} has hash ${hash} on ${member} and ${known.hash} on ${known.member}`,
      );
  }
}
