import { type ImageConfig, ImageError } from "./image.ts";

/** What images are described with (image-spec descriptor.md, manifest.md, config.md). All of it comes from outside. Pure. */
export interface Descriptor {
  readonly mediaType?: string;
  readonly digest: string;
  readonly size: number;
}

export interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export const documentLimits = { bytesMost: 4 * 1024 * 1024, layersMost: 200 } as const;

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

/** What a container needs of an image's configuration, and the digests of what its layers hold. Throws ImageError. */
export function configurationOf(
  document: unknown,
  layers: number,
): { readonly config: ImageConfig; readonly contents: readonly string[] } {
  if (!isRecord(document)) throw new ImageError("the image's configuration is not an object");
  const listed = isRecord(document.rootfs) ? document.rootfs.diff_ids : undefined;
  const contents = Array.isArray(listed) ? listed.map(String) : [];
  if (contents.length !== layers)
    throw new ImageError(
      `the image's configuration names ${contents.length} layers (rootfs.diff_ids), its manifest ${layers}`,
    );
  const config = document.config ?? {};
  if (!isRecord(config)) throw new ImageError("the image's configuration is not an object");
  for (const name of ["Entrypoint", "Cmd", "Env"])
    if (!isAbsent(config[name]) && !isTexts(config[name]))
      throw new ImageError(`the image's configuration has a ${name} that is no list of texts`);
  for (const name of ["WorkingDir", "User", "StopSignal"])
    if (config[name] !== undefined && typeof config[name] !== "string")
      throw new ImageError(`the image's configuration has a ${name} that is no text`);
  if (!isAbsent(config.Volumes) && !isRecord(config.Volumes))
    throw new ImageError("the image's configuration has Volumes that are no object");
  return { config, contents };
}

const isAbsent = (value: unknown): boolean => value === undefined || value === null;
const isTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every((one) => typeof one === "string");

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isDescriptor(value: unknown): value is Descriptor {
  return (
    isRecord(value) &&
    typeof value.digest === "string" &&
    Number.isSafeInteger(value.size) &&
    Number(value.size) >= 0 &&
    (value.mediaType === undefined || typeof value.mediaType === "string")
  );
}
