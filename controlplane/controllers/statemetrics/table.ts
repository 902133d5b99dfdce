import type { Stored } from "../../../client/object-cache.ts";
import {
  certificateRequestKind,
  configMapKind,
  leaseKind,
  mutatingWebhookKind,
  namespaceKind,
  secretKind,
  serviceAccountKind,
  validatingWebhookKind,
} from "./cluster-objects.ts";
import { cronJobKind, jobKind } from "./jobs.ts";
import {
  endpointSliceKind,
  endpointsKind,
  ingressClassKind,
  ingressKind,
  networkPolicyKind,
  serviceKind,
} from "./network.ts";
import { nodeKind } from "./nodes.ts";
import { podKind } from "./pods.ts";
import { autoscalerKind, disruptionBudgetKind, limitRangeKind, resourceQuotaKind } from "./policy.ts";
import type { StateKind } from "./series.ts";
import {
  persistentVolumeClaimKind,
  persistentVolumeKind,
  storageClassKind,
  volumeAttachmentKind,
} from "./storage.ts";
import {
  daemonSetKind,
  deploymentKind,
  replicaSetKind,
  replicationControllerKind,
  statefulSetKind,
} from "./workloads.ts";

/** A kind whose objects are read by the one who made it: its own type is known to it alone. */
export type AnyStateKind = StateKind<Stored>;

const any = <T extends Stored>(kind: StateKind<T>) => kind as unknown as AnyStateKind;

/** Those that are told of unless flags say otherwise: kube-state-metrics' own choice of those that are here, and Endpoints,
 *  which it told of for long. */
const usual: readonly AnyStateKind[] = [
  any(certificateRequestKind),
  any(configMapKind),
  any(cronJobKind),
  any(daemonSetKind),
  any(deploymentKind),
  any(endpointsKind),
  any(endpointSliceKind),
  any(autoscalerKind),
  any(ingressKind),
  any(jobKind),
  any(leaseKind),
  any(limitRangeKind),
  any(mutatingWebhookKind),
  any(namespaceKind),
  any(networkPolicyKind),
  any(nodeKind),
  any(persistentVolumeKind),
  any(persistentVolumeClaimKind),
  any(disruptionBudgetKind),
  any(podKind),
  any(replicaSetKind),
  any(replicationControllerKind),
  any(resourceQuotaKind),
  any(secretKind),
  any(serviceKind),
  any(statefulSetKind),
  any(storageClassKind),
  any(validatingWebhookKind),
  any(volumeAttachmentKind),
];

const byRequest: readonly AnyStateKind[] = [any(ingressClassKind), any(serviceAccountKind)];

export const stateKinds: ReadonlyMap<string, AnyStateKind> = new Map(
  [...usual, ...byRequest].map((kind) => [kind.resource.plural, kind]),
);

export const usualStateKinds: readonly string[] = usual.map(({ resource }) => resource.plural);
