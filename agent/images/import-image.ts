import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { makeFolder } from "../../base/os/make-folder.ts";
import { readOptional } from "../runtime/supervised/records.ts";
import { type Image, ImageError } from "./image.ts";
import { chooseForPlatform } from "./platform.ts";
import { parseReference, referenceText } from "./reference.ts";
import { type Descriptor, type ImageStore, isDescriptor, isRecord, manifestOf } from "./store.ts";

export interface ImportOptions {
  /** Instead of the names that the archive gives; for archives with one image. */
  readonly name?: string;
}

/** Takes in an OCI layout (folder or tar) or a docker-archive (`docker save`, skopeo's docker-archive:); tars may be
 *  gzipped. Answers the images. Throws ImageError, InvalidImageName. */
export async function importImage(
  store: ImageStore,
  path: string,
  options: ImportOptions = {},
): Promise<readonly Image[]> {
  const about = await stat(path).catch((cause: unknown) => {
    throw new ImageError(`cannot read ${path}`, { cause });
  });
  if (about.isDirectory()) return importFolder(store, path, options);
  const folder = await mkdtemp(join(tmpdir(), "pintle-import-"));
  try {
    await spread(path, folder);
    return await importFolder(store, folder, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function importFolder(
  store: ImageStore,
  folder: string,
  options: ImportOptions,
): Promise<readonly Image[]> {
  const index = await readOptional(join(folder, "index.json"));
  if (index !== undefined) return importLayout(store, folder, JSON.parse(index), options);
  const manifest = await readOptional(join(folder, "manifest.json"));
  if (manifest !== undefined) return importDocker(store, folder, JSON.parse(manifest), options);
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
  const blob = async (descriptor: Descriptor) => {
    if (!(await store.hasBlob(descriptor.digest)))
      await store.putBlob(
        descriptor,
        createReadStream(join(folder, "blobs", ...descriptor.digest.split(":").map(plainName))),
      );
  };
  for (const listed of index.manifests) {
    if (!isDescriptor(listed)) throw new ImageError("index.json lists something that is no descriptor");
    const name = options.name ?? nameOf(listed);
    let chosen: Descriptor = listed;
    await blob(chosen);
    let document = await store.readDocument(chosen.digest);
    if (isRecord(document) && Array.isArray(document.manifests)) {
      chosen = chooseForPlatform(document);
      await blob(chosen);
      document = await store.readDocument(chosen.digest);
    }
    const manifest = manifestOf(document);
    for (const one of [manifest.config, ...manifest.layers]) await blob(one);
    images.push(await store.add(manifest, { tags: name === undefined ? [] : [fullName(name)], digests: [] }));
    await store.dropBlobs(manifest.layers.map(({ digest }) => digest));
  }
  return images;
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
    const blob = async (file: string) => {
      const path = join(folder, inside(file));
      const descriptor = await describe(path);
      await store.putBlob(descriptor, createReadStream(path));
      return descriptor;
    };
    const config = await blob(one.Config);
    const layers: Descriptor[] = [];
    for (const layer of one.Layers) layers.push(await blob(layer));
    const tags = options.name !== undefined ? [options.name] : isNames(one.RepoTags) ? one.RepoTags : [];
    images.push(await store.add({ config, layers }, { tags: tags.map(fullName), digests: [] }));
    await store.dropBlobs(layers.map(({ digest }) => digest));
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

async function describe(path: string): Promise<Descriptor> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).length;
  }
  return {
    digest: `sha256:${hash.digest("hex")}`,
    size,
    mediaType: (await isGzip(path)) ? "tar+gzip" : "tar",
  };
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}

/** The archive's regular files into a folder; links among them (old docker-archives share layers so) become copies. */
async function spread(path: string, folder: string): Promise<void> {
  const archive = extract();
  const file = createReadStream(path);
  const feeding = (await isGzip(path)) ? pipeline(file, createGunzip(), archive) : pipeline(file, archive);
  feeding.catch(() => undefined); // heard below
  const links: [from: string, to: string][] = [];
  for await (const entry of archive) {
    const to = join(folder, inside(entry.header.name));
    if (entry.header.type === "file") {
      await makeFolder(dirname(to));
      await pipeline(entry, createWriteStream(to));
    } else {
      if (entry.header.type === "symlink" || entry.header.type === "link")
        links.push([
          join(folder, inside(join(dirname(inside(entry.header.name)), entry.header.linkname ?? ""))),
          to,
        ]);
      entry.resume();
    }
  }
  await feeding;
  for (const [from, to] of links) {
    await makeFolder(dirname(to));
    await pipeline(createReadStream(from), createWriteStream(to));
  }
}
