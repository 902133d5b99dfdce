import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { Transform, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract, type Header } from "tar-stream";
import { ImageError } from "../image.ts";
import { DiskRoom, freeBytesLeast } from "./disk-room.ts";
import { type EntryFacts, LayerTree } from "./layer-tree.ts";
import { LayerUnion } from "./layer-union.ts";
import { packingOf, unpacking } from "./unpacked-bytes.ts";

export interface UnpackLimits {
  readonly entriesMost: number;
  /** Of what is packed, files' contents and all else. */
  readonly bytesMost: number;
  /** That must stay free on the disk. */
  readonly freeBytesLeast: number;
}

export const unpackLimits: UnpackLimits = {
  entriesMost: 2_000_000,
  bytesMost: 64 * 1024 ** 3,
  freeBytesLeast,
};

export interface UnpackTask {
  /** The packed layer: a tar, plain or packed with gzip or zstd. */
  readonly source: string;
  /** The folder that becomes the layer's tree: there, and empty. */
  readonly tree: string;
  /** Trees of the layers below, the topmost first. */
  readonly below: readonly string[];
  /** What others are further names of; where there can be none, the tree gets everything that is below it, too. */
  readonly whiteout: string | undefined;
  readonly limits: UnpackLimits;
}

export interface Unpacked {
  /** Digest of what is packed: by it an image's configuration knows the layer. */
  readonly content: string;
  /** Digest of the packed layer, by which its manifest knows it. */
  readonly packed: string;
}

/** What an entry takes of the disk beside what is in it, about: a bomb may be of many small ones. */
const entryBytes = 4096;

/** Makes a layer's tree. Reads and writes files without waiting for others: for a thread of its own. */
export async function unpackLayer({ source, tree, below, whiteout, limits }: UnpackTask): Promise<Unpacked> {
  const layer = new LayerTree(tree, new LayerUnion(below));
  const packing = await packingOf(source);
  const packed = hashing();
  const content = hashing((bytes) => {
    if (bytes > limits.bytesMost) throw new ImageError(`the layer holds more than ${limits.bytesMost} bytes`);
  });
  const file = createReadStream(source, { highWaterMark: 256 * 1024 });
  const archive = entriesInto(layer, tree, limits);
  const all =
    packing === "none"
      ? pipeline(file, packed.through, content.through, archive)
      : pipeline(file, packed.through, unpacking(packing), content.through, archive);
  await all.catch((cause: unknown) => {
    throw cause instanceof ImageError ? cause : new ImageError("the layer cannot be read", { cause });
  });
  if (whiteout === undefined) layer.finishWhole();
  else layer.finishWithWhiteouts(whiteout);
  return { content: content.digest(), packed: packed.digest() };
}

function hashing(check: (bytes: number) => void = () => undefined): {
  through: Transform;
  digest: () => string;
} {
  const hash = createHash("sha256");
  let bytes = 0;
  const through = new Transform({
    highWaterMark: 1024 * 1024,
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      try {
        check(bytes);
        done(null, chunk);
      } catch (error) {
        done(error as Error);
      }
    },
  });
  return { through, digest: () => `sha256:${hash.digest("hex")}` };
}

/** Takes a tar and puts each entry into the tree as it comes. */
function entriesInto(layer: LayerTree, tree: string, limits: UnpackLimits): Writable {
  const archive = extract();
  let entries = 0;
  const room = new DiskRoom(tree, limits.freeBytesLeast);
  archive.on("entry", (header, content, next) => {
    const fail = (error: unknown) => archive.destroy(asImageError(header, error));
    content.on("error", () => undefined); // the archive's own, told there
    try {
      if (++entries > limits.entriesMost)
        throw new ImageError(`the layer holds more than ${limits.entriesMost} files`);
      if ((header.size ?? 0) > limits.bytesMost)
        throw new ImageError(`the layer holds more than ${limits.bytesMost} bytes`);
      room.take(entryBytes);
      const file = put(layer, header);
      content.on("data", (bytes) => {
        try {
          const piece = bytes as Buffer;
          room.take(piece.length);
          file?.write(piece);
        } catch (error) {
          fail(error);
        }
      });
      content.on("end", () => {
        try {
          file?.close();
          next();
        } catch (error) {
          fail(error);
        }
      });
    } catch (error) {
      fail(error);
    }
  });
  return archive as unknown as Writable; // streamx's, which pipeline takes as Node's
}

/** Answers where a file's bytes go. */
function put(layer: LayerTree, header: Header): ReturnType<LayerTree["file"]> | undefined {
  const path = layer.place(header.name);
  const name = path.at(-1);
  if (name === undefined) return undefined; // the root is as it is
  const folder = path.slice(0, -1);
  if (name === ".wh..wh..opq") layer.hide(folder);
  else if (name.startsWith(".wh..wh."))
    return undefined; // notes of aufs to itself
  else if (name.startsWith(".wh.")) layer.hide([...folder, hiddenName(name.slice(4))]);
  else return putThing(layer, path, header);
  return undefined;
}

function putThing(
  layer: LayerTree,
  path: readonly string[],
  header: Header,
): ReturnType<LayerTree["file"]> | undefined {
  switch (header.type) {
    case "directory":
      layer.folder(path, factsOf(header));
      return undefined;
    case "file":
    case "contiguous-file":
      if (Object.keys(header.pax ?? {}).some((key) => key.startsWith("GNU.sparse.")))
        throw new ImageError("sparse files are not supported");
      return layer.file(path, factsOf(header));
    case "symlink":
      layer.symlink(path, header.linkname ?? "", factsOf(header));
      return undefined;
    case "link":
      layer.link(path, layer.place(header.linkname ?? ""));
      return undefined;
    case "fifo":
      layer.fifo(path, factsOf(header));
      return undefined;
    case "character-device":
    case "block-device":
      // A container has the devices of its /dev. One that an image brings would open the host's, or hide what is below.
      layer.nothing(path);
      return undefined;
    default:
      throw new ImageError(`of unknown type ${header.type}`);
  }
}

function hiddenName(name: string): string {
  if (name === "" || name === "." || name === "..")
    throw new ImageError("a whiteout names something outside its folder");
  return name;
}

const idMost = 2 ** 32 - 2;
const secondsMost = 2 ** 34;

function factsOf({ uid, gid, mode, mtime, ...header }: Header): EntryFacts {
  const pax = (header.pax ?? {}) as Readonly<Record<string, string | undefined>>;
  return {
    uid: whole("uid", pax.uid ?? uid, idMost),
    gid: whole("gid", pax.gid ?? gid, idMost),
    mode: (mode ?? 0o755) & 0o7777,
    mtimeSeconds: Math.min(secondsMost, Math.max(0, (mtime?.getTime() || 0) / 1000)),
  };
}

function whole(what: string, given: string | number | undefined, most: number): number {
  const value = Number(given ?? 0);
  if (!Number.isInteger(value) || value < 0 || value > most) throw new ImageError(`of ${what} ${given}`);
  return value;
}

const nameCharsMost = 200;

function asImageError({ name }: Header, error: unknown): ImageError {
  const what = basename(name) === name ? name : `…/${basename(name)}`;
  const why = error instanceof Error ? error.message : String(error);
  return new ImageError(
    `the layer's ${JSON.stringify(what.slice(0, nameCharsMost))} cannot be unpacked: ${why}`,
  );
}
