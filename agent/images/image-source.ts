import type { Image } from "./image.ts";
import type { PullCredentials } from "./pull-credentials.ts";
import type { PullProgress } from "./pull-progress.ts";
import type { Reference } from "./reference.ts";

/** Where a node has its images: a store of its own (`store.ts`), or its container runtime. */
export interface ImageSource {
  list(): Promise<readonly Image[]>;
  /** By name as pods give it, or by id. Rejects with InvalidImageName. */
  find(name: string): Promise<Image | undefined>;
  /** Records who may use an image, besides those of whom it is known. */
  recordAccess(
    id: string,
    pull: { readonly repository: string; readonly credentials: PullCredentials },
  ): Promise<void>;
  /** Fine when it is gone. */
  remove(id: string): Promise<void>;
  /** Removes what is left of what others were at who ended. */
  tidy(): Promise<void>;
  /** On the file system that the images are on. */
  folder(): Promise<string>;
  /** Rejects with ImageError. */
  pull(
    reference: Reference,
    options: {
      readonly credentials?: PullCredentials | undefined;
      /** Where the source knows. */
      readonly onProgress?: (progress: PullProgress) => void;
      readonly signal: AbortSignal;
    },
  ): Promise<Image>;
}
