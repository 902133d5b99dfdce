import { type Amount, amountText, readAmount, wholeAmount } from "../../base/quantity-text.ts";
import type { Container, Pod } from "../../client/types.ts";
import type { Observation, StarvedResource } from "./signals.ts";
import { amountOf, bytesAmount, type Threshold } from "./thresholds.ts";

export interface EvictionReason {
  readonly resource: StarvedResource;
  /** The threshold that was met, and by what. */
  readonly met?: { readonly threshold: Threshold; readonly observed: Observation } | undefined;
  /** What each running container of the pod takes of the resource, where that is told: memory, or log and layer. */
  readonly usedBytes: ReadonlyMap<string, number>;
  /** Memory of the pod as a whole. */
  readonly podMemoryBytes?: number | undefined;
}

export interface EvictionWords {
  readonly message: string;
  /** Of the event. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** Why a pod has to go, in the kubelet's words. */
export function evictionWords(pod: Pod, reason: EvictionReason): EvictionWords {
  const { resource, met, usedBytes, podMemoryBytes } = reason;
  const sentences = [`The node was low on resource: ${resource}. `];
  if (met !== undefined) sentences.push(thresholdSentence(resource, met));
  const annotations: Record<string, string> = {};
  const asWhole = resource === "memory" ? pod.spec.resources?.requests?.memory : undefined;
  if (asWhole !== undefined && podMemoryBytes !== undefined) {
    const used = amountText(bytesAmount(podMemoryBytes));
    const { name } = pod.metadata;
    sentences.push(
      `Pod ${name} was using ${used}, request is ${textOf(asWhole)}, has larger consumption of ${resource}. `,
    );
    annotations.offending_pod = name;
    annotations.offending_pod_usage = used;
  }
  const offending = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap((one) =>
    excessOf(one, resource, usedBytes.get(one.name)),
  );
  for (const { name, used, request } of offending)
    sentences.push(
      `Container ${name} was using ${used}, request is ${request}, has larger consumption of ${resource}. `,
    );
  annotations.offending_containers = offending.map(({ name }) => name).join(",");
  annotations.offending_containers_usage = offending.map(({ used }) => used).join(",");
  annotations.starved_resource = resource;
  return { message: sentences.join(""), annotations };
}

function thresholdSentence(
  resource: StarvedResource,
  { threshold, observed }: NonNullable<EvictionReason["met"]>,
): string {
  const isBytes = resource === "memory" || resource === "ephemeral-storage";
  const left = isBytes ? bytesAmount(observed.available) : wholeAmount(observed.available);
  const wanted = amountText(amountOf(threshold.value, observed.capacity));
  return `Threshold quantity: ${wanted}, available: ${amountText(left)}. `;
}

function excessOf({ name, resources }: Container, resource: StarvedResource, usedBytes: number | undefined) {
  if (usedBytes === undefined || (resource !== "memory" && resource !== "ephemeral-storage")) return [];
  const text = resources?.requests?.[resource] ?? "0";
  const used: Amount = bytesAmount(usedBytes);
  if (used.nanos <= readAmount(text).nanos) return [];
  return [{ name, used: amountText(used), request: textOf(text) }];
}

const textOf = (quantity: string): string => amountText(readAmount(quantity));
