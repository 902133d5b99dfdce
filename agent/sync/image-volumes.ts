import type { Container, Pod } from "../../client/types.ts";
import type { PodContext } from "./pod-context.ts";
import { podCredentials } from "./pod-credentials.ts";

export interface ImageVolume {
  readonly imageId: string;
  /** Shows the image; shared with all who use it. */
  readonly folder: string;
}

/** Gets the images that a container mounts as volumes, by the volumes' names. Rejects with ImageUnavailable. */
export async function imageVolumes(
  request: { readonly pod: Pod; readonly container: Container; readonly signal: AbortSignal },
  context: Pick<PodContext, "volumeImages" | "imageStore" | "events" | "sources">,
): Promise<ReadonlyMap<string, ImageVolume>> {
  const { pod, container, signal } = request;
  const mounted = new Set((container.volumeMounts ?? []).map(({ name }) => name));
  const found = new Map<string, ImageVolume>();
  for (const { name, image } of pod.spec.volumes ?? []) {
    if (image === undefined || !mounted.has(name)) continue;
    const { id } = await context.volumeImages.ensure({
      image: image.reference ?? "",
      podUid: pod.metadata.uid,
      policy: image.pullPolicy,
      credentialsFor: (reference) => podCredentials(pod, reference, context),
      onEvent: (type, reason, message) => context.events.record(pod, { type, reason, message }),
      signal,
    });
    found.set(name, { imageId: id, folder: await context.imageStore.folderOf(id, signal) });
  }
  return found;
}
