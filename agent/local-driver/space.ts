import { readFolderUse } from "../stats/machine-use.ts";
import type { LocalVolume } from "./local-volumes.ts";

/** How many bytes may yet be promised: what is free on the disk, and no more than is left when all volumes are full. */
export async function promisableBytes(folder: string, volumes: readonly LocalVolume[]): Promise<number> {
  const { capacityBytes, availableBytes } = await readFolderUse(folder);
  const promised = volumes.reduce((sum, { bytes }) => sum + bytes, 0);
  return Math.max(0, Math.min(availableBytes, capacityBytes - promised));
}
