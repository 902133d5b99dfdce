import { mkdtemp, open, rm } from "node:fs/promises";
import { join } from "node:path";

const syncs = 30;
const bytes = 4096;
/** A disk that is slower is slow enough. */
const mostMs = 3000;

/** How long each of some small writes takes to be safe on the disk of a folder, as the store's log needs it. Undefined: nothing may
 *  be written there. */
export async function measureSyncs(folder: string): Promise<readonly number[] | undefined> {
  let own: string;
  try {
    own = await mkdtemp(join(folder, ".pintle-doctor-"));
  } catch (error) {
    if (error instanceof Error && "code" in error) return undefined; // not ours to write in
    throw error;
  }
  try {
    const file = await open(join(own, "sync"), "wx", 0o600);
    try {
      const took: number[] = [];
      const startMs = performance.now();
      while (took.length < syncs && performance.now() - startMs < mostMs) {
        const beganMs = performance.now();
        await file.write(new Uint8Array(bytes));
        await file.datasync();
        took.push(performance.now() - beganMs);
      }
      return took;
    } finally {
      await file.close();
    }
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}
