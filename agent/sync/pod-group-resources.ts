import { parseMilliQuantity, parseQuantity } from "../../base/quantity.ts";
import { podLimit } from "../../client/rules/pod-limits.ts";
import { podRequests } from "../../client/rules/pod-requests.ts";
import type { Container, Pod, PodSpec } from "../../client/types.ts";
import type { PlacedCpus } from "../cpus/cpu-manager.ts";
import { hugePagesAmong } from "../memory/huge-pages.ts";
import type { GroupResources } from "../runtime/oci/pod-group.ts";
import { cpuQuotaUs, cpuShares } from "./cpu-amounts.ts";

const nano = 1_000_000_000n;

/** What the containers of a pod may take together, as the kubelet computes it: the CPU that they request; limits where every
 *  container has one, or the pod as a whole does. Pure. */
export function podGroupResources({ spec }: Pod): GroupResources {
  const cpu = groupLimit(spec, "cpu");
  const memory = groupLimit(spec, "memory");
  const requests = podRequests(spec);
  const hugePages = hugePagesAmong(requests);
  return {
    cpuShares: cpuShares(requests.cpu ?? 0),
    cpuQuotaUs: cpu === undefined ? 0 : cpuQuotaUs(Number((cpu * 1000n + nano - 1n) / nano)),
    memoryBytesMost: memory === undefined ? 0 : Number(memory / nano),
    ...(hugePages.length > 0 && { hugePages }),
  };
}

/** In billionths; undefined where nothing holds the pod. */
function groupLimit(spec: PodSpec, name: "cpu" | "memory"): bigint | undefined {
  const asWhole = spec.resources?.limits?.[name];
  if (asWhole !== undefined && parseQuantity(asWhole) > 0) {
    const { containers: _, initContainers: __, ...rest } = spec;
    return podLimit({ ...rest, containers: [{ name: "", resources: { limits: { [name]: asWhole } } }] }, name)
      ?.nanos;
  }
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  if (containers.some(({ resources }) => parseQuantity(resources?.limits?.[name] ?? "0") === 0))
    return undefined;
  return podLimit(spec, name)?.nanos;
}

/** What holds a container where it names no limit of its own: the pod's as a whole. Pure. */
export function limitsOf(
  { spec }: Pod,
  { resources }: Container,
): { readonly cpu: string; readonly memory: string } {
  const of = (name: "cpu" | "memory") => {
    const own = resources?.limits?.[name] ?? "0";
    return parseMilliQuantity(own) > 0 ? own : (spec.resources?.limits?.[name] ?? "0");
  };
  return { cpu: of("cpu"), memory: of("memory") };
}

/** What of the pod's request for memory no container asked for itself, shared out evenly among them. Pure. */
export function unclaimedMemoryBytes({ spec }: Pod): number {
  const asWhole = parseQuantity(spec.resources?.requests?.memory ?? "0");
  if (asWhole === 0) return 0;
  const { resources: _, overhead: __, ...without } = spec;
  const count = spec.containers.length + (spec.initContainers ?? []).length;
  return Math.trunc((asWhole - (podRequests(without).memory ?? 0)) / count);
}

/** What may hold a container that is not its own: the limits of a pod that has some as a whole, and the CPUs that it shares
 *  with others. Undefined where nothing does. Pure. */
export const heldToOf = (pod: Pod, container: Container, placed?: PlacedCpus): string | undefined =>
  pod.spec.resources === undefined && placed === undefined
    ? undefined
    : JSON.stringify([limitsOf(pod, container), ...(placed === undefined ? [] : [placed.cpus])]);

/** The limits out of that, as a container's record has it. */
export const heldLimitsOf = (heldTo: string | undefined): ReturnType<typeof limitsOf> | undefined =>
  heldTo === undefined ? undefined : (JSON.parse(heldTo) as [ReturnType<typeof limitsOf>])[0];
