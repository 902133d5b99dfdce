import { dns1123Label, dns1123Subdomain } from "../../../client/rules/names.ts";
import type { Pod, PodStatus } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { duplicate, invalid, required } from "./field-errors.ts";

type Mapping = NonNullable<PodStatus["extendedResourceClaimStatus"]>["requestMappings"][number];

/** What is wrong with what a scheduler says of the claim that it made for a pod's containers. Pure. */
export function validateExtendedClaimStatus(
  { extendedResourceClaimStatus: status }: PodStatus,
  spec: Pod["spec"],
  field: string,
): readonly FieldError[] {
  if (status === undefined) return [];
  const { requestMappings = [], resourceClaimName = "" } = status;
  const seen = new Set<string>();
  return [
    ...(requestMappings.length === 0
      ? [required(`${field}.requestMappings`, "at least one request mapping is required")]
      : []),
    ...requestMappings.flatMap((mapping, index) => {
      const { containerName, resourceName, requestName } = mapping;
      const at = `${field}.requestMappings[${index}]`;
      const key = JSON.stringify([containerName, resourceName, requestName]);
      const isRepeated = seen.has(key);
      seen.add(key);
      return [
        ...askedFor(mapping, spec, at),
        ...dns1123Label(requestName).map((text) => invalid(`${field}.requestName`, requestName, text)),
        ...(isRepeated
          ? (["containerName", "resourceName", "requestName"] as const).map((name) =>
              duplicate(`${at}.${name}`, mapping[name]),
            )
          : []),
      ];
    }),
    ...(resourceClaimName === ""
      ? [required(`${field}.resourceClaimName`, "")]
      : dns1123Subdomain(resourceClaimName).map((text) =>
          invalid(`${field}.resourceClaimName`, resourceClaimName, text),
        )),
  ];
}

function askedFor(
  { containerName, resourceName }: Mapping,
  { initContainers = [], containers }: Pod["spec"],
  at: string,
): readonly FieldError[] {
  const container = [...initContainers, ...containers].find(({ name }) => name === containerName);
  const [lists, names] = ["resources.requests", "name"].map(
    (rest) => `spec.initContainers.${rest} or spec.containers.${rest}`,
  );
  if (container === undefined)
    return [invalid(`${at}.containerName`, containerName, `must match the name of an entry in ${names}`)];
  if (Object.hasOwn(container.resources?.requests ?? {}, resourceName)) return [];
  const text = `must match the extended resource name of an entry in ${lists}`;
  return [invalid(`${at}.resourceName`, resourceName, text)];
}
