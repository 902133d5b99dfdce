import type { Plugin } from "../cycle/plugin.ts";

const leastBytes = 23 * 1024 * 1024;
const mostBytesPerContainer = 1000 * 1024 * 1024;

/** Prefers nodes that have the pod's images already, the more the larger the images. */
export const imageLocality: Plugin = {
  name: "ImageLocality",
  weight: 1,
  helpedBy: [],
  prepare({ pod }, snapshot) {
    const wanted = new Set(pod.spec.containers.map(({ image }) => normalized(image ?? "")));
    if (snapshot.nodes.every(({ node }) => (node.status?.images ?? []).length === 0)) return undefined;
    const mostBytes = mostBytesPerContainer * pod.spec.containers.length;
    return {
      score: ({ node }) => {
        let bytes = 0;
        for (const { names, sizeBytes = 0 } of node.status?.images ?? [])
          if (names?.some((name) => wanted.has(normalized(name)))) bytes += sizeBytes;
        const counted = Math.min(Math.max(bytes, leastBytes), mostBytes);
        return (100 * (counted - leastBytes)) / (mostBytes - leastBytes);
      },
    };
  },
};

/** A name without tag or digest means `latest`. */
function normalized(image: string): string {
  return /[:@][^/]*$/.test(image) ? image : `${image}:latest`;
}
