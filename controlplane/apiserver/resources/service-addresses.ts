import { isIpv6 } from "../../../base/ipv6.ts";
import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { Service } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { endpointAddress, ipAddress, ipRange } from "./addresses.ts";
import { duplicate, forbidden, invalid, notSupported, required } from "./field-errors.ts";

type Spec = Service["spec"];
type Ingress = NonNullable<NonNullable<NonNullable<Service["status"]>["loadBalancer"]>["ingress"]>[number];

const families = ["IPv4", "IPv6"];
const familyPolicies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
const ipModes = ["Proxy", "VIP"];

/** Every address and range that a Service names. Whether the cluster has their families is said where addresses are handed out. The
 *  form of those that the current Service has already is not judged again: older rules took them. */
export function validateServiceAddresses(
  { spec, status }: Service,
  current?: Service,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (spec.type !== "ExternalName") problems.push(...validateClusterIps(spec, current?.spec.clusterIPs));
  for (const [index, ip] of (spec.externalIPs ?? []).entries()) {
    const field = `spec.externalIPs[${index}]`;
    const malformed = current?.spec.externalIPs?.includes(ip) ? [] : ipAddress(field, ip);
    problems.push(...(malformed.length > 0 ? malformed : endpointAddress(field, ip)));
  }
  if (spec.type === "LoadBalancer") {
    const oldRanges = current?.spec.loadBalancerSourceRanges?.map((range) => range.trim());
    for (const [index, range] of (spec.loadBalancerSourceRanges ?? []).entries())
      if (!oldRanges?.includes(range.trim()))
        problems.push(...ipRange(`spec.LoadBalancerSourceRanges[${index}]`, range.trim()));
    const oldIngress = current?.status?.loadBalancer?.ingress?.map(({ ip }) => ip);
    for (const [index, ingress] of (status?.loadBalancer?.ingress ?? []).entries())
      problems.push(...validateIngress(ingress, `status.loadBalancer.ingress[${index}]`, oldIngress));
  }
  return problems;
}

function validateClusterIps(spec: Spec, old: readonly string[] = []): readonly FieldError[] {
  const { clusterIP = "", clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec;
  const field = "spec.clusterIPs";
  const problems: FieldError[] = [];
  if (clusterIP !== "") {
    if (clusterIPs.length === 0) problems.push(required(field));
    else if (clusterIPs[0] !== clusterIP)
      problems.push(invalid(field, clusterIPs, "first value must match `clusterIP`"));
  } else if (clusterIPs.length > 0)
    problems.push(invalid(field, clusterIPs, "must be empty when `clusterIP` is not specified"));
  problems.push(...validateFamilies(ipFamilies, ipFamilyPolicy));
  const malformed = clusterIPs.flatMap((ip, at) => {
    if (at > 0 || ip !== "None") return old.includes(ip) ? [] : ipAddress(`${field}[${at}]`, ip);
    return clusterIPs.length > 1
      ? [invalid(field, clusterIPs, "'None' must be the first and only value")]
      : [];
  });
  problems.push(...malformed);
  if (clusterIPs.length > 2) problems.push(invalid(field, clusterIPs, "may only hold up to 2 values"));
  if (malformed.length > 0 || clusterIPs[0] === "None") return problems;
  if (
    clusterIPs.length > 1 &&
    (clusterIPs.length > 2 || isIpv6(clusterIPs[0] ?? "") === isIpv6(clusterIPs[1] ?? ""))
  )
    problems.push(invalid(field, clusterIPs, "may specify no more than one IP for each IP family"));
  for (const [at, ip] of clusterIPs.entries()) {
    const family = ipFamilies[at];
    if (family !== undefined && (family === "IPv6") !== isIpv6(ip))
      problems.push(
        invalid(`${field}[${at}]`, ip, `expected an ${family} value as indicated by \`ipFamilies[${at}]\``),
      );
  }
  return problems;
}

function validateFamilies(ipFamilies: readonly string[], policy: string | undefined): readonly FieldError[] {
  const problems = ipFamilies.flatMap((family, at): FieldError[] => {
    const field = `spec.ipFamilies[${at}]`;
    if (!families.includes(family)) return [notSupported(field, family, families)];
    if (ipFamilies.indexOf(family) < at) return [duplicate(field, family)];
    return [];
  });
  if (policy !== undefined && !familyPolicies.includes(policy))
    problems.push(notSupported("spec.ipFamilyPolicy", policy, familyPolicies));
  return problems;
}

function validateIngress(
  { ip, ipMode, hostname }: Ingress,
  field: string,
  old: readonly (string | undefined)[] = [],
): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (ip && !old.includes(ip)) problems.push(...ipAddress(`${field}.ip`, ip));
  if (ipMode === undefined) {
    if (ip) problems.push(required(`${field}.ipMode`, "must be specified when `ip` is set"));
  } else if (!ip) problems.push(forbidden(`${field}.ipMode`, "may not be specified when `ip` is not set"));
  else if (!ipModes.includes(ipMode)) problems.push(notSupported(`${field}.ipMode`, ipMode, ipModes));
  if (hostname) {
    problems.push(...dns1123Subdomain(hostname).map((text) => invalid(`${field}.hostname`, hostname, text)));
    if (ipAddress(field, hostname).length === 0)
      problems.push(invalid(`${field}.hostname`, hostname, "must be a DNS name, not an IP address"));
  }
  return problems;
}
