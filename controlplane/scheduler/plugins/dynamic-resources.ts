import type { Allocation } from "../../../client/rules/allocated-devices.ts";
import { matchesAnyTerm } from "../../../client/rules/node-selector.ts";
import {
  claimNameOf,
  isExtendedClaim,
  isFullyReserved,
  isReservedFor,
} from "../../../client/rules/resource-claims.ts";
import type { Pod, ResourceClaim } from "../../../client/types.ts";
import type { Handle, PluginFactory } from "../cycle/handle.ts";
import type { NodeInfo } from "../cycle/node-info.ts";
import { highestBest } from "../cycle/normalize.ts";
import type { Refusal } from "../cycle/plugin.ts";
import type { PodInfo } from "../cycle/pod-info.ts";
import type { Allocated } from "../devices/allocate.ts";
import { awaitDevices } from "../devices/await-devices.ts";
import { isLost } from "../devices/binding-conditions.ts";
import {
  deallocate,
  giveBack,
  makeClaim,
  noteExtendedClaim,
  removeClaim,
  reserveClaim,
} from "../devices/claim-writes.ts";
import type { DeviceBook } from "../devices/device-book.ts";
import { classesOf, type ExtendedClaim, extendedClaims } from "../devices/extended-claims.ts";
import { searchLimit } from "../devices/search-limit.ts";
import { partsOf, requestsOf } from "../devices/wanted.ts";

/** A pod's claims of devices, or why they are not to be had yet. */
type PodDevices =
  | {
      /** With their devices: the pod goes where those are. */
      readonly allocated: readonly ResourceClaim[];
      /** That get them with the pod's node. */
      readonly open: readonly ResourceClaim[];
    }
  | { readonly problem: string };

/** Of a request's alternatives, as in Kubernetes' API. */
const alternativesMax = 8;

export interface DynamicResourcesArgs {
  /** How long to look for devices on one node; undefined: as long as `searchLimit` says. */
  readonly filterTimeoutMs?: number;
  /** How long devices may take to get ready for their node, from their allocation. */
  readonly bindingTimeoutMs: number;
}

