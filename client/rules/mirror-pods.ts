import type { ObjectMeta } from "../types.ts";

/** Of a pod that shows what its node runs by itself, from a file. */
export const mirrorAnnotation = "kubernetes.io/config.mirror";

/** Such a pod is its node's to make: nobody adds anything to it, and it opens nothing to its node. */
export const isMirrorPod = ({ metadata }: { readonly metadata: ObjectMeta }): boolean =>
  metadata.annotations?.[mirrorAnnotation] !== undefined;
