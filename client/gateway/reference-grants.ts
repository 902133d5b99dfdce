import { gatewayGroup, type ObjectRef, type ReferenceGrant } from "./gateway-types.ts";

export interface Reference {
  /** Of gateway.networking.k8s.io. */
  readonly fromKind: string;
  readonly fromNamespace: string;
  /** Its group and kind filled in. */
  readonly to: Required<ObjectRef>;
}

/** Whether what is referred to is in the same namespace, or its own namespace allows it. Pure.
 *  @param grants Of the namespace that is referred to, at least. */
export function isGranted(reference: Reference, grants: readonly ReferenceGrant[]): boolean {
  const { fromKind, fromNamespace, to } = reference;
  if (to.namespace === fromNamespace) return true;
  return grants.some(
    ({ metadata, spec }) =>
      metadata.namespace === to.namespace &&
      spec.from.some(
        ({ group, kind, namespace }) =>
          group === gatewayGroup && kind === fromKind && namespace === fromNamespace,
      ) &&
      spec.to.some(
        ({ group, kind, name }) =>
          group === to.group && kind === to.kind && (name === undefined || name === "" || name === to.name),
      ),
  );
}
