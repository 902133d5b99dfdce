import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { link, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, normalize } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import { ifPresent } from "../../base/os/if-present.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import { type Image, ImageError } from "./image.ts";
import { type Descriptor, documentLimits, isDescriptor, isRecord, manifestOf } from "./image-documents.ts";
import { DiskRoom, freeBytesLeast } from "./layers/disk-room.ts";
import type { BringOptions } from "./layers/layer-store.ts";
import { packingOf, unpacking } from "./layers/unpacked-bytes.ts";
import { chooseForPlatform } from "./platform.ts";
import { parseReference, referenceText } from "./reference.ts";
import type { ImageStore } from "./store.ts";

export interface SpreadLimits {
  readonly bytesMost: number;
  readonly entriesMost: number;
  /** That must stay free on the disk. */
  readonly freeBytesLeast: number;
}

/** Of an archive; layers have their own (`unpackLimits`). */
const spreadLimits: SpreadLimits = { bytesMost: 64 * 1024 ** 3, entriesMost: 100_000, freeBytesLeast };

export interface ImportOptions extends BringOptions {
  /** Instead of the names that the archive gives; for archives with one image. */
  readonly name?: string;
  readonly limits?: SpreadLimits;
}

/** Takes in an OCI layout (folder or tar) or a docker-archive (`docker save`, skopeo's docker-archive:); tars may be
 *  packed with gzip or zstd. Answers the images. Throws ImageError, InvalidImageName. */
export async function importImage(
  store: ImageStore,
  path: string,
  options: ImportOptions = {},
): Promise<readonly Image[]> {
  const [images = []] = await importIntoAll([store], path, options);
  return images;
}

/** Into several nodes' stores, the archive read once. */
export async function importIntoAll(
  stores: readonly ImageStore[],
  path: string,
  options: ImportOptions = {},
): Promise<readonly (readonly Image[])[]> {
  const about = await stat(path).catch((cause: unknown) => {
    throw new ImageError(`cannot read ${path}`, { cause });
  });
  const isFolder = about.isDirectory();
  const folder = isFolder ? path : await mkdtemp(join(tmpdir(), "pintle-import-"));
  try {
    if (!isFolder) await spread(path, folder, options.limits ?? spreadLimits);
    const images: (readonly Image[])[] = [];
    for (const store of stores) images.push(await importFolder(store, folder, options));
    return images;
  } finally {
    if (!isFolder) await rm(folder, { recursive: true, force: true });
  }
}

async function importFolder(
  store: ImageStore,
  folder: string,
  options: ImportOptions,
): Promise<readonly Image[]> {
  const [index, manifest] = ["index.json", "manifest.json"].map((name) => join(folder, name));
  if (index !== undefined && (await ifPresent(stat(index))))
    return importLayout(store, folder, parsed(await documentBytes(index)), options);
  if (manifest !== undefined && (await ifPresent(stat(manifest))))
    return importDocker(store, folder, parsed(await documentBytes(manifest)), options);
  throw new ImageError("neither an OCI layout (index.json) nor a docker-archive (manifest.json)");
}

async function importLayout(
  store: ImageStore,
  folder: string,
  index: unknown,
  options: ImportOptions,
): Promise<readonly Image[]> {
  if (!isRecord(index) || !Array.isArray(index.manifests))
    throw new ImageError("index.json lists no manifests");
  const images: Image[] = [];
  const pathOf = ({ digest }: Descriptor) => join(folder, "blobs", ...digest.split(":").map(plainName));
  for (const listed of index.manifests) {
    if (!isDescriptor(listed)) throw new ImageError("index.json lists something that is no descriptor");
    const name = options.name ?? nameOf(listed);
    let document = await documentAt(pathOf(listed), listed.digest);
    if (isRecord(document) && Array.isArray(document.manifests)) {
      const chosen = chooseForPlatform(document);
      document = await documentAt(pathOf(chosen), chosen.digest);
    }
    const { config, layers } = manifestOf(document);
    images.push(
      await store.add(
        {
          id: config.digest,
          configuration: await documentAt(pathOf(config), config.digest),
          sizeBytes: layers.reduce((sum, { size }) => sum + size, config.size),
          names: name === undefined ? [] : [fullName(name)],
          digests: [],
          layers: layers.map((layer) => ({
            fetch: async () => ({ path: pathOf(layer), digest: layer.digest }),
          })),
        },
        options,
      ),
    );
  }
  return images;
}

/** A document whose bytes are what its digest says. */
async function documentAt(path: string, digest: string): Promise<unknown> {
  const bytes = await documentBytes(path);
  const actual = digestOf(bytes);
  if (actual !== digest) throw new ImageError(`${digest} is here as ${actual}`);
  return parsed(bytes);
}

