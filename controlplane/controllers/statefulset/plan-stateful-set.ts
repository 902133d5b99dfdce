import type {
  Draft,
  PersistentVolumeClaim,
  Pod,
  PodTemplateSpec,
  StatefulSet,
} from "../../../client/types.ts";
import { isAvailable, isReady } from "../pod-state.ts";
import { hasForeignController, isStaleFor, keepsScaled, wantedOwners } from "./claim-owners.ts";
import {
  claimName,
  hasIdentity,
  ordinalOf,
  ordinalRange,
  podName,
  revisionLabel,
  statefulPod,
} from "./stateful-pod.ts";

export type StatefulStatus = NonNullable<StatefulSet["status"]>;

export interface Revision {
  readonly name: string;
  readonly template: PodTemplateSpec;
}

export interface SetObserved {
  readonly set: StatefulSet;
  /** What pods below the partition are made of, and all others. */
  readonly current: Revision;
  readonly update: Revision;
  readonly collisionCount: number;
  /** The set's own. */
  readonly pods: readonly Pod[];
  readonly claim: (name: string) => PersistentVolumeClaim | undefined;
  readonly nowMs: number;
}

/** One after the other; the first that fails ends them. */
export type SetAction =
  /** The claims of an ordinal, as far as there are none. */
  | { readonly action: "create claims"; readonly ordinal: number }
  | { readonly action: "create"; readonly pod: Draft<Pod> }
  | { readonly action: "delete"; readonly pod: Pod }
  | { readonly action: "identify"; readonly pod: Pod; readonly ordinal: number }
  | {
      readonly action: "own claim";
      readonly claim: PersistentVolumeClaim;
      readonly owners: NonNullable<ReturnType<typeof wantedOwners>>;
    }
  | { readonly action: "warn"; readonly claim: string };

export interface SetPlan {
  readonly actions: readonly SetAction[];
  readonly status: StatefulStatus;
}

interface Slot {
  readonly ordinal: number;
  readonly pod: Pod | undefined;
}

/** What brings the set one step on, and its status as it is now. Pure. */
export function planStatefulSet(observed: SetObserved): SetPlan {
  const { set, pods } = observed;
  const { start, end } = ordinalRange(set);
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod) ?? -1, pod]));
  const slots: Slot[] = [];
  for (let ordinal = start; ordinal < end; ordinal++) slots.push({ ordinal, pod: byOrdinal.get(ordinal) });
  const condemned = [...byOrdinal]
    .filter(([ordinal]) => ordinal >= 0 && (ordinal < start || ordinal >= end))
    .sort(([a], [b]) => b - a)
    .map(([, pod]) => pod);
  const actions: SetAction[] = [];
  const filled = fillSlots(observed, slots, actions);
  if (filled) for (const pod of condemned) ownClaims(observed, pod, actions);
  const settled = filled && scaleDown(observed, condemned, actions);
  const rolled = settled ? rollOne(observed, slots) : undefined;
  if (rolled !== undefined) actions.push({ action: "delete", pod: rolled });
  return { actions, status: statusOf(observed, rolled !== undefined) };
}

const isOrdered = ({ spec }: StatefulSet) => spec.podManagementPolicy !== "Parallel";
const isGoing = (pod: Pod) => pod.metadata.deletionTimestamp !== undefined;
const isRunning = (pod: Pod) => pod.status?.phase === "Running" && isReady(pod);

/** False where the set must wait. */
function fillSlots(observed: SetObserved, slots: readonly Slot[], actions: SetAction[]): boolean {
  const ordered = isOrdered(observed.set);
  for (const slot of slots) {
    const waits = fillSlot(observed, slot, actions);
    if (waits && ordered) return false;
  }
  return true;
}

/** Whether those after it must wait for this one, where there is an order. */
function fillSlot(observed: SetObserved, { ordinal, pod }: Slot, actions: SetAction[]): boolean {
  const { set, nowMs } = observed;
  if (pod === undefined) {
    const name = podName(set, ordinal);
    const claims = claimsOf(observed, ordinal);
    if (!keepsScaled(set) && claims.some((claim) => isStaleFor(claim, name))) return true;
    actions.push({ action: "create claims", ordinal });
    actions.push({ action: "create", pod: statefulPod(set, ordinal, revisionFor(observed, ordinal)) });
    return true;
  }
  const phase = pod.status?.phase;
  if (phase === "Failed" || phase === "Succeeded") {
    if (!isGoing(pod)) actions.push({ action: "delete", pod });
    return true;
  }
  if (phase === "Pending") actions.push({ action: "create claims", ordinal });
  const ready = isRunning(pod) && isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs);
  if (isOrdered(set) && (isGoing(pod) || !ready)) return true;
  if (!hasIdentity(pod)) actions.push({ action: "identify", pod, ordinal });
  ownClaims(observed, pod, actions);
  return false;
}

