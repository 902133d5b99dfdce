import {
  dns1123Label,
  dns1123Subdomain,
  labelValue,
  portNumber,
  qualifiedName,
} from "../../../client/rules/names.ts";
import type { EndpointSlice, Endpoints } from "../../../client/types.ts";
import type { ClusterFacts, FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { canonicalIpAddress, endpointAddress, ipAddress } from "./addresses.ts";
import { duplicate, invalid, notSupported, required } from "./field-errors.ts";

type Subset = NonNullable<Endpoints["subsets"]>[number];
type Address = NonNullable<Subset["addresses"]>[number];
type SubsetPort = NonNullable<Subset["ports"]>[number];
type SliceEndpoint = NonNullable<EndpointSlice["endpoints"]>[number];
type SlicePort = NonNullable<EndpointSlice["ports"]>[number];

const protocols = ["SCTP", "TCP", "UDP"];
const addressTypes = ["FQDN", "IPv4", "IPv6"];
const endpointsMax = 1000;
const addressesMax = 100;
const portsMax = 20_000;
const hintsMax = 8;

/** Subsets that an update leaves as they are are not judged again: older rules took them. */
export function validateEndpoints(
  { subsets = [] }: Endpoints,
  facts?: ClusterFacts,
  current?: Endpoints,
): readonly FieldError[] {
  const problems = validateSubsets(subsets, facts);
  return problems.length > 0 && current !== undefined && sameValue(current.subsets ?? [], subsets)
    ? []
    : problems;
}

function validateSubsets(subsets: readonly Subset[], facts?: ClusterFacts): readonly FieldError[] {
  return subsets.flatMap((subset, index) => {
    const field = `subsets[${index}]`;
    const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
    const problems: FieldError[] =
      addresses.length + notReadyAddresses.length === 0
        ? [required(field, "must specify `addresses` or `notReadyAddresses`")]
        : [];
    for (const [at, address] of addresses.entries())
      problems.push(...validateAddress(address, `${field}.addresses[${at}]`, facts));
    for (const [at, address] of notReadyAddresses.entries())
      problems.push(...validateAddress(address, `${field}.notReadyAddresses[${at}]`, facts));
    for (const [at, port] of ports.entries())
      problems.push(...validateSubsetPort(port, `${field}.ports[${at}]`, ports.length > 1));
    return problems;
  });
}

function validateAddress({ ip = "", hostname, nodeName }: Address, field: string, facts?: ClusterFacts) {
  return [
    ...ipAddress(`${field}.ip`, ip),
    ...(hostname ? named(`${field}.hostname`, hostname, dns1123Label) : []),
    ...(nodeName === undefined ? [] : named(`${field}.nodeName`, nodeName, dns1123Subdomain)),
    ...endpointAddress(`${field}.ip`, ip, { loopback: facts?.loopbackEndpoints === true }),
  ];
}

function validateSubsetPort(port: SubsetPort, field: string, nameWanted: boolean): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (port.name) problems.push(...named(`${field}.name`, port.name, dns1123Label));
  else if (nameWanted) problems.push(required(`${field}.name`));
  problems.push(...portNumber(port.port).map((text) => invalid(`${field}.port`, port.port ?? 0, text)));
  return [...problems, ...validateProtocols(port, field)];
}

/** Endpoints that an update leaves as they are are not judged again either. */
export function validateEndpointSlice(
  slice: EndpointSlice,
  facts?: ClusterFacts,
  current?: EndpointSlice,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  const { addressType, endpoints, ports } = slice;
  if (!addressType) problems.push(required("addressType"));
  else if (!addressTypes.includes(addressType))
    problems.push(notSupported("addressType", addressType, addressTypes));
  problems.push(...validateSlicePorts(ports ?? []));
  const list = endpoints ?? [];
  const faults = validateSliceEndpoints(list, addressType, facts);
  if (faults.length === 0 || (current !== undefined && sameValue(current.endpoints ?? [], list)))
    return problems;
  return [...problems, ...faults];
}

function validateSliceEndpoints(
  list: readonly SliceEndpoint[],
  addressType: string,
  facts: ClusterFacts | undefined,
): readonly FieldError[] {
  if (list.length > endpointsMax) return [tooMany("endpoints", list.length, endpointsMax)];
  return list.flatMap((endpoint, index) =>
    validateEndpoint(endpoint, `endpoints[${index}]`, { addressType, facts }),
  );
}

