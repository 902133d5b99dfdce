import type { Meter } from "../../../base/os/metrics.ts";

type MutationLabels = "policy" | "policy_binding" | "error_type";
type Labels = MutationLabels | "enforcement_action";

const checkBounds = [0.0000005, 0.001, 0.01, 0.1, 1];

/** How often, and for how long, under a name of Kubernetes'. */
const checkMetrics = <L extends Labels>(
  meter: Meter,
  name: string,
  help: Readonly<Record<"checks" | "seconds", string>>,
) => ({
  checks: meter.tally<L>(`${name}_total`, help.checks),
  seconds: meter.buckets<L>(`${name}_duration_seconds`, help.seconds, checkBounds),
});

/** What is counted of ValidatingAdmissionPolicies, under Kubernetes' names: what their validations said, and what came of it. */
export const validatingPolicyMetrics = (meter: Meter) =>
  checkMetrics<Labels>(meter, "apiserver_validating_admission_policy_check", {
    checks:
      "[BETA] Validation admission policy check total, labeled by policy and further identified by binding and enforcement action taken.",
    seconds:
      "[BETA] Validation admission latency for individual validation expressions in seconds, labeled by policy and further including binding and enforcement action taken.",
  });
export type ValidatingPolicyMetrics = ReturnType<typeof validatingPolicyMetrics>;

/** The same of MutatingAdmissionPolicies: each of their mutations. */
export const mutatingPolicyMetrics = (meter: Meter) =>
  checkMetrics<MutationLabels>(meter, "apiserver_mutating_admission_policy_check", {
    checks:
      "[ALPHA] Mutation admission policy check total, labeled by policy and further identified by binding.",
    seconds:
      "[ALPHA] Mutation admission latency for individual mutation expressions in seconds, labeled by policy and binding.",
  });
export type MutatingPolicyMetrics = ReturnType<typeof mutatingPolicyMetrics>;

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
    ...bindingLabels(check),
    error_type: errorType(check.message),
    enforcement_action: check.action,
  };
  metrics.checks.of(labels).count++;
  metrics.seconds.of(labels).observe(check.tookMs / 1000);
}

const bindingLabels = ({ policy, binding }: Pick<Check, "policy" | "binding">) => ({
  policy,
  policy_binding: binding,
});

/** @property message What is wrong with it; absent: it was made. */
export interface MutationCheck extends Pick<Check, "policy" | "binding" | "tookMs"> {
  readonly message?: string;
}

export function countMutation(metrics: MutatingPolicyMetrics, check: MutationCheck): void {
  const labels = {
    ...bindingLabels(check),
    error_type: check.message === undefined ? "no_error" : errorType(check.message),
  };
  metrics.checks.of(labels).count++;
  metrics.seconds.of(labels).observe(check.tookMs / 1000);
}