/** Devices: a pod goes where its claims' devices are, or can be had, and holds them before it is bound. */
export const dynamicResources: PluginFactory = (given, handle) => {
  const { devices, client, clock, later } = handle;
  const { filterTimeoutMs: timeMaxMs, bindingTimeoutMs: timeoutMs } = given as DynamicResourcesArgs;
  const isGone = (claim: ResourceClaim) => isLost(claim, { timeoutMs, nowMs: clock.wallMs() });
  const limit = timeMaxMs === undefined ? searchLimit : { timeMaxMs, nowMs: () => clock.monotonicMs() };
  const plans = new Map<string, Plan>();
  const held = new Map<string, Held>();
  /** The pod's claim on a node of what classes of devices stand for. */
  const extendedOf = (pod: PodInfo) => {
    const classes = classesOf(pod, (resource) => devices.classFor(resource));
    return classes.size === 0 ? undefined : extendedClaims(pod.pod, classes);
  };
  return {
    name: "DynamicResources",
    helpedBy: {
      nodeAdded: () => true,
      nodeChanged: (_pod, { node, before }) =>
        node.metadata.labels !== before.metadata.labels ||
        node.status?.allocatable !== before.status?.allocatable,
      deviceClaimChanged: (pod, { claim, before }) =>
        (before?.status?.allocation !== undefined && claim.status?.allocation === undefined) ||
        (usesClaim(pod, claim) &&
          (before === undefined || JSON.stringify(before.status) !== JSON.stringify(claim.status))),
      deviceClaimRemoved: ({ pod }, { claim }) =>
        claim.status?.allocation !== undefined || (isExtendedClaim(claim) && isOwnedBy(claim, pod)),
      deviceClassChanged: () => true,
      deviceSliceChanged: () => true,
    },
    preEnqueue: (pod) => {
      const claims = claimsOf(pod, devices);
      return "problem" in claims ? claims.problem : undefined;
    },
    prepareFilter: (pod) => {
      const extended = extendedOf(pod);
      if (!hasClaims(pod) && extended === undefined) return undefined;
      const claims = claimsOf(pod, devices);
      const problem = "problem" in claims ? claims.problem : notYet(claims, pod, devices);
      if (problem !== undefined) return { nowhere: problem };
      if ("problem" in claims) return undefined;
      if (claims.allocated.some(isGone)) return { filter: () => unavailable };
      if (extended !== undefined && devices.extendedClaimOf(pod.pod) !== undefined)
        return { filter: () => leftOver };
      return {
        filter: (node) => {
          const open = withExtended(claims.open, extended?.(node));
          return refusalOf({ ...claims, open }, node, (all) => devices.tryOn(all, node, limit));
        },
      };
    },
    postFilter: ({ pod, snapshot }) => {
      const claim = idleClaim(
        pod,
        devices,
        (one) => isGone(one) || snapshot.nodes.some((node) => !isAvailable(one, node)),
      );
      if (claim !== undefined) {
        later(`free the devices of ${claim.metadata.name}`, (signal) => deallocate(client, claim, signal));
        return { outcome: "none", message: "deallocation of ResourceClaim completed", keepsNomination: true };
      }
      const left = extendedOf(pod) && devices.extendedClaimOf(pod.pod);
      if (left === undefined) return undefined;
      later(`take away ${left.metadata.name}`, (signal) => removeClaim(client, left, signal));
      return { outcome: "none", message: "deletion of ResourceClaim completed", keepsNomination: true };
    },
    prepareScore: (pod) => {
      const claims = claimsOf(pod, devices);
      if ("problem" in claims || ![...claims.open, ...claims.allocated].some(hasAlternatives))
        return undefined;
      const extended = extendedOf(pod);
      return {
        score: (node) => {
          const found = devices.tryOn(withExtended(claims.open, extended?.(node)), node, limit);
          const allocations = "allocations" in found ? found.allocations : [];
          const given = claims.open.map((claim, index) => rank(claim, allocations[index]));
          const had = claims.allocated.map((claim) => rank(claim, claim.status?.allocation));
          return [...given, ...had].reduce((sum, one) => sum + one, 0);
        },
        normalize: highestBest,
      };
    },
    reserve: (pod, node) => {
      const claims = claimsOf(pod, devices);
      if ("problem" in claims) return claims.problem;
      const extended = extendedOf(pod)?.(node);
      const open = withExtended(claims.open, extended);
      if (open.length === 0) return undefined;
      const found = devices.tryOn(open, node, limit);
      if ("problem" in found) return found.problem;
      const allocations = new Map<ResourceClaim, Allocation>();
      for (const [index, claim] of open.entries()) {
        const allocation = found.allocations[index];
        if (allocation === undefined) continue;
        devices.assume(claim, allocation);
        allocations.set(claim, allocation);
      }
      plans.set(pod.key, { allocations, extended });
      return undefined;
    },
    unreserve: (pod) => {
      for (const claim of plans.get(pod.key)?.allocations.keys() ?? []) devices.forget(claim);
      plans.delete(pod.key);
      const ours = held.get(pod.key);
      held.delete(pod.key);
      if (ours === undefined) return;
      const { reserved, made } = ours;
      later(`give back the claims of ${pod.key}`, async (signal) => {
        await giveBack(client, pod.pod, reserved, signal);
        if (made === undefined) return;
        await removeClaim(client, made, signal);
        devices.gone(made);
      });
    },
    needsPreBind: (pod) => hasClaims(pod) || plans.has(pod.key),
    preBind: async (pod, node, signal) => {
      const plan = plans.get(pod.key) ?? { allocations: new Map<ResourceClaim, Allocation>() };
      if (!hasClaims(pod) && plan.extended === undefined) return;
      const claims = claimsOf(pod, devices, plan.allocations);
      if ("problem" in claims) throw new Error(claims.problem);
      const ours: Held = { reserved: [], made: undefined };
      held.set(pod.key, ours);
      const all = await takeClaims(handle, pod.pod, { plan, claims, ours, signal });
      await awaitDevices(pod, node, all, { handle, signal, timeoutMs });
    },
    postBind: ({ key }) => {
      plans.delete(key);
      held.delete(key);
    },
  };
};

