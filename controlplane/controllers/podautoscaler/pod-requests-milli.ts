import { ownField } from "../../../base/own-field.ts";
import { parseNanos } from "../../../base/quantity.ts";
import { isPodLevel, podAmounts } from "../../../client/rules/pod-amounts.ts";
import type { Pod } from "../../../client/types.ts";
import { MetricProblem } from "./metric-problem.ts";

/** In thousandths, rounded up. Throws RangeError for what is no quantity. */
export function milliOf(text: string): bigint {
  return milliOfNanos(parseNanos(text));
}

/** The same of an amount in billionths. */
export function milliOfNanos(nanos: bigint): bigint {
  const down = nanos / 1_000_000n;
  return nanos % 1_000_000n > 0n ? down + 1n : down;
}

/** What a pod requests of a resource: as a whole where it does so, else its containers and sidecars together, or the one that
 *  is named. Throws MetricProblem where one of them requests nothing. */
export function podRequestsMilli({ metadata, spec }: Pod, resource: string, container?: string): bigint {
  const asWhole = Object.keys(spec.resources?.requests ?? {}).some(isPodLevel);
  if (asWhole && container === undefined) {
    const amount = podAmounts(spec, "requests").get(resource);
    if (amount === undefined)
      throw new MetricProblem(`missing pod-level request for ${resource} in Pod ${metadata.name}`);
    const overhead = ownField(spec.overhead ?? {}, resource);
    return milliOfNanos(amount.nanos + (overhead === undefined ? 0n : parseNanos(overhead)));
  }
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  let sum = 0n;
  let found = container === undefined;
  for (const { name, resources } of [...spec.containers, ...sidecars]) {
    if (container !== undefined && container !== name) continue;
    const request = ownField(resources?.requests ?? {}, resource);
    if (request === undefined)
      throw new MetricProblem(`missing request for ${resource} in container ${name} of Pod ${metadata.name}`);
    sum += milliOf(request);
    found = true;
  }
  if (!found) throw new MetricProblem(`container ${container} not found in Pod ${metadata.name}`);
  return sum;
}
