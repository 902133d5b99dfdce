import { type Amount, readAmount } from "../../base/quantity-text.ts";
import { limitOf, podLimit } from "../../client/rules/pod-limits.ts";
import type { PodSpec } from "../../client/types.ts";

const nano = 1_000_000_000n;

/** How large an empty folder in memory is made: its own limit, its pod's limit of memory (as a whole, or where every
 *  container has one) or what the node can give to pods, the least of them. A limit of zero is none. */
export function memoryVolumeBytes(
  spec: PodSpec,
  sizeLimit: string | undefined,
  allocatableBytes: number,
): number {
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  const declared = all.every(({ resources }) => (limitOf(resources?.limits, "memory")?.nanos ?? 0n) > 0n);
  const asWhole = limitOf(spec.resources?.limits, "memory");
  const limits = [
    asWhole ?? (declared ? podLimit(spec, "memory") : undefined),
    sizeLimit === undefined ? undefined : readAmount(sizeLimit),
  ];
  const asked = limits.filter((limit) => limit !== undefined).map(wholeBytes);
  return Math.min(allocatableBytes, ...asked.filter((bytes) => bytes > 0));
}

const wholeBytes = ({ nanos }: Amount): number => Number((nanos + nano - 1n) / nano);