function claimsOf({ set, claim }: SetObserved, ordinal: number): readonly PersistentVolumeClaim[] {
  const found = (set.spec.volumeClaimTemplates ?? []).map((one) => claim(claimName(set, one, ordinal)));
  return found.filter((one) => one !== undefined);
}

/** A pod below the partition is made of the template that it had. */
function revisionFor({ set, current, update }: SetObserved, ordinal: number) {
  const { updateStrategy } = set.spec;
  const { start } = ordinalRange(set);
  const kept =
    updateStrategy?.type === "OnDelete"
      ? 0
      : updateStrategy?.rollingUpdate === undefined
        ? (set.status?.currentReplicas ?? 0)
        : (updateStrategy.rollingUpdate.partition ?? 0);
  const { name, template } = ordinal < start + kept ? current : update;
  return { revision: name, template };
}

function ownClaims(observed: SetObserved, pod: Pod, actions: SetAction[]): void {
  const { set } = observed;
  const ordinal = ordinalOf(set, pod);
  if (ordinal === undefined) return;
  for (const claim of claimsOf(observed, ordinal)) {
    const owners = wantedOwners(claim, { set, pod });
    if (owners === undefined) continue;
    if (hasForeignController(claim, { set, pod }))
      actions.push({ action: "warn", claim: claim.metadata.name });
    actions.push({ action: "own claim", claim, owners });
  }
}

/** The highest ordinal first; where there is an order, one at a time, and none while another one is in trouble. False
 *  where an update must wait for it. */
function scaleDown({ set, nowMs }: SetObserved, condemned: readonly Pod[], actions: SetAction[]): boolean {
  if (!isOrdered(set)) {
    for (const pod of condemned) if (!isGoing(pod)) actions.push({ action: "delete", pod });
    return true;
  }
  const [highest] = condemned;
  if (highest === undefined) return true;
  if (isGoing(highest)) return false;
  const minReady = set.spec.minReadySeconds ?? 0;
  const isTroubled = (pod: Pod) => isGoing(pod) || !isAvailable(pod, minReady, nowMs);
  const lowestTroubled = condemned.findLast(isTroubled);
  const healthy = isRunning(highest) && isAvailable(highest, minReady, nowMs);
  if (healthy || highest === lowestTroubled) actions.push({ action: "delete", pod: highest });
  return false;
}

/** The pod to replace next by one of the new template: from the highest ordinal down to the partition, each once the one
 *  before is available. */
function rollOne({ set, update, nowMs }: SetObserved, slots: readonly Slot[]): Pod | undefined {
  const { updateStrategy } = set.spec;
  if (updateStrategy?.type === "OnDelete") return undefined;
  const partition = updateStrategy?.rollingUpdate?.partition ?? 0;
  for (const { pod } of slots.slice(partition).reverse()) {
    // One that is made only now is not there yet.
    if (pod === undefined) return undefined;
    if (pod.metadata.labels?.[revisionLabel] !== update.name && !isGoing(pod)) return pod;
    if (isGoing(pod) || !isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs)) return undefined;
  }
  return undefined;
}

function statusOf(observed: SetObserved, rolling: boolean): StatefulStatus {
  const { set, current, update, pods, nowMs, collisionCount } = observed;
  const created = pods.filter(({ status }) => status?.phase);
  const ready = created.filter(isRunning);
  const minReady = set.spec.minReadySeconds ?? 0;
  const of = (revision: string) =>
    created.filter((pod) => !isGoing(pod) && pod.metadata.labels?.[revisionLabel] === revision).length;
  const replicas = created.length;
  const updatedReplicas = of(update.name);
  const wanted = set.spec.replicas ?? 1;
  const complete =
    set.spec.updateStrategy?.type !== "OnDelete" &&
    updatedReplicas === wanted &&
    ready.length === wanted &&
    replicas === wanted;
  // The pod that goes for the update counts as gone.
  const currentReplicas = complete ? updatedReplicas : of(current.name) - (rolling ? 1 : 0);
  const { conditions } = set.status ?? {};
  return {
    observedGeneration: set.metadata.generation ?? 0,
    replicas,
    ...(ready.length > 0 && { readyReplicas: ready.length }),
    ...(currentReplicas > 0 && { currentReplicas }),
    ...(updatedReplicas > 0 && { updatedReplicas }),
    currentRevision: complete ? update.name : current.name,
    updateRevision: update.name,
    collisionCount,
    ...(conditions !== undefined && { conditions }),
    availableReplicas: ready.filter((pod) => isAvailable(pod, minReady, nowMs)).length,
  };
}
