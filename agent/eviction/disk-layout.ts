import type { Signal } from "./signals.ts";

/** Which of a node's disks holds what. */
export interface DiskLayout {
  /** Images are on a file system of their own. */
  readonly imagesApart: boolean;
  /** What containers write to their own roots is where images are. */
  readonly layersWithImages: boolean;
}

/** What of a pod lies on the disk that a signal tells of. */
export function partsOf(signal: Signal, { imagesApart, layersWithImages }: DiskLayout) {
  const all = { volumes: true, logs: true, layers: true };
  if (!imagesApart) return all;
  if (signal.startsWith("imagefs.")) return { volumes: false, logs: false, layers: layersWithImages };
  return { ...all, layers: !layersWithImages };
}

export interface Reclaimable {
  /** Logs of containers and pods that are gone, kept for searching. */
  readonly logs: boolean;
  /** What ended containers wrote. */
  readonly containers: boolean;
  /** Images that no container is made of. */
  readonly images: boolean;
}

/** What can be given back of what a signal tells, before any pod has to go. */
export function reclaimableOf(signal: Signal, { imagesApart, layersWithImages }: DiskLayout): Reclaimable {
  if (!signal.startsWith("nodefs.") && !signal.startsWith("imagefs."))
    return { logs: false, containers: false, images: false };
  if (!imagesApart) return { logs: true, containers: true, images: true };
  const isOfImages = signal.startsWith("imagefs.");
  // Logs of ended containers are on the pods' disk, wherever their layers are.
  return { logs: !isOfImages, containers: !isOfImages || layersWithImages, images: isOfImages };
}
