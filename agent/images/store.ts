import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { chmod, mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ifPresent } from "../../base/os/if-present.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import type { LayerSource } from "../runtime/oci/root-filesystem.ts";
import { readOptional, writeRecord } from "../runtime/supervised/records.ts";
import { hostImage } from "./host-image.ts";
import { type Image, type ImageConfig, ImageError } from "./image.ts";
import { withPull } from "./image-access.ts";
import { InTurn } from "./in-turn.ts";
import type { PullCredentials } from "./pull-credentials.ts";
import { parseReference, referenceText } from "./reference.ts";
import { unpackLayer } from "./unpack.ts";

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Where an image came from, and by which credentials. */
export interface Pull {
  /** `registry/repository`. */
  readonly repository: string;
  readonly credentials: Pick<PullCredentials, "hash" | "secret"> | undefined;
}

export const storeLimits = { documentBytesMost: 4 * 1024 * 1024 } as const;

/** Images on this node. Several processes may have one open. */
export class ImageStore implements LayerSource {
  readonly #dir: string;
  readonly #inTurn = new InTurn();
  /** How many use the layers' blobs now. */
  readonly #users = new Map<string, number>();

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async open(dir: string): Promise<ImageStore> {
    await makeFolder(join(dir, "blobs", "sha256"), 0o700);
    await makeFolder(join(dir, "trees"), 0o711);
    return new ImageStore(dir);
  }

