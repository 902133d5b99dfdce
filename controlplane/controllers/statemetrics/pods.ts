import { resources } from "../../../client/resources.ts";
import { claimOfVolume } from "../../../client/rules/volume-claims.ts";
import type { Pod, Toleration } from "../../../client/types.ts";
import { amountOf, wholeAmount } from "./amounts.ts";
import { ipVersion } from "./ip-version.ts";
import { labelFamilies } from "./label-families.ts";
import { containerFamilies } from "./pod-containers.ts";
import {
  alpha,
  created,
  createdHelp,
  deleted,
  deletedHelp,
  info,
  moment,
  one,
  oneOf,
  ownerSeries,
  type Series,
  type StateKind,
  stable,
  statusSeries,
  unixSeconds,
} from "./series.ts";

const statusReasons = [
  "Evicted",
  "NodeAffinity",
  "NodeLost",
  "PreemptionByScheduler",
  "SchedulingGated",
  "Shutdown",
  "TerminationByKubelet",
  "UnexpectedAdmissionError",
];
const disruptionReasons: ReadonlySet<string | undefined> = new Set([
  "PreemptionByScheduler",
  "DeletionByTaintManager",
  "EvictionByEvictionAPI",
  "DeletionByPodGC",
  "TerminationByKubelet",
]);

const conditionsOf = ({ status }: Pod, type: string) =>
  (status?.conditions ?? []).filter((condition) => condition.type === type);

/** When a condition came to have a status. */
const since = (type: string, status: "True" | "False") => (pod: Pod) =>
  conditionsOf(pod, type).flatMap((condition) =>
    condition.status === status ? moment(condition.lastTransitionTime) : [],
  );

const statusOf = (type: string) => (pod: Pod) =>
  conditionsOf(pod, type).flatMap(({ status }) => statusSeries(status, "condition"));

export const podKind: StateKind<Pod> = {
  resource: resources.pods,
  labels: ({ metadata }) => ({
    namespace: metadata.namespace ?? "",
    pod: metadata.name,
    uid: metadata.uid,
  }),
  families: [
    stable("kube_pod_completion_time", "Completion time in unix timestamp for a pod.", completionTime),
    ...containerFamilies,
    stable("kube_pod_created", createdHelp, created),
    alpha("kube_pod_deletion_timestamp", deletedHelp, deleted),
    stable("kube_pod_info", "Information about pod.", podInfo),
    alpha("kube_pod_ips", "Pod IP addresses", ({ status }) =>
      (status?.podIPs ?? []).flatMap(({ ip = "" }) => {
        const version = ipVersion(ip);
        return version === undefined ? [] : info({ ip, ip_family: version });
      }),
    ),
    ...labelFamilies<Pod>("pod", "pods"),
    alpha(
      "kube_pod_overhead_cpu_cores",
      "The pod overhead in regards to cpu cores associated with running a pod.",
      ({ spec }) => one(spec.overhead?.cpu === undefined ? undefined : amountOf(spec.overhead.cpu)),
    ),
    alpha(
      "kube_pod_overhead_memory_bytes",
      "The pod overhead in regards to memory associated with running a pod.",
      ({ spec }) => one(spec.overhead?.memory === undefined ? undefined : wholeAmount(spec.overhead.memory)),
    ),
    stable("kube_pod_owner", "Information about the Pod's owner.", ownerSeries),
    alpha(
      "kube_pod_resourceclaim_info",
      "Information about a DRA ResourceClaim referenced by a pod, one series per pod.spec.resourceClaims entry; claim_name is the pod-local reference and resourceclaim_name is the resolved ResourceClaim object name.",
      claimInfo,
    ),
    stable("kube_pod_restart_policy", "Describes the restart policy in use by this pod.", ({ spec }) =>
      info({ type: spec.restartPolicy ?? "" }),
    ),
    alpha(
      "kube_pod_runtimeclass_name_info",
      "The runtimeclass associated with the pod.",
      ({ spec: { runtimeClassName: name } }) => (name === undefined ? [] : info({ runtimeclass_name: name })),
    ),
    stable(
      "kube_pod_spec_volumes_persistentvolumeclaims_info",
      "Information about persistentvolumeclaim and ephemeral volumes in a pod.",
      (pod) => volumeClaims(pod, () => 1),
    ),
    stable(
      "kube_pod_spec_volumes_persistentvolumeclaims_readonly",
      "Describes whether a persistentvolumeclaim is mounted read only. Ephemeral volumes always report 0 since the ephemeral volume source does not support a read-only flag.",
      (pod) => volumeClaims(pod, (isReadOnly) => (isReadOnly ? 1 : 0)),
    ),
    stable("kube_pod_start_time", "Start time in unix timestamp for a pod.", ({ status }) =>
      moment(status?.startTime),
    ),
    stable("kube_pod_status_phase", "The pods current phase.", ({ status }) =>
      oneOf("phase", ["Pending", "Succeeded", "Failed", "Unknown", "Running"], status?.phase),
    ),
    alpha("kube_pod_status_qos_class", "The pods current qosClass.", ({ status }) =>
      oneOf("qos_class", ["BestEffort", "Burstable", "Guaranteed"], status?.qosClass),
    ),
    stable(
      "kube_pod_status_ready",
      "Describes whether the pod is ready to serve requests.",
      statusOf("Ready"),
    ),
    alpha(
      "kube_pod_status_ready_time",
      "Readiness achieved time in unix timestamp for a pod.",
      since("Ready", "True"),
    ),
    alpha(
      "kube_pod_status_initialized_time",
      "Initialized time in unix timestamp for a pod.",
      since("Initialized", "True"),
    ),
    alpha(
      "kube_pod_status_container_ready_time",
      "Readiness achieved time in unix timestamp for a pod containers.",
      since("ContainersReady", "True"),
    ),
    alpha("kube_pod_status_reason", "The pod status reasons", reasons),
    alpha("kube_pod_status_disruption_reason", "The pod disruption condition reason", (pod) =>
      conditionsOf(pod, "DisruptionTarget").flatMap(({ reason }) =>
        info({ reason: disruptionReasons.has(reason) ? (reason ?? "") : "Other" }),
      ),
    ),
    stable(
      "kube_pod_status_scheduled",
      "Describes the status of the scheduling process for the pod.",
      statusOf("PodScheduled"),
    ),
    stable(
      "kube_pod_status_scheduled_time",
      "Unix timestamp when pod moved into scheduled status",
      since("PodScheduled", "True"),
    ),
    stable("kube_pod_status_unschedulable", "Describes the unschedulable status for the pod.", (pod) =>
      conditionsOf(pod, "PodScheduled").flatMap(({ status }) => (status === "False" ? info() : [])),
    ),
    alpha(
      "kube_pod_status_unscheduled_time",
      "Unix timestamp when pod moved into unscheduled status",
      since("PodScheduled", "False"),
    ),
    alpha("kube_pod_tolerations", "Information about the pod tolerations", tolerations),
    alpha("kube_pod_service_account", "The service account for a pod.", ({ spec }) =>
      info({ service_account: spec.serviceAccountName ?? "" }),
    ),
    alpha("kube_pod_scheduler", "The scheduler for a pod.", ({ spec }) =>
      info({ name: spec.schedulerName ?? "" }),
    ),
  ],
};

