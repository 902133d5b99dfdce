import {
  type Selector,
  selectorFromLabelSelector,
  selectorFromLabels,
} from "../../../base/label-selector.ts";
import { resources } from "../../../client/resources.ts";
import type { PodTemplateSpec, ReplicaSet, ReplicationController, Resource } from "../../../client/types.ts";

/** The two kinds that keep a number of pods, and how their manifests differ. */
export type ReplicaOwner = ReplicaSet | ReplicationController;

export interface ReplicaKind<T extends ReplicaOwner> {
  /** Kubernetes' name of the controller. */
  readonly controller: string;
  readonly resource: Resource<T>;
  readonly selector: (owner: T) => Selector;
  readonly template: (owner: T) => PodTemplateSpec;
  /** Its status has `terminatingReplicas`. */
  readonly tellsTerminating: boolean;
}

const emptyTemplate: PodTemplateSpec = { spec: { containers: [] } };

export const replicaSetKind: ReplicaKind<ReplicaSet> = {
  controller: "replicaset-controller",
  resource: resources.replicasets,
  selector: ({ spec }) => selectorFromLabelSelector(spec.selector),
  template: ({ spec }) => spec.template ?? emptyTemplate,
  tellsTerminating: true,
};

export const replicationControllerKind: ReplicaKind<ReplicationController> = {
  controller: "replicationcontroller-controller",
  resource: resources.replicationcontrollers,
  selector: ({ spec }) => selectorFromLabels(spec.selector),
  template: ({ spec }) => spec.template ?? emptyTemplate,
  tellsTerminating: false,
};
