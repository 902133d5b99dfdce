import type { ImageAccess } from "./image-access.ts";

/** What is kept of an image's configuration (image-spec config.md): what a container needs. */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Env?: readonly string[] | null;
  readonly WorkingDir?: string;
  /** `user`, `uid`, `user:group`, `uid:gid`. */
  readonly User?: string;
  readonly StopSignal?: string;
  readonly Volumes?: Readonly<Record<string, object>> | null;
}

export interface Image {
  /** `sha256:…` of its configuration; `host` for the host's own file system. */
  readonly id: string;
  /** Complete names (`referenceText`). */
  readonly names: readonly string[];
  /** `registry/repository@sha256:…` of its manifest, where it was pulled. */
  readonly digests: readonly string[];
  readonly sizeBytes: number;
  /** Names of its layers, the lowest first; absent where it was unpacked into a tree of its own, as once all were. */
  readonly layers?: readonly string[];
  readonly config: ImageConfig;
  /** The container runtime has it, and takes from its configuration what a pod leaves open; here only `User` is known of that. */
  readonly isMergedByRuntime?: boolean;
  /** The container runtime needs it for itself. */
  readonly isPinned?: boolean;
  /** Who may use it; absent where no pull brought it. */
  readonly access?: ImageAccess;
}

export class ImageError extends Error {
  override readonly name = "ImageError";
}
