import type { Meter } from "../../../../base/os/metrics.ts";
import { kubernetesVersion } from "../../../../client/version.ts";
import type { Attributes } from "../admission.ts";
import type { LevelVersion } from "./levels.ts";

type About = "request_operation" | "resource" | "subresource";

/** What is counted of PodSecurity, under Kubernetes' names. */
export const podSecurityMetrics = (meter: Meter) => ({
  evaluations: meter.tally<"decision" | "policy_level" | "policy_version" | "mode" | About>(
    "pod_security_evaluations_total",
    "[ALPHA] Number of policy evaluations that occurred, not counting ignored or exempt requests.",
  ),
  exemptions: meter.tally<About>(
    "pod_security_exemptions_total",
    "[ALPHA] Number of exempt requests, not counting ignored or out of scope requests.",
  ),
  errors: meter.tally<"fatal" | About>(
    "pod_security_errors_total",
    "[ALPHA] Number of errors preventing normal evaluation. Non-fatal errors may result in the latest restricted profile being used for evaluation.",
  ),
});
export type PodSecurityMetrics = ReturnType<typeof podSecurityMetrics>;

/** How a request is counted. Pure. */
export function countedAs({ kind, operation, by }: Attributes): Record<About, string> {
  const isCore = kind.group === "";
  const resource = isCore && kind.plural === "pods" ? "pod" : undefined;
  const ofNamespaces = isCore && kind.plural === "namespaces" ? "namespace" : "controller";
  return {
    request_operation: operation,
    resource: resource ?? ofNamespaces,
    subresource: by.subresource,
  };
}

/** The policy's level and version; releases that are to come are one. Pure. */
export function countedPolicy({ level, minor }: LevelVersion): {
  policy_level: string;
  policy_version: string;
} {
  const isNewest = level === "privileged" || minor === "latest";
  const isToCome = !isNewest && minor > Number(kubernetesVersion.minor);
  return {
    policy_level: level,
    policy_version: isNewest ? "latest" : isToCome ? "future" : `v1.${minor}`,
  };
}
