import type { Pod } from "../../../client/types.ts";
import { ageColumn, column, wideColumn } from "./cell-text.ts";
import { dns1123Subdomain } from "./names.ts";
import { podCells } from "./pod-cells.ts";
import { defaultPodSpec } from "./pod-defaults.ts";
import { qosClass } from "./pod-qos.ts";
import { validatePodUpdate } from "./pod-update.ts";
import { validatePodSpec } from "./pod-validation.ts";
import { keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

/** How long a pod stays on a node that is not ready or cannot be reached, unless it says otherwise. */
const evictionDelaySeconds = 300;

export const pods = kindOf<Pod>({
  group: "",
  version: "v1",
  kind: "Pod",
  plural: "pods",
  singular: "pod",
  shortNames: ["po"],
  categories: ["all"],
  namespaced: true,
  hasGeneration: true,
  subresources: {
    status: true,
    special: ["attach", "binding", "eviction", "exec", "log"],
  },
  nameRule: dns1123Subdomain,
  applyDefaults: (pod) => defaultPodSpec(pod.spec),
  prepareForCreate(pod) {
    admit(pod);
    pod.status = { phase: "Pending", qosClass: qosClass(pod.spec) };
    if (pod.spec.schedulingGates !== undefined && pod.spec.schedulingGates.length > 0) {
      pod.status.conditions = [
        {
          type: "PodScheduled",
          status: "False",
          reason: "SchedulingGated",
          message: "Scheduling is blocked due to non-empty scheduling gates",
        },
      ];
    }
  },
  prepareForUpdate: keepStatus,
  validate: (pod) => validatePodSpec(pod.spec, "spec", { metadata: pod.metadata }),
  validateUpdate: validatePodUpdate,
  selectableFields: ({ spec, status }) => ({
    "spec.nodeName": spec.nodeName ?? "",
    "spec.restartPolicy": spec.restartPolicy ?? "",
    "spec.schedulerName": spec.schedulerName ?? "",
    "spec.serviceAccountName": spec.serviceAccountName ?? "",
    "spec.hostNetwork": String(spec.hostNetwork ?? false),
    "status.phase": status?.phase ?? "",
    "status.podIP": status?.podIP ?? "",
    "status.nominatedNodeName": status?.nominatedNodeName ?? "",
  }),
  columns: [
    column("Ready", "string", "Ready containers of all."),
    column("Status", "string", "What the pod is doing, in a word."),
    column("Restarts", "string", "Restarts of its containers, and how long ago the last one was."),
    ageColumn,
    wideColumn("IP"),
    wideColumn("Node"),
    wideColumn("Nominated Node"),
    wideColumn("Readiness Gates"),
  ],
  cells: podCells,
  // What runs nowhere, or runs no more, has nothing to end.
  gracePeriodSeconds: ({ spec, status }) =>
    !spec.nodeName || status?.phase === "Succeeded" || status?.phase === "Failed"
      ? 0
      : (spec.terminationGracePeriodSeconds ?? 30),
});

/** What Kubernetes' default admission fills in: service account, priority, patience with failing nodes. */
function admit({ spec }: Pod): void {
  spec.serviceAccountName ||= "default";
  spec.serviceAccount = spec.serviceAccountName;
  spec.priority ??= 0;
  spec.preemptionPolicy ??= "PreemptLowerPriority";
  const tolerations = spec.tolerations ?? [];
  for (const key of ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]) {
    const tolerated = tolerations.some(
      (one) => (one.key === key || !one.key) && (one.effect === "NoExecute" || !one.effect),
    );
    if (!tolerated)
      tolerations.push({
        key,
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: evictionDelaySeconds,
      });
  }
  spec.tolerations = tolerations;
}