async function documentBytes(path: string): Promise<Buffer> {
  const about = await ifPresent(stat(path));
  if (about === undefined) throw new ImageError(`the archive lacks ${basename(path)}`);
  if (about.size > documentLimits.bytesMost)
    throw new ImageError(`${basename(path)} is too large for a manifest`);
  return readFile(path);
}

const digestOf = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

function parsed(bytes: Buffer | string): unknown {
  try {
    return JSON.parse(String(bytes));
  } catch (cause) {
    throw new ImageError("a document in the archive is not JSON", { cause });
  }
}

function nameOf(listed: unknown): string | undefined {
  const annotations = isRecord(listed) && isRecord(listed.annotations) ? listed.annotations : {};
  const named = annotations["io.containerd.image.name"] ?? annotations["org.opencontainers.image.ref.name"];
  // A layout's ref.name is often only a tag, which names nothing by itself.
  return typeof named === "string" && /[/:]/.test(named) ? named : undefined;
}

async function importDocker(
  store: ImageStore,
  folder: string,
  manifest: unknown,
  options: ImportOptions,
): Promise<readonly Image[]> {
  if (!Array.isArray(manifest)) throw new ImageError("manifest.json is not a list");
  const images: Image[] = [];
  for (const one of manifest) {
    if (!isRecord(one) || typeof one.Config !== "string" || !isNames(one.Layers))
      throw new ImageError("manifest.json lists something that is no image");
    const configuration = await documentBytes(join(folder, inside(one.Config)));
    const files = one.Layers.map((layer) => join(folder, inside(layer)));
    const sizes = await Promise.all(files.map(async (file) => (await ifPresent(stat(file)))?.size));
    const tags = options.name !== undefined ? [options.name] : isNames(one.RepoTags) ? one.RepoTags : [];
    images.push(
      await store.add(
        {
          id: digestOf(configuration),
          configuration: parsed(configuration),
          sizeBytes: sizes.reduce<number>((sum, size) => sum + (size ?? 0), configuration.length),
          names: tags.map(fullName),
          digests: [],
          layers: files.map((path) => ({ fetch: async () => ({ path }) })),
        },
        options,
      ),
    );
  }
  return images;
}

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");
const fullName = (name: string): string => referenceText(parseReference(name));

function inside(file: string): string {
  const path = normalize(file);
  if (path.startsWith("..") || path.startsWith("/"))
    throw new ImageError(`the archive names ${file}, outside of it`);
  return path;
}

function plainName(part: string): string {
  if (!/^[\w-]+$/.test(part)) throw new ImageError(`"${part}" is no part of a digest`);
  return part;
}

/** The archive's regular files into a folder; links among them (old docker-archives share layers so) become further names. */
async function spread(path: string, folder: string, limits: SpreadLimits): Promise<void> {
  const archive = extract();
  const file = createReadStream(path);
  const packing = await packingOf(path);
  const feeding = packing === "none" ? pipeline(file, archive) : pipeline(file, unpacking(packing), archive);
  feeding.catch(() => undefined); // heard below
  const room = new DiskRoom(folder, limits.freeBytesLeast);
  const links: [from: string, to: string][] = [];
  let [bytes, entries] = [0, 0];
  const count = (more: number) => {
    bytes += more;
    if (bytes > limits.bytesMost)
      throw new ImageError(`the archive holds more than ${limits.bytesMost} bytes`);
    room.take(more);
  };
  try {
    for await (const entry of archive) {
      if (++entries > limits.entriesMost)
        throw new ImageError(`the archive holds more than ${limits.entriesMost} files`);
      const { name, type, linkname = "" } = entry.header;
      const to = join(folder, inside(name));
      if (type === "file") {
        await makeFolder(dirname(to));
        const counting = async function* (counted: AsyncIterable<Buffer>) {
          for await (const piece of counted) {
            count(piece.length);
            yield piece;
          }
        };
        const pieces = entry as unknown as Readable; // streamx's, which pipeline takes as Node's
        await pipeline(pieces, counting, createWriteStream(to));
      } else {
        if (type === "symlink" || type === "link")
          links.push([join(folder, inside(join(dirname(inside(name)), linkname))), to]);
        entry.resume();
      }
    }
    await feeding;
    for (const [from, to] of links) {
      await makeFolder(dirname(to));
      await rm(to, { force: true });
      await link(from, to);
    }
  } catch (cause) {
    throw cause instanceof ImageError ? cause : new ImageError("the archive cannot be read", { cause });
  }
}
