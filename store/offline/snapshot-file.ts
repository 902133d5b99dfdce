import { createHash } from "node:crypto";
import type { Disk, DiskFile } from "../../base/os/disk.ts";
import { BoltError } from "../snapshot/bolt-error.ts";
import { BoltFile } from "../snapshot/bolt-reader.ts";

const digestBytes = 32;
/** No page is smaller, so what is left over behind whole ones is a digest. */
const sectorBytes = 512;
const readBytes = 1024 * 1024;

/** Opens a file that `snapshot save` made, or a copy of etcd's `member/snap/db`, which has no digest behind it.
 *  @param digest Whether one must be there and match, match where it is there, or is not looked at. Rejects with BoltError. */
export async function openSnapshotFile(
  path: string,
  disk: Disk,
  { digest }: { readonly digest: "needed" | "where there is one" | "ignored" },
): Promise<BoltFile> {
  const file = await disk.open(path);
  try {
    if (digest !== "ignored") await checkDigest(file, digest === "needed");
  } catch (error) {
    await file.close();
    throw error;
  }
  return await BoltFile.open(file);
}

async function checkDigest(file: DiskFile, isNeeded: boolean): Promise<void> {
  const sizeBytes = await file.sizeBytes();
  const hasDigest = sizeBytes % sectorBytes === digestBytes;
  if (!hasDigest && !isNeeded) return;
  if (!hasDigest)
    throw new BoltError(
      file.path,
      "has no SHA-256 at its end: it was cut short, or is a copy of a database (then give --skip-hash-check)",
    );
  const bodyBytes = sizeBytes - digestBytes;
  const hash = createHash("sha256");
  for (let at = 0; at < bodyBytes; at += readBytes)
    hash.update(await file.read(at, Math.min(readBytes, bodyBytes - at)));
  if (!hash.digest().equals(await file.read(bodyBytes, digestBytes)))
    throw new BoltError(file.path, "its SHA-256 does not match: it was altered since it was saved");
}
