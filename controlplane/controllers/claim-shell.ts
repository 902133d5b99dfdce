import type { Selector } from "../../base/label-selector.ts";
import type { ApiClient } from "../../client/api.ts";
import { ApiError, isNotFound } from "../../client/api-error.ts";
import type { Informer } from "../../client/informer.ts";
import type { Stored } from "../../client/object-cache.ts";
import type { Resource } from "../../client/types.ts";
import { claimChildren } from "./claim.ts";
import { controllerOf, controllerReference, type Owned, type Owner } from "./owners.ts";

const nobodysIndex = "nobody's, by namespace";
const nobodysNamespace = (object: Stored): readonly string[] =>
  controllerOf(object) === undefined ? [object.metadata.namespace ?? ""] : [];

/** Children that may be claimed: those of the owner and those of nobody, without looking at everybody else's. */
export function candidates<T extends Stored>(informer: Informer<T>, owner: Owned): readonly T[] {
  informer.addIndex(nobodysIndex, nobodysNamespace);
  const own = informer.byOwner(owner.metadata.uid);
  return [...own, ...informer.byIndex(nobodysIndex, owner.metadata.namespace ?? "")];
}

export interface Family<T extends Stored> {
  readonly owners: Resource<unknown>;
  readonly children: Resource<T>;
  readonly informer: Informer<T>;
  /** Absent: every child may be the owner's. */
  readonly isOurs?: (child: T) => boolean;
  /** What the owner holds its children with: comes with adoption, goes with release. */
  readonly finalizer?: string;
}

/** Adopts and releases as `claimChildren` says and returns what is the owner's after that. */
export async function claim<T extends Stored>(
  client: ApiClient,
  family: Family<T>,
  owner: Owner,
  selector: Selector,
): Promise<readonly T[]> {
  const children = candidates(family.informer, owner).filter((child) => family.isOurs?.(child) ?? true);
  const found = claimChildren(owner, selector, children);
  for (const child of found.release) await release(client, family, child, owner);
  if (found.adopt.length === 0) return found.kept;
  // The cache may show an owner that is gone or a namesake's predecessor; those must adopt nothing.
  const now = await client.get(family.owners as Resource<Owned>, owner.metadata);
  if (now.metadata.uid !== owner.metadata.uid || now.metadata.deletionTimestamp !== undefined)
    return found.kept;
  const adopted: T[] = [];
  for (const child of found.adopt) adopted.push(await adopt(client, family, child, owner));
  return [...found.kept, ...adopted];
}

function adopt<T extends Stored>(
  client: ApiClient,
  { children, finalizer }: Family<T>,
  child: T,
  owner: Owner,
): Promise<T> {
  const ownerReferences = [...(child.metadata.ownerReferences ?? []), controllerReference(owner)];
  const { uid, resourceVersion, finalizers = [] } = child.metadata;
  const held =
    finalizer === undefined || finalizers.includes(finalizer)
      ? {}
      : { finalizers: [...finalizers, finalizer] };
  const body = { metadata: { uid, resourceVersion, ownerReferences, ...held } };
  return client.patch(children, child.metadata, body, { type: "merge" });
}

async function release<T extends Stored>(
  client: ApiClient,
  { children, finalizer }: Family<T>,
  child: T,
  owner: Owner,
): Promise<void> {
  const ownerReferences = (child.metadata.ownerReferences ?? []).filter(
    (reference) => reference.uid !== owner.metadata.uid,
  );
  const { uid, resourceVersion, finalizers = [] } = child.metadata;
  const free = finalizer === undefined ? {} : { finalizers: finalizers.filter((one) => one !== finalizer) };
  const body = { metadata: { uid, resourceVersion, ownerReferences, ...free } };
  try {
    await client.patch(children, child.metadata, body, { type: "merge" });
  } catch (error) {
    if (!isNotFound(error)) throw error; // gone, and so released
  }
}

/** The namespace is being deleted: what we wanted to create in it has no place any more. */
export function isNamespaceTerminating(error: unknown): boolean {
  return (
    error instanceof ApiError &&
    error.code === 403 &&
    (error.status.details?.causes?.some(({ reason }) => reason === "NamespaceTerminating") === true ||
      error.message.includes("because it is being terminated"))
  );
}
