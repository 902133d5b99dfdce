import { portNumber, qualifiedName } from "../../../client/rules/names.ts";
import type { Service } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { forbidden, invalid, notSupported, required } from "./field-errors.ts";

type Spec = Service["spec"];

const policies = ["Cluster", "Local"];
const distributions = ["PreferClose", "PreferSameZone", "PreferSameNode"];

/** Whether there is a way in from outside the cluster. */
export function isExternallyAccessible({ type, externalIPs = [] }: Spec): boolean {
  return type === "LoadBalancer" || type === "NodePort" || (type === "ClusterIP" && externalIPs.length > 0);
}

/** Whether load balancers ask each node for endpoints of its own. */
export function needsHealthCheck({ type, externalTrafficPolicy }: Spec): boolean {
  return type === "LoadBalancer" && externalTrafficPolicy === "Local";
}

/** What a Service says of traffic's ways. Ports that the server hands out may still be missing. */
export function validateTraffic(spec: Spec): readonly FieldError[] {
  const { type, externalTrafficPolicy, healthCheckNodePort, internalTrafficPolicy, trafficDistribution } =
    spec;
  const problems: FieldError[] = [];
  const policy = "spec.externalTrafficPolicy";
  if (!isExternallyAccessible(spec)) {
    if (externalTrafficPolicy)
      problems.push(
        invalid(policy, externalTrafficPolicy, "may only be set for externally-accessible services"),
      );
  } else if (!externalTrafficPolicy) problems.push(required(policy));
  else if (!policies.includes(externalTrafficPolicy))
    problems.push(notSupported(policy, externalTrafficPolicy, policies));
  if (healthCheckNodePort) {
    const text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    const texts = needsHealthCheck(spec) ? portNumber(healthCheckNodePort) : [text];
    problems.push(...texts.map((one) => invalid("spec.healthCheckNodePort", healthCheckNodePort, one)));
  }
  if (internalTrafficPolicy !== undefined && !policies.includes(internalTrafficPolicy))
    problems.push(notSupported("spec.internalTrafficPolicy", internalTrafficPolicy, policies));
  if (trafficDistribution !== undefined && !distributions.includes(trafficDistribution))
    problems.push(notSupported("spec.trafficDistribution", trafficDistribution, distributions));
  if (type !== "LoadBalancer") problems.push(...balancerFields(spec));
  else if (spec.loadBalancerClass !== undefined)
    problems.push(
      ...qualifiedName(spec.loadBalancerClass).map((text) =>
        invalid("spec.loadBalancerClass", spec.loadBalancerClass, text),
      ),
    );
  return problems;
}

function balancerFields(spec: Spec): readonly FieldError[] {
  const text = "may only be used when `type` is 'LoadBalancer'";
  return [
    ...((spec.loadBalancerSourceRanges ?? []).length > 0
      ? [forbidden("spec.LoadBalancerSourceRanges", text)] // spelt so in Kubernetes
      : []),
    ...(spec.allocateLoadBalancerNodePorts === undefined
      ? []
      : [forbidden("spec.allocateLoadBalancerNodePorts", text)]),
    ...(spec.loadBalancerClass === undefined ? [] : [forbidden("spec.loadBalancerClass", text)]),
  ];
}

export function validateTrafficUpdate(next: Spec, current: Spec): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (next.type === "LoadBalancer" && current.type === "LoadBalancer")
    if (next.loadBalancerClass !== current.loadBalancerClass)
      problems.push(invalid("spec.loadBalancerClass", next.loadBalancerClass, "may not change once set"));
  if (needsHealthCheck(next) && needsHealthCheck(current))
    if (next.healthCheckNodePort !== current.healthCheckNodePort)
      problems.push(forbidden("spec.healthCheckNodePort", "field is immutable"));
  return problems;
}
