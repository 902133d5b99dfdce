import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { EndpointSlice, Endpoints } from "../../../client/types.ts";
import { ipWarnings } from "./address-warnings.ts";
import { age, ageColumn, column, listText } from "./cell-text.ts";
import { dropDeprecatedTopology } from "./disabled-fields.ts";
import { validateEndpointSlice, validateEndpoints } from "./endpoint-validation.ts";
import { immutable } from "./field-errors.ts";
import { kindOf } from "./typed-kind.ts";

export const endpoints = kindOf<Endpoints>({
  group: "",
  version: "v1",
  kind: "Endpoints",
  plural: "endpoints",
  singular: "endpoints",
  shortNames: ["ep"],
  categories: [],
  namespaced: true,
  storagePrefix: "services/endpoints",
  createsOnUpdate: true,
  deprecation: "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
  subresources: {},
  nameRule: dns1123Subdomain,
  hasSpec: false,
  applyDefaults(object) {
    for (const subset of object.subsets ?? []) {
      for (const port of subset.ports ?? []) port.protocol ??= "TCP";
    }
  },
  validate: validateEndpoints,
  columns: [column("Endpoints"), ageColumn],
  warnings: endpointsWarnings,
  cells: (object, nowMs) => [endpointsText(object), age(object.metadata.creationTimestamp, nowMs)],
});

function endpointsText({ subsets = [] }: Endpoints): string {
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port }) =>
          addresses.map(({ ip }) => `${ip.includes(":") ? `[${ip}]` : ip}:${port}`),
        ),
  );
  return listText(all);
}

export const endpointSlices = kindOf<EndpointSlice>({
  group: "discovery.k8s.io",
  version: "v1",
  kind: "EndpointSlice",
  plural: "endpointslices",
  singular: "endpointslice",
  shortNames: [],
  categories: [],
  namespaced: true,
  storagePrefix: "endpointslices",
  hasGeneration: true,
  alsoCounted: ({ metadata, endpoints, ports }) => [metadata.labels ?? {}, endpoints, ports],
  subresources: {},
  nameRule: dns1123Subdomain,
  hasSpec: false,
  applyDefaults(slice) {
    for (const endpoint of slice.endpoints ?? []) endpoint.conditions ??= {};
    for (const port of slice.ports ?? []) {
      port.name ??= "";
      port.protocol ??= "TCP";
    }
  },
  dropDisabled: dropDeprecatedTopology,
  validate: validateEndpointSlice,
  validateUpdate: (next, current) =>
    immutable("addressType", next.addressType ?? "", current.addressType ?? ""),
  columns: [column("AddressType"), column("Ports"), column("Endpoints"), ageColumn],
  warnings: sliceWarnings,
  cells: (slice, nowMs) => [
    slice.addressType,
    slicePortsText(slice),
    sliceAddressesText(slice),
    age(slice.metadata.creationTimestamp, nowMs),
  ],
});

function slicePortsText({ ports: list }: EndpointSlice): string {
  const ports = list ?? [];
  if (ports.length === 0) return "<unset>";
  return listText(ports.map(({ port, name }) => (port === undefined ? name || "*" : String(port))));
}

function sliceAddressesText({ endpoints: list }: EndpointSlice): string {
  const all = (list ?? []).flatMap(({ addresses = [] }) => addresses);
  return all.length === 0 ? "<unset>" : listText(all);
}

/** What our own controllers write is in order. */
const isOwn = ({ labels }: { readonly labels?: Readonly<Record<string, string>> }, ...makers: string[]) =>
  makers.includes(labels?.["endpointslice.kubernetes.io/managed-by"] ?? "") ||
  makers.includes(labels?.["endpoints.kubernetes.io/managed-by"] ?? "");

function endpointsWarnings({ metadata, subsets = [] }: Endpoints): readonly string[] {
  if (isOwn(metadata, "endpoint-controller")) return [];
  return subsets.flatMap((subset, index) =>
    (["addresses", "notReadyAddresses"] as const).flatMap((name) =>
      (subset[name] ?? []).flatMap(({ ip }, place) =>
        ipWarnings(ip, `subsets[${index}].${name}[${place}].ip`),
      ),
    ),
  );
}

function sliceWarnings(slice: EndpointSlice, current?: EndpointSlice): readonly string[] {
  const makers = ["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"];
  return [
    ...(current === undefined && slice.addressType === "FQDN"
      ? ["spec.addressType: FQDN endpoints are deprecated"]
      : []),
    ...(isOwn(slice.metadata, ...makers)
      ? []
      : (slice.endpoints ?? []).flatMap(({ addresses }, index) =>
          addresses.flatMap((address, place) =>
            ipWarnings(address, `endpoints[${index}].addresses[${place}]`),
          ),
        )),
  ];
}
