import type { StorageClass } from "../types.ts";

const annotations = [
  "storageclass.kubernetes.io/is-default-class",
  "storageclass.beta.kubernetes.io/is-default-class",
];

/** The class of claims that name none. */
export function isDefaultStorageClass({ metadata }: Pick<StorageClass, "metadata">): boolean {
  return annotations.some((name) => metadata.annotations?.[name] === "true");
}

/** Of several the newest, of those as old as it the first by name. */
export function defaultStorageClass(classes: readonly StorageClass[]): StorageClass | undefined {
  const made = ({ metadata }: StorageClass) => Date.parse(metadata.creationTimestamp ?? "");
  return classes
    .filter(isDefaultStorageClass)
    .sort((a, b) => made(b) - made(a) || (a.metadata.name < b.metadata.name ? -1 : 1))[0];
}
