import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rm, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { ifPresent } from "../../base/os/if-present.ts";
import { type Image, ImageError } from "./image.ts";
import type { ImageSource } from "./image-source.ts";
import { chooseForPlatform } from "./platform.ts";
import type { PullCredentials } from "./pull-credentials.ts";
import { type Reference, referenceText, repositoryText } from "./reference.ts";
import { Registry, readDocument } from "./registry.ts";
import { type Descriptor, type ImageStore, isRecord, manifestOf } from "./store.ts";

/** The node's own store, with registries behind it. */
export const imagesOf = (store: ImageStore): ImageSource => ({
  find: (name) => store.find(name),
  recordAccess: (id, pull) => store.recordAccess(id, pull),
  pull: (reference, options) => pullImage(store, reference, options),
});

const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

const blobAttempts = 4;

/** Fetches an image from its registry into the store. Rejects with ImageError. */
export async function pullImage(
  store: ImageStore,
  reference: Reference,
  options: { readonly credentials?: PullCredentials | undefined; readonly signal: AbortSignal },
): Promise<Image> {
  const registry = new Registry(reference.registry, options.credentials);
  const { repository } = reference;
  const wanted = reference.digest ?? reference.tag ?? "latest";
  const top = await fetchManifest(registry, repository, wanted, options.signal);
  let manifest = top.document;
  if (isRecord(manifest) && Array.isArray(manifest.manifests))
    manifest = (await fetchManifest(registry, repository, chooseForPlatform(manifest).digest, options.signal))
      .document;
  const { config, layers } = manifestOf(manifest);
  return store.useLayers(layers, async () => {
    const missing = (await store.isUnpacked(config.digest)) ? [config] : [config, ...layers];
    for (const blob of missing)
      await store.fetchBlob(blob.digest, options.signal, () =>
        fetchBlob(store, registry, repository, blob, options.signal),
      );
    const names = {
      tags: [referenceText(reference)],
      digests: [`${repositoryText(reference)}@${top.digest}`],
    };
    const pull = { repository: repositoryText(reference), credentials: options.credentials };
    return store.add({ config, layers }, names, { pull, signal: options.signal });
  });
}

async function fetchManifest(
  registry: Registry,
  repository: string,
  wanted: string,
  signal: AbortSignal,
): Promise<{ document: unknown; digest: string }> {
  const answer = await registry.get(`${repository}/manifests/${wanted}`, { accept: manifestTypes }, signal);
  const bytes = await readDocument(answer);
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  if (wanted.startsWith("sha256:") && wanted !== digest)
    throw new ImageError(`the manifest ${wanted} came as ${digest}`);
  return { document: JSON.parse(bytes.toString("utf8")), digest };
}

/** Fetches what is missing of a blob, again from where the connection broke, then checks it whole. */
async function fetchBlob(
  store: ImageStore,
  registry: Registry,
  repository: string,
  blob: Descriptor,
  signal: AbortSignal,
): Promise<void> {
  const partial = `${store.blobPath(blob.digest)}.partial`;
  for (let attempt = 1; ; attempt++) {
    const have = (await ifPresent(stat(partial)))?.size ?? 0;
    if (have >= blob.size) break;
    const headers: Record<string, string> = have > 0 ? { range: `bytes=${have}-` } : {};
    const answer = await registry.get(`${repository}/blobs/${blob.digest}`, headers, signal);
    try {
      // What has come is on disk before more is taken: a break costs nothing that was received.
      const file = await open(partial, have > 0 && answer.statusCode === 206 ? "a" : "w", 0o600);
      try {
        for await (const chunk of answer) await file.write(chunk);
      } finally {
        await file.close();
      }
    } catch (error) {
      signal.throwIfAborted();
      if (attempt >= blobAttempts) throw new ImageError(`cannot fetch ${blob.digest}`, { cause: error });
    }
  }
  try {
    await store.putBlob(blob, blob.size === 0 ? Readable.from([]) : createReadStream(partial));
  } finally {
    await rm(partial, { force: true });
  }
}
