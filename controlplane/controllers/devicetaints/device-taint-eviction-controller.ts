import { oncePerMeter } from "../../../base/os/once-per-meter.ts";
import { isNotFound } from "../../../client/api-error.ts";
import type { Informer } from "../../../client/informer.ts";
import { keyOf, keyOfRef } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import { type AllocatedDevice, allocatedDevices, poolKey } from "../../../client/rules/allocated-devices.ts";
import type { DeviceTaint } from "../../../client/rules/device-taints.ts";
import { claimNameOf, isReservedFor } from "../../../client/rules/resource-claims.ts";
import type { Pod, ResourceClaim, ResourceSlice } from "../../../client/types.ts";
import { withCondition } from "../conditions.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { isControlledBy } from "../owners.ts";
import { isFinished } from "../pod-state.ts";
import { timeText } from "../times.ts";
import { deviceEvictionMs } from "./plan-device-eviction.ts";

const slicesByPool = "device-pool";
const claimsByPool = "allocated-pool";

/** Kubernetes' device taint eviction: pods end when the driver of a device that they use says that nobody is to use it. */
export const deviceTaintEvictionController: Controller = {
  name: "device-taint-eviction-controller",
  workers: 10,
  setUp(context, queue) {
    const { informers, clock } = context;
    const pods = informers.informer(resources.pods);
    const claims = informers.informer(resources.resourceclaims);
    const slices = informers.informer(resources.resourceslices);
    slices.addIndex(slicesByPool, ({ spec }) => [poolKey(spec.driver, spec.pool.name)]);
    claims.addIndex(claimsByPool, (claim) =>
      allocatedDevices(claim).map(({ driver, pool }) => poolKey(driver, pool)),
    );
    const metrics = evictionMetrics(context.meter);
    const addUsers = (claim: ResourceClaim) => {
      for (const { apiGroup = "", resource, name } of claim.status?.reservedFor ?? [])
        if (apiGroup === "" && resource === "pods")
          queue.add(keyOfRef({ namespace: claim.metadata.namespace, name }));
    };
    claims.subscribe({ onAdd: addUsers, onUpdate: addUsers });
    const ofSlice = ({ spec }: ResourceSlice) => {
      for (const claim of claims.byIndex(claimsByPool, poolKey(spec.driver, spec.pool.name))) addUsers(claim);
    };
    slices.subscribe({ onAdd: ofSlice, onUpdate: ofSlice, onDelete: ofSlice });
    pods.subscribe({
      onAdd: (pod) => {
        if ((pod.spec.resourceClaims ?? []).length > 0) queue.add(keyOf(pod));
      },
      onUpdate: (next, before) => {
        if (next.spec.nodeName !== before.spec.nodeName && (next.spec.resourceClaims ?? []).length > 0)
          queue.add(keyOf(next));
      },
    });
    return async (key) => {
      const pod = pods.getByKey(key);
      if (pod === undefined || !pod.spec.nodeName || isFinished(pod)) return undefined;
      if (pod.metadata.deletionTimestamp !== undefined) return undefined;
      const used = usedClaims(pod, claims).flatMap(allocatedDevices);
      const atMs = deviceEvictionMs(used, (device) => taintsOf(device, slices));
      if (atMs === undefined) return undefined;
      const inMs = atMs - clock.wallMs();
      if (inMs > 0) return { requeueAfterMs: inMs };
      if (!(await evict(context, pod))) return undefined;
      metrics.deleted.inc();
      metrics.seconds.observe(Math.max(0, clock.wallMs() - atMs) / 1000);
      return undefined;
    };
  },
};

/** Claims that the pod holds: what is another's of the same name does not count. */
function usedClaims(pod: Pod, claims: Informer<ResourceClaim>): readonly ResourceClaim[] {
  const { namespace } = pod.metadata;
  return (pod.spec.resourceClaims ?? []).flatMap((podClaim) => {
    const known = claimNameOf(pod, podClaim);
    const claim = known.kind === "named" ? claims.get({ namespace, name: known.name }) : undefined;
    if (claim === undefined || known.kind !== "named") return [];
    if (known.isGenerated && !isControlledBy(claim, pod)) return [];
    return isReservedFor(claim, pod) ? [claim] : [];
  });
}

/** As the newest generation of its pool says. */
function taintsOf(
  { driver, pool, device }: AllocatedDevice,
  slices: Informer<ResourceSlice>,
): readonly DeviceTaint[] {
  const all = slices.byIndex(slicesByPool, poolKey(driver, pool));
  const newest = Math.max(...all.map(({ spec }) => spec.pool.generation));
  return all
    .filter(({ spec }) => spec.pool.generation === newest)
    .flatMap(({ spec }) => spec.devices ?? [])
    .flatMap(({ name, taints = [] }) => (name === device ? taints : []));
}

/** False: the pod went another way. */
async function evict({ client, recorder, clock }: ControllerContext, pod: Pod): Promise<boolean> {
  const { uid, generation } = pod.metadata;
  recorder.record(pod, {
    type: "Normal",
    reason: "DeviceTaintManagerEviction",
    message: "Marking for deletion",
  });
  const conditions = withCondition(pod.status?.conditions, {
    type: "DisruptionTarget",
    ...(generation !== undefined && { observedGeneration: generation }),
    status: "True",
    reason: "DeletionByDeviceTaintManager",
    message: "Device Taint manager: deleting due to NoExecute taint",
    lastTransitionTime: timeText(clock.wallMs()),
  });
  try {
    await client.updateStatus(resources.pods, { ...pod, status: { ...pod.status, conditions } });
    await client.delete(resources.pods, pod.metadata, { preconditions: { uid } });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

const evictionMetrics = oncePerMeter((meter) => ({
  deleted: meter.counter(
    "device_taint_eviction_controller_pod_deletions_total",
    "[ALPHA] Total number of Pods deleted by DeviceTaintEvictionController since its start.",
  ),
  seconds: meter.histogram(
    "device_taint_eviction_controller_pod_deletion_duration_seconds",
    "[ALPHA] Latency, in seconds, between the time when a device taint effect has been activated and a Pod's deletion via DeviceTaintEvictionController.",
    { buckets: [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30, 60, 120, 180, 240] },
  ),
}));
