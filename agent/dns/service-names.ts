import type { EndpointSlice, Service } from "../../client/types.ts";
import { canonicalAddress, canonicalName, isLabel } from "./domain-name.ts";

/** What DNS needs to know of a Service and its slices, read once for each change. Pure. */
export type ServiceNames =
  /** ExternalName. */
  | { readonly kind: "alias"; readonly target: string }
  /** One that has an address of its own. Its endpoints are known by their names too. */
  | {
      readonly kind: "addressed";
      readonly addresses: readonly string[];
      readonly ports: readonly NamedPort[];
      readonly endpoints: readonly NamedEndpoint[];
    }
  | { readonly kind: "headless"; readonly endpoints: readonly NamedEndpoint[] };

export interface NamedPort {
  /** Empty for a Service's only port. */
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

/** A ready endpoint. */
export interface NamedEndpoint {
  readonly hostname: string;
  /** The pod asked for the name; otherwise it is made of the address. */
  readonly isNamed: boolean;
  readonly address: string;
  readonly ports: readonly NamedPort[];
}

/** What cannot be written into a message is left out: the API refuses it, and the node does not rely on that. */
export function serviceNames(service: Service, slices: readonly EndpointSlice[]): ServiceNames | undefined {
  const { spec, metadata } = service;
  if (!isLabel(metadata.name) || !isLabel(metadata.namespace ?? "")) return undefined;
  if (spec.type === "ExternalName") {
    const text = spec.externalName ?? "";
    // Kubernetes takes addresses for names here; a name that looks like one would be resolved by nobody.
    if (canonicalAddress(text) !== undefined)
      return { kind: "addressed", addresses: [], ports: [], endpoints: [] };
    const target = canonicalName(text);
    return target === undefined ? undefined : { kind: "alias", target };
  }
  const endpoints = slices.flatMap(endpointsOf);
  if (spec.clusterIP === "None") return { kind: "headless", endpoints };
  const given = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
  const addresses = given.filter((address) => canonicalAddress(address) !== undefined);
  return addresses.length === 0
    ? undefined
    : { kind: "addressed", addresses, ports: portsOf(spec.ports ?? []), endpoints };
}

/** The addresses that lead back to names of this Service, each with the labels before its own name. */
export function reverseNames(names: ServiceNames): readonly (readonly [string, readonly string[]])[] {
  if (names.kind === "alias") return [];
  const own = names.kind === "addressed" ? names.addresses.map((address) => [address, []] as const) : [];
  const ofPods = names.endpoints
    .filter(({ isNamed }) => isNamed || names.kind === "headless")
    .map(({ address, hostname }) => [address, [hostname]] as const);
  return [...own, ...ofPods];
}

function endpointsOf(slice: EndpointSlice): readonly NamedEndpoint[] {
  if (slice.addressType === "FQDN") return [];
  const ports = portsOf(slice.ports ?? []);
  return (slice.endpoints ?? []).flatMap(({ addresses, conditions, hostname }) => {
    const [address = ""] = addresses ?? [];
    if (conditions?.ready === false || canonicalAddress(address) === undefined) return [];
    const asked = hostname?.toLowerCase() ?? "";
    const isNamed = isLabel(asked);
    return [{ hostname: isNamed ? asked : address.replace(/[.:]/g, "-"), isNamed, address, ports }];
  });
}

function portsOf(
  ports: readonly { name?: string | undefined; protocol?: string | undefined; port?: number | undefined }[],
): readonly NamedPort[] {
  return ports.flatMap(({ name = "", protocol = "TCP", port }) =>
    port === undefined || !Number.isInteger(port) || port < 1 || port > 65_535
      ? []
      : [{ name: name.toLowerCase(), protocol: protocol.toLowerCase(), port }],
  );
}
