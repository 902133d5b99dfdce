import {
  dns1123Label,
  dns1123Subdomain,
  portName,
  portNumber,
  qualifiedName,
} from "../../../client/rules/names.ts";
import type { Service } from "../../../client/types.ts";
import type { ClusterFacts, FieldError } from "../registry/kind.ts";
import { GoForm } from "../schema/go-form.ts";
import { duplicate, forbidden, immutable, invalid, notSupported, required } from "./field-errors.ts";
import { validateLabels } from "./labels.ts";
import { validateServiceAddresses } from "./service-addresses.ts";
import { validateTraffic, validateTrafficUpdate } from "./service-traffic.ts";

type Spec = Service["spec"];
type Port = NonNullable<Spec["ports"]>[number];

const types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const protocols = ["SCTP", "TCP", "UDP"];

export function validateService(
  service: Service,
  _facts?: ClusterFacts,
  current?: Service,
): readonly FieldError[] {
  const { spec } = service;
  if (spec === undefined) return [required("spec.ports")];
  const { ports = [], type = "" } = spec;
  const problems: FieldError[] = [];
  const headless = spec.clusterIP === "None";
  if (ports.length === 0 && !headless && type !== "ExternalName") problems.push(required("spec.ports"));
  if (headless && (type === "NodePort" || type === "LoadBalancer"))
    problems.push(invalid("spec.clusterIPs[0]", "None", `may not be set to 'None' for ${type} services`));
  if (!types.includes(type)) problems.push(notSupported("spec.type", type, types));
  problems.push(...validateExternalName(spec));
  problems.push(...validateLabels(spec.selector, "spec.selector"));
  problems.push(...validatePorts(ports, type));
  problems.push(...validateAffinity(spec));
  problems.push(...validateServiceAddresses(service, current));
  problems.push(...validateTraffic(spec));
  return problems;
}

function validateExternalName(spec: Spec): readonly FieldError[] {
  if (spec.type !== "ExternalName") return [];
  const problems: FieldError[] = [];
  if (spec.clusterIP) problems.push(forbidden("spec.clusterIPs", "may not be set for ExternalName services"));
  const name = (spec.externalName ?? "").replace(/\.$/, "");
  if (name === "") problems.push(required("spec.externalName"));
  else
    problems.push(
      ...dns1123Subdomain(name).map((text) => invalid("spec.externalName", spec.externalName, text)),
    );
  return problems;
}

function validateAffinity(spec: Spec): readonly FieldError[] {
  const { sessionAffinity, sessionAffinityConfig } = spec;
  if (sessionAffinity !== "None" && sessionAffinity !== "ClientIP")
    return [notSupported("spec.sessionAffinity", sessionAffinity, ["ClientIP", "None"])];
  if (sessionAffinity === "None")
    return sessionAffinityConfig === undefined
      ? []
      : [forbidden("spec.sessionAffinityConfig", "must not be set when session affinity is None")];
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (seconds !== undefined && (seconds <= 0 || seconds > 86_400)) {
    const text = "must be greater than 0 and less than 86400";
    return [invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds, text)];
  }
  return [];
}

function validatePorts(ports: readonly Port[], type: string): readonly FieldError[] {
  const problems: FieldError[] = [];
  const names = new Set<string>();
  const numbers = new Set<string>();
  const nodePorts = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const field = `spec.ports[${index}]`;
    problems.push(...validatePort(port, field, ports.length > 1));
    if (port.name) {
      if (names.has(port.name)) problems.push(duplicate(`${field}.name`, port.name));
      names.add(port.name);
    }
    const number = `${port.protocol}/${port.port}`;
    if (numbers.has(number))
      problems.push(
        duplicate(field, new GoForm("core.ServicePort", { port: port.port, protocol: port.protocol })),
      );
    numbers.add(number);
    if (!port.nodePort) continue;
    if (type === "ClusterIP" || type === "ExternalName")
      problems.push(
        forbidden(
          `${field}.nodePort`,
          "may not be used when `type` is 'ClusterIP'".replace("ClusterIP", type),
        ),
      );
    const nodePort = `${port.protocol}/${port.nodePort}`;
    if (nodePorts.has(nodePort)) problems.push(duplicate(`${field}.nodePort`, port.nodePort));
    nodePorts.add(nodePort);
  }
  return problems;
}

function validatePort(port: Port, field: string, nameWanted: boolean): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (!port.name) {
    if (nameWanted) problems.push(required(`${field}.name`));
  } else problems.push(...dns1123Label(port.name).map((text) => invalid(`${field}.name`, port.name, text)));
  const { port: number = 0, targetPort } = port;
  problems.push(...portNumber(number).map((text) => invalid(`${field}.port`, number, text)));
  if (!port.protocol) problems.push(required(`${field}.protocol`));
  else if (!protocols.includes(port.protocol))
    problems.push(notSupported(`${field}.protocol`, port.protocol, protocols));
  if (port.appProtocol !== undefined)
    problems.push(
      ...qualifiedName(port.appProtocol).map((text) =>
        invalid(`${field}.appProtocol`, port.appProtocol, text),
      ),
    );
  if (typeof targetPort === "number")
    problems.push(...portNumber(targetPort).map((text) => invalid(`${field}.targetPort`, targetPort, text)));
  else if (typeof targetPort === "string")
    problems.push(...portName(targetPort).map((text) => invalid(`${field}.targetPort`, targetPort, text)));
  return problems;
}

export function validateServiceUpdate(next: Service, current: Service): readonly FieldError[] {
  const problems = [...validateTrafficUpdate(next.spec, current.spec)];
  // A service that had no address may get one, and one that becomes a mere name may lose it.
  if (next.spec.type === "ExternalName" || current.spec.type === "ExternalName") return problems;
  if (!current.spec.clusterIP) return problems;
  const changed = immutable("spec.clusterIPs[0]", next.spec.clusterIP, current.spec.clusterIP);
  return [
    ...changed.map((problem) => ({
      ...problem,
      message: `Invalid value: ${JSON.stringify([next.spec.clusterIP ?? ""])}: may not change once set`,
    })),
    ...validateFamilyUpdate(next.spec, current.spec),
    ...problems,
  ];
}

/** A second address or family may come and go; what stays is what it was. A headless Service has none to keep to. */
function validateFamilyUpdate(next: Spec, current: Spec): readonly FieldError[] {
  if (next.clusterIP === "None" || current.clusterIP === "None") return [];
  const problems: FieldError[] = [];
  const [, second] = next.clusterIPs ?? [];
  const [, secondBefore] = current.clusterIPs ?? [];
  if (second !== undefined && secondBefore !== undefined && second !== secondBefore)
    problems.push(invalid("spec.clusterIPs[1]", next.clusterIPs, "may not change once set"));
  const families = next.ipFamilies ?? [];
  for (const [at, before] of (current.ipFamilies ?? []).entries())
    if (families[at] !== undefined && families[at] !== before)
      problems.push(invalid("spec.ipFamilies[0]", families, "may not change once set"));
  return problems;
}

/** Only a service that has a load balancer can say where that one listens. */
export function validateServiceStatus({ spec, status }: Service): readonly FieldError[] {
  if (spec.type === "LoadBalancer" || (status?.loadBalancer?.ingress ?? []).length === 0) return [];
  return [forbidden("status.loadBalancer.ingress", "may only be used when `spec.type` is 'LoadBalancer'")];
}
