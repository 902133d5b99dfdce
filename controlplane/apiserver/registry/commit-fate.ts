import type { StoredEntry, Transaction, Write } from "./storage.ts";

/** What became of sendings of a transaction that were not answered. */
export type Fate =
  | { readonly kind: "done"; readonly revision: number }
  /** None took effect, and none will. */
  | { readonly kind: "notDone" }
  | { readonly kind: "unknown" };

/** How far back in a key's history is looked. */
const stepsMax = 16;

/** Whether a transaction takes effect at most once however often it is sent: it changes a key that it wants to find at a
 *  certain revision, and no revision comes twice. One that creates has no such key: what it made may be gone again, and then
 *  sending it again would bring it back. */
export function happensOnce({ compare, writes }: Transaction): boolean {
  return compare.some(({ key, modRevision }) => modRevision > 0 && writes.some((write) => write.key === key));
}

/** To be asked once a transaction that happens once was refused by its comparisons. `current` is what stands under their keys;
 *  `readAt` reads the first one's as of a revision. */
export async function fateOf(
  transaction: Transaction,
  current: readonly (StoredEntry | undefined)[],
  readAt: (key: string, revision: number) => Promise<StoredEntry | undefined>,
): Promise<Fate> {
  const guard = transaction.compare[0];
  const write = transaction.writes.find(({ key }) => key === guard?.key);
  if (guard === undefined || write === undefined) return { kind: "unknown" };
  let entry = current[0];
  // Whoever deleted it, it is gone, which is all that was asked for.
  if (write.type === "delete" && entry === undefined) return { kind: "done", revision: 0 };
  const isPast = transaction.compare.some(
    ({ modRevision }, at) => modRevision > 0 && current[at]?.modRevision !== modRevision,
  );
  if (!isPast) return { kind: "unknown" }; // what it waits for may still come true
  for (let step = 0; entry !== undefined && step < stepsMax; step++) {
    if (entry.modRevision === guard.modRevision) return { kind: "notDone" };
    if (isWritten(write, entry)) return { kind: "done", revision: entry.modRevision };
    if (guard.modRevision === 0 || entry.modRevision < guard.modRevision) break;
    entry = await readAt(guard.key, entry.modRevision - 1);
  }
  return { kind: "unknown" }; // it was gone in between, or changed too often
}

/** Whether this write left this entry. */
export function isWritten(write: Write, entry: StoredEntry): boolean {
  return write.type === "put" && Buffer.compare(entry.value, write.value) === 0;
}