function completionTime({ status }: Pod): readonly Series[] {
  let last = 0;
  for (const { state } of status?.containerStatuses ?? [])
    last = Math.max(last, unixSeconds(state?.terminated?.finishedAt) ?? 0);
  return last > 0 ? one(last) : [];
}

function podInfo({ metadata, spec, status }: Pod): readonly Series[] {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  return info({
    host_ip: status?.hostIP ?? "",
    pod_ip: status?.podIP ?? "",
    node: spec.nodeName ?? "",
    created_by_kind: owner?.kind ?? "",
    created_by_name: owner?.name ?? "",
    priority_class: spec.priorityClassName ?? "",
    host_network: String(spec.hostNetwork === true),
  });
}

function claimInfo({ spec, status }: Pod): readonly Series[] {
  const made = new Map(
    (status?.resourceClaimStatuses ?? []).map(({ name, resourceClaimName }) => [name, resourceClaimName]),
  );
  return (spec.resourceClaims ?? []).flatMap((claim) => {
    const { name, resourceClaimName, resourceClaimTemplateName } = claim;
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) return [];
    return info({
      claim_name: name,
      resourceclaim_name: resourceClaimName ?? made.get(name) ?? "",
      resourceclaim_template_name: resourceClaimTemplateName ?? "",
    });
  });
}

function volumeClaims({ metadata, spec }: Pod, value: (isReadOnly: boolean) => number): readonly Series[] {
  return (spec.volumes ?? []).flatMap((volume) => {
    const claim = claimOfVolume(metadata.name, volume);
    if (claim === undefined) return [];
    const labels = {
      volume: volume.name,
      persistentvolumeclaim: claim.name,
      ephemeral: String(claim.isOwned),
    };
    return one(value(volume.persistentVolumeClaim?.readOnly === true), labels);
  });
}

function reasons({ status }: Pod): readonly Series[] {
  const told = new Set([
    status?.reason,
    ...(status?.conditions ?? []).map(({ reason }) => reason),
    ...(status?.containerStatuses ?? []).map(({ state }) => state?.terminated?.reason),
  ]);
  const known = statusReasons.filter((reason) => told.has(reason));
  const own = status?.reason ?? "";
  const other = own !== "" && !statusReasons.includes(own) ? ["Other"] : [];
  return [...known, ...other].flatMap((reason) => info({ reason }));
}

function tolerations({ spec }: Pod): readonly Series[] {
  const labelsOf = ({ key, operator, value, effect, tolerationSeconds }: Toleration) => ({
    key: key ?? "",
    operator: operator ?? "",
    value: value ?? "",
    effect: effect ?? "",
    toleration_seconds: tolerationSeconds === undefined ? "" : String(tolerationSeconds),
  });
  // Each once: a series that is told twice spoils the whole answer.
  const all = new Map(
    (spec.tolerations ?? []).map(labelsOf).map((labels) => [JSON.stringify(labels), labels]),
  );
  return [...all.values()].flatMap((labels) => info(labels));
}
