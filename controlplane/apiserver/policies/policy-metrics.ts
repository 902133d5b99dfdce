import type { Meter } from "../../../base/os/metrics.ts";

type Labels = "policy" | "policy_binding" | "error_type" | "enforcement_action";

/** What is counted of ValidatingAdmissionPolicies, under Kubernetes' names: what their validations said, and what came of it. */
export const validatingPolicyMetrics = (meter: Meter) => ({
  checks: meter.tally<Labels>(
    "apiserver_validating_admission_policy_check_total",
    "[BETA] Validation admission policy check total, labeled by policy and further identified by binding and enforcement action taken.",
  ),
  seconds: meter.buckets<Labels>(
    "apiserver_validating_admission_policy_check_duration_seconds",
    "[BETA] Validation admission latency for individual validation expressions in seconds, labeled by policy and further including binding and enforcement action taken.",
    [0.0000005, 0.001, 0.01, 0.1, 1],
  ),
});
export type ValidatingPolicyMetrics = ReturnType<typeof validatingPolicyMetrics>;

/** Kubernetes' kinds of failure; an expression that is false counts among the invalid ones. Pure. */
export function errorType(message: string): string {
  if (message.startsWith("compilation")) return "compile_error";
  if (message.startsWith("validation failed due to running out of cost budget")) return "out_of_budget";
  return "invalid_error";
}

export interface Check {
  readonly policy: string;
  readonly binding: string;
  readonly message: string;
  readonly tookMs: number;
  /** What the binding does about it; allow: the policy ignores its own failures. */
  readonly action: "deny" | "audit" | "warn" | "allow";
}

export function countCheck(metrics: ValidatingPolicyMetrics, check: Check): void {
  const labels = {
    policy: check.policy,
    policy_binding: check.binding,
    error_type: errorType(check.message),
    enforcement_action: check.action,
  };
  metrics.checks.of(labels).count++;
  metrics.seconds.of(labels).observe(check.tookMs / 1000);
}
