import { isQuantity, parseNanos } from "../../base/quantity.ts";
import type { PodSpec } from "../types.ts";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

const counted = ["cpu", "memory"] as const;

interface Requirements {
  readonly requests?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, string>>;
}

/** Kubernetes' quality-of-service class: who is killed first when memory is short. What a pod asks for as a whole counts in
 *  place of what its containers ask for. */
export function qosClass(spec: PodSpec): QosClass {
  const { resources, initContainers = [], containers = [] } = spec;
  if (resources !== undefined) return classOf([resources]);
  return classOf([...initContainers, ...containers].map((one) => one.resources ?? {}));
}

function classOf(all: readonly Requirements[]): QosClass {
  const totals = { requests: new Map<string, bigint>(), limits: new Map<string, bigint>() };
  let guaranteed = true;
  for (const one of all)
    for (const name of counted) {
      add(totals.requests, name, one.requests?.[name]);
      if (!add(totals.limits, name, one.limits?.[name])) guaranteed = false;
    }
  if (totals.requests.size === 0 && totals.limits.size === 0) return "BestEffort";
  const same = counted.every((name) => totals.requests.get(name) === totals.limits.get(name));
  return guaranteed && same ? "Guaranteed" : "Burstable";
}

/** Whether there was anything to add. What does not parse counts for nothing here; validation, which comes after, refuses it. */
function add(totals: Map<string, bigint>, name: string, text: string | undefined): boolean {
  const nanos = text === undefined || !isQuantity(text) ? 0n : parseNanos(text);
  if (nanos <= 0n) return false;
  totals.set(name, (totals.get(name) ?? 0n) + nanos);
  return true;
}
