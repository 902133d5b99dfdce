import { isQuantity } from "../../../base/quantity.ts";
import { amountText } from "../../../base/quantity-text.ts";
import { podAmounts } from "../../../client/rules/pod-amounts.ts";
import type { PodSpec } from "../../../client/types.ts";
import { canOvercommit, isHugePages } from "./container-resources.ts";
import { fillIn } from "./fill-in.ts";

/** What a pod asks for as a whole, where it says a part of it: what its containers ask for together, or else what it is
 *  limited to. Runs once the containers have their requests. */
export function defaultPodLevelResources(spec: PodSpec): void {
  const { resources } = spec;
  // What is no quantity is refused by validation.
  if (resources === undefined || !allQuantities(spec)) return;
  const { resources: _, ...ofContainers } = spec;
  const given = Object.keys(resources.limits ?? {}).length + Object.keys(resources.requests ?? {}).length;
  if (given === 0) return;
  const limits = { ...resources.limits };
  for (const [name, amount] of podAmounts(ofContainers, "limits"))
    if (isHugePages(name) && resources.requests?.[name] === undefined) limits[name] ??= amountText(amount);
  if (Object.keys(limits).length === 0) return;
  fillIn(resources, "limits", limits);
  const requests = { ...resources.requests };
  for (const [name, amount] of podAmounts(ofContainers, "requests"))
    if (isPodLevel(name) && canOvercommit(name)) requests[name] ??= amountText(amount);
  for (const [name, limit] of Object.entries(limits)) if (isPodLevel(name)) requests[name] ??= limit;
  fillIn(resources, "requests", requests);
}

const isPodLevel = (name: string) => name === "cpu" || name === "memory" || isHugePages(name);

function allQuantities({ containers, initContainers = [], resources }: PodSpec): boolean {
  const all = [resources, ...[...(containers ?? []), ...initContainers].map((one) => one.resources)];
  return all.every((one) =>
    [...Object.values(one?.limits ?? {}), ...Object.values(one?.requests ?? {})].every(isQuantity),
  );
}
