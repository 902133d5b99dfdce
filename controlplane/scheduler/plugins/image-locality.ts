import type { PluginFactory } from "../cycle/handle.ts";

const leastBytes = 23 * 1024 * 1024;
const mostBytesPerContainer = 1000 * 1024 * 1024;

/** Prefers nodes that have the pod's images already, the more the larger the images are and the more nodes have them: what
 *  few nodes have would draw all pods there. */
export const imageLocality: PluginFactory = () => ({
  name: "ImageLocality",
  prepareScore: ({ pod }, snapshot) => {
    const { containers, initContainers = [], volumes = [] } = pod.spec;
    const named = [
      ...[...initContainers, ...containers].map(({ image }) => image ?? ""),
      ...volumes.flatMap(({ image }) => image?.reference ?? []),
    ].map(normalized);
    const shares = new Map<string, number>();
    for (const name of named) {
      const nodes = snapshot.nodesWithImage(name);
      if (nodes > 0) shares.set(name, nodes / snapshot.nodes.length);
    }
    // Without any of the images all nodes have the same score.
    if (shares.size === 0) return undefined;
    const mostBytes = mostBytesPerContainer * (initContainers.length + containers.length);
    return {
      score: ({ imageBytes }) => {
        let bytes = 0;
        for (const name of named) {
          const share = shares.get(name);
          if (share !== undefined) bytes += Math.trunc((imageBytes.get(name) ?? 0) * share);
        }
        const counted = Math.min(Math.max(bytes, leastBytes), mostBytes);
        return Math.trunc((100 * (counted - leastBytes)) / (mostBytes - leastBytes));
      },
    };
  },
});

/** A name without tag or digest means `latest`. */
function normalized(image: string): string {
  return image.lastIndexOf(":") <= image.lastIndexOf("/") ? `${image}:latest` : image;
}
