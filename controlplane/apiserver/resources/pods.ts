import { qosClass } from "../../../client/rules/pod-qos.ts";
import type { Pod } from "../../../client/types.ts";
import { sameValue } from "../schema/same-value.ts";
import { appArmorWarnings, fillAppArmorProfiles, validateAppArmorMatch } from "./app-armor-annotations.ts";
import { ageColumn, column, wideColumn } from "./cell-text.ts";
import { dropDisabledPod } from "./disabled-fields.ts";
import { ephemeralContainersPart } from "./ephemeral-containers.ts";
import { forbidden } from "./field-errors.ts";
import { dns1123Subdomain } from "./names.ts";
import { validatePodAnnotations } from "./pod-annotations.ts";
import { podCells } from "./pod-cells.ts";
import { defaultPod } from "./pod-defaults.ts";
import { resizePart } from "./pod-resize.ts";
import { alignPodAddresses, completePodStatus, validatePodStatus } from "./pod-status-validation.ts";
import { validatePodUpdate } from "./pod-update.ts";
import { validatePodSpec } from "./pod-validation.ts";
import { podWarnings } from "./pod-warnings.ts";
import { validateSeccompMatch } from "./seccomp-annotations.ts";
import { keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

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
  returnsDeleted: true,
  statusKeeps: ["ownerReferences"],
  subresources: {
    status: true,
    parts: { ephemeralcontainers: ephemeralContainersPart, resize: resizePart },
    special: ["attach", "binding", "eviction", "exec", "log", "portforward", "proxy"],
  },
  nameRule: dns1123Subdomain,
  applyDefaults(pod) {
    defaultPod(pod.spec);
    alignPodAddresses(pod);
  },
  earlyWarnings: appArmorWarnings,
  prepareForCreate(pod) {
    fillAppArmorProfiles(pod);
    pod.status = { phase: "Pending", qosClass: qosClass(pod.spec) };
    if (pod.spec.schedulingGates !== undefined && pod.spec.schedulingGates.length > 0) {
      pod.status.conditions = [
        {
          type: "PodScheduled",
          status: "False",
          ...(pod.metadata.creationTimestamp !== undefined && {
            lastTransitionTime: pod.metadata.creationTimestamp,
          }),
          reason: "SchedulingGated",
          message: "Scheduling is blocked due to non-empty scheduling gates",
        },
      ];
    }
  },
  prepareForUpdate: keepStatus,
  prepareForStatus: completePodStatus,
  validateStatus: validatePodStatus,
  dropDisabled: dropDisabledPod,
  // What stands as it stood was asked when it came.
  validate: (pod, _, current) => [
    ...validatePodAnnotations(pod.metadata.annotations, pod.spec, "metadata.annotations"),
    ...(current !== undefined && sameValue(pod.spec, current.spec)
      ? []
      : validatePodSpec(pod.spec, "spec", { isPod: true })),
  ],
  validateCreate: (pod) => [
    ...((pod.spec.ephemeralContainers ?? []).length > 0
      ? [forbidden("spec.ephemeralContainers", "cannot be set on create")]
      : []),
    ...(pod.spec.nodeName && (pod.spec.schedulingGates ?? []).length > 0
      ? [forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared")]
      : []),
    ...validateSeccompMatch(pod.metadata.annotations, pod.spec, "spec"),
    ...validateAppArmorMatch(pod.metadata.annotations, pod.spec, "spec"),
  ],
  validateUpdate: validatePodUpdate,
  // Of changes Kubernetes says nothing, since hardly any is made by hand.
  warnings: (pod, current) => (current === undefined ? podWarnings(pod) : []),
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
    column("Ready"),
    column("Status"),
    column("Restarts"),
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
