import { crc32c } from "../../base/crc32c.ts";
import type { Disk } from "../../base/os/disk.ts";
import { latin1, latin1Bytes, text, utf8 } from "../../base/wire.ts";
import type { Row } from "../backend/backend.ts";
import { decodeKeyValue } from "../mvcc/key-value.ts";
import { isRevisionKey, isTombstone, mainOf } from "../revisions/revision-key.ts";
import { BoltError } from "../snapshot/bolt-error.ts";
import { openSnapshotFile } from "./snapshot-file.ts";

/** As etcdutl has it, under its names. */
export interface SnapshotStatus {
  /** CRC-32C over all buckets, their names, keys and values. */
  readonly hash: number;
  readonly revision: number;
  /** Living ones. */
  readonly totalKey: number;
  readonly totalSize: number;
  /** What wrote it, since etcd 3.6; else empty. */
  readonly version: string;
}

/** Reads a snapshot's every page. Rejects with BoltError. */
export async function snapshotStatus(path: string, disk: Disk): Promise<SnapshotStatus> {
  const bolt = await openSnapshotFile(path, disk, { digest: "where there is one" });
  try {
    const counted = new Counted(path);
    let bucket = "";
    for await (const next of bolt.rows()) {
      if (next.bucket !== bucket) counted.begin(next.bucket);
      bucket = next.bucket;
      for (const row of next.rows) counted.row(bucket, row);
    }
    return { ...counted.result(), totalSize: bolt.sizeBytes };
  } finally {
    await bolt.close();
  }
}

class Counted {
  readonly #path: string;
  readonly #living = new Set<string>();
  #hash = 0;
  #revision = 0;
  #version = "";

  constructor(path: string) {
    this.#path = path;
  }

  begin(bucket: string): void {
    this.#hash = crc32c(this.#hash, utf8(bucket));
  }

  row(bucket: string, { key, value }: Row): void {
    this.#hash = crc32c(crc32c(this.#hash, latin1Bytes(key)), value);
    if (bucket === "key") this.#count(key, value);
    else if (bucket === "meta" && key === "storageVersion") this.#version = text(value);
  }

  result() {
    return {
      hash: this.#hash,
      revision: this.#revision,
      totalKey: this.#living.size,
      version: this.#version,
    };
  }

  #count(key: string, value: Uint8Array): void {
    if (!isRevisionKey(key)) throw new BoltError(this.#path, "holds a row that is no revision of a key");
    this.#revision = mainOf(key);
    const name = latin1(decodeKeyValue(value).key);
    if (isTombstone(key)) this.#living.delete(name);
    else this.#living.add(name);
  }
}
