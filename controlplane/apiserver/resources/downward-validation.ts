import { compareQuantities, isQuantity } from "../../../base/quantity.ts";
import { qualifiedName } from "../../../client/rules/names.ts";
import type { FieldError } from "../registry/kind.ts";
import { invalid, notSupported, required } from "./field-errors.ts";

/** What a pod may be told of itself: by a field's path, or by an amount of a container's resources. */

export interface FieldRef {
  readonly apiVersion?: string;
  readonly fieldPath?: string;
}
export interface ResourceFieldRef {
  readonly containerName?: string;
  readonly resource?: string;
  readonly divisor?: string;
}

/** Paths that Kubernetes knows of a pod; which of them are allowed depends on where they stand. */
const known = new Set([
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.restartPolicy",
  "spec.serviceAccountName",
  "spec.schedulerName",
  "status.phase",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
]);

export const environmentPaths: readonly string[] = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];
export const volumePaths: readonly string[] = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];

export function validateFieldRef(
  { apiVersion = "", fieldPath = "" }: FieldRef,
  field: string,
  allowed: readonly string[],
): readonly FieldError[] {
  if (apiVersion === "") return [required(`${field}.apiVersion`)];
  if (fieldPath === "") return [required(`${field}.fieldPath`)];
  const unreadable = (why: string) => [
    invalid(`${field}.fieldPath`, fieldPath, `error converting fieldPath: ${why}`),
  ];
  if (apiVersion !== "v1") return unreadable(`unsupported pod version: ${apiVersion}`);
  const [, path = fieldPath, key] = /^(.+)\['(.*)'\]$/.exec(fieldPath) ?? [];
  if (key !== undefined) {
    if (path !== "metadata.annotations" && path !== "metadata.labels")
      return unreadable(`field label does not support subscript: ${fieldPath}`);
    const name = path === "metadata.annotations" ? key.toLowerCase() : key;
    return qualifiedName(name).map((text) => invalid(field, name, text));
  }
  // As very old clients said it.
  const meant = fieldPath === "spec.host" ? "spec.nodeName" : fieldPath;
  if (!known.has(meant)) return unreadable(`field label not supported: ${fieldPath}`);
  return allowed.includes(meant) ? [] : [notSupported(`${field}.fieldPath`, meant, allowed)];
}

const resources: readonly string[] = [
  "limits.cpu",
  "limits.ephemeral-storage",
  "limits.memory",
  "requests.cpu",
  "requests.ephemeral-storage",
  "requests.memory",
];
const hugePages = /^(limits|requests)\.hugepages-/;
const cpuDivisors = ["1m", "1"];
const byteDivisors = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

/** `named`: in volumes the container must be named, in an environment it is the one that has it. */
export function validateResourceFieldRef(
  { containerName = "", resource = "", divisor = "0" }: ResourceFieldRef,
  field: string,
  { named }: { readonly named: boolean },
): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (named && containerName === "") problems.push(required(`${field}.containerName`));
  else if (resource === "") problems.push(required(`${field}.resource`));
  else if (!resources.includes(resource) && !hugePages.test(resource))
    problems.push(notSupported(`${field}.resource`, resource, resources));
  return [...problems, ...validateDivisor(resource, divisor, field)];
}

function validateDivisor(resource: string, divisor: string, field: string): readonly FieldError[] {
  if (!isQuantity(divisor) || compareQuantities(divisor, "0") === 0) return [];
  const kind = hugePages.test(resource)
    ? "hugepages"
    : resources.includes(resource)
      ? (resource.split(".")[1] ?? "")
      : "";
  if (kind === "") return [];
  const allowed = kind === "cpu" ? cpuDivisors : byteDivisors;
  if (allowed.some((one) => compareQuantities(one, divisor) === 0)) return [];
  const shown = kind === "ephemeral-storage" ? "local ephemeral storage" : kind;
  const list = kind === "cpu" ? "1m and 1" : byteDivisors.join(", ");
  const text = `only divisor's values ${list} are supported with the ${shown} resource`;
  return [invalid(`${field}.divisor`, resource, text)];
}
