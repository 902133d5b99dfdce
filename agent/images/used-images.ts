import type { RuntimeContainer } from "../runtime/seam.ts";

const annotation = "imageVolumes";

/** What a container's annotations tell of the images that it mounts as volumes, by their ids. Pure. */
export function imageVolumesAnnotation(ids: readonly string[]): Readonly<Record<string, string>> {
  return ids.length === 0 ? {} : { [annotation]: JSON.stringify(ids) };
}

/** Ids of the images that a container is made of, whether it runs or not. */
export function usedImages({
  imageId,
  annotations,
}: Pick<RuntimeContainer, "imageId" | "annotations">): readonly string[] {
  const volumes = annotations[annotation];
  return volumes === undefined ? [imageId] : [imageId, ...(JSON.parse(volumes) as string[])];
}
