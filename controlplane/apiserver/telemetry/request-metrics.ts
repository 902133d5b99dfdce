import type { Meter } from "../../../base/os/metrics.ts";
import type { MetricLabels } from "../filters/metric-labels.ts";

const durationBounds = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];
const bodyBounds = Array.from({ length: 31 }, (_, at) => 50_000 + at * 100_000);
const decisionBounds = Array.from({ length: 15 }, (_, at) => 0.001 * 2 ** at);

type Labels = keyof MetricLabels;

/** What is counted of requests, with kube-apiserver's names, labels, texts and buckets. */
export const requestMetrics = (meter: Meter) => ({
  total: meter.tally<Labels | "dry_run" | "code">(
    "apiserver_request_total",
    "[STABLE] Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.",
  ),
  seconds: meter.buckets<Labels | "dry_run">(
    "apiserver_request_duration_seconds",
    "[STABLE] Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.",
    durationBounds,
  ),
  sliSeconds: meter.buckets<Labels>(
    "apiserver_request_sli_duration_seconds",
    "[ALPHA] Response latency distribution (not counting webhook duration and priority & fairness queue wait times) in seconds for each verb, group, version, resource, subresource, scope and component.",
    durationBounds.slice(2),
  ),
  responseBytes: meter.buckets<Labels>(
    "apiserver_response_sizes",
    "[STABLE] Response size distribution in bytes for each group, version, verb, resource, subresource, scope and component.",
    Array.from({ length: 7 }, (_, at) => 10 ** (at + 3)),
  ),
  bodyBytes: meter.buckets<"resource" | "verb" | "group">(
    "apiserver_request_body_size_bytes",
    "[ALPHA] Apiserver request body size in bytes broken out by resource and verb.",
    bodyBounds,
  ),
  aborts: meter.tally<Exclude<Labels, "component">>(
    "apiserver_request_aborts_total",
    "[ALPHA] Number of requests which apiserver aborted possibly due to a timeout, for each group, version, verb, resource, subresource and scope",
  ),
  terminations: meter.tally<Labels | "code">(
    "apiserver_request_terminations_total",
    "[ALPHA] Number of requests which apiserver terminated in self-defense.",
  ),
  longRunning: meter.gauge<Labels>(
    "apiserver_longrunning_requests",
    "[STABLE] Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and component. Not all requests are tracked this way.",
    ["verb", "group", "version", "resource", "subresource", "scope", "component"],
  ),
  deprecated: meter.gauge<"group" | "version" | "resource" | "subresource" | "removed_release">(
    "apiserver_requested_deprecated_apis",
    "[STABLE] Gauge of deprecated APIs that have been requested, broken out by API group, version, resource, subresource, and removed_release.",
    ["group", "version", "resource", "subresource", "removed_release"],
  ),
  authentications: meter.tally<"result">(
    "authentication_attempts",
    "[ALPHA] Counter of authenticated attempts.",
  ),
  authenticationSeconds: meter.buckets<"result">(
    "authentication_duration_seconds",
    "[ALPHA] Authentication duration in seconds broken out by result.",
    decisionBounds,
  ),
  users: meter.tally<"username">(
    "authenticated_user_requests",
    "[ALPHA] Counter of authenticated requests broken out by username.",
  ),
  authorizations: meter.tally<"result">(
    "authorization_attempts_total",
    "[ALPHA] Counter of authorization attempts broken down by result. It can be either 'allowed', 'denied', 'no-opinion' or 'error'.",
  ),
  authorizationSeconds: meter.buckets<"result">(
    "authorization_duration_seconds",
    "[ALPHA] Authorization duration in seconds broken out by result.",
    decisionBounds,
  ),
  fieldValidationSeconds: meter.buckets<"field_validation">(
    "field_validation_request_duration_seconds",
    "[ALPHA] Response latency distribution in seconds for each field validation value",
    durationBounds.slice(2),
  ),
  certificateSeconds: meter.buckets<never>(
    "apiserver_client_certificate_expiration_seconds",
    "[ALPHA] Distribution of the remaining lifetime on the certificate used to authenticate a request.",
    [0, 0.5, 1, 2, 6, 12, 24, 48, 96, 168, 720, 2160, 4320, 8640].map((hours) => hours * 3600),
  ),
  impersonations: meter.tally<"mode" | "decision">(
    "apiserver_impersonation_attempts_total",
    "[ALPHA] Total number of impersonation attempts split by mode and decision.",
  ),
  impersonationSeconds: meter.buckets<"mode" | "decision">(
    "apiserver_impersonation_attempts_duration_seconds",
    "[ALPHA] Latency of impersonation attempts in seconds split by mode and decision.",
    decisionBounds,
  ),
  impersonationChecks: meter.tally<"mode" | "decision">(
    "apiserver_impersonation_authorization_attempts_total",
    "[ALPHA] Total number of authorization checks made by the impersonation handler split by mode and decision.",
  ),
  impersonationCheckSeconds: meter.buckets<"mode" | "decision">(
    "apiserver_impersonation_authorization_attempts_duration_seconds",
    "[ALPHA] Latency of authorization checks made by the impersonation handler in seconds split by mode and decision.",
    decisionBounds,
  ),
  handshakeErrors: meter.counter(
    "apiserver_tls_handshake_errors_total",
    "[ALPHA] Number of requests dropped with 'TLS handshake error from' error",
  ),
});
export type RequestMetrics = ReturnType<typeof requestMetrics>;

const knownUsers: ReadonlySet<string> = new Set([
  "admin",
  "client",
  "kube_proxy",
  "kubelet",
  "system:serviceaccount:kube-system:default",
]);

/** Users by few names, as Kubernetes has them: there may be any number of people and accounts. Pure. */
export function countedUser(name: string): string {
  if (knownUsers.has(name)) return name;
  return name.includes("@") ? "email_id" : "other";
}
