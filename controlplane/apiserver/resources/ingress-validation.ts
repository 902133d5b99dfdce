import {
  dns1123Label,
  dns1123Subdomain,
  pathSegment,
  portName,
  portNumber,
  wildcardSubdomain,
} from "../../../client/rules/names.ts";
import type { Ingress } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { ipAddress, isAnyAddress } from "./addresses.ts";
import { invalid, notSupported, required } from "./field-errors.ts";

type Spec = Ingress["spec"];
type Rule = NonNullable<Spec["rules"]>[number];
type Path = NonNullable<Rule["http"]>["paths"][number];
type Backend = Path["backend"];

export function validateIngressSpec(spec: Spec, field: string): readonly FieldError[] {
  const { defaultBackend, rules, tls = [], ingressClassName } = spec;
  const problems: FieldError[] = [];
  if ((rules ?? []).length === 0 && defaultBackend === undefined)
    problems.push(invalid(field, rules, "either `defaultBackend` or `rules` must be specified"));
  if (defaultBackend !== undefined)
    problems.push(...validateBackend(defaultBackend, `${field}.defaultBackend`));
  rules?.forEach((rule, index) => {
    problems.push(...validateRule(rule, `${field}.rules[${index}]`));
  });
  tls.forEach(({ hosts = [], secretName }, index) => {
    const at = `${field}.tls[${index}]`;
    hosts.forEach((host, place) => {
      problems.push(...hostProblems(host, `${at}.hosts[${place}]`));
    });
    if (secretName) problems.push(...named(secretName, `${at}.secretName`, dns1123Subdomain));
  });
  if (ingressClassName !== undefined)
    problems.push(...named(ingressClassName, `${field}.ingressClassName`, dns1123Subdomain));
  return problems;
}

function named(
  value: string,
  field: string,
  rule: (value: string) => readonly string[],
): readonly FieldError[] {
  return rule(value).map((text) => invalid(field, value, text));
}

const hostProblems = (host: string, field: string) =>
  named(host, field, host.includes("*") ? wildcardSubdomain : dns1123Subdomain);

function validateRule({ host = "", http }: Rule, field: string): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (isAnyAddress(host))
    problems.push(invalid(`${field}.host`, host, "must be a DNS name, not an IP address"));
  if (host !== "") problems.push(...hostProblems(host, `${field}.host`));
  if (http === undefined) return problems;
  if ((http.paths ?? []).length === 0) problems.push(required(`${field}.http.paths`));
  http.paths?.forEach((path, index) => {
    problems.push(...validatePath(path, `${field}.http.paths[${index}]`));
  });
  return problems;
}

const pathTypes = ["Exact", "ImplementationSpecific", "Prefix"];
const forbiddenParts = ["//", "/./", "/../", "%2f", "%2F"];
const forbiddenEnds = ["/..", "/."];

function validatePath({ path = "", pathType, backend }: Path, field: string): readonly FieldError[] {
  if (pathType === undefined) return [required(`${field}.pathType`, "pathType must be specified")];
  const problems: FieldError[] = [];
  const refuse = (text: string) => problems.push(invalid(`${field}.path`, path, text));
  const isFree = pathType === "ImplementationSpecific";
  if (!pathTypes.includes(pathType)) problems.push(notSupported(`${field}.pathType`, pathType, pathTypes));
  else {
    if (!path.startsWith("/") && !(isFree && path === "")) refuse("must be an absolute path");
    if (!isFree) {
      for (const part of forbiddenParts) if (path.includes(part)) refuse(`must not contain '${part}'`);
      for (const end of forbiddenEnds) if (path.endsWith(end)) refuse(`cannot end with '${end}'`);
    }
  }
  return [...problems, ...validateBackend(backend ?? {}, `${field}.backend`)];
}

function validateBackend({ resource, service }: Backend, field: string): readonly FieldError[] {
  if (resource !== undefined && service !== undefined)
    return [invalid(field, "", "cannot set both resource and service backends")];
  if (resource !== undefined) return validateReference(resource, `${field}.resource`);
  if (service === undefined) return [invalid(field, "", "resource or service backend is required")];
  const { name, number } = service.port ?? {};
  const problems: FieldError[] = service.name
    ? [...named(service.name, `${field}.service.name`, dns1123Label)]
    : [required(`${field}.service.name`)];
  if (name && number) problems.push(invalid(field, "", "cannot set both port name & port number"));
  else if (name) problems.push(...named(name, `${field}.service.port.name`, portName));
  else if (number)
    problems.push(...portNumber(number).map((text) => invalid(`${field}.service.port.number`, number, text)));
  else problems.push(required(field, "port name or number is required"));
  return problems;
}

interface Reference {
  readonly apiGroup?: string;
  readonly kind?: string;
  readonly name?: string;
}

/** An object of some kind, wherever that is served. */
export function validateReference(
  { apiGroup, kind = "", name = "" }: Reference,
  field: string,
): readonly FieldError[] {
  const part = (value: string, at: string) => (value === "" ? [required(at)] : named(value, at, pathSegment));
  return [
    ...(apiGroup === undefined ? [] : named(apiGroup, `${field}.apiGroup`, dns1123Subdomain)),
    ...part(kind, `${field}.kind`),
    ...part(name, `${field}.name`),
  ];
}

export function validateIngressStatus(status: Ingress["status"], field: string): readonly FieldError[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }, index) => {
    const at = `${field}[${index}]`;
    const problems: FieldError[] = ip ? [...ipAddress(`${at}.ip`, ip)] : [];
    if (!hostname) return problems;
    problems.push(...named(hostname, `${at}.hostname`, dns1123Subdomain));
    if (isAnyAddress(hostname))
      problems.push(invalid(`${at}.hostname`, hostname, "must be a DNS name, not an IP address"));
    return problems;
  });
}
