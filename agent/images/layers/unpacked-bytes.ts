import { open } from "node:fs/promises";
import { Duplex } from "node:stream";
import * as zlib from "node:zlib";
import { Decompress } from "fzstd";
import { ImageError } from "../image.ts";
import { ZstdFrames, zstdWindowBytesMost } from "./zstd-frames.ts";

export type Packing = "none" | "gzip" | "zstd";

/** How a file is packed, by its first bytes: what registries and archives say of it is often wrong. Rejects with ImageError. */
export async function packingOf(path: string): Promise<Packing> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(6), 0, 6, null);
    const start = buffer.subarray(0, bytesRead).toString("hex");
    if (start.startsWith("1f8b")) return "gzip";
    if (/^28b52ffd|^5.2a4d18/.test(start)) return "zstd";
    if (start.startsWith("fd377a585a00")) throw new ImageError("layers packed with xz are not supported");
    if (start.startsWith("425a68")) throw new ImageError("layers packed with bzip2 are not supported");
    return "none";
  } finally {
    await file.close();
  }
}

/** Each piece is a turn of another thread's: small ones cost more than what is in them. */
const unpackedPieceBytes = 256 * 1024;

/** What unpacks that packing, in bounded memory. */
export function unpacking(packing: Exclude<Packing, "none">): Duplex {
  return packing === "gzip"
    ? zlib.createGunzip({ chunkSize: unpackedPieceBytes })
    : (zstdOfZlib() ?? zstdInScript());
}

interface ZlibWithZstd {
  readonly createZstdDecompress?: (options: { readonly params: Readonly<Record<number, number>> }) => Duplex;
  readonly constants: { readonly ZSTD_d_windowLogMax?: number };
}

/** zlib's own, from Node 22.15 on. */
function zstdOfZlib(): Duplex | undefined {
  const { createZstdDecompress, constants } = zlib as ZlibWithZstd;
  if (createZstdDecompress === undefined || constants.ZSTD_d_windowLogMax === undefined) return undefined;
  return createZstdDecompress({
    params: { [constants.ZSTD_d_windowLogMax]: Math.log2(zstdWindowBytesMost) },
  });
}

/** It goes one call deeper with each frame of what it is given at once, and may answer 32,000 bytes for each. */
const pieceBytes = 1024;

/** Where zlib has none. */
export function zstdInScript(): Duplex {
  return Duplex.from(async function* (packed: AsyncIterable<Buffer>) {
    const frames = new ZstdFrames();
    let unpacked: Uint8Array[] = [];
    // A copy: what it hands out it uses again.
    const decompress = new Decompress((bytes) => void unpacked.push(Uint8Array.from(bytes)));
    const push = (bytes: Uint8Array, isLast: boolean): readonly Uint8Array[] => {
      unpacked = [];
      try {
        frames.see(bytes);
        decompress.push(bytes, isLast);
      } catch (cause) {
        if (cause instanceof ImageError) throw cause;
        throw new ImageError("the layer is not packed with zstd as it should be", { cause });
      }
      return unpacked.filter(({ length }) => length > 0);
    };
    for await (const chunk of packed)
      for (let at = 0; at < chunk.length; at += pieceBytes)
        yield* push(chunk.subarray(at, at + pieceBytes), false);
    yield* push(new Uint8Array(0), true);
  });
}
