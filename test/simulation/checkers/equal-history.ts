import type { KeyValueHash } from "../../../store/mvcc/hash.ts";
import type { Report } from "../report.ts";

/** All members tell the same hash of all revisions up to one, at the same compact revision: not only current keys are equal, but
 *  everything that a read or a watch of the past may show. What was hashed while it was compacted is compared apart: as in etcd
 *  it has another hash where no key is left and the last one went at that revision. */
export class EqualHistory {
  readonly #hashes = new Map<string, { readonly hash: number; readonly member: string }>();
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  told(
    member: string,
    when: "as it is" | "at its compaction",
    { hash, compactRevision, hashRevision }: KeyValueHash,
  ): void {
    const name = `revision ${hashRevision}, compacted up to ${compactRevision}, ${when},`;
    const known = this.#hashes.get(name);
    if (known === undefined) this.#hashes.set(name, { hash, member });
    else if (known.hash !== hash)
      this.#report(
        "equal history",
        `the history at ${name} has hash ${hash} on ${member} and ${known.hash} on ${known.member}`,
      );
  }
}
