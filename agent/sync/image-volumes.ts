import type { Container, Pod } from "../../client/types.ts";
import type { PodContext } from "./pod-context.ts";
import { podCredentials } from "./pod-credentials.ts";

/** Gets the images that a container mounts as volumes. Answers the folder that shows each, by the volume's name; it is
 *  shared with all who use the image. Rejects with ImageUnavailable. */
export async function imageVolumes(
  request: { readonly pod: Pod; readonly container: Container; readonly signal: AbortSignal },
  context: Pick<PodContext, "images" | "imageStore" | "events" | "sources">,
): Promise<ReadonlyMap<string, string>> {
  const { pod, container, signal } = request;
  const mounted = new Set((container.volumeMounts ?? []).map(({ name }) => name));
  const folders = new Map<string, string>();
  for (const { name, image } of pod.spec.volumes ?? []) {
    if (image === undefined || !mounted.has(name)) continue;
    const { id } = await context.images.ensure({
      image: image.reference ?? "",
      podUid: pod.metadata.uid,
      policy: image.pullPolicy,
      credentialsFor: (reference) => podCredentials(pod, reference, context),
      onEvent: (type, reason, message) => context.events.record(pod, { type, reason, message }),
      signal,
    });
    folders.set(name, await context.imageStore.folderOf(id, signal));
  }
  return folders;
}