/** What a pod gets with its node. */
interface Plan {
  /** Claims that get devices with the pod, and which. */
  readonly allocations: ReadonlyMap<ResourceClaim, Allocation>;
  /** Among them, and to be made. */
  readonly extended?: ExtendedClaim | undefined;
}

/** What the API shows as the pod's since it was decided. */
interface Held {
  readonly reserved: ResourceClaim[];
  /** The claim that was made for the pod alone. */
  made: ResourceClaim | undefined;
}

interface Taking {
  readonly plan: Plan;
  readonly claims: Exclude<PodDevices, { problem: string }>;
  /** Is told of each claim as soon as it is the pod's. */
  readonly ours: Held;
  readonly signal: AbortSignal;
}

/** Writes down that the pod has its claims, with their devices; answers all of them. */
async function takeClaims(
  handle: Handle,
  pod: Pod,
  { plan: { allocations, extended }, claims, ours, signal }: Taking,
): Promise<readonly ResourceClaim[]> {
  const { client, devices, clock } = handle;
  const allocationTimestamp = `${new Date(clock.wallMs()).toISOString().slice(0, 19)}Z`;
  const take = async (claim: ResourceClaim, planned: Allocation) => {
    const allocation = { ...planned, allocationTimestamp };
    const written = await reserveClaim(client, claim, pod, { allocation, signal });
    devices.wrote(written);
    return written;
  };
  for (const [claim, planned] of allocations)
    if (claim !== extended?.claim) ours.reserved.push(await take(claim, planned));
  for (const claim of claims.allocated)
    if (!isReservedFor(claim, pod)) ours.reserved.push(await reserveClaim(client, claim, pod, { signal }));
  const all = [...ours.reserved, ...claims.allocated.filter((claim) => isReservedFor(claim, pod))];
  const planned = extended && allocations.get(extended.claim);
  if (extended === undefined || planned === undefined) return all;
  const made = await makeClaim(handle, extended, signal);
  ours.made = made;
  devices.assume(made, planned);
  devices.forget(extended.claim);
  const taken = await take(made, planned);
  await noteExtendedClaim(client, pod, made, { mappings: extended.mappings, signal });
  return [...all, taken];
}

const withExtended = (open: readonly ResourceClaim[], extended: ExtendedClaim | undefined) =>
  extended === undefined ? open : [...open, extended.claim];

const hasClaims = ({ pod }: PodInfo): boolean => (pod.spec.resourceClaims ?? []).length > 0;

const isOwnedBy = ({ metadata }: ResourceClaim, pod: Pod): boolean =>
  (metadata.ownerReferences ?? []).some(({ uid }) => uid === pod.metadata.uid);

function usesClaim({ pod, namespace }: PodInfo, { metadata }: ResourceClaim): boolean {
  if (metadata.namespace !== namespace) return false;
  return (pod.spec.resourceClaims ?? []).some((one) => {
    const known = claimNameOf(pod, one);
    return known.kind === "named" && known.name === metadata.name;
  });
}

/** @param decided Claims whose devices are decided on, though the informer may not show that: they are left out. */
function claimsOf(
  { pod, namespace }: PodInfo,
  devices: DeviceBook,
  decided: ReadonlyMap<ResourceClaim, Allocation> = new Map(),
): PodDevices {
  const allocated: ResourceClaim[] = [];
  const open: ResourceClaim[] = [];
  const uids = new Set([...decided.keys()].map(({ metadata }) => metadata.uid));
  for (const podClaim of pod.spec.resourceClaims ?? []) {
    const known = claimNameOf(pod, podClaim);
    if (known.kind === "unneeded") continue;
    if (known.kind === "unknown")
      return { problem: `pod "${namespace}/${pod.metadata.name}": ResourceClaim not created yet` };
    const { name, isGenerated } = known;
    const claim = devices.claim(namespace, name);
    if (claim === undefined)
      return { problem: `resourceclaim.resource.k8s.io ${JSON.stringify(name)} not found` };
    if (claim.metadata.deletionTimestamp !== undefined)
      return { problem: `resourceclaim ${JSON.stringify(name)} is being deleted` };
    const owner = claim.metadata.ownerReferences?.find(({ controller }) => controller === true);
    if (isGenerated && owner?.uid !== pod.metadata.uid)
      return {
        problem: `ResourceClaim ${namespace}/${name} was not created for Pod ${namespace}/${pod.metadata.name} (Pod is not owner)`,
      };
    if (uids.has(claim.metadata.uid)) continue;
    (claim.status?.allocation === undefined ? open : allocated).push(claim);
  }
  return { allocated, open };
}

