import { type Storage, StorageError } from "../registry/storage.ts";

/** So near to where history begins is near enough: each step is a request. */
const nearRevisions = 16;

/** A revision in [from, to] that the store still knows the state of, as old as can be had without much asking: `from` where it
 *  is kept, else little after where the store was compacted to. */
export async function oldestReadable(
  storage: Pick<Storage, "list">,
  from: number,
  to: number,
): Promise<number> {
  if (await isReadable(storage, from)) return from;
  let lost = from;
  let kept = to;
  while (kept - lost > nearRevisions) {
    const middle = Math.floor((lost + kept) / 2);
    if (await isReadable(storage, middle)) kept = middle;
    else lost = middle;
  }
  return kept;
}

export function isCompacted(error: unknown): boolean {
  return error instanceof StorageError && error.code === "compacted";
}

async function isReadable(storage: Pick<Storage, "list">, revision: number): Promise<boolean> {
  try {
    await storage.list(neverWritten, { revision, limit: 1 });
    return true;
  } catch (error) {
    if (isCompacted(error)) return false;
    throw error;
  }
}

/** What is asked of the store only for whether it answers. */
const neverWritten = "/registry/pintle.local/never/";
