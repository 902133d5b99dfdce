import type { Bucket, Row } from "../backend/backend.ts";
import { bucketNames } from "../backend/backend.ts";
import { BoltError } from "../snapshot/bolt-error.ts";
import type { BoltFile } from "../snapshot/bolt-reader.ts";
import type { BackendFiller } from "../snapshot/fill.ts";

/** Hands every row of etcd's database that `isWanted` to the filler. A revision without content, which etcd's
 *  `--bump-revision` leaves behind, stays out: the compaction that comes with it says how far revisions have got.
 *  Rejects with BoltError or SnapshotError. */
export async function fillFromBolt(
  bolt: BoltFile,
  filler: BackendFiller,
  isWanted: (bucket: Bucket) => boolean,
): Promise<void> {
  const bucketOf = (name: string): Bucket => {
    const known = bucketNames.find((one) => one === name);
    if (known !== undefined) return known;
    const shown = JSON.stringify(name.slice(0, 80));
    throw new BoltError(bolt.path, `holds the bucket ${shown}, which no etcd up to 3.7 has`);
  };
  for await (const { bucket, rows } of bolt.rows((name) => isWanted(bucketOf(name)))) {
    const known = bucketOf(bucket);
    for (const row of rows) {
      if (isBump(known, row)) continue;
      const room = filler.add(known, row);
      if (room !== undefined) await room;
    }
  }
}

/** A revision without content. */
export function isBump(bucket: Bucket, row: Row): boolean {
  return bucket === "key" && row.value.length === 0;
}
