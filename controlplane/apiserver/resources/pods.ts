import { dns1123Subdomain } from "../../../client/rules/names.ts";
import { qosClass } from "../../../client/rules/pod-qos.ts";
import type { Pod } from "../../../client/types.ts";
import { sameValue } from "../schema/same-value.ts";
import { appArmorWarnings, fillAppArmorProfiles } from "./app-armor-annotations.ts";
import { ageColumn, column, wideColumn } from "./cell-text.ts";
import { dropDisabledPod } from "./disabled-fields.ts";
import { ephemeralContainersPart } from "./ephemeral-containers.ts";
import { newPodProblems, newPodWarnings } from "./new-pod-verdict.ts";
import { validatePodAnnotations } from "./pod-annotations.ts";
import { podCells } from "./pod-cells.ts";
import { defaultPod } from "./pod-defaults.ts";
import { resizePart } from "./pod-resize.ts";
import { alignPodAddresses, completePodStatus, validatePodStatus } from "./pod-status-validation.ts";
import { validatePodUpdate } from "./pod-update.ts";
import { validateNames, validatePodSpec } from "./pod-validation.ts";
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
  validate: (pod, _, current) => {
    if (current === undefined) return newPodProblems(pod);
    const annotations = validatePodAnnotations(pod.metadata.annotations, pod.spec, "metadata.annotations");
    // What stands as it stood was asked when it came.
    if (sameValue(pod.spec, current.spec)) return annotations;
    if (sameValue(pod.spec, { ...current.spec, nodeName: pod.spec.nodeName }))
      return [...annotations, ...validateNames(pod.spec, "spec")];
    return [...annotations, ...validatePodSpec(pod.spec, "spec", { isPod: true })];
  },
  validateUpdate: validatePodUpdate,
  // Of changes Kubernetes says nothing, since hardly any is made by hand.
  warnings: (pod, current) => (current === undefined ? newPodWarnings(pod) : []),
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
  gracePeriodSeconds: ({ spec, status }, askedSeconds) =>
    !spec.nodeName || status?.phase === "Succeeded" || status?.phase === "Failed"
      ? 0
      : (askedSeconds ?? spec.terminationGracePeriodSeconds ?? 0),
});
