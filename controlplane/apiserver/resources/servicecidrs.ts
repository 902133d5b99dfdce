import { isIPv6 } from "node:net";
import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { ServiceCIDR } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { ipRange } from "./addresses.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { immutable, invalid, required } from "./field-errors.ts";
import { keepStatus, wholeMetadata } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

const field = "spec.cidrs";

/** Ranges of services' addresses. */
export const serviceCidrs = kindOf<ServiceCIDR>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "ServiceCIDR",
  plural: "servicecidrs",
  singular: "servicecidr",
  shortNames: [],
  categories: [],
  namespaced: false,
  subresources: { status: true },
  statusKeeps: wholeMetadata,
  nameRule: dns1123Subdomain,
  applyDefaults(object) {
    object.status ??= {};
  },
  prepareForCreate(object) {
    object.status = {};
  },
  prepareForUpdate: keepStatus,
  validateCreate: ({ spec }) => validateRanges(spec?.cidrs ?? []),
  validate: () => [],
  validateUpdate: (next, current) => validateRangesUpdate(next.spec?.cidrs ?? [], current.spec?.cidrs ?? []),
  columns: [column("CIDRs"), ageColumn],
  cells: ({ metadata, spec }, nowMs) => [
    (spec?.cidrs ?? []).join(","),
    age(metadata.creationTimestamp, nowMs),
  ],
});

function validateRanges(cidrs: readonly string[]): readonly FieldError[] {
  if (cidrs.length === 0) return [required(field, "at least one CIDR required")];
  if (cidrs.length > 2) return [invalid(field, { CIDRs: cidrs }, "may only hold up to 2 values")];
  const problems: FieldError[] = cidrs.flatMap((cidr, index) => [...ipRange(`${field}[${index}]`, cidr)]);
  const [first = "", second = ""] = cidrs;
  const areBoth = [first, second].every((cidr) => ipRange(field, cidr).length === 0);
  const family = (cidr: string) => isIPv6(cidr.split("/")[0] ?? "");
  if (cidrs.length === 2 && areBoth && family(first) === family(second))
    problems.push(
      invalid(
        field,
        cidrs,
        "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64",
      ),
    );
  return problems;
}

/** A range stays; one of the other family may come to it. */
function validateRangesUpdate(next: readonly string[], current: readonly string[]): readonly FieldError[] {
  if (next.length === current.length)
    return current.flatMap((cidr, index) => immutable(`${field}[${index}]`, next[index], cidr));
  if (current.length === 1 && next.length === 2)
    return [...immutable(`${field}[0]`, next[0], current[0]), ...validateRanges(next)];
  return immutable(field, next, current);
}
