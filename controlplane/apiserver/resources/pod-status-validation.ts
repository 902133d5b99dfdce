import { isIpv6 } from "../../../base/ipv6.ts";
import { dns1123Subdomain, qualifiedName } from "../../../client/rules/names.ts";
import type { Container, ContainerStatus, Pod, PodStatus } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { ipAddress } from "./addresses.ts";
import { validateExtendedClaimStatus } from "./extended-claim-status.ts";
import { duplicate, forbidden, immutable, invalid, notSupported, required, tooLong } from "./field-errors.ts";

const notNegative = "must be a non-negative integer";
const ownConditions = ["PodScheduled", "Ready", "Initialized"];

/** What the server adds to a status that a node or a client reports: the class that a pod has for good and the generations
 *  that were observed before. Mutates `next`. */
export function completePodStatus(next: Pod, current: Pod): void {
  const [status, before] = [next.status ?? {}, current.status ?? {}];
  next.status = status;
  if (!status.qosClass && before.qosClass) status.qosClass = before.qosClass;
  if (!status.observedGeneration && before.observedGeneration)
    status.observedGeneration = before.observedGeneration;
  const left = [...(before.conditions ?? [])];
  for (const condition of status.conditions ?? []) {
    const at = left.findIndex(({ type }) => type === condition.type);
    const [old] = at < 0 ? [] : left.splice(at, 1);
    if (!condition.observedGeneration && old?.observedGeneration)
      condition.observedGeneration = old.observedGeneration;
  }
}

/** Where the two fields for a pod's addresses differ, the older one counts. Mutates. */
export function alignPodAddresses({ status }: Pod): void {
  if (status?.podIP && status.podIPs?.[0]?.ip !== status.podIP) status.podIPs = [{ ip: status.podIP }];
}

/** In Kubernetes' order. Whether a container may leave its end again is not asked. */
export function validatePodStatus({ spec, status = {} }: Pod, current: Pod): readonly FieldError[] {
  const before = current.status ?? {};
  const problems: FieldError[] = [...validateConditions(status, "status.conditions")];
  const { nominatedNodeName: nominated = "", observedGeneration = 0 } = status;
  const isNews = nominated !== "" && nominated !== (before.nominatedNodeName ?? "");
  if (isNews)
    problems.push(
      ...dns1123Subdomain(nominated).map((text) => invalid("status.nominatedNodeName", nominated, text)),
    );
  if (isNews && current.spec.nodeName)
    problems.push(
      forbidden("status.nominatedNodeName", "may not be set on pods that are already bound to a node"),
    );
  if (observedGeneration < 0)
    problems.push(invalid("status.observedGeneration", observedGeneration, notNegative));
  problems.push(
    ...immutable("status.qosClass", status.qosClass ?? "", before.qosClass ?? ""),
    ...validateClaimStatuses(status, spec.resourceClaims ?? [], "status.resourceClaimStatuses"),
    ...validateExtendedClaimStatus(status, spec, "status.extendedResourceClaimStatus"),
    ...validateAddresses(status.podIPs, before.podIPs, "status.podIPs"),
  );
  const [firstHost] = status.hostIPs ?? [];
  if (firstHost !== undefined && firstHost.ip !== (status.hostIP ?? ""))
    problems.push(invalid("status.hostIPs[0].ip", firstHost.ip, "must be equal to `hostIP`"));
  problems.push(...validateAddresses(status.hostIPs, before.hostIPs, "status.hostIPs"));
  const lists = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] as const;
  for (const list of lists)
    problems.push(...validateUsers(status[list] ?? [], `status.${list}`, spec.os?.name ?? "linux"));
  problems.push(
    ...validateDevices(status.containerStatuses ?? [], "status.containerStatuses", spec.containers),
    ...validateDevices(
      status.initContainerStatuses ?? [],
      "status.initContainerStatuses",
      spec.initContainers ?? [],
    ),
    ...(status.ephemeralContainerStatuses ?? []).flatMap(({ allocatedResourcesStatus = [] }, index) =>
      allocatedResourcesStatus.length === 0
        ? []
        : [
            forbidden(
              `status.ephemeralContainerStatuses[${index}].allocatedResourcesStatus`,
              "must not be specified in container status",
            ),
          ],
    ),
  );
  return problems;
}

function validateConditions({ conditions = [] }: PodStatus, field: string): readonly FieldError[] {
  return conditions.flatMap(({ type, observedGeneration = 0 }, index) => [
    ...(observedGeneration < 0
      ? [invalid(`${field}[${index}].observedGeneration`, observedGeneration, notNegative)]
      : []),
    ...(ownConditions.includes(type)
      ? []
      : qualifiedName(type).map((text) => invalid(`${field}[${index}].Type`, type, text))),
  ]);
}

