import type { Meta, OwnerReference } from "../../client/types.ts";

/** Anything that can own or be owned. */
export interface Owned {
  readonly metadata: Meta;
}
export interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Meta;
}

/** The one owner that manages the object. */
export function controllerOf(object: Owned): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true);
}

export function isControlledBy(object: Owned, owner: Owned): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}

/** The reference that makes `owner` the manager of what carries it. */
export function controllerReference(owner: Owner): OwnerReference {
  const { name, uid } = owner.metadata;
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

export const isBeingDeleted = (object: Owned): boolean => object.metadata.deletionTimestamp !== undefined;
