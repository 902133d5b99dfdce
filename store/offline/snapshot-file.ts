import { createHash } from "node:crypto";
import type { Disk, DiskFile } from "../../base/os/disk.ts";
import { BoltError } from "../snapshot/bolt-error.ts";
import { BoltFile } from "../snapshot/bolt-reader.ts";

const digestBytes = 32;
/** No page is smaller, so what is left over behind whole ones is a digest. */
const sectorBytes = 512;
const readBytes = 1024 * 1024;

export interface SnapshotFile {
  readonly bolt: BoltFile;
  readonly digest: "matches" | "absent" | "unchecked";
  close(): Promise<void>;
}

/** Opens a file that `snapshot save` made, or a copy of etcd's `member/snap/db`, which has no digest behind it.
 *  `skipHashCheck`: a digest may be absent or wrong. Rejects with BoltError. */
export async function openSnapshotFile(
  path: string,
  disk: Disk,
  { skipHashCheck }: { readonly skipHashCheck: boolean },
): Promise<SnapshotFile> {
  const file = await disk.open(path);
  try {
    const digest = await checkDigest(file, skipHashCheck);
    return { bolt: await BoltFile.open(file), digest, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function checkDigest(file: DiskFile, skipHashCheck: boolean): Promise<SnapshotFile["digest"]> {
  const sizeBytes = await file.sizeBytes();
  const hasDigest = sizeBytes % sectorBytes === digestBytes;
  if (skipHashCheck) return hasDigest ? "unchecked" : "absent";
  if (!hasDigest)
    throw new BoltError(
      file.path,
      "has no SHA-256 at its end: it was cut short, or is a copy of a database (then give --skip-hash-check)",
    );
  const bodyBytes = sizeBytes - digestBytes;
  const hash = createHash("sha256");
  for (let at = 0; at < bodyBytes; at += readBytes)
    hash.update(await file.read(at, Math.min(readBytes, bodyBytes - at)));
  if (hash.digest().equals(await file.read(bodyBytes, digestBytes))) return "matches";
  throw new BoltError(file.path, "its SHA-256 does not match: it was altered since it was saved");
}
