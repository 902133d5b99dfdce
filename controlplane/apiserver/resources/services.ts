import { dns1123Label } from "../../../client/rules/names.ts";
import type { Service } from "../../../client/types.ts";
import { sameValue } from "../schema/same-value.ts";
import { age, ageColumn, column, labelsText, wideColumn } from "./cell-text.ts";
import { isExternallyAccessible, needsHealthCheck } from "./service-traffic.ts";
import { validateService, validateServiceStatus, validateServiceUpdate } from "./service-validation.ts";
import { serviceWarnings } from "./service-warnings.ts";
import { clearStatus, keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

type Spec = Service["spec"];
type Port = NonNullable<Spec["ports"]>[number];

const affinityTimeoutSeconds = 10_800;

export const services = kindOf<Service>({
  group: "",
  version: "v1",
  kind: "Service",
  plural: "services",
  singular: "service",
  shortNames: ["svc"],
  categories: ["all"],
  namespaced: true,
  storagePrefix: "services/specs",
  returnsDeleted: true,
  createsOnUpdate: true,
  subresources: { status: true, special: ["proxy"] },
  allocates: "service",
  nameRule: dns1123Label,
  applyDefaults(service) {
    defaultService(service.spec);
    if (service.spec.type !== "LoadBalancer") return;
    for (const ingress of service.status?.loadBalancer?.ingress ?? [])
      if (ingress.ip) ingress.ipMode ??= "VIP";
  },
  prepareForCreate(service) {
    clearStatus(service);
    service.status = { loadBalancer: {} };
    if (service.spec.clusterIP) service.spec.clusterIPs ??= [service.spec.clusterIP];
  },
  prepareForUpdate(next, current) {
    keepStatus(next, current);
    followClusterIp(next.spec, current.spec);
    dropOfOldType(next.spec, current.spec);
    keepAllocated(next.spec, current.spec);
  },
  validate: validateService,
  validateUpdate: validateServiceUpdate,
  validateStatus: validateServiceStatus,
  warnings: serviceWarnings,
  selectableFields: ({ spec }) => ({ "spec.clusterIP": spec.clusterIP ?? "", "spec.type": spec.type ?? "" }),
  columns: [
    column("Type"),
    column("Cluster-IP"),
    column("External-IP"),
    column("Port(s)"),
    ageColumn,
    wideColumn("Selector"),
  ],
  cells: (service, nowMs) => [
    service.spec.type ?? "",
    service.spec.clusterIP || "<none>",
    externalText(service),
    portsText(service.spec.ports ?? []),
    age(service.metadata.creationTimestamp, nowMs),
    labelsText(service.spec.selector),
  ],
});

function defaultService(spec: Spec): void {
  spec.type ??= "ClusterIP";
  spec.sessionAffinity ??= "None";
  if (spec.sessionAffinity === "None") delete spec.sessionAffinityConfig;
  else if (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined)
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: affinityTimeoutSeconds } };
  for (const port of spec.ports ?? []) {
    port.protocol ??= "TCP";
    const target = port.targetPort || (port.port ?? 0);
    if (port.targetPort !== target) port.targetPort = target;
  }
  if (spec.type === "ExternalName") return;
  spec.internalTrafficPolicy ??= "Cluster";
  if (isExternallyAccessible(spec)) spec.externalTrafficPolicy ||= "Cluster";
  if (spec.type === "LoadBalancer") spec.allocateLoadBalancerNodePorts ??= true;
}

/** `clusterIPs` follows `clusterIP` for clients that know only the latter. */
function followClusterIp(next: Spec, current: Spec): void {
  if (next.clusterIP === current.clusterIP || !sameValue(next.clusterIPs, current.clusterIPs)) return;
  if (next.clusterIP) next.clusterIPs = [next.clusterIP];
  else delete next.clusterIPs;
}

/** What only made sense for the old type goes with it, unless it was changed in the same breath: then it is the
 *  client's own, and validation says that it does not fit. */
function dropOfOldType(next: Spec, current: Spec): void {
  const drop = <F extends keyof Spec>(fields: readonly F[]) => {
    for (const field of fields) if (sameValue(next[field], current[field])) delete next[field];
  };
  if (current.type !== "ExternalName" && next.type === "ExternalName")
    drop(["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"]);
  if (isExternallyAccessible(current) && !isExternallyAccessible(next)) drop(["externalTrafficPolicy"]);
  if (needsHealthCheck(current) && !needsHealthCheck(next)) drop(["healthCheckNodePort"]);
  if (hasNodePorts(current) && !hasNodePorts(next)) {
    const before = new Set((current.ports ?? []).map(({ nodePort }) => nodePort));
    for (const port of next.ports ?? []) if (before.has(port.nodePort)) delete port.nodePort;
  }
  if (current.type === "LoadBalancer" && next.type !== "LoadBalancer")
    drop(["allocateLoadBalancerNodePorts", "loadBalancerClass"]);
}

/** A replacement that does not name what the server gave the service keeps it. */
function keepAllocated(next: Spec, current: Spec): void {
  if (next.type === "ExternalName" || current.type === "ExternalName") return;
  if (!next.clusterIP && current.clusterIP) {
    next.clusterIP = current.clusterIP;
    if (current.clusterIPs !== undefined) next.clusterIPs = current.clusterIPs;
  }
  if (current.ipFamilies !== undefined) next.ipFamilies ??= current.ipFamilies;
  if (current.ipFamilyPolicy !== undefined) next.ipFamilyPolicy ??= current.ipFamilyPolicy;
  if (needsHealthCheck(next) && needsHealthCheck(current) && !next.healthCheckNodePort) {
    if (current.healthCheckNodePort) next.healthCheckNodePort = current.healthCheckNodePort;
  }
  if (!hasNodePorts(next) || !hasNodePorts(current)) return;
  const before = new Map((current.ports ?? []).map((port) => [portKey(port), port.nodePort]));
  const taken = new Set((next.ports ?? []).map(({ nodePort }) => nodePort));
  for (const port of next.ports ?? []) {
    const kept = before.get(portKey(port));
    if (!port.nodePort && kept !== undefined && !taken.has(kept)) port.nodePort = kept;
  }
}

const hasNodePorts = ({ type }: Spec) => type === "NodePort" || type === "LoadBalancer";
const portKey = (port: Port) => `${port.protocol ?? "TCP"}/${port.port}`;

function externalText({ spec, status }: Service): string {
  const given = spec.externalIPs ?? [];
  switch (spec.type) {
    case "ExternalName":
      return spec.externalName ?? "";
    case "LoadBalancer": {
      const ingress = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || "");
      const all = [...ingress.filter((one) => one !== ""), ...given];
      return all.length > 0 ? all.join(",") : "<pending>";
    }
    default:
      return given.length > 0 ? given.join(",") : "<none>";
  }
}

function portsText(ports: readonly Port[]): string {
  if (ports.length === 0) return "<none>";
  return ports
    .map(({ port, nodePort, protocol }) =>
      nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
    )
    .join(",");
}
