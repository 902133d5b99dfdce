import type { Container, Pod, PodAffinityTerm } from "../types.ts";
import { type AmountsByName, isPodLevel, largest, podAmounts, readAmounts, summed } from "./pod-amounts.ts";
import { qosClass } from "./pod-qos.ts";
import { objectCountName, one, type QuotaEvaluator } from "./quota-evaluator.ts";
import { anyMatches, type ScopeRequirement } from "./quota-scopes.ts";

const countName = objectCountName("", "pods");
const names: ReadonlySet<string> = new Set([
  countName,
  "pods",
  ...["cpu", "memory", "ephemeral-storage"].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
]);
/** Where one of these is limited, each container must say how much of it it wants. */
const mustBeSaid: ReadonlySet<string> = new Set(
  ["cpu", "memory"].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
);

/** Pods count until they have ended. */
export const podQuota: QuotaEvaluator = {
  group: "",
  plural: "pods",
  counts: (name) => names.has(name) || isHugePages(name) || isExtendedRequest(name),
  usage: (object, nowMs) => podUsage(object as Pod, nowMs),
  inScope: (object, requirement) => podInScope(object as Pod, requirement),
  unsaid: (object, limited) => unsaid(object as Pod, limited),
  charges({ subresource, object, old }) {
    if (subresource === "resize") return old !== undefined;
    if (subresource !== "") return false;
    return old === undefined || isTerminating(old as Pod) !== isTerminating(object as Pod);
  },
  changes(next, before, nowMs) {
    const [pod, was] = [next as Pod, before as Pod];
    if (isTerminating(pod) !== isTerminating(was) || resourcesChanged(pod, was)) return true;
    return isCounted(was, nowMs) && !isCounted(pod, nowMs);
  },
};

const isHugePages = (name: string) => /^(requests\.)?hugepages-/.test(name);

/** `requests.example.com/gpu` */
const isExtendedRequest = (name: string) =>
  name.startsWith("requests.") && name.includes("/") && !name.includes("kubernetes.io/");

const isExtended = (name: string) =>
  name.includes("/") && !name.includes("kubernetes.io/") && !name.startsWith("requests.");

/** One that has ended counts no more, and neither does one whose node does not let go of it. */
function isCounted({ status, metadata }: Pod, nowMs: number): boolean {
  if (status?.phase === "Failed" || status?.phase === "Succeeded") return false;
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return true;
  return nowMs <= Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

/** When a pod that is being deleted will count no more, whatever becomes of it. */
export function uncountedAtMs({ metadata }: Pod): number | undefined {
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return undefined;
  return Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000 + 1;
}

function podUsage(pod: Pod, nowMs: number): AmountsByName {
  if (!isCounted(pod, nowMs)) return new Map([[countName, one]]);
  return new Map([[countName, one], ...named(effective(pod, "requests"), effective(pod, "limits"))]);
}

function named(requests: AmountsByName, limits: AmountsByName): AmountsByName {
  const used = new Map([["pods", one]]);
  for (const [name, amount] of requests) {
    const plain = name === "cpu" || name === "memory" || name === "ephemeral-storage";
    if (plain || name.startsWith("hugepages-")) used.set(name, amount).set(`requests.${name}`, amount);
    else if (isExtended(name)) used.set(`requests.${name}`, amount);
  }
  for (const name of ["cpu", "memory", "ephemeral-storage"]) {
    const limit = limits.get(name);
    if (limit !== undefined) used.set(`limits.${name}`, limit);
  }
  return used;
}

/** What the pod wants, or still holds after it asked for less; with what its sandbox takes. */
function effective({ spec, status }: Pod, which: "requests" | "limits"): AmountsByName {
  const infeasible = (status?.conditions ?? []).some(
    ({ type, reason }) => type === "PodResizePending" && reason === "Infeasible",
  );
  const statuses = new Map(
    [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].map((one) => [
      one.name,
      one,
    ]),
  );
  const runs = new Set(spec.containers);
  const amountsOf = (container: Container): AmountsByName => {
    const wanted = readAmounts(container.resources?.[which]);
    const found = statuses.get(container.name);
    const actual = found?.resources?.[which];
    if (found?.resources === undefined) return wanted;
    if (!runs.has(container) && container.restartPolicy !== "Always") return wanted;
    const allocated = which === "requests" ? readAmounts(found.allocatedResources) : new Map();
    const held = largest(readAmounts(actual), allocated);
    return infeasible ? held : largest(wanted, held);
  };
  const sum = podAmounts(spec, which, amountsOf);
  const overhead = [...readAmounts(spec.overhead)].filter(
    ([name]) => which === "requests" || (sum.get(name)?.nanos ?? 0n) > 0n,
  );
  return summed(sum, new Map(overhead));
}

function unsaid({ spec }: Pod, limited: readonly string[]): string | undefined {
  const { requests, limits } = spec.resources ?? {};
  if (Object.keys({ ...requests, ...limits }).some(isPodLevel)) return undefined;
  const missing = limited
    .filter((name) => mustBeSaid.has(name))
    .sort()
    .flatMap((name) => {
      const without = [...spec.containers, ...(spec.initContainers ?? [])]
        .filter(
          ({ resources }) =>
            !named(readAmounts(resources?.requests), readAmounts(resources?.limits)).has(name),
        )
        .map((container) => container.name);
      return without.length === 0 ? [] : [`${name} for: ${[...new Set(without)].sort().join(",")}`];
    });
  return missing.length === 0 ? undefined : `must specify ${missing.join("; ")}`;
}

const isTerminating = ({ spec }: Pod) => (spec.activeDeadlineSeconds ?? -1) >= 0;

function podInScope(pod: Pod, requirement: ScopeRequirement): boolean {
  switch (requirement.scopeName) {
    case "Terminating":
      return isTerminating(pod);
    case "NotTerminating":
      return !isTerminating(pod);
    case "BestEffort":
      return isBestEffort(pod);
    case "NotBestEffort":
      return !isBestEffort(pod);
    case "PriorityClass":
      return anyMatches(requirement, [pod.spec.priorityClassName || undefined]);
    case "CrossNamespacePodAffinity":
      return reachesOtherNamespaces(pod);
    default:
      return false;
  }
}

const isBestEffort = ({ spec, status }: Pod) => (status?.qosClass || qosClass(spec)) === "BestEffort";

function reachesOtherNamespaces({ spec }: Pod): boolean {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  const reaches = ({ namespaces = [], namespaceSelector }: PodAffinityTerm) =>
    namespaces.length > 0 || namespaceSelector !== undefined;
  return [podAffinity, podAntiAffinity].some((affinity) => {
    const required = affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    return required.some(reaches) || preferred.some(({ podAffinityTerm }) => reaches(podAffinityTerm));
  });
}

function resourcesChanged(next: Pod, before: Pod): boolean {
  const text = ({ status }: Pod) =>
    JSON.stringify(
      [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].map(
        ({ name, resources }) => [name, resources],
      ),
    );
  return next.status !== before.status && text(next) !== text(before);
}
