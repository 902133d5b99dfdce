import type { Service } from "../../../client/types.ts";
import { ipWarnings, rangeWarnings } from "./address-warnings.ts";

const oldHints = "service.kubernetes.io/topology-aware-hints";

/** What Kubernetes tells whoever makes or changes a service. */
export function serviceWarnings({ spec, metadata }: Service): readonly string[] {
  const { type, externalIPs = [], clusterIPs = [], loadBalancerSourceRanges = [] } = spec;
  const isHeadless = type === "ClusterIP" && spec.clusterIP === "None";
  const isName = type === "ExternalName";
  const warnings: string[] = [];
  if (metadata.annotations?.[oldHints] !== undefined)
    warnings.push(
      `annotation ${oldHints} is deprecated, please use service.kubernetes.io/topology-mode instead`,
    );
  if (!isHeadless && !isName) warnings.push(...each(clusterIPs, "spec.clusterIPs", ipWarnings));
  if (isHeadless) {
    if (spec.loadBalancerIP) warnings.push("spec.loadBalancerIP is ignored for headless services");
    if (externalIPs.length > 0) warnings.push("spec.externalIPs is ignored for headless services");
    if (spec.sessionAffinity !== "None")
      warnings.push("spec.SessionAffinity is ignored for headless services");
  }
  warnings.push(...each(externalIPs, "spec.externalIPs", ipWarnings));
  if (externalIPs.length > 0 && !isHeadless && !isName)
    warnings.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters");
  if (spec.loadBalancerIP) warnings.push(...ipWarnings(spec.loadBalancerIP, "spec.loadBalancerIP"));
  warnings.push(...each(loadBalancerSourceRanges, "spec.loadBalancerSourceRanges", rangeWarnings));
  if (isName && externalIPs.length > 0)
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  if (!isName && spec.externalName)
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  if (spec.trafficDistribution === "PreferClose")
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  return warnings;
}

function each(
  values: readonly string[],
  field: string,
  warningsOf: (value: string, field: string) => readonly string[],
): readonly string[] {
  return values.flatMap((value, index) => warningsOf(value, `${field}[${index}]`));
}
