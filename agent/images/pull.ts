import { createHash } from "node:crypto";
import { open, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { ifPresent } from "../../base/os/if-present.ts";
import { type Image, ImageError } from "./image.ts";
import { type Descriptor, documentLimits, isRecord, manifestOf } from "./image-documents.ts";
import type { ImageSource } from "./image-source.ts";
import { isSha256 } from "./layers/chain-id.ts";
import { DiskRoom } from "./layers/disk-room.ts";
import { unpackLimits } from "./layers/unpack-layer.ts";
import { chooseForPlatform } from "./platform.ts";
import type { PullCredentials } from "./pull-credentials.ts";
import { LayerProgress, type PullProgress } from "./pull-progress.ts";
import { type Reference, referenceText, repositoryText } from "./reference.ts";
import { noRegistries, type Registries, readRegistries } from "./registries-file.ts";
import { readDocument } from "./registry.ts";
import { RegistryHosts } from "./registry-hosts.ts";
import type { ImageStore } from "./store.ts";

/** The node's own store, with registries behind it. The file that says how those are reached is read anew for each pull. */
export const imagesOf = (store: ImageStore, registriesFile?: string): ImageSource => ({
  list: () => store.list(),
  find: (name) => store.find(name),
  remove: (id) => store.remove(id),
  tidy: () => store.sweep({ youngMs: retryMs }),
  folder: async () => store.layersDir,
  recordAccess: (id, pull) => store.recordAccess(id, pull),
  pull: async (reference, options) =>
    pullImage(store, reference, { ...options, registries: await readRegistries(registriesFile) }),
});

const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

const blobAttempts = 4;
/** A pull that failed is tried again sooner than that, and finds the layers that it brought. */
const retryMs = 3600 * 1000;

export interface PullOptions {
  readonly onProgress?: ((progress: PullProgress) => void) | undefined;
  readonly credentials?: PullCredentials | undefined;
  readonly registries?: Registries;
  readonly signal: AbortSignal;
}

/** Fetches an image from its registry into the store: of its layers, those that no image here has. Rejects with ImageError. */
export async function pullImage(
  store: ImageStore,
  reference: Reference,
  options: PullOptions,
): Promise<Image> {
  const registry = await RegistryHosts.open(
    reference.registry,
    options.credentials,
    options.registries ?? noRegistries,
  );
  const { repository } = reference;
  const { signal } = options;
  const wanted = reference.digest ?? reference.tag ?? "latest";
  const top = await fetchManifest(registry, repository, wanted, signal);
  let manifest = top.document;
  if (isRecord(manifest) && Array.isArray(manifest.manifests))
    manifest = (await fetchManifest(registry, repository, digestForPlatform(manifest), signal)).document;
  const { config, layers } = manifestOf(manifest);
  const configuration = await fetchConfiguration(registry, repository, config, signal);
  const progress = new LayerProgress(layers, options.onProgress);
  return store.add(
    {
      id: config.digest,
      configuration,
      sizeBytes: layers.reduce((sum, { size }) => sum + size, config.size),
      names: [referenceText(reference)],
      digests: [`${repositoryText(reference)}@${top.digest}`],
      layers: layers.map((layer, at) => ({
        fetch: async (part: string, until: AbortSignal) => {
          const onBytes = (bytes: number) => progress.has(at, bytes);
          await fetchBlob(registry, { repository, blob: layer, part, onBytes, signal: until });
          return { path: part, digest: layer.digest };
        },
      })),
    },
    {
      pull: { repository: repositoryText(reference), credentials: options.credentials },
      signal,
      onLayer: (at) => progress.stands(at),
    },
  );
}

async function fetchManifest(
  registry: RegistryHosts,
  repository: string,
  wanted: string,
  signal: AbortSignal,
): Promise<{ document: unknown; digest: string }> {
  const answer = await registry.get(`${repository}/manifests/${wanted}`, { accept: manifestTypes }, signal);
  const bytes = await readDocument(answer);
  const digest = digestOf(bytes);
  if (wanted.includes(":") && wanted !== digest)
    throw new ImageError(`the manifest ${wanted} came as ${digest}`);
  return { document: parsed(bytes), digest };
}

function digestForPlatform(index: Record<string, unknown>): string {
  const { digest } = chooseForPlatform(index);
  if (!isSha256(digest)) throw new ImageError(`"${digest}" is not a sha256 digest`);
  return digest;
}

async function fetchConfiguration(
  registry: RegistryHosts,
  repository: string,
  { digest, size }: Descriptor,
  signal: AbortSignal,
): Promise<unknown> {
  if (!isSha256(digest)) throw new ImageError(`"${digest}" is not a sha256 digest`);
  if (size > documentLimits.bytesMost) throw new ImageError(`${digest} is too large for a configuration`);
  const bytes = await readDocument(await registry.get(`${repository}/blobs/${digest}`, {}, signal));
  const came = digestOf(bytes);
  if (came !== digest) throw new ImageError(`${digest} came as ${came} (${bytes.length} of ${size} bytes)`);
  return parsed(bytes);
}

const digestOf = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw new ImageError("the registry's answer is not JSON", { cause });
  }
}

/** Fetches what is missing of a blob, again from where the connection broke. Who unpacks it checks it. */
async function fetchBlob(
  registry: RegistryHosts,
  one: {
    readonly repository: string;
    readonly blob: Descriptor;
    readonly part: string;
    readonly onBytes: (bytes: number) => void;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { repository, blob, part, onBytes, signal } = one;
  if (!isSha256(blob.digest)) throw new ImageError(`"${blob.digest}" is not a sha256 digest`);
  if (blob.size > unpackLimits.bytesMost)
    throw new ImageError(`${blob.digest} is larger than ${unpackLimits.bytesMost} bytes`);
  const room = new DiskRoom(dirname(part));
  for (let attempt = 1; ; attempt++) {
    const have = (await ifPresent(stat(part)))?.size ?? 0;
    if (have === blob.size && (have > 0 || attempt > 1)) return;
    if (have > blob.size) {
      await rm(part, { force: true });
      throw new ImageError(`${blob.digest} is longer than the ${blob.size} bytes announced`);
    }
    const headers: Record<string, string> = have > 0 ? { range: `bytes=${have}-` } : {};
    const answer = await registry.get(`${repository}/blobs/${blob.digest}`, headers, signal);
    try {
      const goesOn = have > 0 && answer.statusCode === 206;
      let bytes = goesOn ? have : 0;
      // What has come is on disk before more is taken: a break costs nothing that was received.
      const file = await open(part, goesOn ? "a" : "w", 0o600);
      try {
        for await (const chunk of answer) {
          room.take((chunk as Buffer).length);
          await file.write(chunk as Buffer);
          bytes += (chunk as Buffer).length;
          if (bytes > blob.size) break;
          onBytes(bytes);
        }
      } finally {
        await file.close();
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ImageError) {
        await rm(part, { force: true }); // the disk is full of it
        throw error;
      }
      if (attempt >= blobAttempts) throw new ImageError(`cannot fetch ${blob.digest}`, { cause: error });
    }
    if (attempt >= blobAttempts && ((await ifPresent(stat(part)))?.size ?? 0) < blob.size)
      throw new ImageError(
        `cannot fetch ${blob.digest}: the registry sends less than the ${blob.size} bytes announced`,
      );
  }
}