  async list(): Promise<readonly Image[]> {
    const text = await readOptional(join(this.#dir, "images.json"));
    return [hostImage, ...(text === undefined ? [] : (JSON.parse(text) as Image[]))]; // written by us, whole
  }

  /** By name as pods give it, or by id. */
  async find(name: string): Promise<Image | undefined> {
    const images = await this.list();
    const byId = images.find(({ id }) => id === name);
    if (byId !== undefined) return byId;
    const full = referenceText(parseReference(name));
    return images.find((image) => image.names.includes(full) || image.digests.includes(full));
  }

  async lowerDirs(imageId: string): Promise<readonly string[]> {
    return [imageId === hostImage.id ? "/" : this.#tree(imageId)];
  }

  /** Takes in bytes under their digest, which they must have. `sizeBytes` bounds them. */
  async putBlob(descriptor: Descriptor, from: Readable): Promise<void> {
    const path = this.blobPath(descriptor.digest);
    const folder = await mkdtemp(join(this.#dir, "incoming-"));
    const incoming = join(folder, "blob");
    try {
      await pipeline(from, verifying(descriptor), createWriteStream(incoming, { mode: 0o600, flush: true }));
      await rename(incoming, path);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async hasBlob(digest: string): Promise<boolean> {
    return (await ifPresent(stat(this.blobPath(digest)))) !== undefined;
  }

  /** The image is unpacked: its layers are not needed again. */
  async isUnpacked(id: string): Promise<boolean> {
    return (await ifPresent(stat(this.#tree(id)))) !== undefined;
  }

  /** Fetches a blob that is not here. One that is being fetched by another is waited for, not fetched twice. */
  async fetchBlob(digest: string, signal: AbortSignal, fetch: () => Promise<void>): Promise<void> {
    await this.#inTurn.run(digest, signal, async () => {
      if (!(await this.hasBlob(digest))) await fetch();
    });
  }

  /** Brings layers in and unpacks them. They are dropped afterwards, but for those that another still uses. */
  async useLayers<T>(layers: readonly Descriptor[], work: () => Promise<T>): Promise<T> {
    const digests = [...new Set(layers.map(({ digest }) => digest))];
    for (const digest of digests) this.#users.set(digest, (this.#users.get(digest) ?? 0) + 1);
    let isDone = false;
    try {
      const result = await work();
      isDone = true;
      return result;
    } finally {
      for (const digest of digests) {
        const others = (this.#users.get(digest) ?? 1) - 1;
        if (others > 0) this.#users.set(digest, others);
        else this.#users.delete(digest);
      }
      // What failed is tried again, and goes on with what it has.
      if (isDone) await this.dropBlobs(digests);
    }
  }

  async readDocument(digest: string): Promise<unknown> {
    const path = this.blobPath(digest);
    if ((await stat(path)).size > storeLimits.documentBytesMost)
      throw new ImageError(`${digest} is too large for a manifest`);
    return JSON.parse(await readFile(path, "utf8"));
  }

  /** Unpacks an image whose blobs are all here and lists it under these names. */
  async add(
    manifest: Manifest,
    names: { readonly tags: readonly string[]; readonly digests: readonly string[] },
    options: { readonly pull?: Pull; readonly signal?: AbortSignal } = {},
  ): Promise<Image> {
    const { signal } = options;
    const id = manifest.config.digest;
    const { config, contents } = configOf(await this.readDocument(id));
    if (contents.length !== manifest.layers.length)
      throw new ImageError(
        `the image's configuration names ${contents.length} layers (rootfs.diff_ids), its manifest ${manifest.layers.length}`,
      );
    const layers = manifest.layers.map((layer, at) => ({ ...layer, content: contents[at] ?? "" }));
    await this.#inTurn.run(`unpack ${id}`, signal, async () => {
      if (!(await this.isUnpacked(id))) await this.#unpack(id, layers, signal);
    });
    const sizeBytes = manifest.layers.reduce((sum, { size }) => sum + size, manifest.config.size);
    return this.#enlist({ id, names: names.tags, digests: names.digests, sizeBytes, config }, options.pull);
  }

  /** Records who may use an image, besides those of whom it is known. */
  async recordAccess(id: string, pull: Pull): Promise<void> {
    await this.#change((images) =>
      images.map((image) =>
        image.id === id
          ? { ...image, access: withPull(image.access, pull.repository, pull.credentials) }
          : image,
      ),
    );
  }

  /** Forgets an image and frees its space. */
  async remove(id: string): Promise<void> {
    await this.#change((images) => images.filter((image) => image.id !== id));
    await rm(this.#tree(id), { recursive: true, force: true });
    await rm(this.blobPath(id), { force: true });
  }

  /** Layers are not needed once unpacked. Those in use stay. */
  async dropBlobs(digests: readonly string[]): Promise<void> {
    for (const digest of digests)
      await this.#inTurn.run(digest, undefined, async () => {
        if (!this.#users.has(digest)) await rm(this.blobPath(digest), { force: true });
      });
  }

  blobPath(digest: string): string {
    const match = /^sha256:([0-9a-f]{64})$/.exec(digest);
    if (match?.[1] === undefined) throw new ImageError(`"${digest}" is not a sha256 digest`);
    return join(this.#dir, "blobs", "sha256", match[1]);
  }

  /** Only what the image's configuration says: its digest is what the image is known by, and used by others, afterwards. */
  async #unpack(id: string, layers: readonly Layer[], signal: AbortSignal | undefined): Promise<void> {
    const tree = this.#tree(id);
    const partial = await mkdtemp(`${tree}-`);
    try {
      for (const layer of layers) {
        signal?.throwIfAborted();
        const blob = createReadStream(this.blobPath(layer.digest));
        const content = await unpackLayer(partial, blob, layer.mediaType);
        if (content !== layer.content)
          throw new ImageError(
            `layer ${layer.digest} unpacks to ${content}, the image's configuration says ${layer.content}`,
          );
      }
      await chmod(partial, 0o755);
      await rename(partial, tree);
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      throw error;
    }
  }

  async #enlist(image: Image, pull: Pull | undefined): Promise<Image> {
    let merged = image;
    await this.#change((stored) => {
      const same = stored.find(({ id }) => id === image.id);
      const names = [...new Set([...image.names, ...(same?.names ?? [])])];
      const access = pull ? withPull(same?.access, pull.repository, pull.credentials) : same?.access;
      const digests = [...new Set([...image.digests, ...(same?.digests ?? [])])];
      merged = { ...image, names, digests, ...(access && { access }) };
      // A name belongs to one image: the last that was given it.
      const others = stored
        .filter(({ id }) => id !== image.id)
        .map((other) => ({ ...other, names: other.names.filter((name) => !names.includes(name)) }));
      return [...others, merged];
    });
    return merged;
  }

  /** Reads the list and replaces it, one change after the other. */
  #change(how: (images: readonly Image[]) => readonly Image[]): Promise<void> {
    return this.#inTurn.run("images.json", undefined, async () => {
      const stored = (await this.list()).filter(({ id }) => id !== hostImage.id);
      await writeRecord(join(this.#dir, "images.json"), how(stored));
    });
  }

  #tree(id: string): string {
    return join(this.#dir, "trees", id.replace("sha256:", ""));
  }
}

export interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** Reads an image manifest of OCI's or Docker's (schema 2). Throws ImageError. */
export function manifestOf(document: unknown): Manifest {
  if (
    !isRecord(document) ||
    !isDescriptor(document.config) ||
    !Array.isArray(document.layers) ||
    !document.layers.every(isDescriptor)
  )
    throw new ImageError("the manifest is not an image's");
  return { config: document.config, layers: document.layers };
}

interface Layer extends Descriptor {
  /** Digest of what is packed in it. */
  readonly content: string;
}

/** What a container needs of an image's configuration, and the digests of what its layers hold. */
function configOf(document: unknown): { readonly config: ImageConfig; readonly contents: readonly string[] } {
  if (!isRecord(document)) throw new ImageError("the image's configuration is not an object");
  const listed = isRecord(document.rootfs) ? document.rootfs.diff_ids : undefined;
  const contents = Array.isArray(listed) ? listed.map(String) : [];
  return { config: isRecord(document.config) ? document.config : {}, contents };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isDescriptor(value: unknown): value is Descriptor {
  return (
    isRecord(value) &&
    typeof value.digest === "string" &&
    typeof value.size === "number" &&
    (value.mediaType === undefined || typeof value.mediaType === "string")
  );
}

/** Passes bytes on and fails at the end if they are not what the descriptor says. */
function verifying({ digest, size }: Descriptor): Transform {
  const hash = createHash("sha256");
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      hash.update(chunk);
      done(
        bytes > size ? new ImageError(`${digest} is longer than the ${size} bytes announced`) : null,
        chunk,
      );
    },
    flush(done) {
      const actual = `sha256:${hash.digest("hex")}`;
      if (actual === digest && bytes === size) done();
      else done(new ImageError(`${digest} came as ${actual} (${bytes} of ${size} bytes)`));
    },
  });
}
