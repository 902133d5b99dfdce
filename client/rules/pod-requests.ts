import { compareQuantities, parseMilliQuantity, parseQuantity } from "../../base/quantity.ts";
import type { Container, Pod, PodSpec } from "../types.ts";

/** Amounts by resource name: cpu in millicores, everything else in base units (bytes, pieces). */
export type Amounts = Readonly<Record<string, number>>;

/** What a container that requests nothing counts as when nodes are compared, as in Kubernetes: so that such pods
 *  still spread. It plays no part in whether a pod fits. */
const assumedRequests: Amounts = { cpu: 100, memory: 200 * 1024 * 1024 };

export function amountsOf(quantities: Readonly<Record<string, string>> | undefined): Amounts {
  const amounts: Record<string, number> = {};
  for (const [name, text] of Object.entries(quantities ?? {}))
    amounts[name] = name === "cpu" ? parseMilliQuantity(text) : parseQuantity(text);
  return amounts;
}

/** What a pod takes of its node: the sum of its containers and of its sidecars (init containers that restart), or more
 *  while an init container runs; plus overhead. Requests of the pod as a whole replace the sum where given. */
export function podRequests(spec: PodSpec): Amounts {
  return totalRequests(spec, (container) => amountsOf(container.resources?.requests));
}

/** The same of a pod on its node: a container that is being resized counts for the most of what it asks for, has and was
 *  granted; where the node cannot do what is asked, for what it has and was granted. */
export function heldRequests({ spec, status }: Pod): Amounts {
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  const pending = (status?.conditions ?? []).find(({ type }) => type === "PodResizePending");
  const mains = new Set(spec.containers.map(({ name }) => name));
  return totalRequests(
    heldAsWhole(spec, status, pending?.reason === "Infeasible"),
    ({ name, resources, restartPolicy }) => {
      const asked = amountsOf(resources?.requests);
      const found = statuses.find((one) => one.name === name);
      const counts = mains.has(name) || restartPolicy === "Always";
      if (found?.resources === undefined || !counts) return asked;
      const held = most(amountsOf(found.resources.requests), amountsOf(found.allocatedResources));
      return pending?.reason === "Infeasible" ? held : most(asked, held);
    },
  );
}

/** The spec with what is held for the pod as a whole. */
function heldAsWhole(spec: PodSpec, status: Pod["status"], isInfeasible: boolean): PodSpec {
  const asked = spec.resources?.requests;
  if (asked === undefined || status?.resources?.requests === undefined) return spec;
  const parts = [status.resources.requests, status.allocatedResources, ...(isInfeasible ? [] : [asked])];
  const requests: Record<string, string> = {};
  for (const name of Object.keys(asked))
    for (const part of parts) {
      const amount = part?.[name];
      if (amount !== undefined && compareQuantities(amount, requests[name] ?? "0") >= 0)
        requests[name] = amount;
    }
  return { ...spec, resources: { ...spec.resources, requests } };
}

/** The same for comparing nodes: containers without requests count as `assumedRequests`. */
export function podRequestsAssumed(spec: PodSpec): Amounts {
  return totalRequests(spec, (container) => ({
    ...assumedRequests,
    ...amountsOf(container.resources?.requests),
  }));
}

function totalRequests(spec: PodSpec, requestsOf: (container: Container) => Amounts): Amounts {
  let sidecars: Amounts = {};
  let initPeak: Amounts = {};
  for (const container of spec.initContainers ?? []) {
    const own = requestsOf(container);
    if (container.restartPolicy === "Always") {
      sidecars = add(sidecars, own);
      initPeak = most(initPeak, sidecars);
    } else initPeak = most(initPeak, add(sidecars, own));
  }
  let running = sidecars;
  for (const container of spec.containers) running = add(running, requestsOf(container));
  const asWhole = amountsOf(spec.resources?.requests);
  return add({ ...most(running, initPeak), ...asWhole }, amountsOf(spec.overhead));
}

export function add(left: Amounts, right: Amounts): Amounts {
  return combine(left, right, (a, b) => a + b);
}

export function subtract(left: Amounts, right: Amounts): Amounts {
  return combine(left, right, (a, b) => a - b);
}

function most(left: Amounts, right: Amounts): Amounts {
  return combine(left, right, Math.max);
}

function combine(left: Amounts, right: Amounts, by: (a: number, b: number) => number): Amounts {
  const result: Record<string, number> = { ...left };
  for (const [name, amount] of Object.entries(right)) result[name] = by(result[name] ?? 0, amount);
  return result;
}
