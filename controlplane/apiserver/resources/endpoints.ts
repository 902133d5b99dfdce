import type { EndpointSlice, Endpoints } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { age, ageColumn, column, listText } from "./cell-text.ts";
import { duplicate, immutable, invalid, notSupported, required } from "./field-errors.ts";
import { dns1123Subdomain, portNumber } from "./names.ts";
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
  subresources: {},
  nameRule: dns1123Subdomain,
  hasSpec: false,
  applyDefaults(object) {
    for (const subset of object.subsets ?? []) {
      for (const port of subset.ports ?? []) port.protocol ??= "TCP";
    }
  },
  validate: (object) =>
    (object.subsets ?? []).flatMap((subset, index) => {
      const field = `subsets[${index}]`;
      const addresses = [...(subset.addresses ?? []), ...(subset.notReadyAddresses ?? [])];
      const problems: FieldError[] =
        addresses.length === 0 ? [required(field, "must specify `addresses` or `notReadyAddresses`")] : [];
      for (const [at, { port }] of (subset.ports ?? []).entries())
        problems.push(...portNumber(port).map((text) => invalid(`${field}.ports[${at}].port`, port, text)));
      return problems;
    }),
  columns: [column("Endpoints"), ageColumn],
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

const addressTypes = ["IPv4", "IPv6", "FQDN"];
const endpointsMax = 1000;
const addressesMax = 100;

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
  subresources: {},
  nameRule: dns1123Subdomain,
  hasSpec: false,
  applyDefaults(slice) {
    for (const port of slice.ports ?? []) {
      port.name ??= "";
      port.protocol ??= "TCP";
    }
  },
  validate: validateSlice,
  validateUpdate: (next, current) => immutable("addressType", next.addressType, current.addressType),
  columns: [column("AddressType"), column("Ports"), column("Endpoints"), ageColumn],
  cells: (slice, nowMs) => [
    slice.addressType,
    slicePortsText(slice),
    sliceAddressesText(slice),
    age(slice.metadata.creationTimestamp, nowMs),
  ],
});

function validateSlice(slice: EndpointSlice): readonly FieldError[] {
  const problems: FieldError[] = [];
  const list = slice.endpoints ?? [];
  if (!slice.addressType) problems.push(required("addressType"));
  else if (!addressTypes.includes(slice.addressType))
    problems.push(notSupported("addressType", slice.addressType, addressTypes));
  if (list.length > endpointsMax)
    problems.push({
      reason: "FieldValueTooMany",
      field: "endpoints",
      message: `Too many: ${list.length}: must have at most ${endpointsMax} items`,
    });
  for (const [index, { addresses }] of list.entries()) {
    const field = `endpoints[${index}].addresses`;
    if ((addresses ?? []).length === 0) problems.push(required(field, "must contain at least 1 address"));
    if ((addresses ?? []).length > addressesMax)
      problems.push({
        reason: "FieldValueTooMany",
        field,
        message: `Too many: ${addresses.length}: must have at most ${addressesMax} items`,
      });
  }
  const names = new Set<string>();
  for (const [index, { name = "", port }] of (slice.ports ?? []).entries()) {
    if (names.has(name)) problems.push(duplicate(`ports[${index}].name`, name));
    names.add(name);
    if (port !== undefined)
      problems.push(...portNumber(port).map((text) => invalid(`ports[${index}].port`, port, text)));
  }
  return problems;
}

function slicePortsText({ ports = [] }: EndpointSlice): string {
  if (ports.length === 0) return "<unset>";
  return listText(ports.map(({ port, name }) => (port === undefined ? name || "*" : String(port))));
}

function sliceAddressesText({ endpoints: list }: EndpointSlice): string {
  const all = (list ?? []).flatMap(({ addresses = [] }) => addresses);
  return all.length === 0 ? "<unset>" : listText(all);
}
