import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { systemDisk } from "../../base/os/disk.ts";
import { methods } from "../../proto/etcd-methods.ts";
import type { StoreClient } from "../client/store-client.ts";
import { OfflineError } from "./offline-error.ts";

const digestBytes = 32;

export interface SavedSnapshot {
  readonly sizeBytes: number;
  /** Of the state in it; empty where the member does not say. */
  readonly version: string;
}

/** Writes a member's state and its SHA-256 into a file, which appears under its name when it is whole and durable. Rejects
 *  with CallError or OfflineError. */
export async function saveSnapshot(
  client: StoreClient,
  member: string,
  path: string,
  signal: AbortSignal,
): Promise<SavedSnapshot> {
  const part = `${path}.part`;
  const saved = await receive(client, member, part, signal).catch(async (error: unknown) => {
    await systemDisk.remove(part);
    throw error;
  });
  await systemDisk.rename(part, path);
  await systemDisk.syncFolder(dirname(path));
  return saved;
}

async function receive(
  client: StoreClient,
  member: string,
  part: string,
  signal: AbortSignal,
): Promise<SavedSnapshot> {
  const file = openSync(part, "w", 0o600);
  try {
    const hash = createHash("sha256");
    /** The end of what came: its last bytes may be the digest, which is not of itself. */
    let tail = Buffer.alloc(0);
    let sizeBytes = 0;
    let version = "";
    // Written at once, so that what a slow disk has not taken does not pile up in memory.
    await client.receiveAt(member, methods.snapshot, {}, { signal }, (piece) => {
      version = piece.version;
      writeSync(file, piece.blob);
      sizeBytes += piece.blob.length;
      tail = Buffer.concat([tail, piece.blob]);
      const certain = Math.max(0, tail.length - digestBytes);
      hash.update(tail.subarray(0, certain));
      tail = tail.subarray(certain);
    });
    if (!hash.digest().equals(tail))
      throw new OfflineError(
        `${member}: the snapshot does not end with its SHA-256: it was cut short on the way`,
      );
    fsyncSync(file);
    return { sizeBytes, version };
  } finally {
    closeSync(file);
  }
}
