import { type Amount, addAmounts, readAmount } from "../../base/quantity-text.ts";
import type { PodSpec } from "../types.ts";

/** How much of a resource a pod may use as a whole: the limits of the containers that have one, and of the sidecars,
 *  together; or more, while an init container runs; plus overhead. Undefined where no container has a limit. */
export function podLimit(
  { containers, initContainers = [], overhead }: PodSpec,
  resource: string,
): Amount | undefined {
  let running: Amount | undefined;
  for (const { resources } of containers) running = sum(running, limitOf(resources?.limits, resource));
  let sidecars: Amount | undefined;
  let peak: Amount | undefined;
  for (const { resources, restartPolicy } of initContainers) {
    const own = limitOf(resources?.limits, resource);
    if (restartPolicy === "Always") {
      running = sum(running, own);
      sidecars = sum(sidecars, own);
      peak = larger(peak, sidecars);
    } else peak = larger(peak, sum(own, sidecars));
  }
  const limit = larger(running, peak);
  return limit === undefined || limit.nanos === 0n ? limit : sum(limit, limitOf(overhead, resource));
}

export function limitOf(
  amounts: Readonly<Record<string, string>> | undefined,
  resource: string,
): Amount | undefined {
  const text = amounts?.[resource];
  return text === undefined ? undefined : readAmount(text);
}

function sum(left: Amount | undefined, right: Amount | undefined): Amount | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return addAmounts(left, right);
}

function larger(left: Amount | undefined, right: Amount | undefined): Amount | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return right.nanos > left.nanos ? right : left;
}