type Addresses = readonly { readonly ip?: string }[];

/** Addresses that were there before may be anything. */
function validateAddresses(
  next: Addresses = [],
  before: Addresses = [],
  field: string,
): readonly FieldError[] {
  const known = new Set(before.map(({ ip }) => ip));
  const problems = next.flatMap(({ ip = "" }, index) =>
    known.has(ip) ? [] : ipAddress(`${field}[${index}]`, ip),
  );
  const families = new Set(next.map(({ ip = "" }) => isIpv6(ip)));
  if (next.length > 2 || (next.length === 2 && families.size < 2)) {
    const shown = next.map(({ ip = "" }) => ({ IP: ip }));
    problems.push(invalid(field, shown, "may specify no more than one IP for each IP family"));
  }
  return problems;
}

function validateClaimStatuses(
  { resourceClaimStatuses = [] }: PodStatus,
  claims: readonly { readonly name: string }[],
  field: string,
): readonly FieldError[] {
  const seen = new Set<string>();
  return resourceClaimStatuses.flatMap(({ name, resourceClaimName }, index) => {
    const at = `${field}[${index}]`;
    const problems: FieldError[] = [];
    if (!claims.some((one) => one.name === name))
      problems.push(invalid(`${at}.name`, name, "must match the name of an entry in `spec.resourceClaims`"));
    if (seen.has(name)) problems.push(duplicate(`${at}.name`, name));
    seen.add(name);
    if (resourceClaimName !== undefined)
      problems.push(
        ...dns1123Subdomain(resourceClaimName).map((text) =>
          invalid(`${at}.resourceClaimName`, resourceClaimName, text),
        ),
      );
    return problems;
  });
}

const idMost = 2 ** 31 - 1;

function validateUsers(
  statuses: readonly ContainerStatus[],
  field: string,
  os: string,
): readonly FieldError[] {
  const idProblems = (at: string, id: number) =>
    id >= 0 && id <= idMost ? [] : [invalid(at, id, `must be between 0 and ${idMost}, inclusive`)];
  return statuses.flatMap(({ user }, index) => {
    const at = `${field}[${index}].user.linux`;
    if (user?.linux === undefined) return [];
    if (os === "windows") return [forbidden(at, "cannot be set for a windows pod")];
    const { uid, gid, supplementalGroups = [] } = user.linux;
    return [
      ...idProblems(`${at}.uid`, uid),
      ...idProblems(`${at}.gid`, gid),
      ...supplementalGroups.flatMap((group, place) =>
        idProblems(`${at}.supplementalGroups[${place}]`, group),
      ),
    ];
  });
}

const healths = ["Healthy", "Unhealthy", "Unknown"];
const messageBytesMax = 1024;

/** How devices are that a container has. */
function validateDevices(
  statuses: readonly ContainerStatus[],
  field: string,
  containers: readonly Container[],
): readonly FieldError[] {
  return statuses.flatMap(({ name, allocatedResourcesStatus = [] }, index) => {
    const container = containers.find((one) => one.name === name);
    return allocatedResourcesStatus.flatMap(({ name: resource, resources = [] }, place) => {
      const at = `${field}[${index}].allocatedResourcesStatus[${place}]`;
      const problems: FieldError[] = [];
      if (container !== undefined && !asksFor(container, resource))
        problems.push(
          invalid(
            `${at}.name`,
            resource,
            resource.startsWith("claim:")
              ? "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty"
              : "must match one of the container's resource requests",
          ),
        );
      const seen = new Set<string>();
      for (const [each, { health = "", resourceID, message }] of resources.entries()) {
        const one = `${at}.resources[${each}]`;
        if (!healths.includes(health)) problems.push(notSupported(`${one}.health`, health, healths));
        if (message === "") problems.push(required(`${one}.message`, "must be non-empty if specified"));
        else if (Buffer.byteLength(message ?? "") > messageBytesMax)
          problems.push(tooLong(`${one}.message`, messageBytesMax));
        if (seen.has(resourceID)) problems.push(duplicate(`${one}.resourceID`, resourceID));
        seen.add(resourceID);
      }
      return problems;
    });
  });
}

function asksFor({ resources = {} }: Container, name: string): boolean {
  if (!name.startsWith("claim:")) return Object.hasOwn(resources.requests ?? {}, name);
  return (resources.claims ?? []).some(
    ({ name: claim, request }) => `claim:${claim}${request ? `/${request}` : ""}` === name,
  );
}
