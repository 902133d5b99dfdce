import { compareQuantities, isQuantity, parseNanos } from "../../../base/quantity.ts";
import { dns1123Label, dns1123Subdomain } from "../../../client/rules/names.ts";
import type { Container, PodSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { isHugePages, resourceName, validateAmounts } from "./container-resources.ts";
import { duplicate, forbidden, invalid, notSupported, required } from "./field-errors.ts";

const podResources = ["cpu", "hugepages-", "memory"];

/** What a pod asks for as a whole; its containers must find room in it. */
export function validatePodResources(spec: PodSpec, field: string): readonly FieldError[] {
  const { resources, os } = spec;
  if (resources === undefined) return [];
  if (os?.name === "windows") return [forbidden(field, "may not be set for a windows pod")];
  const claims =
    resources.claims === undefined
      ? []
      : [forbidden(`${field}.claims`, "claims may not be set for Resources at pod-level")];
  const amounts = { limits: resources.limits ?? {}, requests: resources.requests ?? {} };
  return [
    ...claims,
    ...validateAmounts(amounts, field, podResourceName, []),
    ...requestsSuffice(spec, field),
    ...limitsFit(spec, field),
  ];
}

function podResourceName(name: string, field: string): readonly FieldError[] {
  const problems = resourceName(name, field);
  if (problems.length > 0 || name === "cpu" || name === "memory" || isHugePages(name)) return problems;
  return [notSupported(field, name, podResources)];
}

/** What all containers ask for together, while they run or while the neediest of the init containers does. */
function requestsSuffice(spec: PodSpec, field: string): readonly FieldError[] {
  return Object.entries(spec.resources?.requests ?? {}).flatMap(([name, given]) => {
    if (!isQuantity(given)) return [];
    const needed = requestedNanos(spec, name);
    if (needed <= parseNanos(given)) return [];
    const text = `must be greater than or equal to aggregate container requests of ${quantityOf(needed)}`;
    return [invalid(`${field}.requests[${name}]`, given, text)];
  });
}

function requestedNanos({ containers, initContainers }: PodSpec, name: string): bigint {
  const of = ({ resources }: Container) => {
    const request = resources?.requests?.[name];
    return request !== undefined && isQuantity(request) ? parseNanos(request) : 0n;
  };
  let sidecars = 0n;
  let peak = 0n;
  for (const container of initContainers ?? []) {
    const own = of(container) + sidecars;
    if (container.restartPolicy === "Always") sidecars = own;
    if (own > peak) peak = own;
  }
  const running = (containers ?? []).reduce((sum, one) => sum + of(one), sidecars);
  return running > peak ? running : peak;
}

const nanosOfOne = 1_000_000_000n;
const nanosOfMilli = 1_000_000n;

const quantityOf = (nanos: bigint): string =>
  nanos % nanosOfOne === 0n ? String(nanos / nanosOfOne) : `${(nanos + nanosOfMilli - 1n) / nanosOfMilli}m`;

/** Kubernetes' path has its parts in this order. */
function limitsFit({ containers, resources }: PodSpec, field: string): readonly FieldError[] {
  return (containers ?? []).flatMap((container, index) =>
    Object.entries(container.resources?.limits ?? {}).flatMap(([name, limit]) => {
      const most = resources?.limits?.[name];
      if (most === undefined || !isQuantity(most) || !isQuantity(limit)) return [];
      if (compareQuantities(limit, most) <= 0) return [];
      const at = `${field}.containers[${index}][${name}].limits`;
      return [invalid(at, limit, `must be less than or equal to pod limits of ${most}`)];
    }),
  );
}

type Claim = NonNullable<PodSpec["resourceClaims"]>[number];

export function validateResourceClaims(
  claims: readonly Claim[] | undefined,
  field: string,
): readonly FieldError[] {
  const names = new Set<string>();
  return (claims ?? []).flatMap((claim, index) => {
    const at = `${field}[${index}]`;
    const { name, resourceClaimName: own, resourceClaimTemplateName: template } = claim;
    const problems: FieldError[] = [];
    if (!name) problems.push(required(`${at}.name`));
    else if (names.has(name)) problems.push(duplicate(`${at}.name`, name));
    else problems.push(...dns1123Label(name).map((text) => invalid(`${at}.name`, name, text)));
    names.add(name);
    const shown = {
      Name: name ?? "",
      ResourceClaimName: own ?? null,
      ResourceClaimTemplateName: template ?? null,
    };
    const pair = "`resourceClaimName` or `resourceClaimTemplateName`";
    if (own !== undefined && template !== undefined)
      problems.push(invalid(at, shown, `at most one of ${pair} may be specified`));
    if (own === undefined && template === undefined)
      problems.push(invalid(at, shown, `must specify one of: ${pair.replace(" or ", ", ")}`));
    for (const key of ["resourceClaimName", "resourceClaimTemplateName"] as const) {
      const value = claim[key];
      if (value !== undefined)
        problems.push(...dns1123Subdomain(value).map((text) => invalid(`${at}.${key}`, value, text)));
    }
    return problems;
  });
}
