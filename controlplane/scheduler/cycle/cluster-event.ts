import type { Node, ResourceClaim } from "../../../client/types.ts";
import type { PodInfo } from "./pod-info.ts";

/** Something that happened in the cluster and may make an unschedulable pod schedulable, by its kind. */
export interface ClusterEvents {
  nodeAdded: { readonly node: Node };
  /** Its labels, taints, capacity, what it can do or whether it takes pods. */
  nodeChanged: { readonly node: Node; readonly before: Node };
  /** A pod left its node: deleted, ended, or its placement taken back. */
  podRemoved: { readonly pod: PodInfo };
  /** A pod on a node asks for less than before. */
  podShrank: { readonly pod: PodInfo };
  /** A pod was placed on a node. */
  podPlaced: { readonly pod: PodInfo };
  /** A pod on a node got other labels. */
  podRelabelled: { readonly pod: PodInfo; readonly before: PodInfo };
  /** A pod that has no node appeared. */
  podWaits: { readonly pod: PodInfo };
  namespaceChanged: { readonly name: string };
  claimChanged: { readonly namespace: string; readonly name: string };
  volumeChanged: { readonly name: string };
  storageClassChanged: { readonly name: string };
  csiNodeChanged: { readonly name: string };
  csiDriverChanged: { readonly name: string };
  /** What a driver says of the space that it has left. */
  storageCapacityChanged: { readonly name: string };
  /** A claim of devices; `before` undefined: it is new. */
  deviceClaimChanged: { readonly claim: ResourceClaim; readonly before: ResourceClaim | undefined };
  deviceClaimRemoved: { readonly claim: ResourceClaim };
  deviceClassChanged: { readonly name: string };
  /** What a driver says of its devices. */
  deviceSliceChanged: { readonly driver: string };
  attachmentRemoved: { readonly node: string };
}

export type ClusterEventKind = keyof ClusterEvents;

export type ClusterEvent = {
  [K in ClusterEventKind]: { readonly kind: K } & ClusterEvents[K];
}[ClusterEventKind];

/** After which events a pod that a plugin refused deserves another try. Pure; told of the event, it may know better than
 *  its kind says. */
export type Hints = {
  readonly [K in ClusterEventKind]?: (
    pod: PodInfo,
    event: { readonly kind: K } & ClusterEvents[K],
  ) => boolean;
};

/** The hint of those whom every event of the kind may help. */
export const always = (): boolean => true;

/** Whether a plugin with these hints thinks that the event helps the pod. */
export function helps(hints: Hints | undefined, pod: PodInfo, event: ClusterEvent): boolean {
  const hint = hints?.[event.kind] as ((pod: PodInfo, event: ClusterEvent) => boolean) | undefined;
  return hint?.(pod, event) ?? false;
}