/** Why no node is to be looked for: a claim has no room for one more user, another pod gets it its devices, or it asks for what is
 *  not there. */
function notYet(
  { allocated, open }: Exclude<PodDevices, { problem: string }>,
  pod: PodInfo,
  devices: DeviceBook,
): string | undefined {
  if (allocated.some((claim) => isFullyReserved(claim) && !isReservedFor(claim, pod.pod)))
    return "resourceclaim in use";
  for (const claim of open) {
    const { namespace, name } = claim.metadata;
    if (devices.isPending(claim))
      return `resource claim ${namespace}/${name} is in the process of being allocated`;
    for (const request of requestsOf(claim)) {
      const parts = partsOf(request);
      if (parts.length === 0)
        return `resource claim ${namespace}/${name}, request ${request.name}: unknown request type`;
      for (const part of parts) {
        const { main, sub } = part.name;
        const { deviceClassName } = part.request;
        if (devices.deviceClass(deviceClassName) === undefined)
          return `request ${sub === undefined ? main : `${main}/${sub}`}: device class ${deviceClassName} does not exist`;
      }
    }
  }
  return undefined;
}

/** An earlier attempt to bind the pod failed, and what was made for it then is still there. */
const leftOver: Refusal = { reasons: ["cannot schedule extended resource claim"], lasting: true };
const unavailable: Refusal = { reasons: ["resourceclaim not available on the node"], lasting: true };

function refusalOf(
  { allocated, open }: Exclude<PodDevices, { problem: string }>,
  node: NodeInfo,
  tryOn: (open: readonly ResourceClaim[]) => Allocated,
): Refusal | undefined {
  if (!allocated.every((claim) => isAvailable(claim, node))) return unavailable;
  if (open.length === 0) return undefined;
  const found = tryOn(open);
  if ("allocations" in found) return undefined;
  return { reasons: [found.problem], lasting: true, endsCycle: found.isFault };
}

function isAvailable({ status }: ResourceClaim, node: NodeInfo): boolean {
  const terms = status?.allocation?.nodeSelector?.nodeSelectorTerms;
  return terms === undefined || matchesAnyTerm(terms, node);
}

/** A claim of devices that are no use to the pod, and that nobody else uses: others may do. */
function idleClaim(
  pod: PodInfo,
  devices: DeviceBook,
  isUseless: (claim: ResourceClaim) => boolean,
): ResourceClaim | undefined {
  const claims = claimsOf(pod, devices);
  if ("problem" in claims) return undefined;
  return claims.allocated.find(
    (claim) =>
      isUseless(claim) && (claim.status?.reservedFor ?? []).every(({ uid }) => uid === pod.pod.metadata.uid),
  );
}

const hasAlternatives = (claim: ResourceClaim): boolean =>
  requestsOf(claim).some(({ firstAvailable = [] }) => firstAvailable.length > 0);

/** The more, the further ahead in their lists the requests stand that were taken. */
function rank(claim: ResourceClaim, allocation: Allocation | undefined): number {
  const taken = new Set((allocation?.devices?.results ?? []).map(({ request }) => request));
  return requestsOf(claim).reduce((sum, { name, firstAvailable = [] }) => {
    const at = firstAvailable.findIndex((one) => taken.has(`${name}/${one.name}`));
    return at < 0 ? sum : sum + alternativesMax - at;
  }, 0);
}
