import { parseNanos } from "../../../base/quantity.ts";
import { extendedClaimAnnotation } from "../../../client/rules/resource-claims.ts";
import type { Container, DeviceClass, Draft, Pod, ResourceClaim } from "../../../client/types.ts";
import type { NodeInfo } from "../cycle/node-info.ts";
import type { PodInfo } from "../cycle/pod-info.ts";
import type { DeviceRequest } from "./devices.ts";

/** Resources of containers that classes of devices stand for: on a node that has none itself the pod gets a claim of them. Pure. */

type ExtendedStatus = NonNullable<NonNullable<Pod["status"]>["extendedResourceClaimStatus"]>;
type Mapping = ExtendedStatus["requestMappings"][number];

export interface ExtendedClaim {
  /** Looked for devices with; it is in memory only, and its uid nobody's. */
  readonly claim: ResourceClaim;
  /** What is made in its place. */
  readonly draft: Draft<ResourceClaim>;
  /** Which request is for what of which container. */
  readonly mappings: readonly Mapping[];
}

/** Which classes stand for what the pod asks for, by resource. */
export function classesOf(
  { requests }: Pick<PodInfo, "requests">,
  classFor: (resource: string) => DeviceClass | undefined,
): ReadonlyMap<string, string> {
  const asked = Object.keys(requests).filter((name) => (requests[name] ?? 0) > 0);
  return new Map(
    asked.flatMap((name) => {
      const found = classFor(name);
      return found === undefined ? [] : [[name, found.metadata.name] as const];
    }),
  );
}

/** The pod's claim on each node; undefined where the node has all of it itself. */
export function extendedClaims(
  pod: Pod,
  classes: ReadonlyMap<string, string>,
): (node: Pick<NodeInfo, "allocatable">) => ExtendedClaim | undefined {
  const made = new Map<string, ExtendedClaim>();
  return ({ allocatable }) => {
    const lacking = [...classes.keys()].filter((name) => (allocatable[name] ?? 0) === 0).sort();
    if (lacking.length === 0) return undefined;
    const key = lacking.join(" ");
    const claim = made.get(key) ?? claimOf(pod, lacking, classes);
    made.set(key, claim);
    return claim;
  };
}

function claimOf(
  pod: Pod,
  resources: readonly string[],
  classes: ReadonlyMap<string, string>,
): ExtendedClaim {
  const { name, uid, namespace = "" } = pod.metadata;
  const asked = resources.map((resource) => requestsFor(pod, resource, classes.get(resource) ?? ""));
  const requests = asked.flatMap((one) => one.requests).sort((a, b) => (a.name < b.name ? -1 : 1));
  const spec = { devices: { requests } };
  const draft = {
    metadata: {
      namespace,
      generateName: `${name}-extended-resources-`,
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name, uid, controller: true }],
      annotations: { [extendedClaimAnnotation]: "true" },
    },
    spec,
  };
  const claim = {
    apiVersion: "resource.k8s.io/v1",
    kind: "ResourceClaim",
    // No valid name, so that it is nobody's.
    metadata: { namespace, name: "<extended-resources>", uid: `${uid} extended resources` },
    spec,
  } as ResourceClaim;
  return { claim, draft, mappings: asked.flatMap((one) => one.mappings) };
}

interface Asked {
  readonly requests: readonly DeviceRequest[];
  readonly mappings: readonly Mapping[];
}

/** Containers that run side by side get devices each. Those that run before them, one after the other, use what is given to those
 *  after them, and share what they need beyond that. */
function requestsFor({ spec }: Pod, resource: string, deviceClassName: string): Asked {
  const { initContainers = [], containers } = spec;
  const all = [...initContainers, ...containers];
  const ask = (at: number, reusable: readonly (DeviceRequest | undefined)[]) =>
    requestOf(all[at] as Container, { at, resource, deviceClassName, reusable });
  const runsBefore = (container: Container, at: number) =>
    at < initContainers.length && container.restartPolicy !== "Always";
  const lasting = all.map((container, at) => (runsBefore(container, at) ? undefined : ask(at, [])));
  const given = lasting.map((one) => one?.request);
  const passing = all.flatMap((container, at) =>
    runsBefore(container, at) ? [ask(at, given.slice(at))] : [],
  );
  const more = passing.flatMap(({ request }) => request ?? []);
  const most = more.reduce<DeviceRequest | undefined>(
    (best, one) => (best === undefined || countOf(one) > countOf(best) ? one : best),
    undefined,
  );
  const shared = new Set(more.map(({ name }) => name));
  const mappings = passing
    .flatMap((one) => one.mappings)
    .map((one) => (most && shared.has(one.requestName) ? { ...one, requestName: most.name } : one));
  return {
    requests: [...(most === undefined ? [] : [most]), ...given.flatMap((one) => one ?? [])],
    mappings: [...lasting.flatMap((one) => one?.mappings ?? []), ...mappings],
  };
}

const countOf = ({ exactly }: DeviceRequest): number => exactly?.count ?? 0;

interface Asking {
  /** The container's place among those of the pod. */
  readonly at: number;
  readonly resource: string;
  readonly deviceClassName: string;
  /** Requests of others that the container may use, before it has one of its own. */
  readonly reusable: readonly (DeviceRequest | undefined)[];
}

function requestOf(
  { name: containerName, resources = {} }: Container,
  { at, resource, deviceClassName, reusable }: Asking,
): { readonly request?: DeviceRequest; readonly mappings: readonly Mapping[] } {
  const { requests = {} } = resources;
  const count = wholeOf(requests[resource]);
  if (count === 0) return { mappings: [] };
  const map = (requestName: string): Mapping => ({ containerName, resourceName: resource, requestName });
  const mappings: Mapping[] = [];
  let found = 0;
  for (const one of reusable) {
    if (one === undefined) continue;
    found += countOf(one);
    mappings.push(map(one.name));
    if (found >= count) return { mappings };
  }
  const name = `container-${at}-request-${Object.keys(requests).sort().indexOf(resource)}`;
  const exactly = { deviceClassName, allocationMode: "ExactCount", count: count - found };
  return { request: { name, exactly }, mappings: [...mappings, map(name)] };
}

/** Devices are whole: what is not is none. */
function wholeOf(amount: string | undefined): number {
  const nanos = amount === undefined ? 0n : parseNanos(amount);
  return nanos % 1_000_000_000n === 0n ? Number(nanos / 1_000_000_000n) : 0;
}
