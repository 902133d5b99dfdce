import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { chmod, lchown, link, lstat, lutimes, readdir, rm, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { type Extract, extract, type Header } from "tar-stream";
import { makeFolder } from "../../base/os/make-folder.ts";
import { mustRun } from "../runtime/supervised/run-command.ts";
import { ImageError } from "./image.ts";
import { pathInTree } from "./path-in-tree.ts";

export const unpackLimits = { entriesMost: 2_000_000, bytesMost: 64 * 1024 ** 3 } as const;

/** One entry's bytes, as tar-stream hands them out. */
type Content = Extract extends AsyncIterable<infer E> ? E : never;

/** Puts a layer on top of what stands in `root`. The media type tells how it is packed. Answers the digest of what was packed, by
 *  which the image's configuration knows the layer. */
export async function unpackLayer(root: string, layer: Readable, mediaType: string): Promise<string> {
  if (mediaType.endsWith("zstd")) throw new ImageError("layers packed with zstd are not supported");
  const archive = extract();
  const added = new Set<string>();
  let entries = 0;
  let bytes = 0;
  const hash = createHash("sha256");
  const heard = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const packed = mediaType.endsWith("gzip");
  const feeding = packed ? pipeline(layer, createGunzip(), heard, archive) : pipeline(layer, heard, archive);
  feeding.catch(() => undefined); // heard below; the loop ends with the same failure
  for await (const entry of archive) {
    bytes += entry.header.size ?? 0;
    if (++entries > unpackLimits.entriesMost || bytes > unpackLimits.bytesMost)
      throw new ImageError("the layer is larger than an image may be");
    await unpackEntry(root, entry.header, entry, added);
    entry.resume();
  }
  await feeding;
  return `sha256:${hash.digest("hex")}`;
}

async function unpackEntry(
  root: string,
  header: Header,
  content: Content,
  added: Set<string>,
): Promise<void> {
  const path = await pathInTree(root, header.name);
  if (path === root) return;
  const name = basename(path);
  if (name === ".wh..wh..opq") return emptyFolder(dirname(path), added);
  if (name.startsWith(".wh.")) return removeHidden(join(dirname(path), name.slice(4)), root);
  await makeFolder(dirname(path), 0o755);
  await makeRoom(path, header.type === "directory");
  for (let at = path; at !== root; at = dirname(at)) added.add(at);
  await create(root, path, header, content);
  if (header.type === "link") return; // shares everything with what it links to
  if (process.getuid?.() === 0) await lchown(path, header.uid ?? 0, header.gid ?? 0);
  // After the owner: changing that clears the set-user-ID bit.
  if (header.type !== "symlink") await chmod(path, (header.mode ?? 0o755) & 0o7777);
  if (header.type !== "directory" && header.mtime) await lutimes(path, header.mtime, header.mtime);
}

async function create(root: string, path: string, header: Header, content: Content): Promise<void> {
  switch (header.type) {
    case "directory":
      await makeFolder(path);
      return;
    case "file":
    case "contiguous-file":
      await pipeline(content, createWriteStream(path, { flags: "wx", mode: 0o600 }));
      return;
    case "symlink":
      await symlink(header.linkname ?? "", path);
      return;
    case "link":
      await link(await pathInTree(root, header.linkname ?? ""), path);
      return;
    case "character-device":
    case "block-device": {
      if (process.getuid?.() !== 0) return;
      const kind = header.type === "block-device" ? "b" : "c";
      await mustRun(["mknod", path, kind, String(header.devmajor ?? 0), String(header.devminor ?? 0)]);
      return;
    }
    case "fifo":
      await mustRun(["mkfifo", path]);
      return;
    default:
      throw new ImageError(`the layer holds ${header.name}, of unknown type ${header.type}`);
  }
}

/** A later layer replaces whatever stood there, except that a folder is laid over a folder. */
async function makeRoom(path: string, isFolder: boolean): Promise<void> {
  const there = await lstat(path).catch(missing);
  if (there === undefined || (isFolder && there.isDirectory())) return;
  await rm(path, { recursive: true, force: true });
}

async function removeHidden(path: string, root: string): Promise<void> {
  if (!path.startsWith(`${root}/`) || basename(path) === ".." || basename(path) === ".")
    throw new ImageError("a whiteout names something outside its folder");
  await rm(path, { recursive: true, force: true });
}

/** An opaque folder hides what lower layers had in it, not what this one has. */
async function emptyFolder(folder: string, added: ReadonlySet<string>): Promise<void> {
  const names = await readdir(folder).catch(missing);
  for (const name of names ?? []) {
    const path = join(folder, name);
    if (!added.has(path)) await rm(path, { recursive: true, force: true });
    else if ((await lstat(path)).isDirectory()) await emptyFolder(path, added);
  }
}

function missing(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
