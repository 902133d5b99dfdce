import { resources } from "../../../client/resources.ts";
import type {
  DaemonSet,
  Deployment,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from "../../../client/types.ts";
import { resolve } from "../int-or-percent.ts";
import { labelFamilies } from "./label-families.ts";
import {
  alpha,
  count,
  created,
  createdHelp,
  deleted,
  deletedHelp,
  flag,
  generation,
  info,
  one,
  ownerSeries,
  ownersOf,
  type Series,
  type StateKind,
  stable,
  statusSeries,
} from "./series.ts";

const generationHelp = "Sequence number representing a specific generation of the desired state.";

/** Others would make series without bound. */
const deploymentReasons: ReadonlySet<string> = new Set([
  "",
  "ReplicaSetUpdated",
  "ReplicaSetCreateError",
  "NewReplicaSetCreated",
  "FoundNewReplicaSet",
  "NewReplicaSetAvailable",
  "ProgressDeadlineExceeded",
  "DeploymentPaused",
  "DeploymentResumed",
  "MinimumReplicasAvailable",
  "MinimumReplicasUnavailable",
]);

export const deploymentKind: StateKind<Deployment> = {
  resource: resources.deployments,
  labels: ({ metadata }) => ({ namespace: metadata.namespace ?? "", deployment: metadata.name }),
  families: [
    alpha("kube_deployment_owner", "Information about the Deployment's owner.", ({ metadata }) =>
      ownersOf(metadata.ownerReferences).flatMap(({ kind, name }) =>
        info({ owner_kind: kind, owner_name: name }),
      ),
    ),
    stable("kube_deployment_created", createdHelp, created),
    stable("kube_deployment_status_replicas", "The number of replicas per deployment.", ({ status }) =>
      count(status?.replicas),
    ),
    stable(
      "kube_deployment_status_replicas_ready",
      "The number of ready replicas per deployment.",
      ({ status }) => count(status?.readyReplicas),
    ),
    stable(
      "kube_deployment_status_replicas_available",
      "The number of available replicas per deployment.",
      ({ status }) => count(status?.availableReplicas),
    ),
    stable(
      "kube_deployment_status_replicas_unavailable",
      "The number of unavailable replicas per deployment.",
      ({ status }) => count(status?.unavailableReplicas),
    ),
    stable(
      "kube_deployment_status_replicas_updated",
      "The number of updated replicas per deployment.",
      ({ status }) => count(status?.updatedReplicas),
    ),
    alpha(
      "kube_deployment_status_terminating_replicas",
      "The number of terminating replicas per deployment.",
      ({ status }) => one(status?.terminatingReplicas),
    ),
    stable(
      "kube_deployment_status_observed_generation",
      "The generation observed by the deployment controller.",
      ({ status }) => count(status?.observedGeneration),
    ),
    stable(
      "kube_deployment_status_condition",
      "The current status conditions of a deployment.",
      ({ status }) =>
        (status?.conditions ?? []).flatMap(({ type, status: is, reason = "" }) =>
          statusSeries(is, "status", {
            reason: deploymentReasons.has(reason) ? reason : "unknown",
            condition: type,
          }),
        ),
    ),
    stable("kube_deployment_spec_replicas", "Number of desired pods for a deployment.", ({ spec }) =>
      one(spec.replicas),
    ),
    stable(
      "kube_deployment_spec_paused",
      "Whether the deployment is paused and will not be processed by the deployment controller.",
      ({ spec }) => flag(spec.paused),
    ),
    stable(
      "kube_deployment_spec_strategy_rollingupdate_max_unavailable",
      "Maximum number of unavailable replicas during a rolling update of a deployment.",
      (deployment) => rolling(deployment, "maxUnavailable", "down"),
    ),
    stable(
      "kube_deployment_spec_strategy_rollingupdate_max_surge",
      "Maximum number of replicas that can be scheduled above the desired number of replicas during a rolling update of a deployment.",
      (deployment) => rolling(deployment, "maxSurge", "up"),
    ),
    stable("kube_deployment_metadata_generation", generationHelp, generation),
    alpha("kube_deployment_deletion_timestamp", deletedHelp, deleted),
    ...labelFamilies<Deployment>("deployment", "deployments"),
  ],
};

function rolling(
  { spec }: Deployment,
  which: "maxUnavailable" | "maxSurge",
  round: "up" | "down",
): readonly Series[] {
  const value = spec.strategy?.rollingUpdate?.[which];
  if (value === undefined || spec.replicas === undefined) return [];
  return one(resolve(value, spec.replicas, round));
}

export const replicaSetKind: StateKind<ReplicaSet> = {
  resource: resources.replicasets,
  labels: ({ metadata }) => ({ namespace: metadata.namespace ?? "", replicaset: metadata.name }),
  families: [
    stable("kube_replicaset_created", createdHelp, created),
    stable("kube_replicaset_status_replicas", "The number of replicas per ReplicaSet.", ({ status }) =>
      count(status?.replicas),
    ),
    stable(
      "kube_replicaset_status_fully_labeled_replicas",
      "The number of fully labeled replicas per ReplicaSet.",
      ({ status }) => count(status?.fullyLabeledReplicas),
    ),
    stable(
      "kube_replicaset_status_ready_replicas",
      "The number of ready replicas per ReplicaSet.",
      ({ status }) => count(status?.readyReplicas),
    ),
    alpha(
      "kube_replicaset_status_terminating_replicas",
      "The number of terminating replicas per ReplicaSet.",
      ({ status }) => one(status?.terminatingReplicas),
    ),
    stable(
      "kube_replicaset_status_observed_generation",
      "The generation observed by the ReplicaSet controller.",
      ({ status }) => count(status?.observedGeneration),
    ),
    stable("kube_replicaset_spec_replicas", "Number of desired pods for a ReplicaSet.", ({ spec }) =>
      one(spec.replicas),
    ),
    stable("kube_replicaset_metadata_generation", generationHelp, generation),
    stable("kube_replicaset_owner", "Information about the ReplicaSet's owner.", ownerSeries),
    ...labelFamilies<ReplicaSet>("replicaset", "replicasets"),
  ],
};

export const replicationControllerKind: StateKind<ReplicationController> = {
  resource: resources.replicationcontrollers,
  labels: ({ metadata }) => ({
    namespace: metadata.namespace ?? "",
    replicationcontroller: metadata.name,
  }),
  families: [
    stable("kube_replicationcontroller_created", createdHelp, created),
    stable(
      "kube_replicationcontroller_status_replicas",
      "The number of replicas per ReplicationController.",
      ({ status }) => count(status?.replicas),
    ),
    stable(
      "kube_replicationcontroller_status_fully_labeled_replicas",
      "The number of fully labeled replicas per ReplicationController.",
      ({ status }) => count(status?.fullyLabeledReplicas),
    ),
    stable(
      "kube_replicationcontroller_status_ready_replicas",
      "The number of ready replicas per ReplicationController.",
      ({ status }) => count(status?.readyReplicas),
    ),
    stable(
      "kube_replicationcontroller_status_available_replicas",
      "The number of available replicas per ReplicationController.",
      ({ status }) => count(status?.availableReplicas),
    ),
    stable(
      "kube_replicationcontroller_status_observed_generation",
      "The generation observed by the ReplicationController controller.",
      ({ status }) => count(status?.observedGeneration),
    ),
    stable(
      "kube_replicationcontroller_spec_replicas",
      "Number of desired pods for a ReplicationController.",
      ({ spec }) => one(spec?.replicas),
    ),
    stable("kube_replicationcontroller_metadata_generation", generationHelp, generation),
    alpha(
      "kube_replicationcontroller_owner",
      "Information about the ReplicationController's owner.",
      ownerSeries,
    ),
  ],
};

export const statefulSetKind: StateKind<StatefulSet> = {
  resource: resources.statefulsets,
  labels: ({ metadata }) => ({ namespace: metadata.namespace ?? "", statefulset: metadata.name }),
  families: [
    stable("kube_statefulset_created", createdHelp, created),
    stable("kube_statefulset_status_replicas", "The number of replicas per StatefulSet.", ({ status }) =>
      count(status?.replicas),
    ),
    stable(
      "kube_statefulset_status_replicas_available",
      "The number of available replicas per StatefulSet.",
      ({ status }) => count(status?.availableReplicas),
    ),
    stable(
      "kube_statefulset_status_replicas_current",
      "The number of current replicas per StatefulSet.",
      ({ status }) => count(status?.currentReplicas),
    ),
    stable(
      "kube_statefulset_status_replicas_ready",
      "The number of ready replicas per StatefulSet.",
      ({ status }) => count(status?.readyReplicas),
    ),
    stable(
      "kube_statefulset_status_replicas_updated",
      "The number of updated replicas per StatefulSet.",
      ({ status }) => count(status?.updatedReplicas),
    ),
    stable(
      "kube_statefulset_status_observed_generation",
      "The generation observed by the StatefulSet controller.",
      ({ status }) => count(status?.observedGeneration),
    ),
    stable("kube_statefulset_replicas", "Number of desired pods for a StatefulSet.", ({ spec }) =>
      one(spec.replicas),
    ),
    stable("kube_statefulset_ordinals_start", "Start ordinal of the StatefulSet.", ({ spec }) =>
      one(spec.ordinals === undefined ? undefined : (spec.ordinals.start ?? 0)),
    ),
    stable(
      "kube_statefulset_metadata_generation",
      "Sequence number representing a specific generation of the desired state for the StatefulSet.",
      generation,
    ),
    stable(
      "kube_statefulset_persistentvolumeclaim_retention_policy",
      "Count of retention policy for StatefulSet template PVCs",
      ({ spec: { persistentVolumeClaimRetentionPolicy: policy } }) => {
        const [onDelete, onScale] = [policy?.whenDeleted ?? "", policy?.whenScaled ?? ""];
        return onDelete === "" && onScale === ""
          ? []
          : info({ when_deleted: onDelete, when_scaled: onScale });
      },
    ),
    ...labelFamilies<StatefulSet>("statefulset", "statefulsets", { annotations: true }),
    stable(
      "kube_statefulset_status_current_revision",
      "Indicates the version of the StatefulSet used to generate Pods in the sequence [0,currentReplicas).",
      ({ status }) => info({ revision: status?.currentRevision ?? "" }),
    ),
    stable(
      "kube_statefulset_status_update_revision",
      "Indicates the version of the StatefulSet used to generate Pods in the sequence [replicas-updatedReplicas,replicas)",
      ({ status }) => info({ revision: status?.updateRevision ?? "" }),
    ),
    stable("kube_statefulset_deletion_timestamp", deletedHelp, deleted),
  ],
};

export const daemonSetKind: StateKind<DaemonSet> = {
  resource: resources.daemonsets,
  labels: ({ metadata }) => ({ namespace: metadata.namespace ?? "", daemonset: metadata.name }),
  families: [
    stable("kube_daemonset_created", createdHelp, created),
    stable(
      "kube_daemonset_status_current_number_scheduled",
      "The number of nodes running at least one daemon pod and are supposed to.",
      ({ status }) => count(status?.currentNumberScheduled),
    ),
    stable(
      "kube_daemonset_status_desired_number_scheduled",
      "The number of nodes that should be running the daemon pod.",
      ({ status }) => count(status?.desiredNumberScheduled),
    ),
    stable(
      "kube_daemonset_status_number_available",
      "The number of nodes that should be running the daemon pod and have one or more of the daemon pod running and available",
      ({ status }) => count(status?.numberAvailable),
    ),
    stable(
      "kube_daemonset_status_number_misscheduled",
      "The number of nodes running a daemon pod but are not supposed to.",
      ({ status }) => count(status?.numberMisscheduled),
    ),
    stable(
      "kube_daemonset_status_number_ready",
      "The number of nodes that should be running the daemon pod and have one or more of the daemon pod running and ready.",
      ({ status }) => count(status?.numberReady),
    ),
    stable(
      "kube_daemonset_status_number_unavailable",
      "The number of nodes that should be running the daemon pod and have none of the daemon pod running and available",
      ({ status }) => count(status?.numberUnavailable),
    ),
    stable(
      "kube_daemonset_status_observed_generation",
      "The most recent generation observed by the daemon set controller.",
      ({ status }) => count(status?.observedGeneration),
    ),
    stable(
      "kube_daemonset_status_updated_number_scheduled",
      "The total number of nodes that are running updated daemon pod",
      ({ status }) => count(status?.updatedNumberScheduled),
    ),
    stable("kube_daemonset_metadata_generation", generationHelp, generation),
    alpha("kube_daemonset_deletion_timestamp", deletedHelp, deleted),
    ...labelFamilies<DaemonSet>("daemonset", "daemonsets"),
  ],
};
