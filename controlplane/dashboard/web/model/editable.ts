import type { KubeObject } from "../api/object-feed.ts";

/** What servers keep of an object, and nobody writes. */
const ownOfServers = [
  "managedFields",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "selfLink",
] as const;

export interface EditScope {
  /** The status is written by another way than the rest, so that a change of it here would be passed over. */
  readonly hasStatusApart: boolean;
}

/** The part of an object that people write. Pure. */
export function editablePart(object: KubeObject, { hasStatusApart }: EditScope): KubeObject {
  const { apiVersion, kind, metadata, ...rest } = object;
  const shown = Object.entries(metadata).filter(
    ([name]) => !(ownOfServers as readonly string[]).includes(name),
  );
  const { status: _, ...withoutStatus } = rest;
  return {
    ...(apiVersion !== undefined && { apiVersion }),
    ...(kind !== undefined && { kind }),
    metadata: Object.fromEntries(shown) as unknown as KubeObject["metadata"],
    ...(hasStatusApart ? withoutStatus : rest),
  };
}

/** What is sent for an edit: as written, of the very object and state that the edit began with. Pure. */
export function bodyOf(written: KubeObject, { metadata: { uid, resourceVersion } }: KubeObject): KubeObject {
  return {
    ...written,
    metadata: { ...written.metadata, ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) },
  };
}

/** Why fields that a person wrote are not theirs to write; undefined where they are. Pure. */
export function serverOwned(
  path: readonly (string | number)[],
  { hasStatusApart }: EditScope,
): string | undefined {
  const [first, second] = path;
  if (first === "status" && path.length === 1 && hasStatusApart)
    return "status is written by what watches over the object; a change of it here is not taken";
  if (first === "metadata" && path.length === 2 && (ownOfServers as readonly unknown[]).includes(second))
    return `metadata.${String(second)} is the server's own`;
  return undefined;
}
