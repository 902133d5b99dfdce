import type { KubeObject } from "../../../client/types.ts";
import type { User } from "../filters/authentication.ts";
import type { Kind } from "../registry/kind.ts";

/** Who writes, and through which door: "" is the object itself, else `status`, `eviction`, `binding` … */
export interface Requester {
  readonly user: User;
  readonly subresource: string;
  /** The name in the request's URL; "" for what is made by POST, and for the server's own writes. */
  readonly name: string;
}

/** One write as admission sees it. `object` is what is about to be stored and may still be filled in. */
export type Write =
  | { readonly operation: "create"; readonly object: KubeObject; readonly old?: undefined }
  | { readonly operation: "update"; readonly object: KubeObject; readonly old: KubeObject }
  | { readonly operation: "delete"; readonly old: KubeObject; readonly object?: undefined };

export type Attributes = Write & { readonly kind: Kind; readonly by: Requester };

/** Runs in each attempt to store, on the state that the attempt goes on from. Throws an ApiError to refuse. */
export type Admission = (attributes: Attributes) => Promise<void>;

/** All of them, in order. */
export function inOrder(...plugins: readonly Admission[]): Admission {
  return async (attributes) => {
    for (const admit of plugins) await admit(attributes);
  };
}
