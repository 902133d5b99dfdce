import { parseMilliQuantity, parseNanos } from "../../../base/quantity.ts";
import { sanitized } from "./allow-lists.ts";
import type { Labels, Series } from "./series.ts";

/** Quantities as values of series. Pure. */

/** Beyond this Kubernetes counts in whole units. */
const milliMax = Number.MAX_SAFE_INTEGER;

/** To the thousandth, rounded up, as kube-state-metrics tells of it. */
export function amountOf(quantity: string): number {
  const milli = parseMilliQuantity(quantity);
  return milli > milliMax ? wholeAmount(quantity) : milli / 1000;
}

/** Rounded up to whole units. */
export function wholeAmount(quantity: string): number {
  const nanos = parseNanos(quantity);
  const whole = nanos / 1_000_000_000n;
  return Number(nanos > 0n && whole * 1_000_000_000n < nanos ? whole + 1n : whole);
}

/** In which unit a resource is told of; undefined: not at all. */
function unitOf(name: string): "core" | "byte" | "integer" | undefined {
  if (name === "cpu") return "core";
  if (["memory", "storage", "ephemeral-storage"].includes(name)) return "byte";
  if (name.startsWith("hugepages-") || name.startsWith("attachable-volumes-")) return "byte";
  return isExtended(name) ? "integer" : undefined;
}

function isExtended(name: string): boolean {
  return name.includes("/") && !name.includes("kubernetes.io/") && !name.startsWith("requests.");
}

/** A series for each resource of a list.
 *  @param pods Also of how many pods there may be. */
export function amountSeries(
  amounts: Readonly<Record<string, string>> | undefined,
  labels: Labels = {},
  { pods = false }: { readonly pods?: boolean } = {},
): readonly Series[] {
  return Object.entries(amounts ?? {}).flatMap(([name, quantity]) => {
    const unit = pods && name === "pods" ? "integer" : unitOf(name);
    if (unit === undefined) return [];
    return [{ labels: { ...labels, resource: sanitized(name), unit }, value: amountOf(quantity) }];
  });
}