function validateEndpoint(
  { addresses, nodeName, hostname, hints }: SliceEndpoint,
  field: string,
  { addressType, facts }: { readonly addressType: string; readonly facts: ClusterFacts | undefined },
): readonly FieldError[] {
  const problems: FieldError[] = [];
  const all = addresses ?? [];
  if (all.length === 0) problems.push(required(`${field}.addresses`, "must contain at least 1 address"));
  else if (all.length > addressesMax) problems.push(tooMany(`${field}.addresses`, all.length, addressesMax));
  for (const [at, address] of all.entries())
    problems.push(...validateSliceAddress(address, { list: `${field}.addresses`, at, addressType, facts }));
  if (nodeName !== undefined) problems.push(...named(`${field}.nodeName`, nodeName, dns1123Subdomain));
  if (hostname !== undefined) problems.push(...named(`${field}.hostname`, hostname, dns1123Label));
  const zones = hints?.forZones ?? [];
  const nodes = hints?.forNodes ?? [];
  problems.push(...validateHints(`${field}.hints.forZones`, zones, labelValue));
  problems.push(...validateHints(`${field}.hints.forNodes`, nodes, dns1123Subdomain));
  return problems;
}

function validateSliceAddress(
  address: string,
  {
    list,
    at,
    addressType,
    facts,
  }: {
    readonly list: string;
    readonly at: number;
    readonly addressType: string;
    readonly facts: ClusterFacts | undefined;
  },
): readonly FieldError[] {
  const field = `${list}[${at}]`;
  if (addressType === "FQDN") return validateDomain(field, address);
  if (addressType !== "IPv4" && addressType !== "IPv6") return [];
  const problems = addressType === "IPv4" ? ipAddress(field, address) : canonicalIpAddress(field, address);
  if (problems.length > 0) return problems;
  const isOther = address.includes(":") !== (addressType === "IPv6");
  return [
    ...(isOther ? [invalid(list, address, `must be an ${addressType} address`)] : []),
    ...endpointAddress(field, address, { loopback: facts?.loopbackEndpoints === true }),
  ];
}

function validateDomain(field: string, given: string): readonly FieldError[] {
  if (given === "") return [required(field)];
  const name = given.replace(/\.$/, "");
  const problems = dns1123Subdomain(name);
  if (problems.length > 0) return [invalid(field, name, problems.join(","))];
  const labels = name.split(".");
  if (labels.length < 2)
    return [invalid(field, name, "should be a domain with at least two segments separated by dots")];
  const bad = labels.find((label) => dns1123Label(label).length > 0);
  return bad === undefined ? [] : [invalid(field, bad, dns1123Label(bad).join(","))];
}

function validateHints(
  field: string,
  hints: readonly { readonly name: string }[],
  rule: (value: string) => readonly string[],
): readonly FieldError[] {
  if (hints.length > hintsMax) return [tooMany(field, hints.length, hintsMax)];
  const seen = new Set<string>();
  return hints.flatMap(({ name }, at) => {
    const path = `${field}[${at}].name`;
    const again = seen.has(name) ? [duplicate(path, name)] : [];
    seen.add(name);
    return [...again, ...named(path, name, rule)];
  });
}

/** Numbers may be any, as in Kubernetes. */
function validateSlicePorts(ports: readonly SlicePort[]): readonly FieldError[] {
  if (ports.length > portsMax) return [tooMany("ports", ports.length, portsMax)];
  const names = new Set<string>();
  return ports.flatMap((port, index) => {
    const field = `ports[${index}]`;
    const { name = "" } = port;
    const problems = name === "" ? [] : [...named(`${field}.name`, name, dns1123Label)];
    if (names.has(name)) problems.push(duplicate(`${field}.name`, name));
    names.add(name);
    return [...problems, ...validateProtocols(port, field)];
  });
}

function validateProtocols(
  { protocol, appProtocol }: { readonly protocol?: string; readonly appProtocol?: string },
  field: string,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (!protocol) problems.push(required(`${field}.protocol`));
  else if (!protocols.includes(protocol))
    problems.push(notSupported(`${field}.protocol`, protocol, protocols));
  if (appProtocol !== undefined) problems.push(...named(`${field}.appProtocol`, appProtocol, qualifiedName));
  return problems;
}

function named(field: string, value: string, rule: (value: string) => readonly string[]): FieldError[] {
  return rule(value).map((text) => invalid(field, value, text));
}

function tooMany(field: string, count: number, max: number): FieldError {
  return {
    reason: "FieldValueTooMany",
    field,
    message: `Too many: ${count}: must have at most ${max} items`,
  };
}
